"""What happens, as it happens."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel

from reprise.server.access import Admin, Role, SignedIn, TheHouse
from reprise.server.asking import person_of
from reprise.server.live import Live
from reprise.server.machine import Machine
from reprise.server.problems import responses
from reprise.server.stream import EventStream, Listener, snapshot

router = APIRouter(prefix="/api/v1", tags=["events"])

LARGEST = 2**63 - 1


class Event(BaseModel):
    """One event, as the stream tells it. ``seq`` ascends; two events of one row share it."""

    seq: int
    name: str
    at: float
    data: dict[str, Any]


class Events(BaseModel):
    """A page of events. ``reached``: ask on with ``after`` this."""

    items: list[Event]
    reached: int


@router.get(
    "/events",
    response_class=EventStream,
    responses={
        200: {
            "description": "Server-sent events: snapshot, job, notice, library, space, rename, machine",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **responses(401, 422),
    },
)
async def events(
    request: Request,
    house: TheHouse,
    asking: SignedIn,
    last_event_id: Annotated[
        str | None, Query(max_length=40, description="Like the header, for who cannot send one")
    ] = None,
    header: Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)] = None,
) -> EventStream:
    """What happens from now on, or, with the id of the last event that was heard, from there on.

    Without an id, and with one that is too old or unknown, the first event is a `snapshot` of how things stand.
    People who are no administrators hear `library` and `space` of their own.
    """

    listener = Listener(
        house, house.service(Live), asking, _number(header or last_event_id), lambda: person_of(request)
    )
    return EventStream(listener.stream(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def _number(text: str | None) -> int | None:
    """An id of ours, or none: whatever a client remembers, it is told how things stand."""
    number = int(text) if text and re.fullmatch(r"[0-9]{1,19}", text) else None
    return number if number is not None and number <= LARGEST else None


@router.get("/events/recent", responses=responses(401, 422))
def recent(
    house: TheHouse,
    asking: SignedIn,
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST, description="The `seq` of the last event that was heard")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Events:
    """The same events for who has to ask again and again. `limit` counts rows; a page may be short, or empty.

    Without `after`, and with one that is too old or unknown, the only one is a `snapshot`.
    """
    live = house.service(Live)
    seq = live.begin(after)
    if seq is None:
        data = snapshot(house, asking)
        now = Event(seq=data["seq"], name="snapshot", at=time.time(), data=data)
        return Events(items=[now], reached=now.seq)
    everything = asking.role is Role.ADMIN
    told, reached = live.page(seq, limit)
    heard = [event for event in told if event.heard_by(asking.owner, everything=everything)]
    items = [Event(seq=event.seq, name=event.name, at=event.at, data=event.data) for event in heard]
    return Events(items=items, reached=reached)


@router.get("/machine", responses=responses(401, 403))
def machine(house: TheHouse, _: Admin) -> Machine:
    """Processor, memory and graphics cards now."""
    return house.service(Live).look()
