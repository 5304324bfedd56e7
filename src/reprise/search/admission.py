"""Which items may be in an answer: those that are there, are the owner's, and are not excluded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reprise.core.names import folded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reprise.core.items import Item
    from reprise.core.records import Catalogue
    from reprise.search.query import Exclusions

MISSING = "whose file is missing"
IN_FOLDER = "in an excluded folder"
BY_ARTIST = "by an excluded artist"


class Admission:
    """Looks items up once each, and remembers why some were turned away."""

    def __init__(
        self, catalogue: Catalogue, owner: str, exclusions: Exclusions, named: Collection[int]
    ) -> None:
        """``named``: items that the question names; like the excluded ones they are ``barred`` from the search."""
        self._catalogue = catalogue
        self._owner = owner
        self._exclusions = exclusions
        self._known: dict[int, Item | None] = {}
        self.barred = exclusions.items | frozenset(named)
        self.refused: Counter[str] = Counter()

    @property
    def excludes(self) -> bool:
        """Whether anything is excluded besides what the question names."""
        return self._exclusions != type(self._exclusions)()

    def admitted(self, keys: Collection[int]) -> set[int]:
        """Those of the keys that may be in an answer."""
        self._look_up(key for key in keys if key not in self._known)
        return {key for key in keys if self._known[key] is not None and key not in self.barred}

    def item(self, key: int) -> Item:
        """An admitted item."""
        item = self._known[key]
        if item is None:
            raise KeyError(key)
        return item

    def _look_up(self, keys: Iterable[int]) -> None:
        wanted = list(keys)
        if not wanted:
            return
        found = self._catalogue.items.get(self._owner, wanted)
        for key in wanted:
            item = found.get(key)
            reason = self._reason_against(item) if item else ""
            self._known[key] = None if reason else item
            if reason:
                self.refused[reason] += 1

    def _reason_against(self, item: Item) -> str:
        if item.missing_since is not None:
            return MISSING
        for library, folder in self._exclusions.folders:
            if item.library_id == library and (not folder or item.path.startswith(folder + b"/")):
                return IN_FOLDER
        names = {folded(name) for name in (item.tags.artist, item.tags.album_artist) if name}
        return BY_ARTIST if names & self._exclusions.artists else ""
