"""How long the store takes of a question's time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reprise.core.ports import Hit, Vectors
    from reprise.core.store_abilities import StoreAbilities
    from reprise.search.space_queries import SearchedStore


class TimedStore:
    """A store for one question; ``seconds``: what its searches took together."""

    def __init__(self, store: SearchedStore) -> None:
        self._store = store
        self.seconds = 0.0

    @property
    def abilities(self) -> StoreAbilities:
        return self._store.abilities

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        return self._store.get(owner, space, keys)

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        return self._store.scan(owner, space, batch)

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        began = time.perf_counter()
        try:
            return self._store.search(owner, space, vector, k, exclude=exclude)
        finally:
            self.seconds += time.perf_counter() - began
