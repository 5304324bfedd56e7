"""Read a file's own tags, quickly and from anything.

tinytag does the work for the common formats. It is handed a file that gives up after a bounded number of
reads, because on content that is not what its name says it would search the whole file byte by byte. What it
does not know (APE, WavPack, Musepack, DSF, TTA, Matroska …) goes through FFmpeg.
"""

from __future__ import annotations

import errno
import math
import os
import re
import struct
from typing import TYPE_CHECKING, cast

from tinytag import ParseError, TinyTag, UnsupportedFormatError

from reprise.core.items import Tags
from reprise.errors import Unreadable, Vanished
from reprise.media.sniff import sniff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

_MAX_READS = 5_000  # a VBR file without a header takes 1,150, everything else under 500
_MAX_READ_BYTES = 16 * 1024 * 1024  # of one tag field; covers are skipped, not read
_MAX_SECONDS = 100 * 24 * 3600.0  # no recording is longer than 100 days

_FFMPEG_CONTAINERS = frozenset(
    {"ape", "wavpack", "musepack", "tta", "tak", "dsf", "dff", "matroska", "caf", "au"}
)
_DISK_TROUBLE = frozenset({errno.EIO, errno.ESTALE, errno.EACCES, errno.ENXIO, errno.ETIMEDOUT})
"""Reads that fail like this are the disk's fault; a seek to nowhere (EINVAL) is the content's."""

_HEAD_BYTES = 128  # the first page of an Ogg file with its stream header

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_LINE_BREAKS = {ord(c): " " for c in "\t\n\v\f\r\x85\u2028\u2029"}
_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if code not in _LINE_BREAKS}
_CLEANING = {**_CONTROLS, **_LINE_BREAKS}


class _BoundedFile:
    """What tinytag needs of a file, until it has read too much. It reads about twenty times per file: ``read`` is a
    closure because a method would cost a scan two seconds in a million files."""

    __slots__ = ("read", "seek", "tell")

    def __init__(self, file: BinaryIO) -> None:
        left, read = _MAX_READS, file.read

        def bounded(count: int = -1) -> bytes:
            nonlocal left
            left -= 1
            if left < 0 or count > _MAX_READ_BYTES:
                raise ValueError("too much to read for tags")
            return read(count)

        self.read = bounded
        self.seek = file.seek
        self.tell = file.tell


def read_tags(path: bytes) -> Tags:
    """What the file's tags say. Content that cannot be understood gives what could be read, or empty tags.

    Raises ``Unreadable`` or ``Vanished``.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
            if head[:4] == b"OggS":
                return _tags(_tinytag(file, duration=False), _ogg_seconds(file, head))
            if head[:1] == b"\xff" and sniff(head) != "mp3":  # tinytag would take it for MP3 and search
                return _other_tags(path, head)
            tag = _tinytag(file)
            return _other_tags(path, head) if tag is None else _tags(tag, tag.duration)
    except (FileNotFoundError, NotADirectoryError):
        raise Vanished("the file is gone") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def _tinytag(file: BinaryIO, duration: bool = True) -> TinyTag | None:
    bounded = cast("BinaryIO", _BoundedFile(file))
    bounded.seek(0)
    try:
        return TinyTag.get(file_obj=bounded, duration=duration)
    except UnsupportedFormatError:
        return None
    except ParseError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _DISK_TROUBLE:
            raise cause from None
    # The sound behind the tags is broken or not what the tags belong to: the tags alone may be fine.
    return _tinytag(file, duration=False) if duration else None


def _tags(tag: TinyTag | None, seconds: float | None) -> Tags:
    if tag is None:
        return Tags(duration=_seconds(seconds))
    year, bpm, key = tag.year, None, None
    if tag.other:
        bpm, key = tag.other.get("bpm"), tag.other.get("initial_key") or tag.other.get("initialkey")
        year = year or "".join(tag.other.get("date", ())[:1])  # FFmpeg writes it so in WMA
    return Tags(
        title=clean_text(tag.title),
        artist=clean_text(tag.artist),
        album=clean_text(tag.album),
        album_artist=clean_text(tag.albumartist),
        genre=clean_text(tag.genre),
        year=year_of(year),
        track=tag.track or None,
        disc=tag.disc or None,
        bpm=_bpm(bpm[0]) if bpm else None,
        key=clean_text(key[0]) if key else None,
        duration=_seconds(seconds),
    )


def _other_tags(path: bytes, head: bytes) -> Tags:
    """Through FFmpeg, for the containers that tinytag does not know."""
    if sniff(head) not in _FFMPEG_CONTAINERS:
        return Tags()
    import av

    try:
        url = "file:" + os.fsdecode(path)
        with av.open(url, options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
            found = {name.lower(): value for name, value in container.metadata.items()}
            for stream in container.streams.audio:
                found = {**{name.lower(): value for name, value in stream.metadata.items()}, **found}
            return _from_metadata(found, container.duration)
    except (av.FFmpegError, ValueError):
        return Tags()


def _from_metadata(found: Mapping[str, str], microseconds: int | None) -> Tags:
    def first(*names: str) -> str | None:
        return next((found[name] for name in names if found.get(name)), None)

    bpm = first("bpm", "tbpm", "tmpo")
    return Tags(
        title=clean_text(first("title")),
        artist=clean_text(first("artist")),
        album=clean_text(first("album")),
        album_artist=clean_text(first("album_artist", "albumartist", "album artist")),
        genre=clean_text(first("genre")),
        year=year_of(first("date", "year", "date_released", "originaldate")),
        track=_whole(first("track", "tracknumber", "part_number")),
        disc=_whole(first("disc", "discnumber")),
        bpm=_bpm(bpm) if bpm else None,
        key=clean_text(first("initialkey", "initial_key", "tkey", "key")),
        duration=_seconds(microseconds / 1_000_000 if microseconds else None),
    )


def clean_text(value: str | None) -> str | None:
    """One line without control characters and space around it; nothing is ``None``."""
    if not value:
        return None
    if not value.isprintable():
        value = value.translate(_CLEANING)
    return value.strip() or None


def year_of(value: str | None) -> int | None:
    """The first year of 1900 to 2099 in a date of any shape: 2003, 2003-05-01, 20030501, 1 May 2003."""
    if not value:
        return None
    lead = value[:4]
    if lead.isdecimal() and 1900 <= int(lead) <= 2099:
        return int(lead)
    found = _YEAR.search(value)
    return int(found[0]) if found else None


def _whole(value: str | None) -> int | None:
    """The first number of "3", "3/12" or "03"; 0 and none are ``None``."""
    found = _NUMBER.match(value.strip()) if value else None
    return (int(float(found[0].replace(",", "."))) or None) if found else None


def _bpm(value: str) -> float | None:
    found = _NUMBER.match(value.strip())
    bpm = float(found[0].replace(",", ".")) if found else 0.0
    return bpm if 0 < bpm < 1000 else None


def _seconds(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or not 0 < value <= _MAX_SECONDS:
        return None
    return value


def _ogg_seconds(file: BinaryIO, head: bytes) -> float | None:
    """From the last page's position, instead of visiting every page as tinytag does."""
    try:
        rate, skipped = _ogg_rate(head[28:])
    except struct.error:
        return None
    size = file.seek(0, os.SEEK_END)
    for reach in (16_384, 131_072):  # a page has at most 65,307 bytes
        file.seek(max(0, size - reach))
        tail = file.read()
        at = len(tail)
        while (at := tail.rfind(b"OggS", 0, at)) >= 0:
            if len(tail) >= at + 14 and tail[at + 6 : at + 14] != b"\xff" * 8:
                position = struct.unpack_from("<q", tail, at + 6)[0]
                return (position - skipped) / rate if rate else None
    return None


def _ogg_rate(packet: bytes) -> tuple[int, int]:
    """Samples per second of the positions, and the samples that a player leaves out at the start."""
    if packet.startswith(b"OpusHead"):
        return 48_000, struct.unpack_from("<H", packet, 10)[0]
    if packet.startswith(b"\x01vorbis"):
        return struct.unpack_from("<I", packet, 12)[0], 0
    if packet.startswith(b"\x7fFLAC"):
        return struct.unpack_from(">Q", packet, 27)[0] >> 44, 0
    if packet.startswith(b"Speex   "):
        return struct.unpack_from("<I", packet, 36)[0], 0
    return 0, 0
