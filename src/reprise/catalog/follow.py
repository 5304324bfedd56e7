"""Items go along with files that got other names: no scan has work to do, no model is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from reprise.catalog.inputs import in_parts
from reprise.catalog.scene_inputs import recompose_later

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reprise.catalog.database import Transaction

Key: TypeAlias = "tuple[int, int]"
Renamed: TypeAlias = "tuple[Key, bytes, bytes, bytes]"
"""A key of the caller's, a folder relative to the root, the name there before and the one since."""

_PART = 500
"""Paths in one IN list: databases limit how many parameters a statement takes."""
_PARKED = b"\0"
"""Before a path whose place is not free yet: no path begins so."""


def follow(
    transaction: Transaction, owner: str, root: bytes, renamed: Iterable[Renamed]
) -> list[tuple[Key, bytes]]:
    """Give the owner's items the paths of their files; returns the digests of those that have one.

    ``root`` is absolute. A track of a cue sheet goes along with the file in which it lies. An item whose place is
    taken, because its file went away unseen, gets the place that came free: the next scan finds it missing.
    """
    libraries = [
        (library_id, library_root)
        for library_id, library_root in transaction.query(
            "SELECT id, root FROM libraries WHERE owner = ?", (owner,)
        )
        if _overlap(library_root, root)
    ]
    rows = list(renamed) if libraries else []
    found: list[tuple[Key, bytes]] = []
    for library_id, library_root in libraries:
        paths = list(_inside(library_root, root, rows))
        found += _Library(transaction, owner, library_id).follow(paths)
    return found


def _overlap(library: bytes, root: bytes) -> bool:
    top, base = library.rstrip(b"/") + b"/", root.rstrip(b"/") + b"/"
    return top.startswith(base) or base.startswith(top)


def _inside(library: bytes, root: bytes, rows: Sequence[Renamed]) -> Iterator[tuple[Key, bytes, bytes]]:
    """The same with paths relative to the library's root; what lies outside is left out."""
    top = library.rstrip(b"/") + b"/"
    base = root.rstrip(b"/") + b"/"
    if base.startswith(top):
        inner = base[len(top) :]
        for key, folder, before, after in rows:
            prefix = inner + folder + b"/" if folder else inner
            yield key, prefix + before, prefix + after
    elif top.startswith(base):
        cut = len(top) - len(base)
        outer = top[len(base) :]
        for key, folder, before, after in rows:
            prefix = folder + b"/"
            if prefix.startswith(outer):
                yield key, prefix[cut:] + before, prefix[cut:] + after


class _Library:
    """The items of one library, inside one transaction."""

    def __init__(self, transaction: Transaction, owner: str, library_id: int) -> None:
        self._transaction = transaction
        self._mine = (owner, library_id)

    def follow(self, rows: Sequence[tuple[Key, bytes, bytes]]) -> list[tuple[Key, bytes]]:
        known = self._known([path for _, *both in rows for path in both])
        moves = {before: after for _, before, after in rows if before in known}
        for _, before, after in rows:
            if before not in known:
                moves.update(self._tracks(before, after))
        if moves:
            self._move(moves, known)
            recompose_later(self._transaction, self._mine[0], self._at(moves.values()))
        return [(key, digest) for key, before, _ in rows if (digest := known.get(before))]

    def _known(self, paths: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """Those of the paths that items have, with their digests."""
        found: dict[bytes, bytes | None] = {}
        for start in range(0, len(paths), _PART):
            part = paths[start : start + _PART]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT path, digest FROM items WHERE owner = ? AND library_id = ? AND path IN ({marks})"
            found.update(self._transaction.query(sql, (*self._mine, *part)))
        return found

    def _tracks(self, before: bytes, after: bytes) -> dict[bytes, bytes]:
        """The tracks that lie in a file, and where they are to be found now."""
        sql = "SELECT path FROM items WHERE owner = ? AND library_id = ? AND path > ? AND path < ?"
        rows = self._transaction.query(sql, (*self._mine, before + b"\0", before + b"\1"))
        return {path: after + path[len(before) :] for (path,) in rows}

    def _move(self, moves: Mapping[bytes, bytes], known: Mapping[bytes, bytes | None]) -> None:
        in_the_way = self._in_the_way(moves, known)
        if not in_the_way:
            self._rename(moves.items())
            return
        self._rename((before, _PARKED + before) for before in moves)
        stale = [path for path in in_the_way if path not in moves]
        self._rename((path, _PARKED + path) for path in stale)
        self._rename((_PARKED + before, after) for before, after in moves.items())
        origin = {after: before for before, after in moves.items()}
        self._rename((_PARKED + path, _freed(path, origin)) for path in stale)

    def _at(self, paths: Collection[bytes]) -> list[int]:
        """The videos at these paths."""
        sql = (
            "SELECT id FROM items WHERE owner = ? AND library_id = ? AND kind = 'video' AND path IN ({marks})"
        )
        return [row[0] for row in in_parts(self._transaction, sql, self._mine, paths)]

    def _in_the_way(self, moves: Mapping[bytes, bytes], known: Mapping[bytes, bytes | None]) -> list[bytes]:
        asked = [after for after in moves.values() if after not in known and b"\0" in after]
        taken = {**known, **self._known(asked)} if asked else known
        return [after for after in moves.values() if after in taken]

    def _rename(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._transaction.execute_many(
            "UPDATE items SET path = ? WHERE owner = ? AND library_id = ? AND path = ?",
            [(after, *self._mine, before) for before, after in pairs],
        )


def _freed(path: bytes, origin: Mapping[bytes, bytes]) -> bytes:
    """The place that came free at the other end of the chain of names that ends at ``path``."""
    while path in origin:
        path = origin[path]
    return path
