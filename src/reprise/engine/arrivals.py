"""Arrivals: what a scan found is embedded by a job of its own, soon, tried again when it cannot run, never forgotten."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from reprise.core.following import RecentError, RecentErrors, common_folder
from reprise.core.job import JobRequest, JobState, ModelState, Priority, Purpose
from reprise.core.plan import Selection
from reprise.core.ports import Part
from reprise.errors import JobConflict, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reprise.core.following import StopEvent
    from reprise.core.items import Library
    from reprise.core.job import Job
    from reprise.core.records import Catalogue

logger = logging.getLogger(__name__)

ASKED_BY = "scan"
LOOK_SECONDS = 0.25
MAKE_UP_SECONDS = 300.0
"""How long what could not be embedded waits for the next try, unless something new comes before."""


class Installation(Protocol):
    """What arrivals need of the world: an ``App``."""

    @property
    def owner(self) -> str: ...

    def catalogue(self) -> Catalogue: ...

    def scan_models(self) -> tuple[str, ...]: ...

    def unready(self, models: Sequence[str]) -> Mapping[str, RepriseError]: ...

    def to_do(self, selection: Selection, models: Sequence[str]) -> int: ...

    def enqueue(self, request: JobRequest, *, priority: Priority, asked_by: str) -> Job: ...

    def host_again(self, job: Job) -> Job: ...

    def job_alive(self, job_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a job that cannot run is tried again; ``first`` wait and ``cap`` of the waits in seconds.

    ``progress_seconds``: how often the log says how far a job is.
    """

    retries: int = 3
    first: float = 2.0
    cap: float = 30.0
    progress_seconds: float = 30.0

    def waits(self) -> Iterator[float]:
        """The wait before each of the retries: each is twice the last, up to the cap."""
        for retry in range(self.retries):
            yield min(self.cap, self.first * 2**retry)


@dataclass(slots=True)
class Arrivals:
    """Embeds what scans of one library found. :meth:`owe` never waits; :meth:`serve` is a thread's work.

    ``stages``: for what is owed, jobs of which each follows the one before; without it there is one, with ``scan_models``.
    """

    app: Installation
    library: Library
    patience: Patience
    errors: RecentErrors
    stages: Callable[[Selection], Sequence[JobRequest]] | None = None
    trouble: str = ""
    job_id: str = ""
    _owed: Selection | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _wake: threading.Event = field(default_factory=threading.Event)

    def owe(self, since: float | None, parts: Sequence[Part]) -> None:
        """Something in these parts has changed since then (``None``: ever), and is to be embedded."""
        selection = Selection(self.app.owner, self.library.id, common_folder(parts), since=since)
        with self._lock:
            self._owed = selection if self._owed is None else _both(self._owed, selection)
        self._wake.set()

    def serve(self, stop: StopEvent) -> None:
        """Work until ``stop`` is set. What could not be embedded is tried again later."""
        tried_at = 0.0
        while not stop.is_set():
            if not self._wake.wait(LOOK_SECONDS) and time.monotonic() - tried_at < MAKE_UP_SECONDS:
                continue
            owed = self._take()
            if owed is None:
                continue
            tried_at = time.monotonic()
            self._serve(owed, stop)

    def _take(self) -> Selection | None:
        with self._lock:
            owed, self._owed = self._owed, None
            self._wake.clear()
            return owed

    def _serve(self, owed: Selection, stop: StopEvent) -> None:
        try:
            settled = self.embed(owed, stop)
        except RepriseError as error:
            self._warn("", error.code, error.message)
            settled = False
        if settled:
            self.trouble = ""
            return
        with self._lock:  # without waking: it has its time
            self._owed = owed if self._owed is None else _both(self._owed, owed)

    def embed(self, selection: Selection, stop: StopEvent) -> bool:
        """Whether nothing of the selection is owed any more: embedded, failed item by item, or cancelled."""
        settled = True
        for request in self._requests(selection):
            settled = self._stage(request, stop) and settled
        return settled

    def _requests(self, selection: Selection) -> Sequence[JobRequest]:
        if self.stages is not None:
            return self.stages(selection)
        return [JobRequest(selection, tuple(self.app.scan_models()), purpose=Purpose.ARRIVALS)]

    def _stage(self, request: JobRequest, stop: StopEvent) -> bool:
        selection, models = request.selection, request.models
        unready = self.app.unready(models)
        for model, error in unready.items():
            self._warn(model, error.code, f"{error.message}; what is new is embedded when it is back")
        left = tuple(model for model in models if model not in unready)
        waits = self.patience.waits()
        while left and not stop.is_set() and self.app.to_do(selection, left):
            job = self._job(replace(request, models=left), stop)
            if job is None:
                break
            if not job.state.ended:
                return False
            left = _unserved(job)
            self._remember(job)
            if left and not self._wait(next(waits, None), left, stop):
                return False
        return not unready and not stop.is_set()

    def _wait(self, seconds: float | None, models: Sequence[str], stop: StopEvent) -> bool:
        """Whether to try again; a stop ends the wait at once."""
        if seconds is None:
            logger.warning("embedding what is new with %s is given up for now", " ".join(models))
            return False
        logger.info("embedding what is new with %s is tried again in %g s", " ".join(models), seconds)
        return not stop.wait(seconds)

    def _job(self, request: JobRequest, stop: StopEvent) -> Job | None:
        """The job as it ended; ``None`` when one that was there before has left nothing to do, and at a stop."""
        while not stop.is_set():
            try:
                job = self.app.enqueue(request, priority=Priority.SCAN, asked_by=ASKED_BY)
            except JobConflict:
                before = self.app.catalogue().jobs.active(self.app.owner, request.work_key)
                if before is not None:
                    self._follow(self._gone_on_with(before), stop)
                if not self.app.to_do(request.selection, request.models):
                    return None
                continue
            return self._follow(job, stop)
        return None

    def _gone_on_with(self, job: Job) -> Job:
        """A job whose process died is for the server to go on with; one that somebody paused is not."""
        if job.state is JobState.PAUSED or job.queued_at is not None or self.app.job_alive(job.id):
            return job
        return self.app.host_again(job)

    def _follow(self, job: Job, stop: StopEvent) -> Job:
        """Wait for the job's end and say how far it is; nobody else waits for that."""
        self.job_id = job.id
        told_at = time.monotonic()
        while not job.state.ended and not stop.wait(LOOK_SECONDS):
            job = self.app.catalogue().jobs.get(job.owner, job.id)
            if time.monotonic() - told_at >= self.patience.progress_seconds:
                told_at = time.monotonic()
                logger.info(progress_line(self.library.name, job))
                self._remember_items(job)
        if job.state.ended:
            logger.info(progress_line(self.library.name, job))
            self.job_id = ""
        return job

    def _remember(self, job: Job) -> None:
        self._remember_items(job)
        failed = [result for result in job.models if result.state is ModelState.FAILED]
        for result in failed:
            self._warn(result.model, "model", result.error)
        if job.state is JobState.FAILED and not failed:
            self._warn("", "job", job.error)

    def _remember_items(self, job: Job) -> None:
        failures = self.app.catalogue().ledger.newest_failures(job.owner, job.id, self.errors.most)
        self.errors.add(
            RecentError(failure.path, failure.model, failure.code, failure.message, failure.at)
            for failure in reversed(failures)
        )

    def _warn(self, model: str, code: str, message: str) -> None:
        self.trouble = f"{model}: {message}" if model else message
        logger.warning("%s: %s", self.library.name, self.trouble)
        self.errors.add([RecentError("", model, code, message, time.time())])


def progress_line(library: str, job: Job) -> str:
    """How far the job is, as the log says it."""
    counters = job.counters
    return (
        f"embedding what is new in {library}: {counters.total} queued, {counters.done} processed,"
        f" {counters.skipped} skipped, {counters.failed} failed, {counters.left} remaining,"
        f" {counters.percent if job.planned else 0.0:.1f} % complete"
    )


def _unserved(job: Job) -> tuple[str, ...]:
    """The models to try again with. What failed item by item did run, and a cancelled job is over."""
    if job.state is JobState.CANCELLED:
        return ()
    failed = tuple(result.model for result in job.models if result.state is ModelState.FAILED)
    return failed or (job.request.models if job.state is JobState.FAILED else ())


def _both(one: Selection, other: Selection) -> Selection:
    """The smallest selection around both."""
    folder = common_folder([Part(one.folder), Part(other.folder)])
    times = (one.since, other.since)
    since = None if None in times else min(time for time in times if time is not None)
    return replace(one, folder=folder, since=since)
