"""What people call an item of any kind: a track by artist and title, a scene by its video, a photo by its person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.items import ItemKind, display_path, label
from reprise.core.made_up_paths import shown_path

if TYPE_CHECKING:
    from reprise.catalog.database import Row

LABEL_COLUMNS = "i.kind, i.path, i.artist, i.title, film.path, somebody.name"
"""What :func:`label_of` takes, in a query over items ``i`` with ``LABEL_JOINS``."""
LABEL_COUNT = 6
LABEL_JOINS = (
    " LEFT JOIN items film ON film.id = i.video_id"
    " LEFT JOIN persons somebody ON somebody.item_id = CASE i.kind WHEN 'photo' THEN i.parent_id WHEN 'person' THEN i.id END"
)


def label_of(columns: Row) -> str:
    """The name of an item, from the values of ``LABEL_COLUMNS``: ``film, scene 3``."""
    kind, path, artist, title, video, person = columns
    if kind in {ItemKind.TRACK, ItemKind.VIDEO}:
        return label(artist, title, path)
    whole = label(None, None, video) if video else person
    shown = shown_path(path)
    if not whole or shown is None:
        return shown or display_path(path)
    part = shown.partition(", ")[2]
    return f"{whole}, {part}" if part else str(whole)
