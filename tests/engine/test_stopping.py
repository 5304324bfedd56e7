"""Pause, cancel, Ctrl-C, and starts that meet: one run at a time, honest states, nothing left behind."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from reprise.core.job import Control
from tests.harness import is_running, outcome_of, read_until, wait_for

if TYPE_CHECKING:
    from reprise.core.events import Event
    from tests.harness import Home

NEVER_ENDS = "600"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_pauses_and_the_same_command_goes_on(home: Home, number: signal.Signals) -> None:
    home.add_many(40)
    slow = {"PLUGIN_MODELS_SECONDS": "0.2", "REPRISE_COMMIT_SECONDS": "0.1"}
    process = home.start("embed", str(home.music), "--model", "null", **slow)
    read_until(process, "progress")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    paused = outcome_of(process)
    assert paused.code == 130
    assert paused.last["event"] == "job_finished"
    assert paused.last["state"] == "paused"
    assert children
    assert not any(is_running(child) for child in children)
    done = paused.last["operations"]["done"]
    assert 0 < done < 40
    assert home.rows().get("leased", 0) == 0
    resumed = home.embed("--model", "null")
    assert resumed.named("job_started")[0]["resumed"]
    assert resumed.last["job_id"] == paused.last["job_id"]
    assert resumed.last["operations"] == {"total": 40, "done": 40 - done, "skipped": done, "failed": 0}
    home.assert_sound()


def test_a_signal_ends_even_a_child_that_hangs(home: Home) -> None:
    home.add("a", content="hang")
    process = home.start("embed", str(home.music), "--model", "null")
    wait_for(lambda: home.notes("item"))
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert outcome_of(process).code == 130
    assert not any(is_running(child) for child in children)


@pytest.mark.parametrize(("word", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_another_process_stops_a_run(home: Home, word: str, state: str) -> None:
    home.add_many(200)
    slow = {"PLUGIN_MODELS_SECONDS": "0.1", "REPRISE_COMMIT_SECONDS": "0.1"}
    process = home.start("embed", str(home.music), "--model", "null", **slow)
    read_until(process, "progress")
    asked = home.run("jobs", word)
    assert asked.last["running"]
    stopped = outcome_of(process)
    assert stopped.code == 130
    assert stopped.last["state"] == state
    assert stopped.last["operations"]["done"] < 200
    again = home.embed("--model", "null")
    assert again.named("job_started")[0]["resumed"] is (state == "paused")
    assert again.last["state"] == "completed"
    home.assert_sound()


@pytest.mark.parametrize(
    ("moment", "models"),
    [
        ("scan_finished", ("null", "null-b")),
        ("job_started", ("null", "null-b")),
        ("model_loaded", ("null", "null-b")),
        ("progress", ("null", "exclusive")),
        ("model_finished", ("null", "null-b")),
    ],
)
def test_cancel_is_heard_at_any_moment(
    home: Home, moment: str, models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request of another process is played from within, at an exact moment of the run."""
    home.add_many(20)
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.3")  # the catalogue is looked at once a second

    def cancel(event: Event) -> None:
        if event.name == moment:
            with home.app() as app:
                job = app.catalogue().jobs.all(app.owner, 1)[0]
                app.catalogue().jobs.ask(app.owner, job.id, Control.CANCEL)

    flags = {"commit_rows": 5}
    with home.app(**flags) as app:
        ran = home.run_here(*models, on_event=cancel, app=app)
    assert ran.finished.state == "cancelled"
    assert len(ran.named("model_unloaded")) == len(ran.named("model_started"))
    assert sum(home.rows(model).get("leased", 0) for model in models) == 0
    assert len(home.stored()) == home.rows()["vectors"]
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0")
    again = home.run_here(*models)
    assert again.finished.state == "completed"
    home.assert_sound(models)


def test_cancel_and_signals_do_not_wait_for_a_model_that_loads_for_minutes(home: Home) -> None:
    home.add("a")
    for stop in ("cancel", "signal"):
        process = home.start(
            "embed", str(home.music), "--model", "slow-load", PLUGIN_MODELS_LOAD_SECONDS="600"
        )
        read_until(process, "model_started")
        if stop == "cancel":
            home.run("jobs", "cancel")
        else:
            process.send_signal(signal.SIGTERM)
        stopped = outcome_of(process)
        assert stopped.code == 130
        assert stopped.last["state"] == {"cancel": "cancelled", "signal": "paused"}[stop]


def test_a_cancel_that_a_dead_runner_never_heard_does_not_stop_the_next_run(home: Home) -> None:
    home.add_many(10)
    process = home.start("embed", str(home.music), "--model", "null", PLUGIN_MODELS_SECONDS=NEVER_ENDS)
    with process:
        wait_for(lambda: home.notes("item"))
        process.send_signal(signal.SIGSTOP)
        home.run("jobs", "pause")
        process.kill()
        process.communicate()
    assert home.embed("--model", "null").last["state"] == "completed"


def test_of_fifty_starts_at_once_one_runs_and_the_others_say_so(home: Home) -> None:
    home.add_many(20)
    slow = {"PLUGIN_MODELS_SECONDS": NEVER_ENDS, "REPRISE_ITEM_TIMEOUT": NEVER_ENDS}
    processes = [home.start("embed", str(home.music), "--model", "null", **slow) for _ in range(50)]

    def alive() -> list[int]:
        return [place for place, process in enumerate(processes) if process.poll() is None]

    wait_for(lambda: len(alive()) <= 1, seconds=200)
    wait_for(lambda: home.notes("item"))
    runner = processes.pop(alive()[0])
    outcomes = [outcome_of(process) for process in processes]
    assert {outcome.code for outcome in outcomes} == {2}
    assert {outcome.last.get("code") for outcome in outcomes} == {"job_conflict"}
    runner.send_signal(signal.SIGINT)
    assert outcome_of(runner).code == 130
    assert len(home.notes("load")) == 2  # the two processes of the one run
    with home.app() as app:
        assert len(app.catalogue().jobs.all(app.owner, 100)) == 1
    assert home.embed("--model", "null").last["operations"]["done"] == 20
    assert home.stored() == sorted(set(home.stored()))


def test_two_libraries_are_embedded_at_the_same_time(home: Home) -> None:
    home.add_many(10)
    other = home.folder / "other"
    home.add(*(f"o{n}" for n in range(10)), folder=other)
    first = home.start("embed", str(home.music), "--model", "null", PLUGIN_MODELS_SECONDS="2")
    read_until(first, "model_loaded")
    second = home.run("embed", str(other), "--model", "null")
    assert first.poll() is None, "the first run was meant to go on meanwhile"
    assert second.last["operations"]["done"] == 10
    assert outcome_of(first).last["operations"]["done"] == 10
    assert len(home.stored()) == 20
    home.assert_sound()


def test_a_second_job_in_the_same_space_leaves_the_batch_in_hand_of_the_first_alone(home: Home) -> None:
    """Between the store's write and the ledger's, the first job's vectors are known to nobody but itself."""
    home.add_many(10)
    other = home.folder / "other"
    home.add("o", folder=other)
    seen: list[int] = []

    with home.app() as app:
        upsert = app.store.upsert

        def upsert_then_be_overtaken(owner: str, space: str, keys: list[int], vectors: object) -> None:
            upsert(owner, space, keys, vectors)  # type: ignore[arg-type]  # passed on as it came
            if not seen:
                seen.append(len(keys))
                home.run_here("null", music=other)

        app.store.upsert = upsert_then_be_overtaken  # type: ignore[method-assign,assignment]
        ran = home.run_here("null", app=app, flags={"commit_rows": 5})
    assert ran.finished.operations["done"] == 10
    assert len(home.stored()) == 11
    home.assert_sound()


def test_another_selection_replaces_a_paused_job_and_takes_its_work_over(home: Home) -> None:
    home.add_many(30)
    process = home.start("embed", str(home.music), "--model", "null", PLUGIN_MODELS_SECONDS="0.2")
    read_until(process, "model_loaded")
    process.send_signal(signal.SIGINT)
    paused = outcome_of(process)
    told: list[str] = []
    ran = home.run_here("null", "null-b", told=told.append)
    assert ran.finished.job_id != paused.last["job_id"]
    assert "replaces" in told[0]
    assert ran.finished.state == "completed"
    home.assert_sound(("null", "null-b"))


def test_a_file_that_is_deleted_while_its_job_is_paused_is_no_work_any_more(home: Home) -> None:
    paths = home.add_many(20)

    def pause(event: Event) -> None:
        if event.name == "progress":
            with home.app() as app:
                job = app.catalogue().jobs.all(app.owner, 1)[0]
                app.catalogue().jobs.ask(app.owner, job.id, Control.PAUSE)
            time.sleep(1)  # the catalogue is looked at once a second

    with home.app(commit_rows=2, workers=1) as app:
        assert home.run_here("null", on_event=pause, app=app).finished.state == "paused"
    done = home.rows()["done"]
    assert done < 20
    paths[-1].unlink()
    ran = home.run_here("null")
    assert ran.finished.operations == {"total": 19, "done": 19 - done, "skipped": done, "failed": 0}
    assert ran.finished.state == "completed"
