"""Duplicates of libraries, looked for in the background and kept until something that they come from changes."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from reprise.errors import RepriseError
from reprise.search.duplicates import Duplicates, find_duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App
    from reprise.server.house import House

Key: TypeAlias = "tuple[str, int | None]"
"""An owner, and one library of theirs or all."""

KEPT = 8
REST_SECONDS = 30.0
"""Before what has been found is looked for again because a track more was listened to."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """``seen``: how many tracks had been listened to. ``problem``: why nothing could be found; empty: it could."""

    groups: Sequence[Duplicates] = ()
    seen: int = -1
    at: float = 0.0
    problem: str = ""


@dataclass(slots=True)
class DuplicateFinder:
    """A ``Service``: looks through one library at a time."""

    house: House
    name: str = "duplicates"
    _found: dict[Key, Found] = field(default_factory=dict)
    _wanted: dict[Key, App] = field(default_factory=dict)
    _change: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _stopping: bool = False

    def start(self) -> None:
        self._thread = threading.Thread(target=self._look, name="duplicates")
        self._thread.start()

    def stop(self) -> None:
        with self._change:
            self._stopping = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()

    def trouble(self) -> str:
        with self._change:
            return next((found.problem for found in self._found.values() if found.problem), "")

    def found(self, app: App, library_id: int | None) -> Found | None:
        """What is known now; ``None``: it is being looked for. What is out of date is looked for anew meanwhile."""
        key = app.owner, library_id
        heard = app.catalogue().analyses.count(app.owner)
        with self._change:
            known = self._found.get(key)
            stale = known is None or known.seen != heard or bool(known.problem)
            if stale and (known is None or time.monotonic() - known.at > REST_SECONDS):
                self._wanted[key] = app
                self._change.notify_all()
            return known

    def _look(self) -> None:
        while (turn := self._next()) is not None:
            key, app = turn
            found = self._looked(app, key[1])
            if found is None:
                return
            with self._change:
                self._wanted.pop(key, None)
                self._found.pop(key, None)
                self._found[key] = found
                while len(self._found) > KEPT:
                    del self._found[next(iter(self._found))]

    def _next(self) -> tuple[Key, App] | None:
        with self._change:
            self._change.wait_for(lambda: self._wanted or self._stopping)
            return None if self._stopping else next(iter(self._wanted.items()))

    def _looked(self, app: App, library_id: int | None) -> Found | None:
        """``None`` when the server stops in the middle."""
        seen = app.catalogue().analyses.count(app.owner)
        try:
            groups = find_duplicates(app.search_ports(), library_id, progress=self._go_on)
        except _StoppingError:
            return None
        except RepriseError as error:
            log.warning("duplicates: %s", error.message)
            return Found(seen=seen, at=time.monotonic(), problem=error.message)
        return Found(groups, seen, time.monotonic())

    def _go_on(self, _done: int, _of: int) -> None:
        if self._stopping:
            raise _StoppingError


class _StoppingError(Exception):
    """The server stops."""
