"""Two jobs on one library: what a scan found is embedded in the middle of a long backfill; each item exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.plan import Selection
from tests.harness import outcome_of, read_until

if TYPE_CHECKING:
    import subprocess

    from tests.harness import Home

NULL = {"REPRISE_SCAN_MODELS": "null"}


def start(home: Home, *arguments: str) -> subprocess.Popen[str]:
    """A job that has begun and lasts until the gate is opened."""
    gate = {"PLUGIN_MODELS_GATE": str(home.folder / "gate"), "REPRISE_ITEM_TIMEOUT": "600"}
    running = home.start(*arguments, **NULL, **gate)
    read_until(running, "progress")
    return running


def backfill(home: Home) -> subprocess.Popen[str]:
    return start(home, "embed", str(home.music), "--model", "null")


def add_work(home: Home) -> None:
    """Twenty files, of which four are done only when the gate is open."""
    home.add_many(16)
    for number in range(4):
        home.add(f"t9{number:03d}", content=f"gated {number}")


def open_gate(home: Home) -> dict[str, str]:
    (home.folder / "gate").touch()
    return {"PLUGIN_MODELS_GATE": str(home.folder / "gate")}


def assert_counters_equal_the_ledger(home: Home) -> None:
    with home.app() as app:
        for job in app.catalogue().jobs.all("default", 10):
            assert job.counters.finished == job.counters.total
            failed = app.catalogue().ledger.newest_failures("default", job.id, 1000)
            assert len(failed) == job.counters.failed


def test_arrivals_in_the_middle_of_a_backfill_are_done_once_and_by_their_own_job(home: Home) -> None:
    add_work(home)
    running = backfill(home)
    home.add("late1", "late2", "late3")
    home.add("late4", content="raise")
    with home.app(scan_models="null") as app:
        library, _ = app.library_of(home.music)
        app.scan(library, lambda _event: None)
        assert app.to_do(Selection("default", library.id), ["null"]) == 4
    arrivals = home.run("scan", str(home.music), "--embed", "--wait", **NULL)
    assert running.poll() is None
    assert arrivals.last["operations"] == {"total": 24, "done": 3, "skipped": 20, "failed": 1}
    assert not arrivals.named("scan_started")[1:], "the job does not scan again"
    open_gate(home)
    asked = outcome_of(running)
    assert asked.last["operations"] == {"total": 20, "done": 20, "skipped": 0, "failed": 0}
    assert set(home.computed().values()) == {1}
    assert len(home.stored()) == 23
    assert_counters_equal_the_ledger(home)
    with home.app() as app:
        pointer = app.catalogue().spaces.pointer("default", "null")
        assert pointer is not None
        assert pointer.space == home.space()


def test_a_job_that_is_asked_for_leaves_arrivals_theirs(home: Home) -> None:
    add_work(home)
    arrivals = start(home, "scan", str(home.music), "--embed", "--wait")
    home.add("more")
    asked = home.embed("--model", "null")
    assert arrivals.poll() is None
    assert asked.last["operations"] == {"total": 21, "done": 1, "skipped": 20, "failed": 0}
    open_gate(home)
    assert outcome_of(arrivals).last["operations"]["done"] == 20
    assert set(home.computed().values()) == {1}
    assert len(home.stored()) == 21
    assert_counters_equal_the_ledger(home)


def test_what_a_dead_job_left_open_is_taken_over(home: Home) -> None:
    add_work(home)
    running = backfill(home)
    running.kill()
    outcome_of(running)
    done = len(home.stored())
    assert 0 < done < 20
    arrivals = home.run("scan", str(home.music), "--embed", "--wait", **NULL, **open_gate(home))
    assert arrivals.last["operations"] == {"total": 20, "done": 20 - done, "skipped": done, "failed": 0}
    resumed = home.embed("--model", "null")
    assert resumed.last["operations"] == {"total": 20, "done": 0, "skipped": 20, "failed": 0}
    assert len(home.stored()) == 20
    assert_counters_equal_the_ledger(home)
