"""Arrivals: models that are down, jobs that cannot run, errors that are kept; over a real catalogue."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.following import RecentError, RecentErrors
from reprise.core.job import JobState, ModelState
from reprise.core.ports import WHOLE
from reprise.engine.arrivals import Arrivals, Patience, progress_line
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.job import Job, JobRequest, Priority
    from tests.harness import Home


@dataclass
class Runner:
    """Stands for the server's runner: ends each job that is put into the queue as it is told, and notes when."""

    app: App
    fates: list[JobState]
    queued: list[tuple[float, JobRequest]] = field(default_factory=list)
    error: str = "the store is away"

    def enqueue(self, request: JobRequest, *, priority: Priority, asked_by: str) -> Job:
        self.queued.append((time.monotonic(), request))
        job = type(self.app).enqueue(self.app, request, priority=priority, asked_by=asked_by)
        fate = self.fates.pop(0) if self.fates else JobState.COMPLETED
        jobs = self.app.catalogue().jobs
        if fate is JobState.FAILED:
            jobs.set_model(job.owner, job.id, request.models[0], ModelState.FAILED, self.error)
        jobs.set_state(job.owner, job.id, fate, time.time(), self.error)
        return job


@pytest.fixture
def app(home: Home) -> Iterator[App]:
    home.add("one", "two")
    home.run("scan", str(home.music))
    with home.app(scan_models="null") as opened:
        yield opened


def arrivals(app: App, patience: Patience) -> Arrivals:
    [library] = app.catalogue().libraries.all("default")
    return Arrivals(app, library, patience, RecentErrors())


def with_fates(app: App, monkeypatch: pytest.MonkeyPatch, *fates: JobState) -> Runner:
    runner = Runner(app, list(fates))
    monkeypatch.setattr(app, "enqueue", runner.enqueue)
    return runner


def test_the_waits_double_up_to_the_cap() -> None:
    assert list(Patience(3, 2.0, 30.0).waits()) == [2.0, 4.0, 8.0]
    assert list(Patience(6, 2.0, 30.0).waits()) == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert list(Patience(0).waits()) == []


def test_a_job_that_cannot_run_is_tried_again_three_times(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = with_fates(app, monkeypatch, *[JobState.FAILED] * 9)
    tried = arrivals(app, Patience(retries=3, first=0.2, cap=0.5))
    assert not tried.embed(_all(app), threading.Event())
    times = [at for at, _ in runner.queued]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) == 3
    assert all(gap >= least for gap, least in zip(gaps, (0.2, 0.4, 0.5), strict=True))
    assert {error.message for error in tried.errors.newest_first()} == {"the store is away"}
    assert tried.trouble


def test_it_goes_on_when_the_second_try_runs(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = with_fates(app, monkeypatch, JobState.FAILED)
    assert arrivals(app, Patience(first=0.01)).embed(_all(app), threading.Event())
    assert len(runner.queued) == 2


def test_a_stop_ends_a_wait_at_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = with_fates(app, monkeypatch, *[JobState.FAILED] * 9)
    waiting, stop = arrivals(app, Patience(first=3600.0, cap=3600.0)), threading.Event()
    waiting.owe(None, [WHOLE])
    thread = threading.Thread(target=waiting.serve, args=(stop,))
    thread.start()
    wait_for(lambda: waiting.trouble)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert len(runner.queued) == 1


def test_a_job_that_somebody_cancelled_is_not_tried_again(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = with_fates(app, monkeypatch, JobState.CANCELLED)
    assert arrivals(app, Patience(first=0.01)).embed(_all(app), threading.Event())
    assert len(runner.queued) == 1


def test_with_a_model_that_is_down_the_others_run_and_it_is_owed(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home.add("one")
    home.run("scan", str(home.music))
    nobody = {"endpoint": "http://127.0.0.1:9/v1", "endpoint_model": "x"}
    with home.app(scan_models="null, description", **nobody) as app:
        runner = with_fates(app, monkeypatch)
        tried = arrivals(app, Patience(first=0.01))
        with caplog.at_level(logging.WARNING):
            assert not tried.embed(_all(app), threading.Event())
        assert [request.models for _, request in runner.queued] == [("null",)]
        [error] = tried.errors.newest_first()
        assert (error.model, error.code) == ("description", "endpoint_lost")
        assert "description" in caplog.text


def test_nothing_new_makes_no_job(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.add("one")
    home.embed("--model", "null")
    with home.app() as app:
        runner = with_fates(app, monkeypatch)
        assert arrivals(app, Patience()).embed(_all(app), threading.Event())
        assert not runner.queued


def test_the_models_are_those_of_the_setting_else_those_that_answer_else_the_acoustic_one(home: Home) -> None:
    home.add("one")
    home.run("scan", str(home.music))
    with home.app() as app:
        assert app.scan_models() == ("acoustic",)
    home.embed("--model", "null-b")
    with home.app() as app:
        assert app.scan_models() == ("null-b",)
    with home.app(scan_models="null, null-c") as app:
        assert app.scan_models() == ("null", "null-c")


def test_the_newest_hundred_errors_are_kept_each_once() -> None:
    kept = RecentErrors()
    errors = [RecentError(f"{n}.mp3", "null", "raise", "x", float(n)) for n in range(120)]
    kept.add(errors[:70])
    kept.add(errors[60:])
    assert [error.path for error in kept.newest_first()] == [f"{n}.mp3" for n in range(119, 19, -1)]


def test_the_progress_line_says_all_six(home: Home) -> None:
    home.add("one", "two")
    home.add("bad", content="raise")
    home.embed("--model", "null")
    with home.app() as app:
        [job] = app.catalogue().jobs.all("default", 1)
    assert progress_line("music", job) == (
        "embedding what is new in music: 3 queued, 2 processed, 0 skipped, 1 failed, 0 remaining, 100.0 % complete"
    )


def _all(app: App) -> Any:
    from reprise.core.plan import Selection

    [library] = app.catalogue().libraries.all("default")
    return Selection("default", library.id)
