"""M3U playlists and cue sheets: a name on a line, in some encoding."""

from __future__ import annotations

import os
import re
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.rename.references import Edit, Places, Tally

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]+")
_FILE = re.compile(rb"[ \t]*FILE[ \t]+", re.IGNORECASE)
_SAFE = "!$&'()*+,;=:@~"
"""What a path in a file URI may hold as it is (RFC 3986)."""


def m3u_edits(file: IO[bytes], path: bytes, places: Places, tally: Tally) -> list[Edit]:
    """Entries are paths, relative to the playlist's folder or not, or file URIs. Lines with ``#`` are left alone."""
    content = file.read()
    encoding = _encoding(content)
    return [
        edit
        for start, line in _lines(content)
        if not line.lstrip().startswith(b"#") and line.strip()
        for edit in _edit(start, line.rstrip(), encoding, path, places, tally)
    ]


def cue_edits(file: IO[bytes], path: bytes, places: Places, tally: Tally) -> list[Edit]:
    """The names of FILE lines, relative to the sheet's folder; a sheet may say ``.wav`` of what is a FLAC now."""
    content = file.read()
    encoding = _encoding(content)
    edits: list[Edit] = []
    for start, line in _lines(content):
        found = _FILE.match(line)
        if found is None:
            continue
        first, end = _name_in(line, found.end())
        edits += _edit(start + first, line[first:end], encoding, path, places, tally, by_stem=True)
    return edits


def _name_in(line: bytes, first: int) -> tuple[int, int]:
    """Where the name in the rest of a FILE line stands, with the path before it: as scans read it (``media.cue``)."""
    rest = line[first:].rstrip()
    if rest.startswith(b'"') and (mark := rest.rfind(b'"')) > 0:
        return first + 1, first + 1 + len(rest[1:mark].rstrip())
    name, _, kind = rest.rpartition(b" ")
    return first, first + len(rest if b"." in kind or not name else name.rstrip())


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    skip = len(_BOM) if content.startswith(_BOM) else 0
    for found in _LINE.finditer(content, skip):
        yield found.start(), found.group()


def _encoding(content: bytes) -> str:
    """UTF-8 if it can be; old programs write the code page of western Windows, of which every byte stands for
    something in Latin-1 too."""
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _edit(
    start: int,
    line: bytes,
    encoding: str,
    path: bytes,
    places: Places,
    tally: Tally,
    *,
    by_stem: bool = False,
) -> list[Edit]:
    indent = len(line) - len(line.lstrip())
    text = line[indent:].decode(encoding)
    tally.entries += 1
    is_uri = text.lower().startswith("file:")
    old = re.split(r"/" if is_uri else r"[\\/]", text)[-1]
    where = _absolute(text, path, is_uri=is_uri)
    new = places.name(where)
    if new is None and by_stem and (stem := places.stem(where)) is not None:
        new = stem + os.path.splitext(old)[1]
    if new is None:
        return []
    try:
        written = (quote(new, _SAFE, errors="surrogateescape") if is_uri else new).encode(encoding)
    except UnicodeEncodeError:
        tally.left.append(f"{new!r} cannot be written in {encoding}: save the file as UTF-8 first")
        return []
    tally.changed += 1
    first = start + indent + len(text[: len(text) - len(old)].encode(encoding))
    return [(first, start + len(line), written)]


def _absolute(text: str, path: bytes, *, is_uri: bool) -> str:
    if is_uri:
        return unquote(re.sub(r"^file:(//[^/]*)?", "", text, flags=re.IGNORECASE), errors="surrogateescape")
    plain = text if "/" in text else text.replace("\\", "/")
    return os.path.join(os.fsdecode(os.path.dirname(path)), plain)
