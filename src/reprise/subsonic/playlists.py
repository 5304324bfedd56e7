"""Playlists on a Subsonic server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.core.playlists import SentPlaylist
from reprise.errors import RemoteError, UsageError
from reprise.subsonic.client import Client, objects
from reprise.subsonic.connection import Connection
from reprise.subsonic.matching import best_match, song_of, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reprise.core.items import Item
    from reprise.subsonic.matching import Song

PAGE = 100
MOST_PAGES = 10
"""Songs of one title that are looked through at most: a thousand."""


class SubsonicPlaylists:
    """Implements ``core.playlists.PlaylistServer``. Nothing is sent before :meth:`send`."""

    def __init__(self, url: str, user: str, password: str, seconds: float) -> None:
        """``seconds`` for each exchange with the server. Raises ``BadSetting`` for an address that is none."""
        self._client = Client(Connection(url, seconds), user, password)

    def send(self, name: str, items: Sequence[Item]) -> SentPlaylist:
        """Find each track, then write the whole playlist, then look whether it is there.

        Raises ``RemoteRefused``, ``RemoteUnreachable`` or ``RemoteError``; ``UsageError`` when the user has several
        playlists of that name, or the server has none of the tracks.
        """
        if not items or not name.strip():
            raise UsageError("there is nothing to send", cure="find some tracks, and name the playlist")
        self._client.call("ping")
        earlier = self._own(name)
        found = {item.id: self._song(item) for item in items}
        songs = [song.id for item in items if (song := found[item.id]) is not None]
        if not songs:
            raise UsageError(
                f"the server has none of the {len(items)} tracks",
                cure="has it scanned the same music? Tracks are found by title, artist and length",
            )
        self._check(name, self._written(name, earlier, songs), songs)
        return SentPlaylist(
            name, len(songs), bool(earlier), tuple(item for item in items if found[item.id] is None)
        )

    def _song(self, item: Item) -> Song | None:
        """Asked by title, which every server searches; by artist and title where too many have the title."""
        for query in dict.fromkeys((title_of(item), f"{item.tags.artist or ''} {title_of(item)}".strip())):
            for page in self._pages(query):
                if found := best_match(item, page):
                    return found
        return None

    def _pages(self, query: str) -> Iterator[list[Song]]:
        counts = (("artistCount", "0"), ("albumCount", "0"), ("songCount", str(PAGE)))
        for page in range(MOST_PAGES):
            offset = ("songOffset", str(page * PAGE))
            answer = self._client.call("search3", ("query", query), *counts, offset)
            listed = objects(_inner(answer, "searchResult3").get("song"))
            yield [song for child in listed if (song := song_of(child)) is not None]
            if len(listed) < PAGE:
                return

    def _own(self, name: str) -> str:
        """The id of the user's playlist of that name, or nothing. Others' may be seen, and are let be."""
        listed = objects(_inner(self._client.call("getPlaylists"), "playlists").get("playlist"))
        user = self._client.user.casefold()
        own = [
            one
            for one in listed
            if one.get("name") == name and str(one.get("owner") or user).casefold() == user
        ]
        if len(own) > 1:
            raise UsageError(
                f"{len(own)} playlists of yours are called {name!r}",
                cure="choose another name, or delete them",
            )
        return str(own[0]["id"]) if own else ""

    def _written(self, name: str, earlier: str, songs: Sequence[str]) -> str:
        """Make or replace the playlist; returns its id."""
        target = ("playlistId", earlier) if earlier else ("name", name)
        ids = [("songId", song) for song in songs]
        if self._client.fits("createPlaylist", target, *ids):
            return self._id(name, earlier, self._client.call("createPlaylist", target, *ids))
        if self._client.takes_forms:
            return self._id(name, earlier, self._client.call_with_form("createPlaylist", target, *ids))
        return self._written_in_parts(name, earlier, songs)

    def _written_in_parts(self, name: str, earlier: str, songs: Sequence[str]) -> str:
        """For servers that take no forms: the first song, then as many at a time as an address holds."""
        target = ("playlistId", earlier) if earlier else ("name", name)
        made = self._id(name, earlier, self._client.call("createPlaylist", target, ("songId", songs[0])))
        part = [("playlistId", made)]
        for song in songs[1:]:
            more = ("songIdToAdd", song)
            if not self._client.fits("updatePlaylist", *part, more):
                self._client.call("updatePlaylist", *part)
                part = part[:1]
            part.append(more)
        if len(part) > 1:
            self._client.call("updatePlaylist", *part)
        return made

    def _id(self, name: str, earlier: str, answer: Mapping[str, Any]) -> str:
        """Servers older than version 1.14 do not tell the new playlist's id."""
        return earlier or str(_inner(answer, "playlist").get("id") or "") or self._own(name)

    def _check(self, name: str, made: str, songs: Sequence[str]) -> None:
        playlist = _inner(self._client.call("getPlaylist", ("id", made)), "playlist")
        held = [str(entry.get("id")) for entry in objects(playlist.get("entry"))]
        if held != list(songs):
            raise RemoteError(
                f"the server holds {len(held)} tracks in {name!r}, and {len(songs)} were sent",
                cure="is the playlist a smart one, or being changed by somebody else?",
            )


def _inner(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = answer.get(name)
    return inner if isinstance(inner, dict) else {}
