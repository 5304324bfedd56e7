"""The tracks of a library or a folder of it with what was heard of them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reprise.core.ports import Part
from reprise.core.records import KnownFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.analysis import Analysis
    from reprise.core.items import Item
    from reprise.core.records import Catalogue

BATCH = 500


def heard_tracks(
    catalogue: Catalogue, owner: str, library_id: int, folder: bytes = b""
) -> Iterator[tuple[Item, Analysis]]:
    """Present tracks that have been analysed, in the byte order of their paths, in constant memory.

    ``folder`` is relative to the library's root.
    """
    files = map(KnownFile._make, catalogue.items.files(owner, library_id, Part(folder)))
    present = (file.item_id for file in files if file.missing_since is None)
    while ids := list(islice(present, BATCH)):
        items, analyses = catalogue.items.get(owner, ids), catalogue.analyses.many(owner, ids)
        yield from ((items[one], analyses[one]) for one in ids if one in items and one in analyses)
