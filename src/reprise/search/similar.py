"""What sounds like a track: pointer, space, query vector, owner's neighbours, rows of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.space import SpaceState
from reprise.errors import NotFound

if TYPE_CHECKING:
    from reprise.core.items import Item
    from reprise.core.ports import VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space

SPARE_HITS = 10
"""Some hits may be missing on disk: ask for a few more than wanted."""


@dataclass(frozen=True, slots=True)
class Match:
    """A similar item. ``score`` is the cosine similarity, -1 to 1."""

    item: Item
    score: float


@dataclass(frozen=True, slots=True)
class Matches:
    """An answer with where it comes from. ``partial`` while the first space of a model is still filling."""

    seed: Item
    model: str
    space: str
    partial: bool
    matches: list[Match]


def similar(
    catalogue: Catalogue, store: VectorStore, owner: str, seed: Item, model: str, limit: int
) -> Matches:
    """The ``limit`` items nearest to ``seed`` by one model, best first, the seed left out.

    Raises ``NotFound`` when the model has no space yet or the seed is not embedded.
    """
    space = serving_space(catalogue, owner, model)
    vectors = store.get(owner, space.name, [seed.id])
    if seed.id not in vectors:
        raise NotFound(
            f"{seed.label} is not embedded by {model}", cure=f"see why with: reprise explain {seed.id}"
        )
    hits = store.search(owner, space.name, vectors[seed.id], limit + SPARE_HITS, exclude=[seed.id])
    items = catalogue.items.get(owner, [hit.key for hit in hits])
    present = [
        Match(items[hit.key], hit.score)
        for hit in hits
        if hit.key in items and items[hit.key].missing_since is None
    ]
    return Matches(seed, model, space.name, space.state is not SpaceState.ACTIVE, present[:limit])


def serving_space(catalogue: Catalogue, owner: str, model: str) -> Space:
    """The space that the pointer names; before the first cutover, the one that is filling."""
    if pointer := catalogue.spaces.pointer(owner, model):
        return pointer.space
    filling = [
        space
        for space in catalogue.spaces.all(owner)
        if space.model == model and space.state in {SpaceState.FILLING, SpaceState.VERIFYING}
    ]
    if not filling:
        raise NotFound(
            f"nothing is embedded by {model} yet", cure=f"run: reprise embed FOLDER --model {model}"
        )
    return filling[-1]
