"""The nearest vectors of one space that may be in an answer, however many must be passed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reprise.core.ports import Hit, Vectors
    from reprise.search.admission import Admission
    from reprise.search.space_queries import SearchedStore

SPARE_HITS = 10
"""Some hits may not be admitted: ask for a few more than wanted."""

GROWTH = 4
"""How many times deeper the next question goes when too few of the hits were admitted."""


def deeper(asked: int, store: SearchedStore) -> int:
    """How many to ask the store for after so many were too few; its largest number is not passed over.

    Beyond that the store refuses to answer, with the cure: fewer answers than there are would be wrong ones.
    """
    wished, most = asked * GROWTH, store.abilities.largest_k
    return most if most is not None and asked < most < wished else wished


@dataclass(frozen=True, slots=True)
class Look:
    """Admitted hits, best first. No hit that was not asked for scores above ``floor``; ``exhausted``: there is none."""

    hits: list[Hit]
    floor: float
    exhausted: bool


class Neighbours:
    """One owner's vectors of one space, seen through what is admitted."""

    def __init__(self, store: SearchedStore, owner: str, space: str, admission: Admission) -> None:
        self._store = store
        self._owner = owner
        self._space = space
        self._admission = admission

    def look(self, vector: Vectors, count: int, exclude: Collection[int] = ()) -> Look:
        """Ask the store once for the ``count`` nearest and keep those that are admitted."""
        barred = self._admission.barred.union(exclude)
        hits = self._store.search(self._owner, self._space, vector, count, exclude=barred)
        admitted = self._admission.admitted([hit.key for hit in hits])
        floor = hits[-1].score if hits else -1.0
        return Look([hit for hit in hits if hit.key in admitted], floor, len(hits) < count)

    def nearest(self, vector: Vectors, count: int, exclude: Collection[int] = ()) -> list[Hit]:
        """The ``count`` nearest that are admitted; fewer only when there are no more."""
        asked = count + SPARE_HITS
        while True:
            seen = self.look(vector, asked, exclude)
            if len(seen.hits) >= count or seen.exhausted:
                return seen.hits[:count]
            asked = deeper(asked, self._store)

    def vectors(self, keys: Collection[int]) -> Mapping[int, Vectors]:
        """The stored vectors, each (dimension,)."""
        return self._store.get(self._owner, self._space, keys)
