"""A library of files that are broken in every way: each costs itself, and what is healthy among them is done."""

from __future__ import annotations

import subprocess
import sys
from typing import IO, TYPE_CHECKING

from tests.odd.library import QUICK, odd_library
from tests.odd.reading import FLAGS, READERS, read

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from reprise.app import App
    from tests.harness import Home
    from tests.odd.reading import Findings


def test_odd_files_cost_themselves_only(home: Home) -> None:
    found = {}
    with odd_library(home.folder / "odd", QUICK) as library, home.app(**FLAGS) as app:
        for name in READERS:
            found[name] = read(name, app, library.music, library.films)
    for name, findings in found.items():
        assert not findings.faults, (name, findings.faults)
        assert (findings.jobs_ended, findings.processes_left, findings.handles_left) == (0, 0, 0), findings
        assert findings.done + findings.failed.total() >= findings.tried, findings
    assert found["scan"].tried == library.music_files + library.problems
    assert found["videos"].tried == library.film_files
    for name in ("embed acoustic", "embed plug-in", "analyze"):
        assert found[name].tried == library.music_files
        assert found[name].done > 20
        assert len(found[name].failed) > 3


def test_what_must_not_be_is_seen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that loses a handle and a process, and fails what is healthy."""
    lost: list[IO[bytes] | subprocess.Popen[bytes]] = []

    def careless(_app: App, music: Path, findings: Findings) -> None:
        lost.append((music / "a").open("rb"))
        lost.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        findings.fail("healthy/a.mp3", "not_audio", "no sound", "-")
        findings.fail("odd/a.mp3", "not_audio", "", "-")

    home.music.joinpath("a").touch()
    monkeypatch.setitem(READERS, "careless", careless)
    try:
        with home.app() as app:
            findings = read("careless", app, home.music, home.music)
    finally:
        for one in lost:
            if isinstance(one, subprocess.Popen):
                one.communicate()
            else:
                one.close()
    assert findings.processes_left == 1
    assert findings.handles_left >= 1
    assert len(findings.faults) == 2
