"""kill -9 anywhere: at most the batch in hand is computed twice, nothing is lost, nothing is stored twice."""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.catalog.ledger import SqlLedger
from reprise.search.serving import serving_space
from tests.harness import is_running, wait_for

if TYPE_CHECKING:
    import subprocess

    from tests.harness import Home, Outcome

ITEMS = 150
SECONDS_PER_ITEM = "0.02"  # with two processes a run of all items takes 1.5 s
PACE = {"REPRISE_COMMIT_SECONDS": "0.1", "PLUGIN_MODELS_SECONDS": SECONDS_PER_ITEM}


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def killed_after(home: Home, seconds: float, *arguments: str, **variables: str) -> int:
    """Start a run and kill it; returns how many items were leased at the moment of its death."""
    process = home.start("embed", str(home.music), *arguments, **PACE, **variables)
    with process:
        time.sleep(seconds)
        children = children_of(process)
        process.kill()
        process.communicate()
    wait_for(lambda: not any(is_running(child) for child in children))
    return leased(home)


def leased(home: Home) -> int:
    if not (home.state / "catalogue.sqlite").exists():
        return 0
    with home.app() as app:
        spaces = app.catalogue().spaces.all(app.owner)
        return sum(app.catalogue().ledger.counts(app.owner, space.id).get("leased", 0) for space in spaces)


def percent(home: Home) -> tuple[str, float]:
    """The latest job and how far it is."""
    with home.app() as app:
        jobs = app.catalogue().jobs.all(app.owner, 1)
        return (jobs[0].id, jobs[0].percent) if jobs else ("", 0.0)


def assert_only_finished_jobs_are_followed(seen: dict[str, list[float]]) -> None:
    """A kill is resumed by the same job; on a quick machine all may be done before the last kill: a new job."""
    ends = [reached[-1] for job, reached in seen.items() if job]
    assert all(end == 100.0 for end in ends[:-1]), f"a new job began before the old one was done: {seen}"


def finish(home: Home, *arguments: str, **variables: str) -> Outcome:
    outcome = home.embed(*arguments, REPRISE_COMMIT_SECONDS="0.1", **variables)
    assert outcome.code == 0, outcome.stderr
    return outcome


def test_a_run_that_is_killed_fourteen_times_stores_every_row_once(home: Home) -> None:
    chance = random.Random(1)
    home.add_many(ITEMS)
    in_hand = 0
    seen: dict[str, list[float]] = {}
    for _ in range(14):
        in_hand += killed_after(home, chance.uniform(0.4, 1.8), "--model", "null")
        if (home.state / "catalogue.sqlite").exists():
            job, reached = percent(home)
            seen.setdefault(job, []).append(reached)
    last = finish(home, "--model", "null")
    assert all(reached == sorted(reached) for reached in seen.values()), f"percent went back: {seen}"
    assert_only_finished_jobs_are_followed(seen)
    assert last.last["operations"]["failed"] == 0
    assert last.last["operations"]["total"] == ITEMS
    before = seen.get(last.last["job_id"], [0.0])[-1]
    assert all(event["percent"] >= before - 0.01 for event in last.named("progress"))
    computed = home.computed()
    assert len(computed) == ITEMS
    assert computed.total() - ITEMS <= in_hand, "more was computed twice than was in hand at the kills"
    assert len(home.stored()) == ITEMS
    home.assert_sound()


def test_a_new_spec_that_is_killed_six_times_fills_while_the_old_one_serves(home: Home) -> None:
    chance = random.Random(2)
    home.add_many(ITEMS)
    finish(home, "--model", "versioned")
    old = home.space("versioned")
    for _ in range(6):
        killed_after(home, chance.uniform(0.4, 1.5), "--model", "versioned", PLUGIN_MODELS_EPOCH="2")
        with home.app() as app:
            serving = serving_space(app.catalogue(), app.owner, "versioned")
            assert serving.name == old.name or home.rows("versioned")["vectors"] == ITEMS
            assert app.store.count(app.owner, old.name) == ITEMS
    finish(home, "--model", "versioned", PLUGIN_MODELS_EPOCH="2")
    new = home.space("versioned")
    assert new.name != old.name
    assert new.state == "active"
    home.assert_sound(("versioned",))


@pytest.mark.parametrize("place", ["after the vectors, before the ledger", "after the ledger"])
def test_a_death_at_either_side_of_the_commit_costs_one_batch_at_most(
    home: Home, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The two moments that random kills hardly ever meet, played in this process."""

    class Death(BaseException):
        pass

    commit = SqlLedger.commit

    def dying(self: SqlLedger, *arguments: Any) -> Any:
        if place == "after the ledger":
            commit(self, *arguments)
        raise Death

    def without_release(*_arguments: Any) -> None: ...

    home.add_many(20)
    with monkeypatch.context() as patch:
        patch.setattr(SqlLedger, "commit", dying)
        patch.setattr(SqlLedger, "release", without_release)
        with pytest.raises(Death):
            home.run_here("null", flags={"commit_rows": 5})
    resumed = home.run_here("null")
    assert resumed.named("job_started")[0].resumed
    assert resumed.finished.operations["total"] == 20
    assert len(home.stored()) == 20
    home.assert_sound()


@pytest.mark.parametrize("word", ["sound", "hang"])
def test_no_child_outlives_a_killed_parent(home: Home, word: str) -> None:
    home.add("a", "b", content=word)
    process = home.start("embed", str(home.music), "--model", "null", PLUGIN_MODELS_SECONDS="600")
    with process:
        wait_for(lambda: home.notes("item"))
        children = children_of(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert len(children) >= 2
    wait_for(lambda: not any(is_running(child) for child in children), seconds=10)


def test_attempts_of_dead_runners_end_in_failure_only_for_the_item_that_kills(home: Home) -> None:
    """An item whose process takes the runner with it is tried alone at last, and then given up."""
    home.add_many(6)
    home.add("z-killer")

    class Death(BaseException):
        pass

    def death_at_the_killer(app: Any) -> None:
        lease = app.catalogue().ledger.lease

        def leasing(*arguments: Any) -> Any:
            operations = lease(*arguments)
            if any(operation.path == b"z-killer.mp3" for operation in operations):
                raise Death
            return operations

        app.catalogue().ledger.lease = leasing
        app.catalogue().ledger.release = lambda *_: None

    for _ in range(30):
        with home.app() as app:
            app.library_of(home.music)
            death_at_the_killer(app)
            try:
                ran = home.run_here("null", app=app)
                break
            except Death:
                continue
    else:
        pytest.fail("the run never came to its end")
    assert ran.finished.operations["failed"] == 1
    assert ran.finished.operations["total"] == 7
    assert home.failures() == {"z-killer": "runner_lost"}
    home.assert_sound()


def test_threads_of_this_process_are_not_left_behind(home: Home) -> None:
    home.add("a")
    before = threading.active_count()
    home.run_here("null")
    assert threading.active_count() == before
