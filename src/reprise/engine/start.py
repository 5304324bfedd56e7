"""Starting a job so that, of any number of processes that start the same work, exactly one runs it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from reprise.core.job import Control, JobState
from reprise.core.spec import PIPELINE_VERSION
from reprise.errors import JobConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reprise.core.job import Job, JobRequest
    from reprise.core.records import Catalogue

TRIES = 20


class Locks(Protocol):
    """Locks that end with the process that holds them."""

    def try_lock(self, name: str) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the lock is ours now, with ``False`` when a living process holds it."""


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
    taken over) when it does not. Raises ``JobConflict`` when a living process runs one for this library.
    """
    for _ in range(TRIES):
        job = _find_or_create(catalogue, request)
        if job is None:
            continue
        with locks.try_lock(f"job-{job.id}") as ours:
            if not ours:
                raise JobConflict(f"job {job.id} works on this library in another process now")
            current = catalogue.jobs.get(job.owner, job.id)
            if current.state.ended:
                continue
            if current.request.same_work == request.same_work:
                # From here on whoever asks finds it running; what was asked of its dead runner is over.
                catalogue.jobs.ask(job.owner, job.id, Control.NONE)
                yield current, current.planned
                return
            told(f"replaces job {job.id}, which was {current.state}; its open work is taken over")
            catalogue.jobs.set_state(
                job.owner, job.id, JobState.CANCELLED, time.time(), "replaced by another job"
            )
    raise JobConflict("other processes start and end jobs for this library all the time")


def _find_or_create(catalogue: Catalogue, request: JobRequest) -> Job | None:
    owner = request.selection.owner
    if job := catalogue.jobs.active(owner, request.work_key):
        return job
    try:
        return catalogue.jobs.create(request, PIPELINE_VERSION, time.time())
    except JobConflict:
        return None
