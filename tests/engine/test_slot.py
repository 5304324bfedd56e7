"""One heavy model on the device at a time, whatever process asks; a search goes before a job."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from reprise.errors import ModelError
from reprise.runners.locks import FileLocks
from reprise.runners.slot import FileSlot
from tests.harness import outcome_of, read_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home


def test_a_job_gives_way_to_a_search_and_comes_back(home: Home) -> None:
    home.add_many(30)
    slow = {"PLUGIN_MODELS_SECONDS": "0.1", "REPRISE_COMMIT_SECONDS": "0.1"}
    job = home.start("embed", str(home.music), "--model", "exclusive", **slow)
    read_until(job, "progress")
    with home.app() as app, app.installed.slot.first(30.0):
        first, loads = len(home.computed("exclusive")), len(home.notes("load"))
        time.sleep(0.6)
        assert len(home.notes("load")) == loads, "nothing loads while the search has the device"
        assert len(home.computed("exclusive")) == first
    outcome = outcome_of(job)
    assert outcome.code == 0
    assert outcome.last["operations"] == {"total": 30, "done": 30, "skipped": 0, "failed": 0}
    assert len(outcome.named("model_loaded")) == 1, (
        "loaded once more, after the first one that was read above"
    )
    home.assert_sound(("exclusive",))


def test_two_jobs_with_heavy_models_take_turns_and_a_light_one_does_not_wait(home: Home) -> None:
    home.add_many(6)
    other = home.folder / "other"
    home.add("a", "b", folder=other)
    light = home.folder / "light"
    home.add("c", folder=light)
    with home.app() as app, app.installed.slot.first(30.0):
        jobs = [
            home.start("embed", str(folder), "--model", model)
            for folder, model in ((home.music, "exclusive"), (other, "exclusive-b"), (light, "null"))
        ]
        assert outcome_of(jobs.pop()).code == 0
        assert home.notes("batch") == []
    assert [outcome_of(job).code for job in jobs] == [0, 0]
    assert all(len(words) == 2 for words in home.notes("load") if words[0] != "null"), home.notes("load")


def test_a_job_that_waits_for_the_device_can_be_paused(home: Home) -> None:
    home.add_many(3)
    with home.app() as app, app.installed.slot.first(30.0):
        job = home.start("embed", str(home.music), "--model", "exclusive")
        read_until(job, "model_started")
        job.terminate()
        assert outcome_of(job).last["state"] == "paused"


def test_a_search_does_not_wait_for_ever(tmp_path: Path) -> None:
    slot = FileSlot(FileLocks(tmp_path))
    with slot.first(1.0), pytest.raises(ModelError, match="busy"), FileSlot(FileLocks(tmp_path)).first(0.2):
        raise AssertionError("two searches have the device")


def test_searches_come_one_after_the_other(tmp_path: Path) -> None:
    inside: list[int] = []

    def search() -> None:
        with FileSlot(FileLocks(tmp_path)).first(20.0):
            inside.append(1)
            assert sum(inside) == 1
            time.sleep(0.02)
            inside.append(-1)

    searches = [threading.Thread(target=search) for _ in range(5)]
    for thread in searches:
        thread.start()
    for thread in searches:
        thread.join(30.0)
    assert inside == [1, -1] * 5
