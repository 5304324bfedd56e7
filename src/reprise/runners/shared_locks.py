"""Locks in the catalogue, for processes on several machines: they lapse when their process is not heard of."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from reprise.core.sharing import LockRows

log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
"""How long after the death of a process its locks still hold."""
BEATS = 6
"""Renewals within a lease: the database may be away for some of them."""


@dataclass(slots=True)
class _Held:
    """``times``: how often this process has taken it and not let go yet."""

    shared: bool
    times: int = 0


class SharedLocks:
    """Implements ``engine.start.Locks`` and ``engine.crew.Presence``. ``rows`` is asked for when a lock is.

    ``beats``: called with each renewal, so that what else this process holds is renewed as well.
    """

    def __init__(
        self,
        rows: Callable[[], LockRows],
        holder: str,
        lease: float = LEASE_SECONDS,
        beats: Callable[[], object] = lambda: None,
    ) -> None:
        self._rows = rows
        self._holder = holder
        self._lease = lease
        self._beats = beats
        self._guard = threading.Lock()
        self._mine: dict[str, _Held] = {}
        self._enough: threading.Event | None = None
        """Ends the thread that renews; there is one as long as anything is held."""

    def try_lock(self, name: str) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the lock is this process's alone now."""
        return self._holding(name, shared=False)

    def share(self, name: str) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the lock is held now by this process, maybe with others."""
        return self._holding(name, shared=True)

    @contextmanager
    def _holding(self, name: str, *, shared: bool) -> Iterator[bool]:
        with self._guard:
            free = shared or name not in self._mine
            ours = free and self._rows().take(name, self._holder, self._lease, shared=shared)
            if ours:
                self._keep(name, shared=shared)
        if not ours:
            yield False
            return
        try:
            yield True
        finally:
            self._let_go(name)

    def held(self, name: str) -> bool:
        """Whether a living process holds the lock now, alone or with others."""
        return bool(self._rows().holders(name))

    def count(self, name: str) -> int:
        """How many processes hold the lock now."""
        return len(self._rows().holders(name))

    def _keep(self, name: str, *, shared: bool) -> None:
        """The caller holds the guard."""
        self._mine.setdefault(name, _Held(shared)).times += 1
        if self._enough is None:
            self._enough = threading.Event()
            threading.Thread(target=self._renew, args=(self._enough,), name="locks", daemon=True).start()

    def _let_go(self, name: str) -> None:
        with self._guard:
            self._mine[name].times -= 1
            if self._mine[name].times:
                return
            del self._mine[name]
            if not self._mine and self._enough is not None:
                self._enough.set()
                self._enough = None
        with suppress(CatalogueError):  # it lapses by itself
            self._rows().release(name, self._holder)

    def _renew(self, enough: threading.Event) -> None:
        while not enough.wait(self._lease / BEATS):
            try:
                self._take_back(self._rows().renew(self._holder, self._lease))
                self._beats()
            except CatalogueError as error:
                log.warning("locks cannot be renewed, tried again in a moment: %s", error)

    def _take_back(self, renewed: Collection[str]) -> None:
        """A lock may have lapsed while the database was away, or this process stood still."""
        with self._guard:
            lost = [(name, held.shared) for name, held in self._mine.items() if name not in renewed]
            for name, shared in lost:
                if not self._rows().take(name, self._holder, self._lease, shared=shared):
                    log.warning("the lock %s lapsed and is another process's now", name)
