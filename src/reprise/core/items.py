"""Items and what is known of their content."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from reprise.core.cuts import Cut, split_path
from reprise.core.made_up_paths import shown_path

AUDIO_SUFFIXES = frozenset(
    [
        ".mp3",
        ".m4a",
        ".m4b",
        ".mp4",
        ".aac",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".wav",
        ".wave",
        ".aif",
        ".aiff",
        ".aifc",
        ".wma",
        ".asf",
        ".mka",
        ".webm",
        ".ape",
        ".wv",
        ".mpc",
        ".tta",
        ".tak",
        ".dsf",
        ".dff",
        ".ac3",
        ".caf",
        ".au",
    ]
)
"""Lower-case suffixes that a scan takes for audio. The content decides later, not the suffix."""


VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".qt",
        ".mkv",
        ".webm",
        ".avi",
        ".divx",
        ".mpg",
        ".mpeg",
        ".m2v",
        ".vob",
        ".ts",
        ".m2ts",
        ".mts",
        ".wmv",
        ".asf",
        ".flv",
        ".f4v",
        ".3gp",
        ".3g2",
        ".ogv",
        ".ogm",
        ".mxf",
        ".dv",
        ".rm",
        ".rmvb",
    ]
)
"""Lower-case suffixes that a scan of a library of videos takes for videos. Some may be music as well: what a file is
depends on the library."""


class ItemKind(StrEnum):
    """What an item is. ``FRAME``: a picture of a scene. Tracks and videos are files; the others came out of them, or
    were given.
    """

    TRACK = "track"
    VIDEO = "video"
    SCENE = "scene"
    FRAME = "frame"
    PERSON = "person"
    PHOTO = "photo"


LibraryKind = Literal["folder", "video", "people"]
"""``folder``: music. ``people``: the persons and photos of an owner; it has no folder to scan."""


@dataclass(frozen=True, slots=True)
class InputState:
    """What an item's content is, from cheap to sure.

    ``size`` in bytes, ``mtime_ns`` in nanoseconds since the epoch, ``digest`` 32 bytes over the essence
    (the audio without its tags), or ``None`` while nobody has needed it yet.
    """

    size: int
    mtime_ns: int
    digest: bytes | None = None

    def __reduce__(self) -> tuple[type[InputState], tuple[object, ...]]:
        """It goes from process to process for each item: a dataclass's own way takes five times as long."""
        return InputState, (self.size, self.mtime_ns, self.digest)

    def same_stat(self, other: InputState) -> bool:
        return self.size == other.size and self.mtime_ns == other.mtime_ns


class Tags(NamedTuple):
    """What the file's own tags say; all may be missing or wrong. ``duration`` in seconds.

    A tuple: a scan makes one for each new file.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    year: int | None = None
    track: int | None = None
    disc: int | None = None
    bpm: float | None = None
    key: str | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """A root of one kind with an owner. ``root`` is an absolute path in the file system's own bytes.

    ``watch``: whether a server scans it by itself when something changes. ``scanned_at``: when the last scan ended,
    in seconds since the epoch; ``None`` before the first.
    """

    id: int
    owner: str
    kind: LibraryKind
    name: str
    root: bytes
    exclude: tuple[str, ...] = ()
    watch: bool = True
    scanned_at: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be embedded. ``path`` is relative to its library's root, in raw bytes.

    Names on disk need not be valid text; bytes keep them exact. A track of a cue sheet is a cut of its file
    (``core.cuts``): ``file`` is what lies on the disk. ``display_path`` is for people.
    """

    id: int
    owner: str
    library_id: int
    path: bytes
    state: InputState
    tags: Tags = field(default_factory=Tags)
    updated_at: float = 0.0
    missing_since: float | None = None
    kind: ItemKind = ItemKind.TRACK

    @property
    def file(self) -> bytes:
        """The path of the file that the item is, or lies in."""
        return split_path(self.path)[0]

    @property
    def cut(self) -> Cut | None:
        """Where in its file the item lies; ``None`` when it is the whole file."""
        return split_path(self.path)[1]

    @property
    def display_path(self) -> str:
        return display_path(self.path)

    @property
    def label(self) -> str:
        return label(self.tags.artist, self.tags.title, self.path)


def display_path(path: bytes) -> str:
    """A path as printable text: undecodable bytes and control characters become U+FFFD.

    A cut reads ``album.flac, track 2``, what is no file ``video 12, scene 4``.
    """
    if path[:1] == b"\0" and (made_up := shown_path(path)):
        return made_up
    file, cut = split_path(path)
    text = file.decode("utf-8", "replace")
    shown = text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)
    return shown if cut is None else f"{shown}, track {cut.number}"


def label(artist: str | None, title: str | None, path: bytes) -> str:
    """``Artist - Title``; without a title, the file's name without its suffix."""
    name = title or shown_path(path) or _stem(path)
    text = f"{artist} - {name}" if artist else name
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _stem(path: bytes) -> str:
    """The file's name without its suffix, with the number of a cut."""
    if path[:1] == b"\0":  # no file
        return display_path(path)
    file, cut = split_path(path)
    stem = os.path.splitext(os.path.basename(file))[0]
    return display_path(stem if cut is None else cut.path_in(stem))
