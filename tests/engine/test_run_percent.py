"""How far several jobs are together never goes back, however large the one is that is planned next."""

from __future__ import annotations

from dataclasses import replace

from reprise.core.job import Control, Counters, Job, JobRequest, JobState, ModelResult, ModelState
from reprise.core.plan import Selection
from reprise.reprocessing import _percent

REQUEST = JobRequest(Selection("default", 1), ("scene-image",))


def job(total: int, done: int, state: JobState = JobState.RUNNING) -> Job:
    counters = Counters(total, done)
    models = (ModelResult("scene-image", 1, ModelState.RUNNING, counters),)
    return Job(
        "j", REQUEST, state, Control.NONE, "2026-11-21", total, counters.percent, 0.0, None, None, True, "", models
    )  # fmt: skip


def test_a_large_job_that_is_planned_after_a_small_one_takes_nothing_back() -> None:
    waiting = replace(job(0, 0, JobState.QUEUED), planned=False, percent=0.0)
    steps = [
        [job(100, 50), waiting],
        [job(100, 100, JobState.COMPLETED), waiting],
        [job(100, 100, JobState.COMPLETED), job(900, 0)],
        [job(100, 100, JobState.COMPLETED), job(900, 900, JobState.COMPLETED)],
    ]
    assert [_percent(step) for step in steps] == [25.0, 50.0, 50.0, 100.0]


def test_no_job_at_all_is_all_done() -> None:
    assert _percent([]) == 100.0
