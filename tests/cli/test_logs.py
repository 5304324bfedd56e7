"""``reprise logs``: what a log says, in both of its forms."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reprise.cli.logs import read_log
from reprise.cli.render.log import make_log, server_logged
from reprise.core.events import ItemFailed, ModelUnloaded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_the_server_writes_is_counted(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit = make_log("info", form)
    for n in range(3):
        emit(ItemFailed(job_id="j", model="m", item_id=n, path="a b.mp3", code="timed_out", reason='took "30 s"',
                        cure="", will_retry=True))  # fmt: skip
    emit(ModelUnloaded(job_id="j", model="m"))
    with server_logged("info", form):
        logging.getLogger("reprise.server").warning("cannot listen on the socket: address already in use")
        logging.getLogger("reprise.server").error("the store is not healthy")
    found = read_log(capsys.readouterr().err.splitlines())
    assert found.unreadable == 0
    assert found.levels == {"warning": 4, "info": 1, "error": 1}
    assert found.events["item_failed"] == 3
    assert found.kinds["socket trouble"] == 1
    assert found.kinds["failed health checks"] == 1
    assert found.first <= found.last != ""
    assert found.troubled


def test_a_crash_is_seen_among_lines_that_are_nobodys(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text(
        'Traceback (most recent call last):\n  File x\n{"event": "no level"}\n\xff\xfe\n', "latin-1"
    )
    done = home.run("logs", str(path))
    assert done.code == 1
    assert done.last["found"]["crashes"] == 1
    assert done.last["unreadable"] == 4


def test_a_quiet_log_comes_from_a_pipe(home: Home) -> None:
    line = json.dumps({"level": "info", "event": "model_unloaded", "timestamp": "2026-11-21T10:00:00Z"})
    done = subprocess.run([sys.executable, "-m", "reprise", "logs", "-"], input=line, text=True,
                          capture_output=True, env=home.environment, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "model_unloaded" in done.stdout


def test_a_log_that_is_not_there_is_a_clear_error(home: Home) -> None:
    done = home.run("logs", "nowhere.log")
    assert done.code == 2
    assert "nowhere.log" in done.stderr
