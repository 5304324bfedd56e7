"""What a worker process does between two messages: choose a job, work on it for a slice, see that others come."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reprise.core.job import Control, JobState
from reprise.engine.crew import ShareEnd
from reprise.errors import BrokerError, RepriseError
from reprise.log_facts import records_say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reprise.core.job import Job
    from reprise.core.records import Jobs
    from reprise.runners.dramatiq.bell import Bell

RING_SECONDS = 30.0
"""A ring that nobody has answered for so long counts as lost."""
HELP_SECONDS = 5.0
"""The same for a call for help, which looks first whether anything waits in the queue."""
ASIDE_SECONDS = 300.0
"""How long a job is left to others that this process cannot work on."""
WORTH_SHARING = 2
"""From so many rows on that nobody has in hand another worker is called."""

log = logging.getLogger(__name__)


class Workplace(Protocol):
    """What a worker needs of the installation. Whatever is asked raises ``RepriseError`` kinds."""

    @property
    def jobs(self) -> Jobs: ...

    def alive(self, job: Job) -> bool:
        """Whether anybody is at the job now."""

    def pending(self, job: Job) -> int:
        """Rows of the model under way that nobody has in hand, counted up to ``WORTH_SHARING``."""

    def quiet(self, job: Job) -> bool:
        """Whether the job has to wait for the end of quiet hours."""

    def last_served(self, owner: str) -> float:
        """When a worker last came for a job of the owner's, in seconds since the epoch."""

    def work(self, job: Job, seconds: float, stop: Callable[[], bool]) -> ShareEnd:
        """Work on the job for so long, or until ``stop``."""

    def follow(self, job: Job) -> None:
        """Do what follows a job that has ended."""

    def cancel(self, job: Job) -> None:
        """Write down that a job that nobody is at is cancelled."""


@dataclass(frozen=True, slots=True)
class SliceTold:
    """What became of one slice. ``number``: of this process, from 1."""

    job: Job
    number: int
    end: ShareEnd
    seconds: float


@dataclass(slots=True)
class Tally:
    """What a worker process did since its start. ``error``: the code of the last one, at ``error_at`` (epoch seconds)."""

    slices: Counter[ShareEnd] = field(default_factory=Counter)
    busy_seconds: float = 0.0
    error: str = ""
    error_text: str = ""
    error_at: float = 0.0

    def fault(self, error: RepriseError) -> None:
        self.error, self.error_text, self.error_at = error.code, error.message, time.time()


@dataclass(slots=True)
class Shift:
    """One worker process at work. ``bell``: ``None`` where nobody else is to be woken.

    ``seconds``: of a slice. ``stop``: whether the process is to end. ``told`` hears of every slice.
    """

    place: Workplace
    bell: Bell | None
    seconds: float
    stop: Callable[[], bool]
    told: Callable[[SliceTold], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    _aside: dict[str, float] = field(default_factory=dict)
    _at: Job | None = None
    _serving: bool = False
    _since: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def at(self) -> Job | None:
        """The job that it is at now."""
        return self._at

    @property
    def serving(self) -> bool:
        """Whether it is at a job now, or does what comes before and after."""
        return self._serving

    @property
    def busy_seconds(self) -> float:
        """How long it has worked, the slice under way included."""
        with self._guard:
            under_way = time.monotonic() - self._since if self._at is not None else 0.0
            return self.tally.busy_seconds + under_way

    def serve(self, job_id: str = "") -> ShareEnd | None:
        """Work on the job that has the best claim, for a slice; ``None`` when there is none for this process.

        ``job_id``: the one that somebody rang for. If another one goes first, the bell is rung for it once more.
        """
        self._serving = True
        try:
            return self._serve(job_id)
        except RepriseError as error:
            self.tally.fault(error)
            log.warning("there is no working now: %s", error.message)
            return ShareEnd.AWAY
        finally:
            self._serving = False

    def _serve(self, job_id: str) -> ShareEnd | None:
        hosted = self.place.jobs.hosted()
        if job_id and all(job.id != job_id for job in hosted):
            log.info("job %s needs no worker any more: the message is dropped", job_id)
        rung = next((job for job in hosted if job.id == job_id), None)
        end: ShareEnd | None = None
        for job in self._in_line(hosted):
            if self.stop():
                if rung is not None:
                    self._ring(rung)
                break
            if not self._for_me(job):
                continue
            if rung is not None and job.id != rung.id and self._for_me(rung):
                self._ring(rung)
            rung = None  # it had its turn, or is rung for
            end = self._work(job)
            if end is not ShareEnd.NOTHING:
                break
        return end

    def _in_line(self, jobs: Sequence[Job]) -> list[Job]:
        """By priority; of equal ones the owner who had no turn for longest; of one owner's the oldest."""
        owners = {job.owner for job in jobs}
        served = {owner: self.place.last_served(owner) for owner in owners} if len(owners) > 1 else {}
        return sorted(jobs, key=lambda j: (-j.priority, served.get(j.owner, 0.0), j.queued_at or 0.0, j.id))

    def _for_me(self, job: Job) -> bool:
        """Whether this process has something to do there."""
        if self._aside.get(job.id, 0.0) > time.monotonic() or self.place.quiet(job):
            return False
        alive = self.place.alive(job)
        if job.control is not Control.NONE:  # whoever is at it obeys; else it was asked of somebody who died
            if job.control is Control.CANCEL and not alive:
                self.place.cancel(job)
            return False
        if not alive:
            return True
        under_way = (
            job.planned and job.state is JobState.RUNNING
        )  # else somebody plans it, and calls for help then
        return under_way and self.place.pending(job) > 0

    def _work(self, job: Job) -> ShareEnd:
        number = self.tally.slices.total() + 1
        with records_say(job_id=job.id, owner=job.owner, spec_version=job.spec_version, slice=number):
            self.place.jobs.answer(job.owner, job.id)
            end = self._slice(job, number)
            self._after(job, end)
        return end

    def _slice(self, job: Job, number: int) -> ShareEnd:
        with self._guard:
            self._at, self._since = job, time.monotonic()
        end = ShareEnd.AWAY
        try:
            self.call_for_help()
            end = self.place.work(job, self.seconds, lambda: self.stop() or self.place.quiet(job))
        except RepriseError as error:
            self.tally.fault(error)
            log.warning("the job cannot be worked on now: %s", error.message)
        finally:
            self._note(job, number, end)
        return end

    def _note(self, job: Job, number: int, end: ShareEnd) -> None:
        with self._guard:
            seconds = time.monotonic() - self._since
            self._at = None
            self.tally.busy_seconds += seconds
            self.tally.slices[end] += 1
        log.info("the slice has ended after %.1f s: %s", seconds, end)
        self.told(SliceTold(job, number, end, seconds))

    def _after(self, job: Job, end: ShareEnd) -> None:
        if end is ShareEnd.UNABLE:
            self._aside[job.id] = time.monotonic() + ASIDE_SECONDS
        if end in {ShareEnd.MORE, ShareEnd.UNABLE}:
            self._ring(job)
        if end is ShareEnd.ENDED:
            self.place.follow(job)

    def _ring(self, job: Job) -> None:
        """Unless a message waits already: whoever takes that one takes the job that is next, so one is enough."""
        if self.bell is None:
            return
        try:
            if self.bell.waiting() == 0:
                self.bell.wake(self.place.jobs, job)
        except BrokerError as error:
            log.warning("no worker can be woken now, tried again in a moment: %s", error.message)

    def call_for_help(self) -> bool:
        """Wake one more worker when there is more than this one has in hand, and none is called already.

        Whoever comes calls the next one, so that all that are idle come. Whether one was called.
        """
        job = self._at
        if job is None or self.bell is None:
            return False
        try:
            current = self.place.jobs.get(job.owner, job.id)
            if not (current.planned and current.state is JobState.RUNNING):
                return False
            if self.place.pending(current) < WORTH_SHARING or self.bell.waiting():
                return False
            return self.bell.wake(self.place.jobs, current, HELP_SECONDS)
        except RepriseError as error:
            log.warning("no help can be called for job %s: %s", job.id, error.message)
            return False
