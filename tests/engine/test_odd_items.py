"""Items that crash, hang, eat memory or upset the model cost themselves only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprise.core.plan import Operation
from reprise.engine.desk import Desk, Effort

if TYPE_CHECKING:
    from tests.harness import Home

LIMITS = {"item_timeout": 1.0, "worker_memory_mb": 250}
CODES = {
    "crash": "worker_crashed",
    "hang": "timed_out",
    "hog": "memory_exceeded",
    "raise": "model_failed",
    "encode-crash": "worker_crashed",
    "encode-hang": "timed_out",
    "encode-raise": "model_failed",
    "encode-memory": "memory_exceeded",
    "encode-nan": "bad_vector",
}
RETRYABLE = {"worker_crashed", "timed_out", "memory_exceeded"}


@pytest.mark.parametrize("model", ["null", "exclusive"])
@pytest.mark.parametrize("word", CODES)
def test_only_the_odd_item_fails_with_its_reason(home: Home, model: str, word: str) -> None:
    home.add_many(12)
    home.add("m-odd", content=word)
    seconds = 1.0 if word.endswith("hang") else 30.0
    ran = home.run_here(model, flags={**LIMITS, "item_timeout": seconds, "max_attempts": 2})
    assert ran.finished.operations == {"total": 13, "done": 12, "skipped": 0, "failed": 1}
    assert home.failures() == {"m-odd": CODES[word]}
    told = [(Path(event.path).stem, event.will_retry) for event in ran.named("item_failed")]
    tries = [True, False] if CODES[word] in RETRYABLE else [False]
    assert told == [("m-odd", again) for again in tries]
    assert all(event.cure for event in ran.named("item_failed"))
    home.assert_sound((model,))


def test_a_failure_with_unchanged_content_is_not_tried_again_by_itself(home: Home) -> None:
    """Also after crashes and time-outs: what the process had read of the content before is known."""
    for word in ("crash", "hang", "raise"):
        home.add(f"odd-{word}", content=word)
    home.run_here("null", flags={**LIMITS, "max_attempts": 1})
    before = home.computed()
    ran = home.run_here("null", flags=LIMITS)
    assert home.computed() == before
    assert ran.finished.state == "completed_with_errors"
    assert ran.finished.operations == {"total": 3, "done": 0, "skipped": 0, "failed": 3}
    home.add("odd-crash", content="healthy again")
    ran = home.run_here("null")
    assert ran.finished.operations["done"] == 1
    assert set(home.failures()) == {"odd-hang", "odd-raise"}


def test_an_encoder_that_hangs_on_an_item_is_not_fed_it_at_each_run(home: Home) -> None:
    home.add("odd", content="encode-hang")
    home.run_here("exclusive", flags={**LIMITS, "max_attempts": 1})
    ran = home.run_here("exclusive", flags=LIMITS)
    assert home.computed("exclusive") == {"odd.mp3": 1}
    assert ran.finished.operations["failed"] == 1


def test_a_batch_halves_when_memory_is_short_and_grows_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_FITS", "4")
    monkeypatch.setenv(
        "PLUGIN_MODELS_BATCH_SECONDS", "0.1"
    )  # decoders get ahead, however busy the machine is
    home.add_many(120)
    ran = home.run_here("exclusive", flags={"batch_size": 16})
    assert ran.finished.operations == {"total": 120, "done": 120, "skipped": 0, "failed": 0}
    notices = [event.reason for event in ran.named("batch_resized")]
    assert any(notice.startswith("out of memory with") for notice in notices)
    assert any(notice.startswith("memory suffices again") for notice in notices)
    assert [event.memory_steps for event in ran.named("model_finished")] == [len(notices)]
    home.assert_sound(("exclusive",))


def allowed(duration: float | None, size: int) -> float:
    effort = Effort(
        workers=1,
        root=b"/music",
        item_timeout=30.0,
        timeout_per_audio_second=0.1,
        memory_mb=1000,
        load_seconds=60,
        largest_batch=1,
    )
    return Desk(effort).task(Operation(1, b"a.mp3", size, 0, None, duration, "a", 1)).seconds_allowed


def test_the_time_limit_scales_with_the_duration() -> None:
    assert allowed(200.0, 3_200_000) == 50.0
    assert allowed(7200.0, 115_200_000) == 750.0


def test_the_time_limit_of_a_file_without_a_stated_duration_scales_with_its_size() -> None:
    assert allowed(None, 115_200_000) == 750.0
