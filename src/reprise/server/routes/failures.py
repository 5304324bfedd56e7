"""What failed and why; retried or dismissed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.job import JobRequest, Priority
from reprise.core.records import Failure
from reprise.errors import JobConflict, ModelError, NotFound, UnknownModel, item_error
from reprise.server.access import Admin, TheHouse
from reprise.server.job_host import ring
from reprise.server.job_start import LARGEST, Acting
from reprise.server.job_view import JobFacts, job_facts
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1/failures", tags=["failures"], responses=responses(401, 403, 404, 422))

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z_]+$")]


class FailureFacts(BaseModel):
    """A track that one model could not embed. ``at`` in seconds since the epoch."""

    item_id: int
    label: str
    path: str
    model: str
    code: str
    message: str
    cure: str
    retryable: bool = Field(description="Whether trying again may help without changing the file")
    attempts: int
    at: float
    dismissed: bool


class CodeCount(BaseModel):
    """How many there are of one kind."""

    code: str
    count: int


class FailurePage(BaseModel):
    """Failures, the newest first. ``codes`` counts all kinds, whichever was asked for."""

    items: list[FailureFacts]
    total_count: int
    offset: int
    limit: int
    next_cursor: str | None = None
    codes: list[CodeCount]


class Chosen(BaseModel):
    """Which failures: of one kind, of one item, or all."""

    code: Code | None = None
    item_id: int | None = Field(default=None, ge=1, le=LARGEST)


class Retried(BaseModel):
    """The jobs that try again, one for each library; ``conflicts`` says what is in the way of others."""

    jobs: list[JobFacts]
    conflicts: list[str]


class Dismissed(BaseModel):
    dismissed: int


@router.get("")
def list_failures(
    app: Acting,
    code: Annotated[Code | None, Query()] = None,
    model: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    dismissed: Annotated[bool, Query(description="Those that were dismissed as well")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> FailurePage:
    """What failed, why, and what to do about it."""
    ledger = app.catalogue().ledger
    codes = ledger.failure_codes(app.owner, model=model, dismissed=dismissed)
    found = ledger.failure_page(
        app.owner, code=code, model=model, dismissed=dismissed, limit=limit, offset=offset
    )
    return FailurePage(
        items=[_facts(failure) for failure in found],
        total_count=codes.get(code, 0) if code else sum(codes.values()),
        offset=offset,
        limit=limit,
        codes=[CodeCount(code=name, count=count) for name, count in codes.items()],
    )


@router.post("/retry", status_code=202, responses=responses(409))
def retry(house: TheHouse, asking: Admin, app: Acting, chosen: Chosen) -> Retried:
    """Try again what failed: all of it, one kind, or one item."""
    jobs: list[JobFacts] = []
    conflicts: list[str] = []
    for selection, models in app.retries(code=chosen.code, item_id=chosen.item_id):
        try:
            request = JobRequest(selection, tuple(models))
            job = app.enqueue(request, priority=Priority.INTERACTIVE, asked_by=asking.name)
            jobs.append(JobFacts(**job_facts(app, job)))
        except (JobConflict, UnknownModel, ModelError) as conflict:
            conflicts.append(conflict.message)
    ring(house)
    if conflicts and not jobs:
        raise JobConflict("; ".join(conflicts))
    if not jobs:
        raise NotFound("no such failure: nothing to try again", cure="see: /api/v1/failures")
    return Retried(jobs=jobs, conflicts=conflicts)


@router.post("/dismiss")
def dismiss(app: Acting, chosen: Chosen) -> Dismissed:
    """They count no more, and are not tried again by themselves."""
    return Dismissed(dismissed=_dismiss(app, chosen))


def _dismiss(app: App, chosen: Chosen) -> int:
    return app.catalogue().ledger.dismiss(app.owner, code=chosen.code, item_id=chosen.item_id)


def _facts(failure: Failure) -> FailureFacts:
    kind = item_error(failure.code, failure.message)
    return FailureFacts(
        item_id=failure.item_id,
        label=failure.label,
        path=failure.path,
        model=failure.model,
        code=failure.code,
        message=failure.message,
        cure=kind.cure,
        retryable=kind.retryable,
        attempts=failure.attempts,
        at=failure.at,
        dismissed=failure.dismissed,
    )
