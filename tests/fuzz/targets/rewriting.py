"""What holds of all files that name other files: only names change, and they can be changed back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reprise.core.rename_journal import Move
from reprise.rename.references import NotThisKind, Places, Tally
from tests.fuzz.targets import check_said, scratch

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from reprise.rename.references import Edit

    Edits = Callable[[IO[bytes], bytes, Places, Tally], list[Edit]]

ROOT = b"/m"
RENAMED = (
    (b"", b"a.mp3", "Ä & b.mp3".encode()),
    (b"d", b"b c.mp3", b"<e> 'f\".mp3"),
    (b"", "é.mp3".encode(), b"%41.mp3"),
    (b"", b"x", b"\xff.mp3"),
)


def check_rewriting(data: bytes, edits_of: Edits, name: str) -> None:
    """``name``: of the file that the bytes are of, which lies in the root."""
    forth, back = _places("moved"), _places("back")
    found = _edits(data, edits_of, name, forth)
    if found is None:
        return
    edits, tally = found
    at = 0
    for start, end, _ in edits:
        assert at <= start <= end <= len(data)
        at = end
    assert len(edits) <= tally.changed <= tally.entries
    assert len(tally.left) <= tally.entries - tally.changed
    changed = _applied(data, edits)
    again = _edits(changed, edits_of, name, forth)
    assert again is not None, "what was rewritten is not what it was"
    assert again[1].changed == 0
    assert again[1].entries == tally.entries
    returned = _edits(changed, edits_of, name, back)
    assert returned is not None
    assert returned[1].changed >= tally.changed


def _places(state: str) -> Places:
    moves = [Move(0, 0, folder, old, new, "track", state, 1, 1, 1) for folder, old, new in RENAMED]
    return Places(ROOT, moves)


def _edits(data: bytes, edits_of: Edits, name: str, places: Places) -> tuple[list[Edit], Tally] | None:
    """``None`` for what is refused."""
    path, tally = scratch() / name, Tally()
    path.write_bytes(data)
    try:
        with path.open("rb") as file:
            return edits_of(file, os.path.join(ROOT, os.fsencode(name)), places, tally), tally
    except NotThisKind as error:
        check_said(error)
        return None


def _applied(data: bytes, edits: list[Edit]) -> bytes:
    parts, at = [], 0
    for start, end, text in edits:
        parts += [data[at:start], text]
        at = end
    return b"".join([*parts, data[at:]])
