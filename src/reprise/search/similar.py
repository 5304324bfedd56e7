"""What sounds like one track, by one model: the plainest question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.search.find import find
from reprise.search.query import Query, Seed
from reprise.search.space_queries import SearchedStore, SearchPorts

if TYPE_CHECKING:
    from reprise.core.items import Item
    from reprise.core.records import Catalogue
    from reprise.search.find import Found


def similar(
    catalogue: Catalogue, store: SearchedStore, owner: str, seed: Item, model: str, limit: int
) -> Found:
    """The ``limit`` items nearest to ``seed`` by one model, best first, the seed left out.

    Raises ``NotFound`` when the model has no space yet or the seed is not embedded.
    """
    return find(SearchPorts(catalogue, store, owner), Query((Seed(seed),), (model,), limit))
