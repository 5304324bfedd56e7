"""One listener's stream of events, as bytes."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from reprise.errors import UsageError
from reprise.server.access import Person, Role
from reprise.server.job_view import job_facts
from reprise.server.telling import block

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from starlette.types import Send

    from reprise.server.house import House
    from reprise.server.live import Ear, Live

PING_SECONDS = 15.0
SIGNED_IN_SECONDS = 30.0
"""How often it is looked whether the listener is still signed in."""
FAR_BEHIND = 1000
"""Rows. Who falls further behind while listening is told how things stand, not all that led there."""
RETRY = b"retry: 2000\n\n"


class EventStream(StreamingResponse):
    """Server-sent events. The generator is closed with the connection, not when somebody collects it."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            if isinstance(self.body_iterator, AsyncGenerator):
                await self.body_iterator.aclose()


class Listener:
    """What one person hears from ``seq`` on; ``None``: how things stand now, then what changes.

    ``still`` gives the person anew, and raises ``UsageError`` kinds once they are gone.
    """

    def __init__(
        self,
        house: House,
        live: Live,
        person: Person,
        seq: int | None,
        still: Callable[[], Awaitable[Person]],
    ) -> None:
        self._house, self._live, self._person, self._still = house, live, person, still
        self._start = seq
        self._seq = 0
        self._caught_up = False
        self._machine = 0
        self._pinged = self._checked = time.monotonic()

    @property
    def _admin(self) -> bool:
        return self._person.role is Role.ADMIN

    async def stream(self) -> AsyncGenerator[bytes]:
        """Ends when the server closes, and when the person is signed out."""
        with self._live.listening() as ear:
            yield RETRY + await self._first()
            while not self._house.closing.is_set() and await self._signed_in():
                if data := await self._next(ear):
                    yield data

    async def _first(self) -> bytes:
        known = await run_in_threadpool(self._live.begin, self._start)
        if known is None:
            return await self._snapshot()
        self._seq = known
        return b""

    async def _snapshot(self) -> bytes:
        data = await run_in_threadpool(snapshot, self._house, self._person)
        self._seq = data["seq"]
        return block("snapshot", data, self._seq)

    async def _next(self, ear: Ear) -> bytes:
        """What happened since; waits a while when nothing did."""
        if self._caught_up and self._live.head - self._seq > FAR_BEHIND:
            return await self._snapshot()
        events, reached = await self._live.after(self._seq)
        if reached > self._seq:
            self._seq = reached
            heard = (e for e in events if e.heard_by(self._person.owner, everything=self._admin))
            return b"".join(event.block for event in heard)
        self._caught_up = True
        await ear.wait(PING_SECONDS)
        return self._beside()

    def _beside(self) -> bytes:
        """What has no place in the feed: the machine for administrators, and a sign of life."""
        said = b""
        number, event = self._live.machine
        if self._admin and number != self._machine:
            self._machine, said = number, event
        if time.monotonic() - self._pinged >= PING_SECONDS:
            self._pinged = time.monotonic()
            said += b": ping\n\n"
        return said

    async def _signed_in(self) -> bool:
        if time.monotonic() - self._checked < SIGNED_IN_SECONDS:
            return True
        self._checked = time.monotonic()
        try:
            self._person = await self._still()
        except UsageError:  # signed out, gone, or not let in any more
            return False
        return True


def snapshot(house: House, person: Person) -> dict[str, Any]:
    """How things stand: the jobs under way, for administrators, and up to which row of the feed that is so."""
    feed = house.app.catalogue().feed
    seq = feed.newest()  # before the jobs are read: what happens meanwhile is told again, never missed
    return {"jobs": _active(house) if person.role is Role.ADMIN else [], "seq": seq}


def _active(house: House) -> list[dict[str, Any]]:
    catalogue = house.app.catalogue()
    jobs = [catalogue.jobs.get(owner, job_id) for owner, job_id in catalogue.figures.active_jobs()]
    return [job_facts(house.of(job.owner), job) for job in jobs]
