"""Jobs: estimate, start, look at, pause, resume, cancel."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.job import Control, Job, JobState, Priority
from reprise.engine.estimate import Estimate
from reprise.server.access import Admin, TheHouse
from reprise.server.job_host import ring
from reprise.server.job_start import LARGEST, Acting, Start, Starting, request_of
from reprise.server.job_view import JobFacts, Standing, job_facts
from reprise.server.notices import TOLD
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=responses(401, 403, 404, 422))

JobId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{1,32}$", description="Its id, or a beginning that no other has")
]
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=LARGEST)]


class JobPage(BaseModel):
    """Jobs, the newest first."""

    items: list[JobFacts]
    total_count: int
    offset: int
    limit: int
    next_cursor: str | None = None


class ModelEstimate(BaseModel):
    """One model's part. ``skipped``: up to date, or failed before and not to be tried again."""

    model: str
    total: int
    to_do: int
    skipped: int
    reasons: dict[str, int] = Field(description="Why what is to be done is, by number")
    seconds: float | None = Field(description="null: its speed is not known here")
    memory_mb: float
    speed_source: str = Field(description="Where the speed comes from; empty: it is not known")
    missing: str = Field(description="Weights that have to be fetched first; empty: they are there")


class JobEstimate(BaseModel):
    """What a job would do and take, as of the last scan. Nothing is changed."""

    items: int
    operations: int
    to_do: int
    seconds: float | None
    disk_bytes: int
    models: list[ModelEstimate]


class JobEvent(BaseModel):
    """One thing that happened in a job. ``seq`` ascends over all jobs."""

    seq: int
    name: str
    at: float
    data: dict[str, Any]


class JobEvents(BaseModel):
    items: list[JobEvent]


@router.post("/estimate")
def estimate(
    app: Starting,
    start: Start,
    measure: Annotated[
        bool, Query(description="Measure speeds that are not known on a few tracks: takes up to a minute")
    ] = False,
) -> JobEstimate:
    """What this start would do and take."""
    request = request_of(app, start)
    found = app.estimates(request.selection, request.models, request.clear, measure=measure)
    seconds = [part.seconds for part in found]
    return JobEstimate(
        items=max(part.items for part in found),
        operations=sum(part.items for part in found),
        to_do=sum(part.to_do for part in found),
        seconds=None if None in seconds else sum(filter(None, seconds)),
        disk_bytes=round(sum(part.disk_mb for part in found) * 2**20),
        models=[_model_estimate(part) for part in found],
    )


@router.post("", status_code=202, responses=responses(409))
def start_job(house: TheHouse, asking: Admin, app: Starting, start: Start) -> JobFacts:
    """Start a job, or say which one is in the way. It runs as soon as it is its turn."""
    job = app.enqueue(request_of(app, start), priority=Priority.INTERACTIVE, asked_by=asking.name)
    ring(house)
    return _shown(app, job)


@router.get("")
def list_jobs(
    app: Acting, state: Annotated[Standing | None, Query()] = None, limit: Limit = 50, offset: Offset = 0
) -> JobPage:
    """All jobs, or those in one state."""
    if state in {"running", "interrupted"}:
        jobs, total = _alive_or_dead(app, str(state), limit, offset)
    else:
        standing = JobState(state) if state else None
        jobs, total = app.catalogue().jobs.page(app.owner, standing=standing, limit=limit, offset=offset)
    items = [_shown(app, job) for job in jobs]
    return JobPage(items=items, total_count=total, offset=offset, limit=limit)


@router.get("/{job_id}")
def show_job(app: Acting, job_id: JobId) -> JobFacts:
    """One job."""
    return _shown(app, app.catalogue().jobs.get(app.owner, job_id))


@router.get("/{job_id}/events")
def list_events(
    app: Acting,
    job_id: JobId,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="The last seq that is known")] = 0,
    limit: Limit = 200,
) -> JobEvents:
    """What happened in a job, the oldest first; of jobs that ended long ago nothing is left."""
    job = app.catalogue().jobs.get(app.owner, job_id)
    rows = app.catalogue().feed.of_job(app.owner, job.id, after, limit)
    items = [
        JobEvent(seq=row.seq, name=row.name, at=row.at, data=json.loads(row.data))
        for row in rows
        if row.name != TOLD  # the server's own note that the notice is settled
    ]
    return JobEvents(items=items)


@router.post("/{job_id}/pause", status_code=202, responses=responses(409))
def pause_job(house: TheHouse, app: Acting, job_id: JobId) -> JobFacts:
    """Pause it, whatever it is at; what is done stays done. It waits until somebody has it go on."""
    return _stopped(house, app, job_id, Control.PAUSE)


@router.post("/{job_id}/cancel", status_code=202, responses=responses(409))
def cancel_job(house: TheHouse, app: Acting, job_id: JobId) -> JobFacts:
    """End it for good, whatever it is at; what is done stays done."""
    return _stopped(house, app, job_id, Control.CANCEL)


@router.post("/{job_id}/resume", status_code=202, responses=responses(409))
def resume_job(house: TheHouse, app: Acting, job_id: JobId) -> JobFacts:
    """Go on with a paused job, or with one that was interrupted."""
    job = app.host_again(app.catalogue().jobs.get(app.owner, job_id))
    ring(house)
    return _shown(app, job)


def _stopped(house: TheHouse, app: App, job_id: str, control: Control) -> JobFacts:
    job = app.catalogue().jobs.get(app.owner, job_id)
    app.stop_job(job, control)
    ring(house)
    return _shown(app, app.catalogue().jobs.get(app.owner, job.id))


def _alive_or_dead(app: App, state: str, limit: int, offset: int) -> tuple[list[Job], int]:
    """Whether a running job's process lives stands in no table; there are few of them."""
    running, _ = app.catalogue().jobs.page(app.owner, standing=JobState.RUNNING, limit=LARGEST, offset=0)
    chosen = [job for job in running if app.state_of(job) == state]
    return chosen[offset : offset + limit], len(chosen)


def _shown(app: App, job: Job) -> JobFacts:
    return JobFacts(**job_facts(app, job))


def _model_estimate(part: Estimate) -> ModelEstimate:
    return ModelEstimate(
        model=part.model,
        total=part.items,
        to_do=part.to_do,
        skipped=part.skipped + part.failed_before,
        reasons=part.reasons,
        seconds=part.seconds,
        memory_mb=part.memory_mb,
        speed_source=part.measured,
        missing=part.missing,
    )
