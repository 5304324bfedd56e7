"""Forgetting items: their vectors first, then their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprise.core.ports import VectorStore
    from reprise.core.records import Catalogue


def forget_items(catalogue: Catalogue, store: VectorStore, owner: str, item_ids: list[int]) -> None:
    """Delete vectors, then rows, so that a crash in between leaves nothing that nobody knows of."""
    for space in catalogue.spaces.all(owner):
        if catalogue.ledger.counts(owner, space.id)["vectors"]:
            store.delete(owner, space.name, item_ids)
    catalogue.items.remove(owner, item_ids)
