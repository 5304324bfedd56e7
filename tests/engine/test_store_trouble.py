"""What the store does, or fails to do, and what a run makes of it."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.errors import StoreError
from reprise.search.similar import similar
from tests.disks import fill, small_disk

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.events import Event
    from tests.harness import Home, Ran


def failing(*_arguments: Any) -> Any:
    raise StoreError("told to fail")


def test_a_space_that_cannot_be_made_fails_the_job_before_the_first_item(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B1: the message names the space, and what is there goes on serving."""
    home.add_many(10)
    home.run_here("versioned")
    old, before = home.space("versioned"), home.computed("versioned")
    monkeypatch.setenv("PLUGIN_MODELS_EPOCH", "2")
    events: list[Event] = []
    with home.app() as app:
        monkeypatch.setattr(app.store, "create", failing)
        home.run_here("versioned", app=app, on_event=events.append)
    assert home.computed("versioned") == before
    error, last = (event.as_dict() for event in events[-2:])
    assert (error["event"], error["code"]) == ("error", "store")
    assert re.fullmatch(r"the space versioned-[0-9a-f]{12} cannot be made: told to fail", error["message"])
    assert (last["event"], last["state"], last["error"]) == ("job_finished", "failed", error["message"])
    with home.app() as app:
        item = app.catalogue().items.get(app.owner, [1])[1]
        found = similar(app.catalogue(), app.store, app.owner, item, "versioned", 5)
        assert found.space == old.name
        assert len(found.matches) == 5


def test_a_store_that_fails_in_the_middle_fails_the_job_and_loses_no_item(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_many(10)
    with home.app() as app:
        monkeypatch.setattr(app.store, "upsert", failing)
        assert home.run_here("null", app=app).finished.state == "failed"
    with home.app() as app:
        [job] = app.catalogue().jobs.all(app.owner, 10)
    assert (job.state, job.error) == ("failed", "told to fail")
    assert home.rows() == {"pending": 10, "vectors": 0}
    ran = home.run_here("null")
    assert ran.finished.operations == {"total": 10, "done": 10, "skipped": 0, "failed": 0}
    home.assert_sound()


@pytest.mark.parametrize("leave_kb", [400, 600, 800])
def test_a_disk_that_fills_up_in_the_middle_costs_no_vector(
    home: Home, tmp_path: Path, leave_kb: int
) -> None:
    """What was committed stays, and the same command does the rest, whenever the room ran out."""
    items = 3000
    home.add_many(items)
    with small_disk(tmp_path / "disk", 24) as disk:
        state = {"REPRISE_HOME": str(disk / "state"), "REPRISE_COMMIT_ROWS": "25"}
        home.embed(
            "--model", "null", "--since", "2999-01-01", **state
        )  # the tables stand, nothing is embedded
        fill(disk / "ballast", leave=leave_kb * 1024)
        full = home.embed("--model", "null", **state)
        assert (full.code, full.last["state"]) == (2, "failed")
        assert full.named("error")[0]["code"] == "disk_full"
        kept = full.last["operations"]["done"]
        assert 0 <= kept < items
        os.truncate(disk / "ballast", 0)
        rest = home.embed("--model", "null", **state)
        assert (rest.code, rest.last["operations"]["done"]) == (0, items - kept)
        assert home.run("spaces", "verify", **state).last["vectors"] == items


def test_vectors_are_written_in_batches(home: Home) -> None:
    """B9: as many calls as there are full batches and ticks of the clock, at most."""
    home.add_many(300)
    calls: list[int] = []
    with home.app() as app:
        upsert = app.store.upsert

        def counting(owner: str, space: str, keys: Any, vectors: Any) -> None:
            calls.append(len(keys))
            upsert(owner, space, keys, vectors)

        app.store.upsert = counting  # type: ignore[method-assign]
        ran = home.run_here("null", app=app)
    assert sum(calls) == 300
    assert len(calls) <= math.ceil(300 / 1000) + ran.finished.seconds / 1.0 + 1


def test_a_rerun_changes_nothing(home: Home) -> None:
    """B10."""
    home.add_many(20)
    home.run_here("null")
    first = home.stored()
    for _ in range(2):
        ran = home.run_here("null")
        assert ran.finished.operations == {"total": 20, "done": 0, "skipped": 20, "failed": 0}
        assert not ran.named("model_started")
    assert home.stored() == first
    assert set(home.computed().values()) == {1}


def test_vectors_lost_behind_our_back_are_computed_again_and_strange_ones_go(home: Home) -> None:
    home.add_many(20)
    home.run_here("null")
    space, keys = home.space(), home.stored()
    with home.app() as app:
        strange = app.store.get(app.owner, space.name, keys[:1])[keys[0]]
        app.store.delete(app.owner, space.name, keys[3:6])
        app.store.upsert(app.owner, space.name, [9_999], strange.reshape(1, -1))
    assert home.run_here("null").finished.operations["done"] == 3
    assert home.stored() == keys
    home.assert_sound()


@pytest.mark.long
def test_fifty_runs_in_one_process_leak_no_handle_and_no_child(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B3, over ends of every kind."""
    home.add_many(4)
    monkeypatch.setenv("REPRISE_WORKERS", "1")
    me = psutil.Process()

    def cycle(number: int) -> Ran:
        models = [("null",), ("broken-load",), ("crash-load", "null"), ("null", "null-b")][number % 4]
        home.add(f"new{number}")
        return home.run_here(*models, flags={"workers": 1})

    cycle(0), cycle(1), cycle(2), cycle(3)
    handles = me.num_fds()
    for number in range(50):
        cycle(number)
    assert me.num_fds() <= handles
    assert me.children() == []
