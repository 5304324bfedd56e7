"""Every command as a person and as a script sees it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import PATIENCE_SECONDS, TRACKS, Reprise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Studio

COMMANDS = ("embed", "similar", "search", "path", "radio", "map", "status", "jobs", "errors", "explain", "libraries", "models", "spaces", "settings",
            "doctor")  # fmt: skip
GROUPS = {
    "jobs": ("list", "show", "pause", "resume", "cancel", "retry"),
    "libraries": ("add", "remove"),
    "spaces": ("rollback", "activate", "verify", "drop"),
}
ALL = [(name,) for name in COMMANDS] + [(group, name) for group, names in GROUPS.items() for name in names]
HEAVY = ("numpy", "scipy", "av", "rich", "sqlalchemy", "alembic", "zvec", "structlog", "tinytag", "torch")


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_help_explains_and_shows_an_example(reprise: Reprise, command: tuple[str, ...]) -> None:
    told = reprise(*command, "--help").out
    assert "Usage: reprise" in told
    assert "Example:" in told or command == ("jobs",)
    assert f"reprise {' '.join(command)}" in told.partition("Example:")[2] or command == ("jobs",)
    if command != ("jobs",):
        assert "--json" in told
        assert "--owner" in told
    assert not reprise.home.exists()


def test_the_help_lists_every_command_and_imports_nothing_heavy(reprise: Reprise) -> None:
    told = reprise("--help").out
    assert all(f"\n  {name} " in told for name in COMMANDS)
    assert "Example:" in told
    probe = (
        "import sys; from reprise.cli.main import main\n"
        "try: main(['--help'])\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_version_is_told(reprise: Reprise) -> None:
    from reprise import __version__

    assert reprise("--version").out.strip() == f"reprise, version {__version__}"


@pytest.mark.parametrize(
    "command",
    [
        ("status",), ("jobs", "list"), ("jobs", "show"), ("errors",), ("explain", "One"), ("libraries",), ("models",),
        ("spaces",), ("spaces", "verify"), ("settings",), ("doctor",), ("similar", "One"), ("jobs", "retry"),
        ("embed", "--dry-run"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_json_is_one_object_per_line_and_nothing_else(studio: Studio, command: tuple[str, ...]) -> None:
    folder = [studio.music] if command[0] == "embed" else []
    result = studio.reprise(*command, *folder, "--json")
    assert result.lines or command == ("errors",)
    assert result.err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("embed", "--no-such-option"), ("embed", "--workers", "many"), ("similar",), ("similar", "One", "-n", "0"),
        ("nonsense",), ("jobs", "nonsense"), ("libraries", "remove", "x"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_arguments_are_told_to_people_and_to_scripts(
    reprise: Reprise, arguments: tuple[str, ...]
) -> None:
    told = reprise(*arguments, code=2)
    assert told.out == ""
    assert "Error: " in told.err
    error = reprise(*arguments, "--json", code=2).event("error")
    assert error["code"] == "usage"
    assert error["message"]
    assert not reprise.home.exists()


def test_an_unknown_model_is_refused_with_the_allowed_ones_and_no_job(studio: Studio) -> None:
    for command in (("embed", studio.music), ("similar", "One"), ("embed", studio.music, "--dry-run")):
        told = studio.reprise(*command, "--model", "accoustic", "--json", code=2).event("error")
        assert told["code"] == "unknown_model"
        assert "acoustic" in told["message"] + told["cure"]
    told = studio.reprise(
        "embed", studio.music, "--model", "acoustic", "--model", "x", "--json", code=2
    ).event("error")
    assert "acoustic" in told["message"] + told["cure"]
    assert len(studio.reprise("jobs", "list", "--json").lines) == 1


def test_an_unknown_model_makes_no_state_folder(reprise: Reprise, tracks: Path) -> None:
    reprise("embed", tracks, "--model", "x", code=2)
    assert not reprise.home.exists()


def test_a_model_named_twice_runs_once(studio: Studio) -> None:
    result = studio.embed("--force", "--model", "acoustic", "--model", "acoustic")
    assert result.event("job_started")["models"] == ["acoustic"]
    assert result.event("job_finished")["operations"]["total"] == 6


def test_similar_finds_its_track_by_every_name(studio: Studio, tmp_path: Path) -> None:
    path = studio.music / "Amber/two.flac"
    link = tmp_path / "link"
    link.symlink_to(studio.music, target_is_directory=True)
    here = Reprise(studio.reprise.home, cwd=studio.music / "Amber")
    item = studio.reprise.ids["Amber/two.flac"]
    names: list[object] = [path, "Amber/two.flac", link / "Amber/two.flac", "Two", "two", "amber two", item]
    answers = [studio.reprise("similar", name, "--json").lines for name in names]
    answers.append(here("similar", "two.flac", "--json").lines)
    answers.append(here("similar", "../Amber/two.flac", "--json").lines)
    assert all(answer == answers[0] for answer in answers)
    scores = [line["score"] for line in answers[0]]
    assert scores == sorted(scores, reverse=True)
    assert [line["place"] for line in answers[0]] == [1, 2, 3, 4, 5]
    assert item not in {line["item_id"] for line in answers[0]}
    assert all(os.path.exists(line["path"]) for line in answers[0])


def test_an_ambiguous_title_lists_the_candidates(studio: Studio, render: Callable[..., Path]) -> None:
    render(studio.music / "Cyan/a.flac", 11, title="Two", artist="[red]Cyan[/red]")
    studio.embed()
    told = studio.reprise("similar", "Two", code=2)
    assert "fits several tracks" in told.err
    assert "Amber - Two" in told.err
    assert "[red]Cyan[/red] - Two" in told.err
    assert "cure: name one by its id" in told.err
    assert studio.reprise("similar", "Amber Two", "--json").lines
    assert studio.reprise("similar", "Amber - Two", "--json").lines
    shown = studio.reprise("similar", "Amber Two", "-n", 10).out
    assert "[red]Cyan[/red] - Two" in shown


def test_an_unknown_track_is_refused_with_a_cure(studio: Studio) -> None:
    for name in ("no such song", "999999", str(studio.music / "Amber/nine.mp3"), "%"):
        error = studio.reprise("similar", name, "--json", code=2).event("error")
        assert error["code"] == "not_found"
        assert error["cure"]


def test_a_track_that_is_not_embedded_says_how_to_learn_why(studio: Studio) -> None:
    (studio.music / "broken.mp3").write_bytes(b"\x00" * 5000)
    studio.embed(code=1)
    error = studio.reprise("similar", "broken", "--json", code=2).event("error")
    assert "not embedded" in error["message"]
    assert "reprise explain" in error["cure"]
    why = studio.reprise(*error["cure"].partition("reprise ")[2].split()).out
    assert "failed: not_audio" in why


def test_a_playlist_can_be_loaded(studio: Studio) -> None:
    lines = studio.reprise("similar", "One", "-n", 3, "--m3u").out.splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[1] == "#EXTINF:2,Amber - One"
    assert lines[2] == str(studio.music / "Amber/one.mp3")
    assert len(lines) == 1 + 2 * 4
    assert all(os.path.isfile(line) for line in lines if not line.startswith("#"))


def test_tables_are_readable_at_80_columns(studio: Studio) -> None:
    for command in (("status",), ("jobs", "list"), ("jobs", "show"), ("libraries",), ("models",), ("spaces",),
                    ("settings",), ("similar", "One")):  # fmt: skip
        code, shown = on_a_terminal(studio.reprise, *command)
        assert code == 0
        lines = [line for line in shown.splitlines() if "config.toml" not in line]  # a path stays whole
        assert max(map(len, lines)) <= 80, command
        assert not re.search(r"acoustic-(?![0-9a-f]{12}\b)", shown), "names of spaces are whole"
        assert not re.search(r"20\d\d-(?!\d\d-\d\d( \d\d:\d\d|\b))", shown), "moments are whole"


def test_explain_says_why(studio: Studio, render: Callable[..., Path]) -> None:
    told = studio.reprise("explain", "One").out
    assert "acoustic: done" in told
    assert "not computed again" in told
    facts = studio.reprise("explain", "One", "--json").lines[0]
    assert facts["models"][0]["up_to_date"] is True
    assert facts["fingerprint_inputs"]["acoustic"]["model"] == "acoustic"
    (studio.music / "Amber/one.mp3").unlink()
    studio.embed()
    assert "its embeddings are kept" in studio.reprise("explain", facts["item_id"]).out


def test_jobs_are_listed_shown_and_counted(studio: Studio) -> None:
    studio.embed("--force")
    jobs = studio.reprise("jobs", "list", "--json").lines
    assert [job["state"] for job in jobs] == ["completed", "completed"]
    assert [job["operations"]["done"] for job in jobs] == [6, 6]
    newest = studio.reprise("jobs", "show", "--json").lines[0]
    assert newest == jobs[0]
    assert studio.reprise("jobs", "show", jobs[1]["job_id"][:6], "--json").lines[0] == jobs[1]
    assert len(studio.reprise("jobs", "list", "-n", 1, "--json").lines) == 1
    assert studio.reprise("jobs", "show", "zzzz", "--json", code=2).event("error")["code"] == "not_found"
    for verb in ("pause", "resume", "cancel"):
        assert "no such job" in studio.reprise("jobs", verb, code=2).err
        assert "is completed" in studio.reprise("jobs", verb, jobs[0]["job_id"], code=2).err


def test_nothing_to_retry_says_so(studio: Studio) -> None:
    assert studio.reprise("jobs", "retry").out == "no such failure: nothing to retry\n"
    assert studio.reprise("jobs", "retry", "--json").lines == [{"event": "nothing_failed"}]


def test_retry_tries_again_what_failed(studio: Studio, tracks: Path) -> None:
    path = studio.music / "later good.wav"
    path.write_bytes(b"")
    studio.embed(code=1)
    again = studio.reprise("jobs", "retry", "--code", "empty_file", "--json", code=1)
    assert again.event("job_finished")["operations"]["failed"] == 1
    assert studio.reprise("jobs", "retry", "--code", "silent", "--json").lines == [
        {"event": "nothing_failed"}
    ]
    path.write_bytes((tracks / "Blue/six.wav").read_bytes())
    mended = studio.reprise("jobs", "retry", "--json")
    assert mended.done == 1
    assert studio.reprise("errors").out == "nothing failed\n"


def many(studio: Studio, count: int) -> None:
    """More tracks than one process can do before anybody has typed another command."""
    studio.reprise.settings["workers"] = "1"
    content = (studio.music / "Blue/six.wav").read_bytes()
    (studio.music / "Many").mkdir()
    for number in range(count):
        changed = bytearray(content)
        for place in range(100, 130):
            changed[2 * (place + number) + 1] ^= 0x20
        (studio.music / f"Many/{number:04}.wav").write_bytes(changed)


def begin(studio: Studio, *arguments: str) -> subprocess.Popen[str]:
    """A run under way: the first progress has been told."""
    process = subprocess.Popen(
        [*studio.reprise.command, "embed", studio.music, "--json", *arguments],
        env=studio.reprise.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    return process


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    last: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert last["event"] == "job_finished"
    return last


def test_interrupt_pauses_and_the_same_command_goes_on(studio: Studio) -> None:
    many(studio, 300)
    studio.reprise.settings["commit_seconds"] = "0.1"
    process = begin(studio)
    process.send_signal(signal.SIGINT)
    paused = end(process)
    assert process.returncode == 130
    assert paused["state"] == "paused"
    assert 0 < paused["operations"]["done"] < 300
    assert studio.reprise("jobs", "list", "--json").lines[0]["state"] == "paused"
    again = studio.embed()
    assert again.event("job_started")["resumed"] is True
    assert again.done + paused["operations"]["done"] == 300
    assert again.event("job_finished")["job_id"] == paused["job_id"]


def test_another_process_pauses_resumes_and_cancels(studio: Studio) -> None:
    many(studio, 1500)
    studio.reprise.settings["commit_seconds"] = "0.1"
    process = begin(studio)
    conflict = studio.embed(code=2).event("error")
    assert conflict["code"] == "job_conflict"
    asked = studio.reprise("jobs", "pause", "--json").lines[0]
    assert (asked["control"], asked["running"]) == ("pause", True)
    assert end(process)["state"] == "paused"
    assert process.returncode == 130
    job = asked["job_id"]
    assert "is cancelled now" in studio.reprise("jobs", "cancel", job).out
    assert "is cancelled" in studio.reprise("jobs", "resume", job, code=2).err
    process = begin(studio)
    studio.reprise("jobs", "pause")
    assert end(process)["state"] == "paused"
    resumed = studio.reprise("jobs", "resume", "--json")
    assert resumed.event("job_finished")["state"] == "completed"
    assert len(studio.reprise.ids) == 1506


def test_a_killed_run_is_told_apart_and_resumed(studio: Studio) -> None:
    many(studio, 300)
    studio.reprise.settings["commit_seconds"] = "0.1"
    process = begin(studio)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert studio.reprise("jobs", "list", "--json").lines[0]["state"] == "interrupted"
    notes = [line for line in studio.reprise("doctor", "--json").lines if line["check"].startswith("job ")]
    assert "jobs resume" in notes[0]["cure"]
    assert studio.reprise("jobs", "resume", "--json").event("job_finished")["state"] == "completed"
    assert studio.reprise("spaces", "verify", "--json").lines[0]["vectors"] == 306


def test_a_reader_that_leaves_early_is_no_error(studio: Studio) -> None:
    for command in (("settings",), ("settings", "--json"), ("similar", "One"), ("similar", "One", "--m3u")):
        process = subprocess.Popen(
            [*studio.reprise.command, *command],
            env=studio.reprise.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        process.stderr.close()
        assert process.wait(PATIENCE_SECONDS) in {0, 1}
        assert told == ""


def test_doctor_finds_a_healthy_house_healthy(studio: Studio) -> None:
    findings = {line["check"]: line for line in studio.reprise("doctor", "--json").lines}
    assert all(line["good"] is not False for line in findings.values())
    assert {"version", "state folder", "disk", "decoder", "models", "catalogue", "library 1"} <= set(findings)
    assert any(check.startswith("space acoustic-") for check in findings)
    studio.reprise.settings["wrokers"] = "3"
    note = {line["check"]: line for line in studio.reprise("doctor", "--json").lines}["environment"]
    assert note["fact"] == "REPRISE_WROKERS sets nothing"
    assert note["cure"] == "did you mean REPRISE_WORKERS?"


def test_doctor_finds_what_is_broken_and_the_cure_works(studio: Studio) -> None:
    stored = [path for path in (studio.reprise.home / "spaces").rglob("*") if path.is_file()]
    rows = max(stored, key=lambda path: path.stat().st_size)
    rows.unlink()
    broken = studio.reprise("doctor", "--json", code=1).lines
    faults = [line for line in broken if line["good"] is False]
    assert len(faults) == 1
    assert faults[0]["cure"]
    assert "FAULT" in studio.reprise("doctor", code=1).out
    studio.music.rename(studio.music.with_name("away"))
    away = studio.reprise("doctor", "--json", code=1).lines
    assert any("is not there" in line["fact"] for line in away)


def on_a_terminal(reprise: Reprise, *arguments: object) -> tuple[int, str]:
    """Run on a pseudo-terminal of 80 columns; returns the exit code and what was shown, without colours."""
    leader, follower = pty.openpty()
    environment = {**reprise.environment(), "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [*reprise.command, *map(str, arguments)],
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 1.0)[0]:
            try:
                part = os.read(leader, 65_536)
            except OSError:  # Linux says so when the last writer is gone
                break
            if not part:
                break
            shown += part
    os.close(leader)
    return process.wait(PATIENCE_SECONDS), re.sub(
        r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode("utf-8", "replace")
    )


def test_the_bar_shows_model_track_operations_items_and_failures(reprise: Reprise, tmp_path: Path,
                                                                 render: Callable[..., Path]) -> None:  # fmt: skip
    music = tmp_path / "music"
    for seed in range(5):
        render(music / f"{seed}.wav", seed, seconds=20, artist="[red]Artist[/red]", title=f"Title {seed}")
    (music / "bad.mp3").write_bytes(b"")
    reprise.settings["commit_seconds"] = "0"
    code, shown = on_a_terminal(reprise, "embed", music)
    assert code == 1
    assert "[acoustic] [red]Artist[/red] - Title" in shown
    assert "6/6 operations" in shown
    assert "6 items" in shown
    assert "1 failed" in shown
    assert "failed: bad.mp3: 0 bytes" in shown
    assert "6 items × 1 model = 6 operations, 6 to do" in shown


def test_a_terminal_shows_why_a_job_failed(reprise: Reprise, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    code, shown = on_a_terminal(reprise, "embed", tmp_path / "music")
    assert code == 2
    assert "there is no audio in" in shown
    assert "cure: name the folder that holds the music" in shown


def test_tracks_are_named_by_the_paths_that_the_fixture_promises(studio: Studio) -> None:
    assert set(studio.reprise.ids) == set(TRACKS)


def test_a_job_that_fails_says_why_and_ends_with_its_last_line(reprise: Reprise, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "notes.txt").write_text("no audio")
    result = reprise.embed(tmp_path / "music", code=2)
    error, last = result.lines[-2:]
    assert (error["event"], error["code"]) == ("error", "library")
    assert (last["event"], last["state"]) == ("job_finished", "failed")
    assert last["error"] == error["message"]


def test_ctrl_c_is_heard_while_the_folder_is_scanned(reprise: Reprise, tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(4000):
        (music / f"{number}.mp3").touch()
    command = [*reprise.command, "embed", str(music), "--json"]
    with subprocess.Popen(command, env=reprise.environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "scan_started":
                process.send_signal(signal.SIGINT)
        last = json.loads(line)
    assert (last["event"], last["state"], process.returncode) == ("job_finished", "paused", 130)


def test_the_log_is_quiet_by_default_and_structured_when_asked_for(studio: Studio) -> None:
    reprise = studio.reprise
    with closing(sqlite3.connect(next((reprise.home / "spaces").glob("*.sqlite")))) as vectors:
        vectors.execute("UPDATE vector SET data = zeroblob(LENGTH(data)) WHERE key = 1")
        vectors.commit()
    quiet = reprise("similar", 2, "--json")
    assert (len(quiet.lines), quiet.err) == (4, "")
    reprise.settings.update(log_level="info", log_format="json")
    [record] = [json.loads(line) for line in reprise("similar", 2, "--json").err.splitlines()]
    assert (record["level"], record["source"]) == ("warning", "reprise.stores.embedded.matrix")
    records = [json.loads(line) for line in studio.embed().err.splitlines()]
    assert {"scan_finished", "job_started", "job_finished"} <= {record["event"] for record in records}
    reprise.settings["log_format"] = "text"
    assert "event=job_finished" in studio.embed().err
