"""A store that waits out an absence of its server, so that no item of a job fails by it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reprise.errors import StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from reprise.core.ports import Hit, StoreReport, Vectors, VectorStore
    from reprise.core.store_abilities import StoreAbilities

    T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds between two tries; each wait is twice the one before."""

GLANCE = 0.5
"""Seconds after which somebody who waits looks whether he is to stop."""


class PatientStore:
    """A ``VectorStore`` over another one, for jobs. A call that finds the server away is made again until it succeeds,
    until ``patience`` seconds have passed since its first try, or until ``stop`` says so; then its ``StoreAway`` is raised.

    All calls may be made again: writes go by key. One thing differs: a ``delete`` whose answer was lost, not its work,
    says afterwards that nothing was there.
    """

    def __init__(
        self,
        store: VectorStore,
        patience: float,
        stop: Callable[[], bool],
        *,
        waiting: Callable[[StoreAway, float], None] = lambda _error, _seconds: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``waiting`` hears of each wait: why, and how many seconds."""
        self._store = store
        self._patience = patience
        self._stop = stop
        self._waiting = waiting
        self._clock = clock
        self._sleep = sleep

    @property
    def abilities(self) -> StoreAbilities:
        return self._store.abilities

    def _tried(self, call: Callable[[], T]) -> T:
        until, wait = self._clock() + self._patience, FIRST_WAIT
        while True:
            try:
                return call()
            except StoreAway as error:
                left = until - self._clock()
                if left <= 0 or self._stop():
                    raise
                self._wait(min(wait, left), error)
                if self._stop():
                    raise
                wait = min(2 * wait, LONGEST_WAIT)

    def _wait(self, seconds: float, error: StoreAway) -> None:
        self._waiting(error, seconds)
        end = self._clock() + seconds
        while (left := end - self._clock()) > 0 and not self._stop():
            self._sleep(min(left, GLANCE))

    def create(self, owner: str, space: str, dimension: int) -> None:
        self._tried(lambda: self._store.create(owner, space, dimension))

    def drop(self, owner: str, space: str) -> None:
        self._tried(lambda: self._store.drop(owner, space))

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        self._tried(lambda: self._store.upsert(owner, space, keys, vectors))

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        return self._tried(lambda: self._store.delete(owner, space, keys))

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        return self._tried(lambda: self._store.get(owner, space, keys))

    def count(self, owner: str, space: str) -> int:
        return self._tried(lambda: self._store.count(owner, space))

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        return self._pages(self._tried(lambda: self._store.scan(owner, space, batch)), owner, space, batch)

    def _pages(
        self, pages: Iterator[tuple[Sequence[int], Vectors]], owner: str, space: str, batch: int
    ) -> Iterator[tuple[Sequence[int], Vectors]]:
        """An absence in the middle begins the scan anew, and what was given already is read over."""
        last = -1
        broken = False

        def following() -> tuple[Sequence[int], Vectors] | None:
            nonlocal pages, broken
            if broken:
                pages, broken = self._store.scan(owner, space, batch), False
            try:
                while page := next(pages, None):
                    if page[0][-1] > last:
                        return page
            except StoreAway:
                broken = True
                raise
            return None

        while (page := self._tried(following)) is not None:
            keys, vectors = page
            new = next(place for place, key in enumerate(keys) if key > last)
            last = keys[-1]
            yield keys[new:], vectors[new:]

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        return self._tried(lambda: self._store.search(owner, space, vector, k, exclude=exclude))

    def flush(self, owner: str, space: str) -> None:
        self._tried(lambda: self._store.flush(owner, space))

    def verify(self, owner: str, space: str) -> StoreReport:
        return self._tried(lambda: self._store.verify(owner, space))

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        self._tried(lambda: self._store.snapshot(owner, space, target))

    def restore(self, owner: str, space: str, source: Path) -> None:
        self._tried(lambda: self._store.restore(owner, space, source))

    def close(self) -> None:
        self._store.close()
