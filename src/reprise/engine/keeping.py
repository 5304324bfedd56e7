"""What the rows of a space stand for, wherever it is kept: vectors in the store, anything else with its step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reprise.core.ports import DirectStep, VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space


@dataclass(frozen=True, slots=True)
class Keeping:
    """``step``: the direct step of a model's name; ``None`` for what is none, or is not installed any more.

    A space without vectors that no step keeps anything for (its model tells) has rows in the ledger, and that is all.
    """

    store: VectorStore
    step: Callable[[str], DirectStep | None]

    def create(self, space: Space) -> None:
        if space.dimension:
            self.store.create(space.owner, space.name, space.dimension)
        elif step := self.step(space.model):
            step.open(space.owner, space.name)

    def drop(self, space: Space) -> None:
        if space.dimension:
            self.store.drop(space.owner, space.name)
        elif step := self.step(space.model):
            step.drop(space.owner, space.name)

    def delete(self, space: Space, keys: Collection[int]) -> None:
        if not keys:
            return
        if space.dimension:
            self.store.delete(space.owner, space.name, keys)
        elif step := self.step(space.model):
            step.forget(space.owner, space.name, keys)

    def keys(self, space: Space) -> Iterator[int] | None:
        """Of what there is something, ascending, in constant memory; ``None`` when nothing is kept anywhere."""
        if space.dimension:
            stored = self.store.scan(space.owner, space.name)
            return chain.from_iterable(keys for keys, _ in stored)
        step = self.step(space.model)
        return step.keys(space.owner, space.name) if step else None

    def count(self, space: Space) -> int | None:
        if space.dimension:
            return self.store.count(space.owner, space.name)
        keys = self.keys(space)
        return None if keys is None else sum(1 for _ in keys)


def purge(catalogue: Catalogue, keeping: Keeping, space: Space) -> int:
    """Delete what was made of items that are gone, or have nothing to look at any more; returns of how many.

    First what was made, then the rows, so that a crash in between leaves nothing that nobody knows of.
    """
    gone = catalogue.ledger.orphans(space.owner, space)
    if gone:
        keeping.delete(space, gone)
        catalogue.ledger.forget(space.owner, space.id, gone)
    return len(gone)
