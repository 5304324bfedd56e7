"""Moved files: a content that left its place and a file that appeared are one when their essence is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.cuts import split_path
from reprise.errors import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reprise.core.records import KnownFile

_Mark: TypeAlias = tuple[int, int, bytes]
"""Size, mtime and the bounds of a cut."""


@dataclass(slots=True)
class Moves:
    """``moves`` pairs an item with the row whose place it takes; ``digests`` are those read on the way, not to be
    read twice."""

    moves: list[tuple[int, int]] = field(default_factory=list)
    digests: list[tuple[int, bytes]] = field(default_factory=list)


def match_moves(
    gone: list[KnownFile], places: Iterable[KnownFile], digest: Callable[[bytes], bytes]
) -> Moves:
    """Pair each place that holds something new with the item whose content that is.

    ``gone`` are items as they were before they vanished or were overwritten, ``places`` the rows of added files
    and of overwritten ones as they are now. With a known digest the essence must be the same, whatever the name, tags and times. Without one nothing was
    embedded yet, and equal size and mtime, which a rename keeps, are enough; tracks of one file share both, so for
    them the cut's bounds have to be equal too.
    """
    found = Moves()
    if not gone:
        return found
    search = _Search(gone)
    for row in places:
        item_id = search.find(row, digest, found)
        if item_id is not None:
            found.moves.append((item_id, row.item_id))
    return found


class _Search:
    """The gone items, by what can be compared."""

    def __init__(self, gone: list[KnownFile]) -> None:
        self._by_digest: dict[bytes, list[int]] = {}
        self._by_stat: dict[_Mark, list[int]] = {}
        self._stats: set[_Mark] = set()
        self._seconds: set[int] = set()
        for row in gone:
            self._put(row)

    def _put(self, row: KnownFile) -> None:
        stat = _mark(row)
        if row.digest is None:
            self._by_stat.setdefault(stat, []).append(row.item_id)
            return
        self._by_digest.setdefault(row.digest, []).append(row.item_id)
        self._stats.add(stat)
        if row.duration is not None:
            self._seconds.update((int(row.duration) - 1, int(row.duration), int(row.duration) + 1))

    def find(self, row: KnownFile, digest: Callable[[bytes], bytes], found: Moves) -> int | None:
        if row.digest is not None:
            return _take(self._by_digest.get(row.digest))
        item_id = _take(self._by_stat.get(_mark(row)))
        if item_id is None and self._worth_reading(row):
            return _take(self._by_digest.get(_read(row, digest, found)))
        return item_id

    def _worth_reading(self, row: KnownFile) -> bool:
        """Reading a whole file is dear: only one of a size and time, or of a length, that went away is read."""
        if _mark(row) in self._stats:
            return True
        return row.duration is not None and int(row.duration) in self._seconds


def _mark(row: KnownFile) -> _Mark:
    cut = split_path(row.path)[1]
    return row.size, row.mtime_ns, b"" if cut is None else cut.bounds


def _take(candidates: list[int] | None) -> int | None:
    return candidates.pop(0) if candidates else None


def _read(row: KnownFile, digest: Callable[[bytes], bytes], found: Moves) -> bytes:
    """The file's digest, or nothing for one that cannot be read: its own run will say why."""
    try:
        essence = digest(row.path)
    except ItemError:
        return b""
    found.digests.append((row.item_id, essence))
    return essence
