"""The main job from end to end, through the command line: what it says, and what an estimate leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness import Home

LAST_LINE = {"event", "job_id", "state", "spec_version", "items", "operations", "seconds"}


def test_a_run_stores_one_vector_per_file_and_its_last_line_says_so(home: Home) -> None:
    home.add_many(30)
    outcome = home.embed("--model", "null")
    assert outcome.code == 0, outcome.stderr
    assert set(outcome.last) >= LAST_LINE
    assert outcome.last["event"] == "job_finished"
    assert outcome.last["state"] == "completed"
    assert outcome.last["items"] == {"total": 30, "failed": 0}
    assert outcome.last["operations"] == {"total": 30, "done": 30, "skipped": 0, "failed": 0}
    assert len(home.stored()) == 30
    assert set(home.computed().values()) == {1}
    home.assert_sound()


def test_an_estimate_counts_what_the_run_then_does_and_leaves_nothing_behind(home: Home) -> None:
    home.add_many(20)
    [before] = home.embed("--model", "null", "--dry-run").named("estimate")
    assert not (home.state / "catalogue.sqlite").exists()
    assert (before["items"], before["to_do"], before["reasons"]) == (20, 20, {"new": 20})
    assert home.embed("--model", "null").last["operations"]["done"] == before["to_do"]
    [after] = home.embed("--model", "null", "--dry-run").named("estimate")
    assert (after["to_do"], after["skipped"], after["seconds"]) == (0, 20, 0.0)
