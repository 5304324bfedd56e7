"""The port to a server that keeps playlists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.items import Item


@dataclass(frozen=True, slots=True)
class SentPlaylist:
    """What a server holds now. ``sent``: how many tracks; ``not_found``: those that it does not have."""

    name: str
    sent: int
    replaced: bool
    not_found: tuple[Item, ...] = ()


class PlaylistServer(Protocol):
    def send(self, name: str, items: Sequence[Item]) -> SentPlaylist:
        """Make the playlist, or replace the user's own one of that name. Raises ``RemoteError`` kinds."""
