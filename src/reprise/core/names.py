"""Names of people and songs, as they are compared."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprise.core.items import Tags


def folded(name: str) -> str:
    """Capitals, the number of spaces and how letters are put together (NFKC) do not matter."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def song_key(tags: Tags) -> tuple[str, str] | None:
    """By what another file of the same song is known: artist and title, folded; nothing without both."""
    if not tags.artist or not tags.title:
        return None
    return folded(tags.artist), folded(tags.title)
