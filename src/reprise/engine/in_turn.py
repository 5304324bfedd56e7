"""Several jobs, one after the other, told of as one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reprise.core.events import JobFinished
from reprise.core.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.job import Job
    from reprise.core.records import Catalogue

STOPPED = frozenset({JobState.PAUSED, JobState.CANCELLED})
"""After a job that ended so, none follows."""


def verdict(states: Sequence[JobState]) -> JobState:
    """How several jobs ended, as one word: failed when all of them did."""
    for state in (JobState.PAUSED, JobState.CANCELLED):
        if state in states:
            return state
    if states and all(state is JobState.FAILED for state in states):
        return JobState.FAILED
    clean = all(state is JobState.COMPLETED for state in states)
    return JobState.COMPLETED if clean else JobState.COMPLETED_WITH_ERRORS


def as_one(whole_id: str, spec_version: str, ends: Sequence[JobFinished], seconds: float) -> JobFinished:
    """The ends of several jobs as that of one, whose id is given. An item counts once for each job that it was in."""
    items = Counter[str]({"total": 0, "failed": 0})
    operations = Counter[str]({"total": 0, "done": 0, "skipped": 0, "failed": 0})
    for end in ends:
        items.update(end.items)
        operations.update(end.operations)
    return JobFinished(
        job_id=whole_id,
        state=verdict([JobState(end.state) for end in ends]),
        spec_version=spec_version,
        items=dict(items),
        operations=dict(operations),
        seconds=round(seconds, 3),
        error="; ".join(dict.fromkeys(end.error for end in ends if end.error)),
    )


def ended_before(catalogue: Catalogue, job: Job) -> JobFinished:
    """The end of a job that no runner told of, or that an earlier process carried out: here nothing of it was done."""
    counters = job.counters
    return JobFinished(
        job_id=job.id,
        state=job.state,
        spec_version=job.spec_version,
        items={"total": job.items, "failed": catalogue.ledger.failed_items(job.owner, job.id)},
        operations={
            "total": counters.total,
            "done": 0,
            "skipped": counters.skipped + counters.done,
            "failed": counters.failed,
        },
        error=job.error,
    )
