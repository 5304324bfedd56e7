"""The commands as a user has them: processes of their own, ended by signals too."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.harness import outcome_of, read_until
from tests.rename.stage import contents

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home, Outcome


@pytest.fixture
def planned(home: Home) -> Path:
    """Forty files and a plan to rename them."""
    home.add_many(40)
    plan = home.folder / "new.plan"
    assert (
        home.run(
            "rename", "plan", str(home.music), "--template", "new {filename}", "--output", str(plan)
        ).code
        == 0
    )
    return plan


def session_of(outcome: Outcome) -> str:
    return str(outcome.named("rename_started")[0]["session_id"])


def rows_of(home: Home, *arguments: str) -> list[dict[str, object]]:
    process = home.start("rename", "list", *arguments)
    with process:
        out, _ = process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def test_apply_list_undo(home: Home, planned: Path) -> None:
    before = contents(home.music)
    applied = home.run("rename", "apply", str(planned))
    assert (applied.code, applied.last["state"], applied.last["done"]) == (0, "done", 40)
    assert len(applied.named("rename_progress")) == 40
    assert set(contents(home.music)) == {f"new {name}" for name in before}
    session = session_of(applied)
    assert [row["state"] for row in rows_of(home)] == ["done"]
    assert {row["state"] for row in rows_of(home, session, "--limit", "0")} == {"moved"}
    undone = home.run("rename", "undo")
    assert (undone.code, undone.last["state"]) == (0, "undone")
    assert contents(home.music) == before
    again = home.run("rename", "undo")
    assert (again.code, again.last["code"]) == (2, "not_found")
    assert home.run("rename", "undo", session).code == 0


def test_some_rows_then_what_failed(home: Home, planned: Path) -> None:
    (home.music / "new t0001.mp3").write_text("in the way")
    applied = home.run("rename", "apply", str(planned), "--only", "0-2")
    assert (applied.code, applied.last["state"], applied.last["total"]) == (1, "done_with_errors", 3)
    failed = rows_of(home, session_of(applied)[:5], "--failed")
    assert [(row["old"], row["code"]) for row in failed] == [("t0001.mp3", "name_taken")]
    assert (home.music / "new t0001.mp3").read_text() == "in the way"
    assert home.run("rename", "apply", str(planned), "--only", "x").code == 2


def test_ctrl_c_stops_after_the_file_in_hand_and_the_same_command_goes_on(home: Home, planned: Path) -> None:
    process = home.start("rename", "apply", str(planned), REPRISE_RENAME_BATCH="1")
    read_until(process, "rename_progress")
    process.send_signal(signal.SIGINT)
    stopped = outcome_of(process)
    if stopped.code == 0:
        pytest.skip("it was through before the signal came")
    assert (stopped.code, stopped.last["state"]) == (130, "cancelled")
    assert stopped.last["done"] == sum(name.startswith("new") for name in contents(home.music))
    went_on = home.run("rename", "apply", str(planned))
    assert (went_on.code, went_on.last["done"]) == (0, 40)
    assert went_on.named("rename_progress")[0]["done"] == stopped.last["done"] + 1


@pytest.mark.parametrize("how", ["--finish", "--roll-back"])
def test_killed_listed_and_recovered(home: Home, planned: Path, how: str) -> None:
    before = contents(home.music)
    process = home.start("rename", "apply", str(planned), REPRISE_RENAME_BATCH="5")
    event = read_until(process, "rename_progress")
    process.send_signal(signal.SIGKILL)
    with process:
        process.communicate()
    assert sorted(contents(home.music).values()) == sorted(before.values())
    [listed] = rows_of(home)
    if listed["state"] == "done":
        pytest.skip("it was through before the kill came")
    assert (listed["session_id"], listed["state"]) == (event["session_id"], "interrupted")
    recovered = home.run("rename", "recover", how)
    assert recovered.code == 0
    assert recovered.last["state"] == ("done" if how == "--finish" else "undone")
    names = {f"new {name}" for name in before} if how == "--finish" else set(before)
    assert set(contents(home.music)) == names
    assert home.run("rename", "recover", how).code == 2


def test_what_cannot_be_said_is_refused(home: Home, planned: Path) -> None:
    assert home.run("rename", "recover").code == 2
    assert home.run("rename", "apply", str(home.folder / "no.plan")).last["code"] == "bad_plan"
    planned.write_bytes(planned.read_bytes()[:-100])
    assert home.run("rename", "apply", str(planned)).last["code"] == "bad_plan"
    assert home.run("rename", "references", "x.m3u", "--in-place", "--output", "y").code == 2


def test_references_with_a_plan_and_later(home: Home, planned: Path) -> None:
    playlist = home.folder / "set.m3u8"
    playlist.write_text("music/t0001.mp3\nmusic/t0002.mp3\n")
    applied = home.run("rename", "apply", str(planned), "--references", str(playlist))
    assert applied.code == 0
    [told] = applied.named("references")
    assert (told["changed"], told["output"]) == (2, os.fspath(home.folder / "set.renamed.m3u8"))
    assert (home.folder / "set.renamed.m3u8").read_text() == "music/new t0001.mp3\nmusic/new t0002.mp3\n"
    assert home.run("rename", "references", str(playlist), "--in-place").code == 0
    home.run("rename", "undo")
    assert (
        home.run("rename", "references", str(playlist), "--in-place").named("references")[0]["changed"] == 2
    )
    assert playlist.read_text() == "music/t0001.mp3\nmusic/t0002.mp3\n"
    assert home.run("rename", "references", str(home.folder / "x.doc")).code == 1
