"""A collection as Rekordbox reads it: tracks with beat grid, key and hot cues, as XML.

After Pioneer's "rekordbox XML format list": ``DJ_PLAYLISTS`` 1.0.0 with the product, the collection and one playlist.
Tracks are written as they come, so that 100,000 of them take no memory; how many there are is put in at the end.
"""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from typing import IO, TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import quoteattr  # only quotes, nothing is read with it  # nosec B406

from reprise import __version__
from reprise.core.analysis import CueKind
from reprise.drafts import draft_of
from reprise.errors import DiskFull, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from reprise.core.analysis import Analysis
    from reprise.core.items import Item

    Track = tuple[Item, bytes, Analysis]
    """An item, the absolute path of its file, and what was heard of it."""

    Refused = Callable[[Item, str], None]

HOT_CUES = 8
"""Slots of a player, numbered from 0."""

HOST = "file://localhost"
PLAYLIST = "Reprise"

KINDS = {
    ".mp3": "MP3 File",
    ".m4a": "M4A File",
    ".mp4": "M4A File",
    ".aac": "AAC File",
    ".flac": "FLAC File",
    ".wav": "WAV File",
    ".wave": "WAV File",
    ".aif": "AIFF File",
    ".aiff": "AIFF File",
    ".ogg": "OGG File",
}
"""As Rekordbox calls what it plays; other formats are named by their suffix."""

CUE_NAMES = {CueKind.INTRO: "Intro", CueKind.DROP: "Drop", CueKind.BREAKDOWN: "Breakdown"}

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

_COUNT_WIDTH = 12
"""Characters kept free for a number that is known at the end."""

# What XML 1.0 cannot say, not even escaped.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def save_collection(target: Path, tracks: Iterable[Track], refused: Refused, *, replace: bool = False) -> int:
    """Write a collection, wholly or not at all; returns how many tracks are in it.

    ``refused`` is told of each track that cannot stand in it, and why.

    Raises ``UsageError`` when the file is there (unless it is to be replaced) or cannot be written, ``DiskFull``.
    """
    try:
        if not replace and target.exists():
            raise UsageError(f"{target} is there already", cure="choose another name, or say --force")
        with draft_of(target) as file:
            return write_collection(file, tracks, refused)
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(f"no space is left for {target}") from error
        raise UsageError(
            f"{target} cannot be written: {error.strerror}", cure="choose a place where you may write"
        ) from error


def write_collection(file: IO[bytes], tracks: Iterable[Track], refused: Refused) -> int:
    """The same into an open file that can be sought in."""
    file.write(
        b'<?xml version="1.0" encoding="UTF-8"?>\n\n<DJ_PLAYLISTS Version="1.0.0">\n'
        + _element("PRODUCT", {"Name": "Reprise", "Version": __version__, "Company": ""}, 1)
        + b"  <COLLECTION Entries="
    )
    entries = file.tell()
    file.write(_counted(0) + b">\n")
    ids: list[int] = []
    for item, path, analysis in tracks:
        if reason := _reason_against(item, path):
            refused(item, reason)
            continue
        file.write(_track(item, path, analysis))
        ids.append(item.id)
    file.write(b"  </COLLECTION>\n  <PLAYLISTS>\n    " + b'<NODE Type="0" Name="ROOT" Count="1">\n')
    playlist = {"Name": PLAYLIST, "Type": "1", "KeyType": "0", "Entries": str(len(ids))}
    file.write(_open("NODE", playlist, 3))
    file.writelines(_element("TRACK", {"Key": str(item_id)}, 4) for item_id in ids)
    file.write(b"      </NODE>\n    </NODE>\n  </PLAYLISTS>\n</DJ_PLAYLISTS>\n")
    file.seek(entries)
    file.write(_counted(len(ids)))
    return len(ids)


def _reason_against(item: Item, path: bytes) -> str:
    """Why a track cannot be in a collection; empty when it can."""
    if item.cut is not None:
        return "it is a part of a longer file, which Rekordbox cannot name"
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return "its name is not UTF-8"
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        return "its name holds control characters"
    return ""


def _track(item: Item, path: bytes, analysis: Analysis) -> bytes:
    tags, tempo, key = item.tags, analysis.tempo, analysis.key
    suffix = os.path.splitext(os.fsdecode(path))[1].lower()
    seconds = tags.duration or (analysis.seconds if analysis.whole else None)
    facts = {
        "TrackID": str(item.id),
        "Name": tags.title or item.label,
        "Artist": tags.artist,
        "Album": tags.album,
        "Genre": tags.genre,
        "Kind": KINDS.get(suffix, f"{suffix.lstrip('.').upper()} File"),
        "Size": str(item.state.size),
        "TotalTime": None if seconds is None else str(round(seconds)),
        "AverageBpm": f"{tempo.bpm:.2f}" if tempo else None,
        "Tonality": key.key.name if key else None,
        "Location": HOST + quote(path, safe="/"),
    }
    marks = b"".join(_marks(analysis))
    known = {name: value for name, value in facts.items() if value is not None}
    return _open("TRACK", known, 2) + marks + b"    </TRACK>\n" if marks else _element("TRACK", known, 2)


def _marks(analysis: Analysis) -> Iterator[bytes]:
    """The beat grid, if a beat was heard, and the cues as hot cues, numbered by kind."""
    tempo = analysis.tempo
    if tempo is not None and tempo.first_beat is not None:
        grid = {
            "Inizio": f"{tempo.first_beat:.3f}",
            "Bpm": f"{tempo.bpm:.2f}",
            "Metro": "4/4",
            "Battito": "1",
        }
        yield _element("TEMPO", grid, 3)
    count = Counter[CueKind]()
    for slot, cue in enumerate(analysis.cues[:HOT_CUES]):
        count[cue.kind] += 1
        name = CUE_NAMES[cue.kind]
        yield _element(
            "POSITION_MARK",
            {
                "Name": name if cue.kind is CueKind.INTRO else f"{name} {count[cue.kind]}",
                "Type": "0",
                "Start": f"{cue.seconds:.3f}",
                "Num": str(slot),
            },
            3,
        )


def _open(name: str, attributes: dict[str, str], depth: int) -> bytes:
    return f"{_begin(name, attributes, depth)}>\n".encode()


def _element(name: str, attributes: dict[str, str], depth: int) -> bytes:
    return f"{_begin(name, attributes, depth)}/>\n".encode()


def _begin(name: str, attributes: dict[str, str], depth: int) -> str:
    said = "".join(f" {key}={quoteattr(_UNSAYABLE.sub(' ', value))}" for key, value in attributes.items())
    return f"{'  ' * depth}<{name}{said}"


def _counted(count: int) -> bytes:
    """A number in quotes and the white space that fills its place."""
    return f'"{count}"'.ljust(_COUNT_WIDTH + 2).encode()
