"""Jobs that a server runs: put into its queue, stopped, and gone on with, by any process."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reprise.core.events import JobAsked, JobQueued
from reprise.core.job import Control, JobState
from reprise.engine.feed import Recorder
from reprise.engine.in_turn import ended_before
from reprise.engine.start import job_lock
from reprise.errors import JobConflict

if TYPE_CHECKING:
    from reprise.core.events import JobFinished
    from reprise.core.job import Hosting, Job, JobRequest
    from reprise.core.records import Catalogue
    from reprise.engine.start import Locks

STOPPED = {Control.PAUSE: JobState.PAUSED, Control.CANCEL: JobState.CANCELLED}


def enqueue(catalogue: Catalogue, request: JobRequest, hosting: Hosting) -> Job:
    """Make a job that a server runs. Raises ``JobConflict`` naming the one in the way."""
    job = catalogue.jobs.create(request, request.spec_version, time.time(), hosting)
    _tell(catalogue, job, JobQueued(job_id=job.id))
    return job


def go_on(catalogue: Catalogue, locks: Locks, job: Job) -> Job:
    """Have a server go on with a job that is paused or was interrupted; one that waits or runs there is left alone.

    Raises ``JobConflict`` for one that has ended, and for one that a command runs.
    """
    with locks.try_lock(job_lock(job)) as free:
        current = _not_ended(catalogue, job)
        if current.queued_at is not None:
            return current
        if not free and current.control is Control.NONE:
            raise JobConflict(f"job {job.id} is run by a command, not by the server", cure="let it run")
        catalogue.jobs.host(job.owner, job.id, time.time())
        if free:
            catalogue.jobs.set_state(job.owner, job.id, JobState.QUEUED, time.time())
    _tell(catalogue, job, JobQueued(job_id=job.id))
    return catalogue.jobs.get(job.owner, job.id)


def stop(catalogue: Catalogue, locks: Locks, job: Job, control: Control) -> bool:
    """Pause or cancel. A living runner is asked and obeys within seconds (``True``); without one it is done at once.

    Raises ``JobConflict`` for a job that has ended.
    """
    with locks.try_lock(job_lock(job)) as free:
        current = _not_ended(catalogue, job)
        catalogue.jobs.ask(job.owner, job.id, control)
        if free:
            _end(catalogue, current, STOPPED[control])
    if not free:
        _tell(catalogue, job, JobAsked(job_id=job.id, control=control))
    return not free


def fail(catalogue: Catalogue, locks: Locks, job: Job, reason: str) -> None:
    """End a job that cannot be run. One that has ended, or that a living process runs, is left alone."""
    with locks.try_lock(job_lock(job)) as free:
        current = catalogue.jobs.get(job.owner, job.id)
        if free and not current.state.ended:
            _end(catalogue, current, JobState.FAILED, reason)


def _end(catalogue: Catalogue, job: Job, state: JobState, error: str = "") -> None:
    """Write the state of a job that nobody runs, and say so. The caller holds the job's lock."""
    catalogue.jobs.set_state(job.owner, job.id, state, time.time(), error)
    finished = ended_before(catalogue, replace(job, state=state, error=error))
    _tell(catalogue, job, finished)


def _not_ended(catalogue: Catalogue, job: Job) -> Job:
    current = catalogue.jobs.get(job.owner, job.id)
    if current.state.ended:
        raise JobConflict(f"job {job.id} is {current.state.replace('_', ' ')}", cure="start a new one")
    return current


def _tell(catalogue: Catalogue, job: Job, event: JobQueued | JobAsked | JobFinished) -> None:
    Recorder(catalogue.feed, job.owner, job.id)(event)
