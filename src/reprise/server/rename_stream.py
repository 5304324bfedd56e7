"""A renaming as a stream of events: one for each file, and none is renamed ahead of who reads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reprise.core.events import RenameFinished, RenameProgress, RenameStarted
from reprise.core.rename_journal import SessionState
from reprise.errors import RepriseError
from reprise.server.stream import PING_SECONDS
from reprise.server.telling import block

if TYPE_CHECKING:
    from reprise.core.events import Event
    from reprise.server.house import House
    from reprise.server.renaming import Working

READ_SECONDS = 30.0
"""Who does not read for so long is taken for gone."""

_LOOK_SECONDS = 0.25


class Handover:
    """Hands events from the thread that renames to a stream, one at a time.

    The thread does not go on before the event before was sent: what was renamed is at most one file ahead of who
    reads, so closing the stream ends the renaming within one file, and nothing piles up.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._came = asyncio.Event()
        self._free = threading.Semaphore(1)
        self._event: Event | None = None

    def tell(self, event: Event, stopping: threading.Event) -> None:
        """Called by the thread."""
        until = time.monotonic() + READ_SECONDS
        while not self._free.acquire(timeout=_LOOK_SECONDS):
            if time.monotonic() > until:
                stopping.set()
            if stopping.is_set():
                return
        self._event = event
        with suppress(RuntimeError):  # the loop has ended: nobody reads any more
            self._loop.call_soon_threadsafe(self._came.set)

    async def next(self, seconds: float) -> Event | None:
        """The next event; ``None`` when none came for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came.wait()
        if not self._came.is_set():
            return None
        self._came.clear()
        event, self._event = self._event, None
        return event

    def sent(self) -> None:
        """The last event is on its way: the next one may come."""
        self._free.release()


async def renaming_events(house: House, working: Working, handover: Handover) -> AsyncGenerator[bytes]:
    """``start``, a ``progress`` for each file, then ``completed``, ``cancelled`` or ``error``. Closing it cancels."""
    pinged = time.monotonic()
    try:
        while True:
            event = await handover.next(_LOOK_SECONDS)
            if event is not None:
                yield _told(event)
                handover.sent()
                pinged = time.monotonic()
                if isinstance(event, RenameFinished):
                    return
            elif not working.alive:
                yield block("error", _trouble(working))
                return
            elif time.monotonic() - pinged >= PING_SECONDS:
                pinged = time.monotonic()
                yield b": ping\n\n"
            if house.closing.is_set():
                working.stop()
    finally:
        working.stop()


def _told(event: Event) -> bytes:
    facts = {key: value for key, value in event.as_dict().items() if key != "event"}
    if isinstance(event, RenameStarted):
        return block("start", facts)
    if isinstance(event, RenameProgress):
        return block("progress", facts)
    state = facts["state"]
    if state == SessionState.INTERRUPTED:
        return block("error", facts | {"code": "library", "message": facts["error"]})
    return block("cancelled" if state == SessionState.CANCELLED else "completed", facts)


def _trouble(working: Working) -> dict[str, Any]:
    error = working.error
    if isinstance(error, RepriseError):
        return {
            "session_id": working.session_id,
            "code": error.code,
            "message": error.message,
            "cure": error.cure,
        }
    message = "the server made a mistake"
    return {
        "session_id": working.session_id,
        "code": "internal",
        "message": message,
        "cure": "look into its log",
    }
