"""Serato's crates and database: fields of a four-letter tag, a length of four bytes and that many bytes.

Paths are in UTF-16, big-endian, without the slash before them, and relative to the volume that ``_Serato_`` lies on.
The form is not published; it is what programs that read such crates have found out.
"""

from __future__ import annotations

import os
import struct
from typing import IO, TYPE_CHECKING

from reprise.rename.references import NotThisKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.rename.references import Edit, Places, Tally

_TRACK = b"otrk"
_PATHS = frozenset({b"ptrk", b"pfil"})  # in a crate, in the database
_HEAD = struct.Struct(">4sI")
_CODING = "utf-16-be"


def edits(file: IO[bytes], path: bytes, places: Places, tally: Tally) -> list[Edit]:
    """Each track whose name changes is written anew, with the lengths of its fields."""
    content = file.read()
    if not content.startswith(b"vrsn"):
        raise NotThisKind("it does not begin as Serato's files do")
    found = []
    volume = _volume(path)
    for tag, start, end in _fields(content, 0, len(content)):
        if tag == _TRACK:
            body = _track(content, start, end, volume, places, tally)
            if body is not None:
                found.append((start - _HEAD.size, end, _HEAD.pack(_TRACK, len(body)) + body))
    return found


def _track(content: bytes, start: int, end: int, volume: str, places: Places, tally: Tally) -> bytes | None:
    parts, changed = [], False
    for tag, first, last in _fields(content, start, end):
        field = content[first:last]
        if tag in _PATHS:
            tally.entries += 1
            new = _renamed(field, volume, places)
            if new is not None:
                field, changed = new, True
                tally.changed += 1
        parts.append(_HEAD.pack(tag, len(field)) + field)
    return b"".join(parts) if changed else None


def _renamed(field: bytes, volume: str, places: Places) -> bytes | None:
    try:
        written = field.decode(_CODING, "surrogatepass")
    except UnicodeDecodeError:
        return None
    new = places.name("/" + written) or places.name(os.path.join(volume, written))
    if new is None:
        return None
    return (written[: written.rfind("/") + 1] + new).encode(_CODING, "surrogatepass")


def _fields(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Tag, first byte and end of each field's content. Raises ``NotThisKind`` where lengths do not fit."""
    while start < end:
        if start + _HEAD.size > end:
            raise NotThisKind("it is cut, or damaged")
        tag, length = _HEAD.unpack_from(content, start)
        start += _HEAD.size
        if start + length > end:
            raise NotThisKind("it is cut, or damaged")
        yield tag, start, start + length
        start += length


def _volume(path: bytes) -> str:
    """What holds the folder ``_Serato_`` in which the file lies."""
    before, mark, _ = os.fsdecode(path).rpartition("/_Serato_/")
    return before or "/" if mark else os.path.dirname(os.fsdecode(path))
