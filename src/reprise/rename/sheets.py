"""Cue sheets that lie beside tracks: whose names they need, to cut them."""

from __future__ import annotations

import os
import re
import stat
import unicodedata

SUFFIX = b".cue"
_MOST_BYTES = 1 << 20
"""Of a sheet; larger ones are none, and a scan does not read them either."""
_FILE_OR_TRACK = re.compile(
    rb'^[ \t]*(?:FILE[ \t]+(?:"([^"\r\n]*)"|([^\s"]+))|TRACK[ \t]+\d)', re.IGNORECASE | re.MULTILINE
)


def cut_by(sheet: bytes) -> frozenset[str]:
    """The stems, folded, of the files that the sheet at this path cuts: it has two tracks or more in each of them.

    Empty for a sheet that cannot be read: a scan says so.
    """
    try:
        if not stat.S_ISREG(os.stat(sheet).st_mode):  # a pipe would never end
            return frozenset()
        with open(sheet, "rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError:
        return frozenset()
    tracks: dict[bytes, int] = {}
    name = b""
    for found in _FILE_OR_TRACK.finditer(content.replace(b"\r", b"\n")):
        name = found[1] or found[2] or name
        tracks[name] = tracks.get(name, 0) + (found[1] is None and found[2] is None)
    return frozenset(stem for name, count in tracks.items() if count > 1 for stem in _stems(name))


def folded_stem(name: bytes) -> str:
    """Equal for names that a sheet and a disk may have for one file: their suffixes may differ."""
    return _fold(os.path.splitext(os.fsdecode(name))[0])


def _stems(name: bytes) -> set[str]:
    """In the encodings that sheets are written in."""
    texts = {name.decode(encoding, errors="replace") for encoding in ("utf-8", "cp1252")}
    return {_fold(os.path.splitext(text)[0]) for text in texts}


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
