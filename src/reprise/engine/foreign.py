"""Which of our items a music server means by its ids, found by where the files lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.following import NAVIDROME, ForeignId, canonical_id
from reprise.core.ports import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reprise.core.following import Song
    from reprise.core.items import Item, Library
    from reprise.core.records import Catalogue

LEARNED_TOGETHER = 500


def follow_songs(
    catalogue: Catalogue, owner: str, libraries: Sequence[Library], songs: Iterable[Song]
) -> dict[int, set[Part]]:
    """Learn which items new and changed songs are, and forget the ids that are gone.

    Returns, by the library's id, where songs lie whose file no item of ours is, or is not as the server has it now:
    there our own scan is to look.
    """
    return _Following(catalogue, owner, libraries).run(songs)


class _Following:
    def __init__(self, catalogue: Catalogue, owner: str, libraries: Sequence[Library]) -> None:
        self._catalogue, self._owner = catalogue, owner
        self._libraries = libraries
        known = catalogue.foreign_ids.all(owner, NAVIDROME)
        self._known = {row.foreign_id: row.mark for row in known}
        self._learned: list[ForeignId] = []
        self._look: dict[int, set[Part]] = {}

    def run(self, songs: Iterable[Song]) -> dict[int, set[Part]]:
        gone = set(self._known)
        for song in songs:
            foreign_id = canonical_id(song.id)
            gone.discard(foreign_id)
            if self._known.get(foreign_id) != song.mark:
                self._meet(foreign_id, song)
            if len(self._learned) >= LEARNED_TOGETHER:
                self._learn()
        self._learn()
        self._catalogue.foreign_ids.forget(self._owner, NAVIDROME, sorted(gone))
        return self._look

    def _meet(self, foreign_id: str, song: Song) -> None:
        """A song that is new, or whose file has changed: our scan looks there in either case."""
        for library, path in places(self._libraries, song):
            item = self._item(library, path)
            if item is not None:
                self._learned.append(ForeignId(foreign_id, item.id, song.mark))
            if item is None or foreign_id in self._known:
                self._look.setdefault(library.id, set()).add(Part(path.rpartition(b"/")[0], deep=False))
            if item is not None:
                return

    def _item(self, library: Library, path: bytes) -> Item | None:
        """The item of that file; of a file that a cue sheet cuts, its first track."""
        item = self._catalogue.items.by_path(self._owner, library.id, path)
        if item is None:
            item = next(iter(self._catalogue.items.cuts(self._owner, library.id, path)), None)
        return item if item is not None and item.missing_since is None else None

    def _learn(self) -> None:
        self._catalogue.foreign_ids.learn(self._owner, NAVIDROME, self._learned)
        self._learned = []


def places(libraries: Sequence[Library], song: Song) -> list[tuple[Library, bytes]]:
    """Where the song's file may lie among ours, the likeliest first.

    By its absolute path if one of our libraries holds it. Else, because a server in a container knows the same folder
    under another name, by the path within its library.
    """
    whole = song.path if song.path.startswith(b"/") else song.root.rstrip(b"/") + b"/" + song.path
    roots = [(library, library.root.rstrip(b"/") + b"/") for library in libraries]
    exact = [(library, whole[len(root) :]) for library, root in roots if whole.startswith(root)]
    if exact or song.path.startswith(b"/"):
        return exact
    return [(library, song.path) for library in libraries]
