"""Which of a server's songs is one of our tracks.

A song is taken for a track when nothing that both know differs: the title, the artist, the length. The path is only a
hint between several such songs, because many servers make up the paths that they tell.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.core.names import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reprise.core.items import Item

SECONDS_APART = 3.0
"""Servers round lengths, and guess those of files without a header."""

_ARTISTS = re.compile(r"\s*(?:[;,/&•+]|\bfeat\b\.?|\bfeaturing\b|\bft\b\.?|\bwith\b|\band\b)\s*")


@dataclass(frozen=True, slots=True)
class Song:
    """A song of the server, as far as it tells. ``duration`` in seconds."""

    id: str
    title: str
    artist: str
    album: str
    path: str
    duration: float | None


def song_of(child: Mapping[str, Any]) -> Song | None:
    """A ``Child`` of the API; nothing for one without an id."""
    if child.get("id") in {None, ""}:
        return None
    text = {name: str(child.get(name) or "") for name in ("id", "title", "artist", "album", "path")}
    duration = child.get("duration")
    seconds = float(duration) if isinstance(duration, int | float) and duration > 0 else None
    return Song(**text, duration=seconds)


def title_of(item: Item) -> str:
    """What the server knows the track as: its title, or the name of a file without one."""
    return item.tags.title or os.path.splitext(os.path.basename(item.display_path))[0]


def best_match(item: Item, songs: Iterable[Song]) -> Song | None:
    """The song that is the track, or nothing."""
    fitting = [song for song in songs if _fits(item, song)]
    return max(fitting, key=lambda song: _likeness(item, song), default=None)


def _fits(item: Item, song: Song) -> bool:
    if folded(song.title) != folded(title_of(item)):
        return False
    apart = _seconds_apart(item, song)
    if apart is not None and apart > SECONDS_APART:
        return False
    if item.tags.artist and song.artist:
        return bool(_artists(item.tags.artist) & _artists(song.artist))
    return apart is not None or _same_path(item, song)


def _likeness(item: Item, song: Song) -> tuple[bool, bool, bool, float]:
    album = bool(item.tags.album) and folded(item.tags.album or "") == folded(song.album)
    artist = folded(item.tags.artist or "") == folded(song.artist)
    apart = _seconds_apart(item, song)
    return _same_path(item, song), album, artist, -SECONDS_APART if apart is None else -apart


def _seconds_apart(item: Item, song: Song) -> float | None:
    if not item.tags.duration or song.duration is None:
        return None
    return abs(item.tags.duration - song.duration)


def _artists(names: str) -> set[str]:
    """The whole, and each of several."""
    whole = folded(names)
    return {whole, *_ARTISTS.split(whole)} - {""}


def _same_path(item: Item, song: Song) -> bool:
    """Equal from the file's name up to where one of them begins; a server's root may lie above ours or below."""
    if item.cut is not None or not song.path:
        return False
    ours = os.fsdecode(item.path).split("/")[::-1]
    theirs = song.path.strip("/").split("/")[::-1]
    return all(a == b for a, b in zip(ours, theirs, strict=False))
