"""A plan's rows become the moves of a session, in the order in which they can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.rename_journal import Move, MoveState
from reprise.core.renaming import FileKind
from reprise.rename.files import INODE_MASK
from reprise.rename.order import in_turns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reprise.rename.planfile import PlannedName

_PLANNED = MoveState.PLANNED.value


def planned_moves(
    rows: Iterable[PlannedName], only: Collection[int] | None = None, *, sidecars: bool = True
) -> Iterator[Move]:
    """The moves of a plan in the order in which they are made. ``only``: the rows of these numbers.

    Rows come in the byte order of their paths, so that folders nest. A folder's rows are in memory at once, with those
    of the folders around it.
    """
    turn = 0
    everything = only is None and sidecars
    for folder in _by_folder(rows if everything else _chosen(rows, only, sidecars=sidecars)):
        for places in in_turns([(row.old, row.new) for row in folder]):
            for place in places if len(places) == 1 else sorted(places):
                yield _move(turn, folder[place])
            turn += 1


def _chosen(
    rows: Iterable[PlannedName], only: Collection[int] | None, *, sidecars: bool
) -> Iterator[PlannedName]:
    chosen = None if only is None else frozenset(only)
    for row in rows:
        if chosen is not None and row.number not in chosen:
            continue
        if sidecars or row.kind != FileKind.SIDECAR:
            yield row


def _by_folder(rows: Iterable[PlannedName]) -> Iterator[list[PlannedName]]:
    """A folder is complete when a row comes that lies neither in it nor below it."""
    around: list[list[PlannedName]] = []
    inner: list[PlannedName] = []
    at = None
    for row in rows:
        if row.folder == at:
            inner.append(row)
            continue
        at = row.folder
        while inner and not _holds(inner[0].folder, row.folder):
            yield inner
            inner = around.pop() if around else []
        if inner and inner[0].folder == row.folder:
            inner.append(row)
            continue
        if inner:
            around.append(inner)
        inner = [row]
    if inner:
        yield inner
    yield from reversed(around)


def _holds(folder: bytes, other: bytes) -> bool:
    return folder == other or not folder or other.startswith(folder + b"/")


def _move(turn: int, row: PlannedName) -> Move:
    number, folder, old, new, kind, inode, size, mtime_ns, _ = row
    return Move(turn, number, folder, old, new, kind, _PLANNED, inode & INODE_MASK, size, mtime_ns)
