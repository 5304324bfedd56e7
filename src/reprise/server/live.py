"""Who listens hears what happens: one reader of the feed for all listeners, none of whom can hold it up.

Listeners keep no queue. Each has only a position, and asks for what came after it: from the events that are still in
memory, or from the table. So a slow one costs nothing, and nothing that runs ever waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from reprise.core.feed import is_whole_after
from reprise.errors import RepriseError
from reprise.server.machine import Gauge, Machine
from reprise.server.telling import Told, block, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.server.house import House

POLL_SECONDS = 0.25
MACHINE_SECONDS = 2.0
PAGE_ROWS = 200
KEPT_EVENTS = 1000
"""How many events stay in memory for those who are close behind."""


class Ear:
    """One listener, to be woken from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop has ended: nobody listens there any more
            self._loop.call_soon_threadsafe(self._woken.set)

    async def wait(self, seconds: float) -> None:
        """Until something happens, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()


class Live:
    """A ``Service``: reads the feed and looks at the machine while somebody listens."""

    name = "events"

    def __init__(self, house: House) -> None:
        self._house = house
        self._gauge = Gauge()
        self._ears: set[Ear] = set()
        self._change = threading.Condition()
        self._stopping = threading.Event()
        self._events: deque[Told] = deque(maxlen=KEPT_EVENTS)
        self._head = 0
        self._trouble = ""
        self.machine = (0, b"")
        """The number of the last look at the machine, and its event."""
        self._threads = [
            threading.Thread(target=self._follow, name="events", daemon=True),
            threading.Thread(target=self._watch_machine, name="machine", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._change:
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def trouble(self) -> str:
        ended = [thread.name for thread in self._threads if not thread.is_alive()]
        return f"the thread {ended[0]} has ended" if ended else self._trouble

    @property
    def head(self) -> int:
        """The newest row that was read."""
        return self._head

    def look(self) -> Machine:
        """The machine as it is now."""
        return self._gauge.look()

    @contextmanager
    def listening(self) -> Iterator[Ear]:
        ear = Ear()
        with self._change:
            self._ears.add(ear)
            self._change.notify_all()
        try:
            yield ear
        finally:
            with self._change:
                self._ears.discard(ear)

    async def after(self, seq: int) -> tuple[list[Told], int]:
        """Events behind ``seq``, a page of them, and how far they reach; nothing new: none, and ``seq``."""
        with self._change:
            if self._events and self._events[0].seq <= seq:  # one row may have two events
                kept = [event for event in self._events if event.seq > seq]
                return kept, max(seq, self._head)
            if seq >= self._head:
                return [], seq
        return await run_in_threadpool(self.page, seq, PAGE_ROWS)

    def page(self, seq: int, limit: int) -> tuple[list[Told], int]:
        """The same from the table, ``limit`` rows at most."""
        rows = self._house.app.catalogue().feed.after(None, seq, limit)
        return tell(self._house, rows), rows[-1].seq if rows else seq

    def begin(self, seq: int | None) -> int | None:
        """``seq`` when who has seen it can be told all that came after it; else ``None``: let them have a snapshot."""
        newest = self._house.app.catalogue().feed.newest()
        return seq if seq is not None and is_whole_after(seq, newest) else None

    def _someone(self) -> bool:
        """Waits until somebody listens; whether to go on."""
        with self._change:
            self._change.wait_for(lambda: self._ears or self._stopping.is_set())
        return not self._stopping.is_set()

    def _follow(self) -> None:
        idle = True
        while self._someone():
            try:
                if idle:
                    self._begin_anew()
                self._read()
                self._trouble, idle = "", False
            except RepriseError as error:
                self._trouble = error.message
            if self._house.closing.is_set():
                self._wake_all()
            self._stopping.wait(POLL_SECONDS)
            with self._change:
                idle = idle or not self._ears

    def _begin_anew(self) -> None:
        """Nobody has listened for a while: what happened then is in the table."""
        newest = self._house.app.catalogue().feed.newest()
        with self._change:
            self._events.clear()
            self._head = newest
        self._wake_all()

    def _read(self) -> None:
        events, reached = self.page(self._head, PAGE_ROWS)
        if reached == self._head:
            return
        with self._change:
            self._events.extend(events)
            self._head = reached
        self._wake_all()

    def _watch_machine(self) -> None:
        while self._someone():
            self.machine = self.machine[0] + 1, block("machine", self.look().model_dump())
            self._wake_all()
            self._stopping.wait(MACHINE_SECONDS)

    def _wake_all(self) -> None:
        with self._change:
            for ear in self._ears:
                ear.wake()
