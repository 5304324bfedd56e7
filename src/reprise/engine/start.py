"""Starting a job so that, of any number of processes that start the same work, exactly one runs it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from reprise.core.job import Control, JobState
from reprise.errors import JobConflict, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reprise.core.job import Job, JobRequest
    from reprise.core.records import Catalogue

TRIES = 20
HOST = "job-host"
"""The lock that a server holds as long as it runs the jobs of this installation."""
HOSTED_TRIES = 40
HOSTED_TRY_SECONDS = 0.05
"""Who only asks whether a job has a runner holds its lock for a moment: a server's runner tries for two seconds."""


class Locks(Protocol):
    """Locks that end with the process that holds them."""

    def try_lock(self, name: str) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the lock is ours now, with ``False`` when a living process holds it."""

    def held(self, name: str) -> bool:
        """Whether a living process holds the lock now."""


def job_lock(job: Job) -> str:
    """The lock that whoever runs the job holds."""
    return f"job-{job.id}"


@contextmanager
def claimed(
    catalogue: Catalogue,
    locks: Locks,
    request: JobRequest,
    *,
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Job, bool]]:
    """The job for this request, locked, and whether it resumes an earlier one.

    A job that nobody runs any more is resumed when the request asks for the same, and replaced (its open work is
    taken over) when it does not. Raises ``JobConflict`` when a living process runs one for this library, or a living
    server is to.
    """
    for _ in range(TRIES):
        job = _find_or_create(catalogue, request)
        if job is None:
            continue
        with locks.try_lock(job_lock(job)) as ours:
            if not ours:
                raise _runs(job)
            current = catalogue.jobs.get(job.owner, job.id)
            if current.state.ended:
                continue
            _refuse_hosted(locks, current)
            if current.request.same_work == request.same_work:
                _adopt(catalogue, current)
                yield current, current.planned
                return
            told(f"replaces job {job.id}, which was {current.state}; its open work is taken over")
            catalogue.jobs.set_state(
                job.owner, job.id, JobState.CANCELLED, time.time(), "replaced by another job"
            )
    raise JobConflict("other processes start and end jobs for this library all the time")


@contextmanager
def reclaimed(catalogue: Catalogue, locks: Locks, job: Job) -> Iterator[tuple[Job, bool]]:
    """This job and no other, locked, and whether it was planned before.

    Raises ``UsageError`` when it has ended, ``JobConflict`` when a living process runs it or a living server is to.
    """
    with locks.try_lock(job_lock(job)) as ours:
        if not ours:
            raise _runs(job)
        current = _not_ended(catalogue, job)
        _refuse_hosted(locks, current)
        _adopt(catalogue, current)
        yield current, current.planned


@contextmanager
def claimed_for_host(catalogue: Catalogue, locks: Locks, job: Job) -> Iterator[tuple[Job, bool]]:
    """The same for a process that a server started to run it: what was asked meanwhile holds.

    Raises ``UsageError`` when no server is to run it any more.
    """
    for _ in range(HOSTED_TRIES):
        with locks.try_lock(job_lock(job)) as ours:
            if ours:
                current = _not_ended(catalogue, job)
                if current.queued_at is None:
                    raise UsageError(f"no server is to run job {job.id}: it is {current.state}")
                yield current, current.planned
                return
        time.sleep(HOSTED_TRY_SECONDS)
    raise _runs(job)


def _find_or_create(catalogue: Catalogue, request: JobRequest) -> Job | None:
    owner = request.selection.owner
    if job := catalogue.jobs.active(owner, request.work_key):
        return job
    try:
        return catalogue.jobs.create(request, request.spec_version, time.time())
    except JobConflict:
        return None


def _runs(job: Job) -> JobConflict:
    return JobConflict(f"job {job.id} works on this library in another process now")


def _not_ended(catalogue: Catalogue, job: Job) -> Job:
    current = catalogue.jobs.get(job.owner, job.id)
    if current.state.ended:
        raise UsageError(f"job {job.id} is {current.state}", cure="start a new one with: reprise embed")
    return current


def _refuse_hosted(locks: Locks, job: Job) -> None:
    if job.queued_at is not None and locks.held(HOST):
        raise JobConflict(
            f"job {job.id} waits for the server, which will run it",
            cure=f"let it, or end it with: reprise jobs cancel {job.id}",
        )


def _adopt(catalogue: Catalogue, job: Job) -> None:
    """From here on whoever asks finds it running here; what was asked of its dead runner is over."""
    if job.queued_at is not None:
        catalogue.jobs.unhost(job.owner, job.id)
    catalogue.jobs.ask(job.owner, job.id, Control.NONE)
