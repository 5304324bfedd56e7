"""A workplace and a bell without any server, for tests of the choices that a worker makes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from reprise.core.job import Control, Job, JobRequest, JobState, Priority, Purpose
from reprise.core.plan import Selection
from reprise.engine.crew import ShareEnd
from reprise.errors import BrokerAway, CatalogueAway, RepriseError
from reprise.runners.dramatiq.shift import Shift

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.records import Jobs
    from reprise.runners.dramatiq.bell import Bell


def make_job(
    name: str,
    *,
    owner: str = "ada",
    priority: int = Priority.BACKFILL,
    queued_at: float = 1.0,
    state: JobState = JobState.RUNNING,
    planned: bool = True,
    control: Control = Control.NONE,
    purpose: Purpose = Purpose.ASKED,
) -> Job:
    return Job(
        id=name,
        request=JobRequest(Selection(owner, 1), ("null",), purpose=purpose),
        state=state,
        control=control,
        spec_version="2026-11-20",
        items=10,
        percent=0.0,
        created_at=0.0,
        started_at=None,
        finished_at=None,
        planned=planned,
        error="",
        models=(),
        queued_at=queued_at,
        priority=priority,
    )


class FakeBell:
    """Remembers whom it was rung for."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.in_queue = 0
        self.away = False
        self.counts = False
        """Whether what was rung stands in the queue from then on."""

    def waiting(self) -> int:
        if self.away:
            raise BrokerAway("nobody answers")
        return self.in_queue

    def wake(self, jobs: FakeJobs, job: Job, patience: float = 0.0) -> bool:
        if not jobs.ring(job.owner, job.id, patience) or self.away:
            return False
        self.rung.append(job.id)
        self.in_queue += self.counts
        return True

    @property
    def as_bell(self) -> Bell:
        return cast("Bell", self)


@dataclass
class FakeJobs:
    """``ages``: how long ago was rung for a job that nobody has come for since."""

    known: list[Job]
    ages: dict[str, float] = field(default_factory=dict)
    answered: list[str] = field(default_factory=list)

    def hosted(self) -> list[Job]:
        return [job for job in self.known if job.queued_at is not None and not job.state.ended]

    def get(self, _owner: str, job_id: str) -> Job:
        return next(job for job in self.known if job.id == job_id)

    def ring(self, _owner: str, job_id: str, patience: float) -> bool:
        if job_id in self.ages and self.ages[job_id] < patience:
            return False
        self.ages[job_id] = 0.0
        return True

    def answer(self, _owner: str, job_id: str) -> None:
        self.ages.pop(job_id, None)
        self.answered.append(job_id)


class FakePlace:
    """``ends``: how slices of a job end, one after the other; the last for ever."""

    def __init__(self, *jobs: Job, **ends: list[ShareEnd]) -> None:
        self.fake = FakeJobs(list(jobs))
        self.ends = ends
        self.crowded: set[str] = set()
        """Jobs that somebody is at."""
        self.rows: dict[str, int] = {}
        self.quiet_jobs: set[str] = set()
        self.served: dict[str, float] = {}
        self.worked: list[str] = []
        self.followed: list[str] = []
        self.cancelled: list[str] = []
        self.meanwhile: Callable[[Job, Callable[[], bool]], object] = lambda _job, _stop: None
        self.failure: RepriseError | None = None

    @property
    def jobs(self) -> Jobs:
        if self.failure:
            raise self.failure
        return cast("Jobs", self.fake)

    def alive(self, job: Job) -> bool:
        return job.id in self.crowded

    def pending(self, job: Job) -> int:
        return self.rows.get(job.id, 0)

    def quiet(self, job: Job) -> bool:
        return job.id in self.quiet_jobs

    def last_served(self, owner: str) -> float:
        return self.served.get(owner, 0.0)

    def work(self, job: Job, _seconds: float, stop: Callable[[], bool]) -> ShareEnd:
        self.worked.append(job.id)
        self.meanwhile(job, stop)
        ends = self.ends.get(job.id, [ShareEnd.MORE])
        end = ends.pop(0) if len(ends) > 1 else ends[0]
        if end is ShareEnd.ENDED:
            known = self.fake.known
            known[:] = [replace(one, state=JobState.COMPLETED) if one.id == job.id else one for one in known]
        return end

    def follow(self, job: Job) -> None:
        self.followed.append(job.id)

    def cancel(self, job: Job) -> None:
        self.cancelled.append(job.id)


def make_shift(place: FakePlace, bell: FakeBell | None = None, *, stop: bool = False) -> Shift:
    return Shift(place, bell.as_bell if bell else None, 240.0, lambda: stop)


AWAY = CatalogueAway("it restarts")
