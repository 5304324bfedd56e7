"""An installation whose jobs workers run: a database, a broker, and any number of worker processes."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from reprise.core.job import JobRequest, Priority
from reprise.core.plan import Selection
from reprise.working import bell_of
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reprise.app import App
    from reprise.core.job import Job
    from tests.harness import Home


@dataclass
class Workers:
    """A running ``reprise worker``. ``lines``: what it has told."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def pids(self) -> list[int]:
        """The worker processes, each as it was last started."""
        return list({line["worker"]: line["pid"] for line in self.named("worker_started")}.values())

    def end(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Send a signal and wait; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@dataclass
class Site:
    """``settings``: variables of the environment for all processes of it."""

    home: Home
    settings: dict[str, str]

    def __post_init__(self) -> None:
        self.home.environment = {**self.home.environment, **self.settings}

    def app(self, **flags: object) -> App:
        app = self.home.app(**flags)
        app.catalogue(create=True)
        return app

    def enqueue(
        self,
        *models: str,
        priority: Priority = Priority.BACKFILL,
        owner: str | None = None,
        music: Path | None = None,
    ) -> Job:
        """Put a job for the whole library into the queue, as a server does."""
        with self.app(owner=owner) as app:
            library, _ = app.library_of(music or self.home.music)
            request = JobRequest(Selection(app.owner, library.id), models or ("null",))
            job = app.enqueue(request, priority=priority, asked_by="test")
            self.ring(app, job)
            return job

    def ring(self, app: App, job: Job) -> None:
        bell_of(app).wake(app.catalogue().jobs, job, patience=30.0)

    def job(self, job: Job) -> Job:
        with self.app() as app:
            return app.catalogue().jobs.get(job.owner, job.id)

    def wait_until_ended(self, job: Job, seconds: float = 60.0) -> Job:
        with self.app() as app:
            jobs = app.catalogue().jobs
            wait_for(lambda: jobs.get(job.owner, job.id).state.ended, seconds)
            return jobs.get(job.owner, job.id)

    def wait_for_done(self, job: Job, count: int, seconds: float = 60.0) -> None:
        """Until at least so many operations are committed."""
        with self.app() as app:
            jobs = app.catalogue().jobs
            wait_for(lambda: jobs.get(job.owner, job.id).counters.done >= count, seconds)

    def done(self, job: Job) -> int:
        return self.job(job).counters.done

    def stored(self, model: str = "null", owner: str = "default") -> list[int]:
        """Keys in the store, ascending."""
        with self.app() as app:
            space = [space for space in app.catalogue().spaces.all(owner) if space.model == model][-1]
            return [key for keys, _ in app.store.scan(owner, space.name) for key in keys]

    def assert_whole(self, job: Job, count: int) -> None:
        self.assert_whole_models(job, count, ("null",))

    def assert_whole_models(self, job: Job, count: int, models: tuple[str, ...]) -> None:
        """Every row of every model is there once, and the counters say so."""
        ended = self.job(job)
        assert ended.state == "completed", ended
        assert ended.counters.done == ended.counters.total == count * len(models)
        assert ended.percent == 100.0
        for model in models:
            with self.app() as app:
                space = [space for space in app.catalogue().spaces.all(job.owner) if space.model == model][-1]
                expected = list(app.catalogue().ledger.with_vector(job.owner, space.id))
            assert len(expected) == count
            assert self.stored(model, job.owner) == expected

    def computed(self, model: str = "null") -> Counter[str]:
        return self.home.computed(model)

    @contextmanager
    def workers(self, *arguments: str, count: int = 1, **variables: str) -> Iterator[Workers]:
        """``reprise worker`` with so many processes, killed at the end if it still runs."""
        process = self.home.start("worker", "--processes", str(count), *arguments, **variables)
        running = Workers(process)
        errors: list[str] = []
        readers = [
            threading.Thread(target=_read_lines, args=(process, running.lines)),
            threading.Thread(target=_read_errors, args=(process, errors)),
        ]
        for reader in readers:
            reader.start()
        try:
            yield running
        finally:
            _end(process)
            for reader in readers:
                reader.join()
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                stream.close()
            print("".join(errors)[-15000:])  # shown when the test fails


def _read_lines(process: subprocess.Popen[str], lines: list[dict[str, Any]]) -> None:
    assert process.stdout is not None
    lines.extend(json.loads(line) for line in process.stdout)


def _read_errors(process: subprocess.Popen[str], errors: list[str]) -> None:
    assert process.stderr is not None
    errors.extend(process.stderr)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30.0)
        except subprocess.TimeoutExpired:
            for one in family:
                one.kill()
            process.kill()
            process.wait()


def settings_of(database: str, broker: str, **others: str) -> Mapping[str, str]:
    """What makes an installation one that workers share. Leases are short: a dead worker's rows are free after ten seconds."""
    return {
        "REPRISE_CATALOGUE_URL": database,
        "REPRISE_BROKER_URL": broker,
        "REPRISE_LEASE_SECONDS": "10",
        "REPRISE_SLICE_SECONDS": "4",
        "REPRISE_COMMIT_SECONDS": "0.2",
        "REPRISE_WORKERS": "1",
        "REPRISE_LOG_LEVEL": "info",
        **others,
    }
