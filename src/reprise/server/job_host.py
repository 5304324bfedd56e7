"""Runs the jobs of an installation, each in a process of its own, in the order in which it is their turn."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reprise.core.job import Control
from reprise.engine.start import HOST
from reprise.errors import JobConflict, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.job import Job, Purpose
    from reprise.server.house import House, Service

LOOK_SECONDS = 0.25
STOP_SECONDS = 30.0
"""How long an orderly pause may take when the server stops; then the job's process is killed, which is safe as well."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """What becomes of a job whose process dies.

    It is started again after ``first_wait`` seconds, twice as long each time, ``longest_wait`` at most. After ``deaths``
    in a row in which it finished nothing it is failed. That is more often than an item is tried alone, so that one
    that kills whoever runs it is found out before.
    """

    deaths: int = 8
    first_wait: float = 1.0
    longest_wait: float = 30.0

    def wait(self, deaths: int) -> float:
        return float(min(self.longest_wait, self.first_wait * 2 ** (deaths - 1)))


class Runner(Protocol):
    """A process that runs one job."""

    @property
    def pid(self) -> int: ...

    def ended(self) -> str | None:
        """How it ended, for people; ``None`` while it lives."""

    def pause(self) -> None:
        """Ask it to pause in order."""

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""

    def kill(self) -> None: ...

    def close(self) -> None:
        """Let go of it, once it has ended."""


@dataclass(slots=True)
class _Running:
    job: Job
    process: Runner
    told_to_pause: bool = False


@dataclass(slots=True)
class _Record:
    """How often a job's process died since it last finished something, and from when on it may be tried again."""

    finished: int
    deaths: int = 0
    not_before: float = 0.0


class JobHost:
    """A ``Service``. One job of each purpose at a time; of several servers of one installation one hosts.

    ``quiet_until``: until when a job is not to run, in seconds since the epoch; ``None``: it may. One that runs when
    quiet begins pauses, and goes on after it.
    """

    name = "jobs"

    def __init__(
        self,
        house: House,
        quiet_until: Callable[[Job], float | None],
        patience: Patience = Patience(),
    ) -> None:
        self._house = house
        self._app = house.app
        self._quiet_until = quiet_until
        self._patience = patience
        self._running: dict[Purpose, _Running] = {}
        self._records: dict[str, _Record] = {}
        self._served: dict[str, int] = {}
        self._turn = 0
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._trouble = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Jobs that run pause in order; the next server goes on with them."""
        self._stopping.set()
        self._bell.set()
        self._thread.join()

    def trouble(self) -> str:
        if not self._thread.is_alive() and not self._stopping.is_set():
            return "jobs are not run any more: restart the server and look at its log"
        return self._trouble

    def ring(self) -> None:
        """Look at the queue now."""
        self._bell.set()

    def pids(self) -> list[int]:
        """The processes that run jobs now."""
        return [running.process.pid for running in list(self._running.values())]

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._app.locks.try_lock(HOST) as ours:
                if ours:
                    self._host()
            self._pause_to_look()

    def _host(self) -> None:
        try:
            while not self._stopping.is_set():
                self._look()
                self._pause_to_look()
        finally:
            self._end_all()

    def _pause_to_look(self) -> None:
        self._bell.wait(LOOK_SECONDS)
        self._bell.clear()

    def _look(self) -> None:
        """A database that cannot be used, or a process that cannot be started, ends nothing: the next look may succeed."""
        try:
            self._reap()
            self._keep_quiet()
            self._launch()
        except (RepriseError, OSError) as error:
            if self._trouble != str(error):
                log.warning("jobs cannot be looked after: %s", error)
            self._trouble = str(error)
            return
        self._trouble = ""

    def _reap(self) -> None:
        for purpose, running in list(self._running.items()):
            how = running.process.ended()
            if how is None:
                continue
            current = self._current(running.job)
            del self._running[purpose]
            running.process.close()
            if not current.state.ended and current.queued_at is not None and not running.told_to_pause:
                self._count_death(current, how)

    def _count_death(self, job: Job, how: str) -> None:
        record = self._records.setdefault(job.id, _Record(finished=0))
        if job.counters.finished > record.finished:
            record.finished, record.deaths = job.counters.finished, 0
        record.deaths += 1
        if record.deaths < self._patience.deaths:
            wait = self._patience.wait(record.deaths)
            record.not_before = time.monotonic() + wait
            log.warning("the process of job %s ended (%s); it is started again in %.0f s", job.id, how, wait)
            return
        del self._records[job.id]
        reason = f"its process ended {record.deaths} times in a row ({how}); the server's log may say why"
        log.error("job %s has failed: %s", job.id, reason)
        self._house.of(job.owner).fail_job(job, reason)

    def _keep_quiet(self) -> None:
        for running in self._running.values():
            if not running.told_to_pause and self._quiet_until(running.job) is not None:
                running.told_to_pause = True
                running.process.pause()

    def _launch(self) -> None:
        waiting = self._app.catalogue().jobs.hosted()
        known = {job.id for job in waiting}
        self._records = {job_id: record for job_id, record in self._records.items() if job_id in known}
        for job in sorted(waiting, key=self._place):
            if job.request.purpose not in self._running and self._may_start(job):
                self._start(job)

    def _place(self, job: Job) -> tuple[int, int, float]:
        """By priority; of equal ones the owner who had no turn for longest; of one owner's the oldest."""
        return -job.priority, self._served.get(job.owner, 0), job.queued_at or 0.0

    def _may_start(self, job: Job) -> bool:
        record = self._records.get(job.id)
        if record is not None and time.monotonic() < record.not_before:
            return False
        return self._quiet_until(job) is None and not self._app.job_alive(job.id)

    def _start(self, job: Job) -> None:
        app = self._house.of(job.owner)
        if job.control is Control.CANCEL:  # asked of a runner that died before it heard
            try:
                app.stop_job(job, Control.CANCEL)
            except JobConflict:
                log.info("job %s has ended by itself", job.id)
            return
        self._turn += 1
        self._served[job.owner] = self._turn
        self._records.setdefault(job.id, _Record(finished=job.counters.finished))
        self._running[job.request.purpose] = _Running(job, app.job_process(job))

    def _current(self, job: Job) -> Job:
        return self._app.catalogue().jobs.get(job.owner, job.id)

    def _end_all(self) -> None:
        for running in self._running.values():
            running.process.pause()
        deadline = time.monotonic() + STOP_SECONDS
        for running in self._running.values():
            if not running.process.wait(max(0.0, deadline - time.monotonic())):
                log.warning("job %s did not pause in %.0f s: killed", running.job.id, STOP_SECONDS)
                running.process.kill()
            running.process.close()
        self._running.clear()


def ring(house: House) -> None:
    """Have this server look at the queue now, whether it runs jobs itself or has workers do it."""
    from reprise.server.doorbell import Doorbell

    for service in house.services:
        if isinstance(service, JobHost | Doorbell):
            service.ring()


def runner_of_jobs(house: House, quiet_until: Callable[[Job], float | None]) -> Service:
    """What sees to it that jobs are run: workers do it where there is a broker to wake them, else this server."""
    if house.app.settings.text("broker_url"):
        from reprise.server.doorbell import Doorbell

        return Doorbell(house)
    return JobHost(house, quiet_until)
