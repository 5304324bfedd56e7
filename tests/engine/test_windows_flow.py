"""Windows on their way: bounded memory, fair turns, and tracks that are wholly there or not at all."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from reprise.engine.exclusive import ExclusiveEncoding
from tests.engine.test_kill import children_of
from tests.engine.test_windows import assert_right, batches, expected, resized, vectors
from tests.harness import is_running, outcome_of, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from reprise.app import App
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort
    from tests.harness import Home

STOCK = 8 << 20


def app_with_stock(home: Home, stock_bytes: int = STOCK, **flags: object) -> App:
    """An installation whose heavy models may have so little in stock."""
    app = home.app(**flags)
    effort = app.effort

    def small(card: ModelCard, library_id: int) -> Effort:
        return replace(effort(card, library_id), stock_bytes=stock_bytes)

    app.effort = small  # type: ignore[method-assign]
    return app


def at_each_poll(monkeypatch: pytest.MonkeyPatch, look: Callable[[ExclusiveEncoding], object]) -> None:
    poll = ExclusiveEncoding.poll

    def looking(self: ExclusiveEncoding, timeout: float) -> Any:
        look(self)
        return poll(self, timeout)

    monkeypatch.setattr(ExclusiveEncoding, "poll", looking)


def test_a_long_track_waits_for_a_slow_model_in_the_memory_of_the_stock(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """240 MB of windows; and the time for which its decoder waits is not the item's: that would be over."""
    monkeypatch.setenv("PLUGIN_MODELS_WINDOW_KB", "2048")
    monkeypatch.setenv("PLUGIN_MODELS_BATCH_SECONDS", "0.12")
    paths = [*home.add("a-mix", content="x windows=120"), *home.add_many(6, prefix="short")]
    process, seen = psutil.Process(), [0.0]
    before = process.memory_info().rss
    at_each_poll(monkeypatch, lambda _: seen.append(process.memory_info().rss - before))
    app = app_with_stock(home, item_timeout=3.0, timeout_per_audio_second=0.0, batch_size=4, workers=2)
    began = time.monotonic()
    ran = home.run_here("windowed", app=app)
    assert time.monotonic() - began > 4, "longer than the decoder may take"
    assert ran.finished.state == "completed"
    assert ran.named("item_failed") == []
    assert_right(home, paths)
    assert max(seen) < 80 * 2**20, f"the parent grew by {max(seen) / 2**20:.0f} MB"
    keys = [window.split(":")[0] for batch in batches(home) for window in batch]
    mix = max(set(keys), key=keys.count)
    last_of_others = max(place for place, key in enumerate(keys) if key != mix)
    assert last_of_others < 60, "short tracks do not wait for a long one's end"


def test_the_model_is_never_without_a_batch_while_windows_are_in_stock(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_BATCH_SECONDS", "0.05")
    idle = []

    def look(encoding: ExclusiveEncoding) -> None:
        if encoding._stock and not encoding._model.pending:
            idle.append(len(encoding._stock))

    at_each_poll(monkeypatch, look)
    home.add_many(60)
    home.run_here("windowed", flags={"batch_size": 8})
    assert idle == []


def test_decoders_that_are_killed_while_they_wait_cost_nobody_anything(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They die in the middle of a message. One file is shorter by then: no window of its old content gets in."""
    monkeypatch.setenv("PLUGIN_MODELS_WINDOW_KB", "1024")
    monkeypatch.setenv("PLUGIN_MODELS_BATCH_SECONDS", "0.1")
    paths = [path for name in "ab" for path in home.add(name, content="x windows=40")] + home.add_many(3)
    killed: list[int] = []

    def look(encoding: ExclusiveEncoding) -> None:
        first = next(iter(encoding._tracks.values()), None)
        if killed or encoding._listening or first is None or first.heard < 3:
            return
        time.sleep(0.3)  # until all decoders wait with a window that no socket's buffer holds
        paths[0].write_text("changed windows=1 of a")
        for process in encoding._decoders._processes:
            process.process.kill()
            process.process.wait()
            killed.append(process.process.pid)

    at_each_poll(monkeypatch, look)
    ran = home.run_here("windowed", app=app_with_stock(home, batch_size=4, workers=2))
    assert len(killed) == 2
    assert ran.finished.operations == {"total": 5, "done": 5, "skipped": 0, "failed": 0}
    assert ran.named("item_failed") == []
    assert_right(home, paths)
    home.assert_sound(("windowed",))


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("PLUGIN_MODELS_WINDOW_MB", "40", "MB of memory, allowed are 250 with"),
        ("PLUGIN_MODELS_KILLED_ABOVE", "4", "killed, as the system does when memory is short with"),
    ],
    ids=["over the limit", "ended by the system"],
)
def test_a_batch_that_costs_the_process_its_memory_is_halved_for_good(
    home: Home, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    """Growing back as after a MemoryError would cost a loading of the model each time."""
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PLUGIN_MODELS_BATCH_SECONDS", "0.6" if variable.endswith("MB") else "0.02")
    paths = home.add_many(8) if variable.endswith("MB") else home.add_many(50)
    ran = home.run_here("windowed", flags={"batch_size": 8, "worker_memory_mb": 250})
    assert ran.finished.operations["done"] == len(paths)
    assert len(resized(ran)) <= 2, resized(ran)
    assert all(reason in step for step in resized(ran))
    assert len(home.notes("load")) == 1 + len(resized(ran))
    assert_right(home, paths)


def test_ctrl_c_in_the_middle_of_a_long_track_gives_the_leases_back(home: Home) -> None:
    paths = [*home.add("a-mix", content="x windows=600"), *home.add_many(4)]
    slow = {"PLUGIN_MODELS_BATCH_SECONDS": "0.1", "REPRISE_BATCH_SIZE": "4", "REPRISE_COMMIT_SECONDS": "0.1"}
    process = home.start("embed", str(home.music), "--model", "windowed", **slow)
    wait_for(lambda: len(home.notes("batch")) > 8)
    children = children_of(process)
    process.send_signal(signal.SIGINT)
    paused = outcome_of(process)
    assert (paused.code, paused.last["state"]) == (130, "paused")
    assert all_gone(children)
    assert home.rows("windowed").get("leased", 0) == 0
    assert "a-mix" not in vectors(home)
    resumed = home.embed("--model", "windowed")
    assert resumed.named("job_started")[0]["resumed"]
    assert resumed.last["state"] == "completed"
    assert_right(home, paths)
    home.assert_sound(("windowed",))


def goes_on(home: Home, process: subprocess.Popen[str], batches_before: int) -> bool:
    return len(home.notes("batch")) > batches_before or process.poll() is not None


def all_gone(children: list[psutil.Process]) -> bool:
    return not any(is_running(child) for child in children)


def test_after_kill_nine_every_track_is_wholly_there_or_not_at_all(home: Home) -> None:
    chance = random.Random(3)
    paths = [path for n in range(24) for path in home.add(f"t{n:02}", content=f"x windows={1 + n % 7 * 5}")]
    slow = {"PLUGIN_MODELS_BATCH_SECONDS": "0.03", "REPRISE_BATCH_SIZE": "8", "REPRISE_COMMIT_SECONDS": "0.1"}
    by_name = {path.stem: path for path in paths}
    for _ in range(2):
        heard = len(home.notes("batch"))
        process = home.start("embed", str(home.music), "--model", "windowed", **slow)
        with process:
            wait_for(partial(goes_on, home, process, heard))
            time.sleep(chance.uniform(0.05, 0.6))
            children = children_of(process)
            process.kill()
            process.communicate()
        wait_for(partial(all_gone, children))
        for name, vector in vectors(home).items():
            np.testing.assert_allclose(vector, expected(by_name[name]), atol=1e-6, err_msg=name)
    last = home.embed("--model", "windowed")
    assert last.code == 0, last.stderr
    assert_right(home, paths)
    assert len(home.stored("windowed")) == 24
    home.assert_sound(("windowed",))
