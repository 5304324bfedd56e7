"""Odd files, odd folders: each costs itself only, with one row that says the reason and the cure."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import stat
import subprocess
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.demo.encode import write_audio
from tests.cli.conftest import PATIENCE_SECONDS, Reprise, Result, tune
from tests.disks import fill, small_disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Studio

id3: Any = importlib.import_module("mutagen.id3")  # it has no types

AS_ROOT = os.geteuid() == 0
ENDLESS_HOURS = 0.03
"""What the tests allow as the longest sound: 108 seconds."""

GOOD = (
    b"good.mp3",
    b"Folder/good.flac",
    b"a flac.mp3",
    b"8 channels.flac",
    b"lying tags.mp3",
    b"caf\xe9 \xff.wav",
    b"two\nlines.wav",
    b"-n.wav",
)
BAD = {
    "empty.mp3": "empty_file",
    "cut.flac": "truncated",
    "cut.mp3": "truncated",
    "picture.mp3": "not_audio",
    "text.flac": "not_audio",
    "no sound.wav": "too_short",
    "one sample.wav": "too_short",
    "silent.wav": "silent",
    "endless.flac": "too_long",
    "locked.wav": "unreadable",
    "vanishes.wav": "vanished",
}


@pytest.fixture(scope="session")
def bound_by_permissions() -> tuple[str, ...]:
    """What to put before a command so that permission bits bind it, which they do not bind root."""
    if os.geteuid() != 0:
        return ()
    rights = "-dac_override,-dac_read_search"
    prefix = ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")
    if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("root ignores permissions, and there is no setpriv to give that right up")
    return prefix


def write_good(folder: Path, raw: Callable[[bytes], Path]) -> None:
    (folder / "Folder").mkdir()
    write_audio(raw(b"good.mp3"), tune(1), 22_050)
    write_audio(raw(b"Folder/good.flac"), tune(2), 22_050)
    os.rename(write_audio(folder / "flac.flac", tune(3), 22_050), raw(b"a flac.mp3"))
    loud = np.repeat(tune(4, 2.0, 96_000)[:, None], 8, axis=1)
    write_audio(raw(b"8 channels.flac"), loud, 96_000)
    write_audio(raw(b"lying tags.mp3"), tune(5), 22_050)
    tags = id3.ID3()
    tags.add(id3.TLEN(encoding=3, text="86400000"))
    tags.add(id3.TIT2(encoding=3, text="[red]Lies[/red]"))
    tags.save(raw(b"lying tags.mp3"))
    for seed, name in enumerate((b"caf\xe9 \xff.wav", b"two\nlines.wav", b"-n.wav"), 6):
        os.rename(write_audio(folder / "plain.wav", tune(seed), 22_050), os.fsencode(folder) + b"/" + name)


def write_bad(folder: Path) -> None:
    (folder / "empty.mp3").touch()
    for name, seed in (("cut.flac", 20), ("cut.mp3", 21)):
        whole = write_audio(folder / name, tune(seed, 6.0), 22_050)
        os.truncate(whole, whole.stat().st_size // 2)
    (folder / "picture.mp3").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 50)
    (folder / "text.flac").write_text("this is no music\n" * 200)
    with wave.open(str(folder / "no sound.wav"), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", "not compressed"))
    write_audio(folder / "one sample.wav", np.full((1, 1), 0.5, np.float32), 22_050)
    write_audio(folder / "silent.wav", np.zeros((66_150, 1), np.float32), 22_050)
    write_audio(folder / "endless.flac", tune(22, ENDLESS_HOURS * 3600 + 30, 8000), 8000)
    write_audio(folder / "locked.wav", tune(23), 22_050).chmod(0)
    write_audio(folder / "vanishes.wav", tune(24), 22_050)


def embed_while_it_vanishes(reprise: Reprise, music: Path) -> Result:
    """The last file in path order goes once it was seen, while the model has yet to be loaded."""
    process = subprocess.Popen(
        [*reprise.command, "embed", music, "--json"],
        env=reprise.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    out = ""
    for line in process.stdout:
        out += line
        if json.loads(line)["event"] == "scan_finished":
            (music / "vanishes.wav").unlink()
    err = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    return Result(process.wait(PATIENCE_SECONDS), out, err)


@dataclass(frozen=True)
class OddLibrary:
    music: Path
    reprise: Reprise
    first: Result


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, bound_by_permissions: tuple[str, ...]) -> OddLibrary:
    """A library of everything that can be wrong with a file, embedded once."""
    folder = tmp_path_factory.mktemp("odd")
    music = folder / "music"
    music.mkdir()

    def raw(name: bytes) -> Path:
        return Path(os.fsdecode(os.fsencode(music) + b"/" + name))

    write_good(music, raw)
    write_bad(music)
    limits = {"max_audio_hours": str(ENDLESS_HOURS)}
    reprise = Reprise(folder / "home", limits, prefix=bound_by_permissions)
    return OddLibrary(music, reprise, embed_while_it_vanishes(reprise, music))


def test_odd_files_do_not_keep_good_ones_from_being_done(odd: OddLibrary) -> None:
    assert odd.first.code == 1, odd.first.err
    finished = odd.first.event("job_finished")
    assert finished["state"] == "completed_with_errors"
    total = len(GOOD) + len(BAD)
    assert finished["operations"] == {"total": total, "done": len(GOOD), "skipped": 0, "failed": len(BAD)}
    assert finished["items"] == {"total": total, "failed": len(BAD)}
    done = {path for (path,) in odd.reprise.read(
        "SELECT i.path FROM items i JOIN ledger l ON l.item_id = i.id WHERE l.state = 'done'"
    )}  # fmt: skip
    assert done == set(GOOD)


def test_each_odd_file_has_one_event_at_the_end_with_reason_and_cure(odd: OddLibrary) -> None:
    final = [line for line in odd.first.lines if line["event"] == "item_failed" and not line["will_retry"]]
    assert {line["path"]: line["code"] for line in final} == BAD
    assert len(final) == len(BAD)
    assert all(line["reason"] and line["cure"] for line in final)


def test_errors_lists_one_row_for_each_with_reason_and_cure(odd: OddLibrary) -> None:
    odd.reprise.embed(odd.music, code=1)
    rows = odd.reprise("errors", "--json").lines
    expected = {name: code for name, code in BAD.items() if name != "vanishes.wav"}  # gone by now
    assert {row["path"]: row["code"] for row in rows} == expected
    assert len(rows) == len(expected)
    assert all(row["event"] == "failure" and row["reason"] and row["cure"] for row in rows)
    table = odd.reprise("errors").out
    for name, code in expected.items():
        assert name in table
        assert f"\n{code}: " in table
    only = odd.reprise("errors", "--code", "silent", "--json").lines
    assert [row["path"] for row in only] == ["silent.wav"]


def test_explain_tells_the_reason_and_the_cure(odd: OddLibrary) -> None:
    told = odd.reprise("explain", odd.music / "cut.flac").out
    assert "failed: truncated" in told
    assert "restore the file from a backup" in told
    facts = odd.reprise("explain", odd.music / "silent.wav", "--json").lines[0]
    assert facts["models"][0]["why"].startswith("failed: silent")
    assert facts["models"][0]["cure"]


def test_a_second_run_computes_nothing_again_and_still_says_that_some_failed(odd: OddLibrary) -> None:
    again = odd.reprise.embed(odd.music, code=1)
    assert again.done == 0
    assert again.event("job_finished")["operations"]["failed"] == len(BAD) - 1
    tried = {line["path"] for line in again.lines if line["event"] == "item_failed"}
    assert tried <= {"locked.wav"}, "only what may have been mended is looked at again"


def test_broken_and_broken_up_names_are_shown_and_found(odd: OddLibrary) -> None:
    for name in (b"caf\xe9 \xff.wav", b"two\nlines.wav", b"-n.wav"):
        path = os.fsencode(odd.music) + b"/" + name
        found = odd.reprise("similar", "--json", "--", path).lines
        assert len(found) == len(GOOD) - 1
    shown = odd.reprise("similar", odd.music / "good.mp3", "-n", 20).out
    assert "[red]Lies[/red]" in shown
    assert "two\nlines" not in shown
    playlist = odd.reprise("similar", odd.music / "good.mp3", "-n", 20, "--m3u")
    raw = playlist.out.encode("utf-8", "surrogateescape")
    assert os.fsencode(odd.music) + b"/caf\xe9 \xff.wav\n" in raw
    assert "line break" in playlist.err
    entries = [line for line in raw.splitlines() if not line.startswith(b"#")]
    assert all(os.path.exists(entry) for entry in entries)
    assert len(entries) == len(GOOD) - 1


def test_what_is_dismissed_counts_no_more(odd: OddLibrary) -> None:
    item = odd.reprise("explain", odd.music / "silent.wav", "--json").lines[0]["item_id"]
    assert odd.reprise("errors", "--dismiss", "--item", item).out == "1 dismissed\n"
    assert odd.reprise.embed(odd.music, code=1).event("job_finished")["operations"]["failed"] == len(BAD) - 2
    assert odd.reprise("errors", "--dismiss", "--json").lines == [
        {"event": "dismissed", "count": len(BAD) - 1}
    ]
    clean = odd.reprise.embed(odd.music, code=0)
    assert clean.event("job_finished")["operations"]["failed"] == 0
    assert odd.reprise("errors").out == "nothing failed\n"
    assert len(odd.reprise("errors", "--dismissed", "--json").lines) == len(BAD) - 1
    retried = odd.reprise("jobs", "retry", "--code", "silent", "--json", code=None)
    assert retried.code in {0, 1}


def test_an_unreadable_folder_is_told_and_hides_nothing_for_good(
    studio: Studio, bound_by_permissions: tuple[str, ...]
) -> None:
    music, reprise = studio.music, replace(studio.reprise, prefix=bound_by_permissions)
    shutil.copy2(music / "Blue/six.wav", music / "Amber-last.wav")
    reprise.embed(music)
    (music / "Amber-last.wav").unlink()
    (music / "Amber").chmod(0)
    try:
        result = reprise.embed(music, code=1)
        assert result.scan == {"missing": 1, "problems": 1}
        problem = reprise("errors", "--json").event("scan_problem")
        assert (problem["code"], problem["path"]) == ("unreadable", str(music / "Amber"))
        assert problem["cure"]
        assert "reprise errors" in reprise("embed", music, code=1).err
    finally:
        (music / "Amber").chmod(stat.S_IRWXU | stat.S_IROTH | stat.S_IXOTH)
    again = reprise.embed(music)
    assert (again.scan, again.done) == ({}, 0)


def test_a_library_that_may_not_be_read_is_refused(
    tmp_path: Path, bound_by_permissions: tuple[str, ...]
) -> None:
    music = tmp_path / "locked"
    music.mkdir(mode=0)
    refused = Reprise(tmp_path / "home", prefix=bound_by_permissions).embed(music, code=2).event("error")
    assert refused["code"] == "library"
    assert "permission denied" in refused["message"].lower()
    assert refused["cure"]


def test_a_state_folder_that_may_not_be_written_is_refused(
    tracks: Path, tmp_path: Path, bound_by_permissions: tuple[str, ...]
) -> None:
    reprise = Reprise(tmp_path / "home", prefix=bound_by_permissions)
    reprise.home.mkdir(mode=0o555)
    refused = reprise.embed(tracks, code=2).event("error")
    assert str(reprise.home) in refused["message"]
    assert refused["cure"]
    assert list(reprise.home.iterdir()) == []
    checked = reprise("doctor", "--json", code=1).lines
    assert any(line["check"] == "state folder" and line["good"] is False for line in checked)


def test_a_missing_folder_is_refused(reprise: Reprise, tmp_path: Path) -> None:
    refused = reprise("embed", tmp_path / "nowhere", code=2)
    assert "does not exist" in refused.err
    assert "cure:" in refused.err
    assert refused.out == ""
    assert not reprise.home.exists()


def test_a_file_instead_of_a_folder_is_refused(reprise: Reprise, tracks: Path) -> None:
    assert "is a file" in reprise("embed", tracks / "Blue/six.wav", code=2).err
    assert not reprise.home.exists()


def test_a_folder_without_audio_is_refused(reprise: Reprise, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").write_text("hello")
    refused = reprise.embed(tmp_path / "letters", code=2)
    assert "no audio" in refused.event("error")["message"]


@pytest.mark.long
def test_a_quiet_file_of_two_hours_is_done(reprise: Reprise, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    write_audio(tmp_path / "music/set.flac", 0.01 * tune(1, 7200, 8000), 8000)
    assert reprise.embed(tmp_path / "music").done == 1


@pytest.mark.parametrize("leave", [0, 64 * 1024, 300 * 1024])
def test_a_full_disk_is_said_and_the_job_goes_on_after_space_is_freed(
    tracks: Path, tmp_path: Path, leave: int
) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        reprise = Reprise(disk / "home")
        music = tmp_path / "music"
        shutil.copytree(tracks, music)
        fill(disk / "ballast", leave)
        refused = reprise.embed(music, code=2)
        error = refused.event("error")
        assert error["code"] == "disk_full", error
        assert "space" in error["cure"]
        os.truncate(disk / "ballast", 0)
        again = reprise.embed(music)
        assert again.event("job_finished")["state"] == "completed"
        assert reprise("spaces", "verify", "--json").lines[0]["good"]
        assert reprise("spaces", "verify", "--json").lines[0]["vectors"] == 6
        assert reprise.read("PRAGMA integrity_check") == [("ok",)]
