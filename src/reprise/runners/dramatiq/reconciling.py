"""Whoever trusts no message: looks which jobs nobody is at, and rings for them."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.job import Control
from reprise.errors import RepriseError
from reprise.runners.dramatiq.shift import HELP_SECONDS, RING_SECONDS

if TYPE_CHECKING:
    from reprise.core.job import Job
    from reprise.runners.dramatiq.bell import Bell
    from reprise.runners.dramatiq.shift import Workplace

TICK_SECONDS = 15.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reconciler:
    """Rings for every job that waits for workers and that nobody is at: a lost message, a broker that forgot all it knew
    and a worker that died cost less than a minute. Any number of them may be at it.

    ``patience``: seconds after which a ring that nobody has answered counts as lost.
    """

    place: Workplace
    bell: Bell
    patience: float = RING_SECONDS
    waiting: int = 0
    """Jobs that waited for a worker at the last look."""

    def look(self) -> int:
        """Ring where it is needed; returns how often. Raises ``CatalogueError`` and ``BrokerError`` kinds."""
        alone = [job for job in self.place.jobs.hosted() if self._is_alone(job)]
        self.waiting = len(alone)
        if not alone:
            return 0
        messages = self.bell.waiting()
        if messages >= len(alone):
            return 0  # whoever takes one takes the job that is next
        # where none waits one was lost, unless somebody has taken it this moment
        patience = self.patience if messages else min(self.patience, HELP_SECONDS)
        return sum(self.bell.wake(self.place.jobs, job, patience) for job in alone)

    def _is_alone(self, job: Job) -> bool:
        if self.place.alive(job) or self.place.quiet(job):
            return False
        if job.control is Control.CANCEL:
            self.place.cancel(job)
        return job.control is Control.NONE


@dataclass(slots=True)
class Ticking:
    """A thread that reconciles every ``seconds``, or at once when told to."""

    reconciler: Reconciler
    seconds: float = TICK_SECONDS
    trouble: str = ""
    _now: threading.Event = field(default_factory=threading.Event)
    _enough: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._enough.set()
        self._now.set()
        if self._thread is not None:
            self._thread.join()

    def at_once(self) -> None:
        self._now.set()

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._enough.is_set():
            self._tick()
            self._now.wait(self.seconds)
            self._now.clear()

    def _tick(self) -> None:
        """What is away comes back: the next tick may succeed."""
        try:
            self.reconciler.look()
        except RepriseError as error:
            if self.trouble != error.message:
                log.warning("workers cannot be woken: %s", error.message)
            self.trouble = error.message
            return
        self.trouble = ""
