"""Collections in XML: Rekordbox and Traktor. The parser says where a tag begins; the bytes there are edited."""

from __future__ import annotations

import os
import re
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, unquote
from xml.parsers import expat
from xml.sax.saxutils import escape  # only quotes, nothing is read with it  # nosec B406

from reprise.rename.references import NotThisKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reprise.rename.references import Edit, Places, Tally

    Wanted = Callable[[str, Mapping[str, str]], tuple[str, str] | None]
    """Of a tag with its attributes: which attribute gets which value."""

_TAG_BYTES = 1 << 20
"""More than the longest tag."""
_ENCODINGS = frozenset({"utf-8", "us-ascii"})
_SAFE = "!$'()*+,;=:@~"


def rekordbox_edits(file: IO[bytes], path: bytes, places: Places, tally: Tally) -> list[Edit]:
    """``TRACK Location="file://localhost/…"``."""
    del path

    def wanted(tag: str, attributes: Mapping[str, str]) -> tuple[str, str] | None:
        location = attributes.get("Location")
        if tag != "TRACK" or location is None:
            return None
        tally.entries += 1
        where = unquote(re.sub(r"^file://[^/]*", "", location), errors="surrogateescape")
        new = places.name(where) or places.name(where.lstrip("/"))
        if new is None:
            return None
        name = quote(new, _SAFE, errors="surrogateescape")
        return "Location", location[: location.rfind("/") + 1] + name

    return _edits(file, "DJ_PLAYLISTS", wanted, tally)


def traktor_edits(file: IO[bytes], path: bytes, places: Places, tally: Tally) -> list[Edit]:
    """``LOCATION DIR="/:Users/:dj/:" FILE="…" VOLUME="…"`` and, in playlists, ``PRIMARYKEY KEY="VOLUME/:…/:…"``."""
    del path

    def wanted(tag: str, attributes: Mapping[str, str]) -> tuple[str, str] | None:
        if tag == "LOCATION":
            volume, folder = attributes.get("VOLUME", ""), attributes.get("DIR", "")
            new = _renamed(places, tally, volume, folder + attributes.get("FILE", ""))
            return None if new is None else ("FILE", new)
        key = attributes.get("KEY", "")
        if tag != "PRIMARYKEY" or "/:" not in key or attributes.get("TYPE") != "TRACK":
            return None
        volume, mark, rest = key.partition("/:")
        new = _renamed(places, tally, volume, mark + rest)
        return None if new is None else ("KEY", key[: key.rfind("/:") + 2] + new)

    return _edits(file, "NML", wanted, tally)


def _renamed(places: Places, tally: Tally, volume: str, written: str) -> str | None:
    """The new name, whether the volume is the one that the system runs from, another one, or a letter."""
    tally.entries += 1
    plain = written.replace("/:", "/")
    for where in (plain, f"/Volumes/{volume}{plain}", f"{volume}{plain}"):
        if (new := places.name(where)) is not None:
            return new
    return None


def _edits(file: IO[bytes], root: str, wanted: Wanted, tally: Tally) -> list[Edit]:
    parser = expat.ParserCreate()
    edits: list[Edit] = []
    seen: list[str] = []

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if not seen:
            seen.append(tag)
            if tag != root:
                raise NotThisKind(f"its outermost tag is {tag}, not {root}")
        change = wanted(tag, attributes)
        if change is not None:
            edits.append(_attribute(file, parser.CurrentByteIndex, *change))
            tally.changed += 1

    def refuse(*_: object) -> None:
        raise NotThisKind("it declares entities, which no such program writes")

    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    parser.XmlDeclHandler = _refuse_other_encodings
    try:
        # Read apart from the descriptor's place, which edits are looked up by.
        at = 0
        while block := os.pread(file.fileno(), 1 << 20, at):
            parser.Parse(block, False)
            at += len(block)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise NotThisKind(f"it is no whole XML: {error}") from None
    return edits


def _refuse_other_encodings(_version: str, encoding: str | None, _standalone: int) -> None:
    """The new names are written in UTF-8."""
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        raise NotThisKind(f"it is not written in UTF-8 but in {encoding[:40]}")


def _attribute(file: IO[bytes], at: int, name: str, value: str) -> Edit:
    """Where the attribute's value stands in the tag that begins at ``at``."""
    tag = os.pread(file.fileno(), _TAG_BYTES, at)
    quoted = rb"\s%s\s*=\s*(\"[^\"]*\"|'[^']*')" % name.encode()
    values = rb"(?:\s+[^\s=>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*?"
    found = re.match(rb"<[^\s>/]+" + values + quoted, tag)
    if found is None:
        raise NotThisKind("it is not written in UTF-8, or its tags are longer than any such program writes")
    first, last = found.span(1)
    mark = chr(tag[first])
    marks = {'"': "&quot;"} if mark == '"' else {"'": "&apos;"}
    return at + first + 1, at + last - 1, escape(value, marks).encode(errors="surrogateescape")
