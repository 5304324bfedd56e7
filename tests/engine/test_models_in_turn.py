"""Several models in one job: one in memory at a time, each with its own fate; and the gate before the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness import Home, Ran

FATES = ("model_started", "model_loaded", "model_unloaded", "model_finished")


def steps(ran: Ran) -> list[tuple[str, str]]:
    return [(event.model, event.name) for event in ran.events if event.name in FATES]  # type: ignore[attr-defined]


def states(ran: Ran) -> dict[str, str]:
    return {event.model: event.state for event in ran.named("model_finished")}


def assert_one_at_a_time(home: Home, ran: Ran) -> None:
    """No load happened while a process of another model lived, and each start has its unload before the next."""
    assert all(len(words) == 2 for words in home.notes("load")), home.notes("load")
    resident = ""
    for event in ran.events:
        if event.name == "model_started":
            assert not resident
            resident = event.model  # type: ignore[attr-defined]
        elif event.name == "model_unloaded":
            assert resident == event.model  # type: ignore[attr-defined]
            resident = ""
    assert not resident


def test_three_models_load_run_and_unload_in_the_order_asked_for(home: Home) -> None:
    home.add_many(10)
    models = ("null-b", "exclusive", "null")
    ran = home.run_here(*models)
    assert steps(ran) == [(model, name) for model in models for name in FATES]
    assert_one_at_a_time(home, ran)
    assert ran.finished.operations == {"total": 30, "done": 30, "skipped": 0, "failed": 0}
    home.assert_sound(models)


@pytest.mark.parametrize("broken", ["broken-load", "crash-load", "same-canaries"])
def test_a_model_that_does_not_load_costs_only_itself(home: Home, broken: str) -> None:
    home.add_many(5)
    outcome = home.embed("--model", broken, "--model", "null", "--model", "exclusive")
    assert outcome.code == 1
    assert outcome.last["state"] == "completed_with_errors"
    assert outcome.last["error"].startswith(f"{broken}: ")
    results = {event["model"]: (event["state"], event["done"]) for event in outcome.named("model_finished")}
    assert results == {broken: ("failed", 0), "null": ("finished", 5), "exclusive": ("finished", 5)}
    assert len(outcome.named("model_unloaded")) == 3
    assert home.stored(broken) == []
    [job] = home.run("jobs", "list").events
    assert [(model["model"], model["state"]) for model in job["models"]] == [
        (broken, "failed"),
        ("null", "finished"),
        ("exclusive", "finished"),
    ]


def test_a_job_whose_only_model_does_not_load_has_failed(home: Home) -> None:
    home.add("a")
    outcome = home.embed("--model", "broken-load")
    assert outcome.code == 2
    assert outcome.last["state"] == "failed"
    assert "the weights are not there" in outcome.last["error"]


def test_a_model_that_fails_in_the_middle_is_unloaded_and_the_next_one_runs(home: Home) -> None:
    """Half of the way it gives one vector to all: the gate ends it."""
    home.add_many(20)
    ran = home.run_here("constant", "null")
    assert states(ran) == {"constant": "failed", "null": "finished"}
    assert ran.finished.state == "completed_with_errors"
    assert_one_at_a_time(home, ran)


@pytest.mark.parametrize("seconds", ["0", "0.4"])
def test_a_constant_model_that_passes_its_canaries_stores_nothing(
    home: Home, seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a slow one, whose first vectors are stored before there are enough of them to judge."""
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", seconds)
    home.add_many(20)
    ran = home.run_here("constant", flags={"commit_seconds": 0.5})
    assert ran.finished.state == "failed"
    assert "one and the same vector" in ran.finished.error
    assert home.stored("constant") == []
    assert home.rows("constant") == {"pending": 20, "vectors": 0}
    assert ran.finished.operations["done"] == 0


@pytest.mark.parametrize(("model", "reason"), [("nan", "NaN"), ("zeros", "zero"), ("wrong-shape", "shape")])
def test_unusable_vectors_fail_their_items_and_are_not_stored(home: Home, model: str, reason: str) -> None:
    home.add_many(3)
    ran = home.run_here(model)
    assert ran.finished.state == "completed_with_errors"
    assert ran.finished.operations == {"total": 3, "done": 0, "skipped": 0, "failed": 3}
    assert set(home.failures().values()) == {"bad_vector"}
    assert all(reason in event.reason for event in ran.named("item_failed"))
    assert home.stored(model) == []
    home.assert_sound((model,))


def test_tracks_and_operations_are_counted_apart(home: Home) -> None:
    """B2 and A6: 100 tracks and 3 models; a track that fails in all of them is one failed track."""
    home.add_many(99)
    home.add("odd", content="raise")
    outcome = home.embed("--model", "null", "--model", "null-b", "--model", "null-c")
    started = outcome.named("job_started")[0]
    assert (started["items"], started["operations"]) == (100, 300)
    assert outcome.last["items"] == {"total": 100, "failed": 1}
    assert outcome.last["operations"] == {"total": 300, "done": 297, "skipped": 0, "failed": 3}
    percents = [event["percent"] for event in outcome.named("progress")]
    assert percents == sorted(percents)
    last_of_model = {event["model"]: round(event["percent"]) for event in outcome.named("progress")}
    assert last_of_model == {"null": 33, "null-b": 67, "null-c": 100}
    assert all(event["current"].startswith(f"[{event['model']}] ") for event in outcome.named("progress"))
    home.assert_sound(("null", "null-b", "null-c"))
