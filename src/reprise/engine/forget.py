"""Forgetting items: their vectors first, then their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprise.core.records import Catalogue
    from reprise.engine.keeping import Keeping


def forget_items(catalogue: Catalogue, keeping: Keeping, owner: str, item_ids: list[int]) -> None:
    """Delete vectors, then rows, so that a crash in between leaves nothing that nobody knows of.

    What came out of a video goes with it.
    """
    everything = [*item_ids, *catalogue.videos.items_below(owner, item_ids)]
    for space in catalogue.spaces.all(owner):
        if catalogue.ledger.counts(owner, space.id)["vectors"]:
            keeping.delete(space, everything)
    catalogue.items.remove(owner, item_ids)
