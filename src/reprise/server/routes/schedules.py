"""Jobs that start by the clock."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from reprise.core.schedules import Schedule
from reprise.server.access import Seen, TheHouse, admin
from reprise.server.clock import Clock, trigger_of
from reprise.server.house import House
from reprise.server.problems import responses

router = APIRouter(
    prefix="/api/v1/schedules",
    tags=["schedules"],
    dependencies=[Depends(admin)],
    responses=responses(401, 403),
)

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Cron = Annotated[str, Field(min_length=9, max_length=120, examples=["0 2 * * *"])]
Models = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1, max_length=50)
]


class ScheduleFacts(BaseModel):
    """A schedule. Times in seconds since the epoch."""

    id: int
    library_id: int
    models: list[str]
    cron: str
    enabled: bool
    next_at: float | None
    ran_at: float | None
    outcome: str


class ScheduleList(BaseModel):
    items: list[ScheduleFacts]


class NewSchedule(BaseModel):
    library_id: int = Field(ge=1, le=2**63 - 1)
    models: Models
    cron: Cron


class ScheduleChange(BaseModel):
    models: Models | None = None
    cron: Cron | None = None
    enabled: bool | None = None


@router.get("")
def list_schedules(app: Seen, house: TheHouse) -> ScheduleList:
    """All schedules, with when each starts its next job."""
    schedules = app.catalogue().schedules.all(app.owner)
    return ScheduleList(items=[_facts(house, schedule) for schedule in schedules])


@router.post("", status_code=201, responses=responses(404))
def add_schedule(new: NewSchedule, app: Seen, house: TheHouse) -> ScheduleFacts:
    """Start a job by the clock, for what is missing then."""
    trigger_of(new.cron)
    app.catalogue().libraries.get(app.owner, new.library_id)
    models = app.models(new.models)
    schedule = app.catalogue().schedules.add(app.owner, new.library_id, models, new.cron, time.time())
    return _facts(_told(house), schedule)


@router.patch("/{schedule_id}", responses=responses(404))
def change_schedule(schedule_id: Id, change: ScheduleChange, app: Seen, house: TheHouse) -> ScheduleFacts:
    """Change its models or its times, or switch it off or on."""
    old = app.catalogue().schedules.get(app.owner, schedule_id)
    cron = change.cron or old.cron
    trigger_of(cron)
    schedule = app.catalogue().schedules.change(
        app.owner,
        schedule_id,
        app.models(change.models) if change.models else old.models,
        cron,
        enabled=old.enabled if change.enabled is None else change.enabled,
    )
    return _facts(_told(house), schedule)


@router.delete("/{schedule_id}", status_code=204, responses=responses(404))
def remove_schedule(schedule_id: Id, app: Seen, house: TheHouse) -> Response:
    """Jobs that it has started go on."""
    app.catalogue().schedules.remove(app.owner, schedule_id)
    _told(house)
    return Response(status_code=204)


def _told(house: House) -> House:
    house.service(Clock).reload()
    return house


def _facts(house: House, schedule: Schedule) -> ScheduleFacts:
    return ScheduleFacts(
        id=schedule.id,
        library_id=schedule.library_id,
        models=list(schedule.models),
        cron=schedule.cron,
        enabled=schedule.enabled,
        next_at=house.service(Clock).next_at(schedule),
        ran_at=schedule.ran_at,
        outcome=schedule.outcome,
    )
