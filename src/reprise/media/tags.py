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
    from collections.abc import Callable, Mapping
    from typing import BinaryIO, TypeVar

    from av.container import InputContainer

    T = TypeVar("T")

_MAX_READS = 5_000  # a VBR file without a header takes 1,150, everything else under 500
_MAX_READ_BYTES = 16 * 1024 * 1024  # of one tag field; covers are skipped, not read
_MAX_SECONDS = 100 * 24 * 3600.0  # no recording is longer than 100 days
_MAX_NUMBER = 2**31 - 1  # of a track, disc, hertz or channels: what a database takes

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
    return read_with(path, tags_of, _tags_of_container) or Tags()


def read_with(
    path: bytes, from_tag: Callable[[TinyTag], T], from_container: Callable[[InputContainer], T]
) -> T | None:
    """Read with tinytag, or with FFmpeg what that does not know; ``None`` when neither understands the content.

    Opens the file once, but for FFmpeg. Raises ``Unreadable`` or ``Vanished``.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
            if head[:4] == b"OggS":
                return from_tag(_ogg(file, head))
            tag = None
            if head[:1] != b"\xff" or sniff(head) == "mp3":  # else tinytag would take it for MP3 and search
                tag = _tinytag(file)
            return _with_ffmpeg(path, head, from_container) if tag is None else from_tag(tag)
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


def tags_of(tag: TinyTag) -> Tags:
    year, bpm, key = tag.year, None, None
    if tag.other:
        other = tag.other
        bpm, key = other.get("bpm"), other.get("initial_key") or other.get("initialkey") or other.get("key")
        year = year or "".join(other.get("date", ())[:1])  # FFmpeg writes it so in WMA
    return Tags(
        title=clean_text(tag.title),
        artist=clean_text(tag.artist),
        album=clean_text(tag.album),
        album_artist=clean_text(tag.albumartist),
        genre=clean_text(tag.genre),
        year=year_of(year),
        track=fitting_number(tag.track),
        disc=fitting_number(tag.disc),
        bpm=_bpm(bpm[0]) if bpm else None,
        key=clean_text(key[0]) if key else None,
        duration=_seconds(tag.duration),
    )


def _with_ffmpeg(path: bytes, head: bytes, from_container: Callable[[InputContainer], T]) -> T | None:
    """For the containers that tinytag does not know."""
    if sniff(head) not in _FFMPEG_CONTAINERS:
        return None
    import av

    try:
        url = "file:" + os.fsdecode(path)
        with av.open(url, options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
            return from_container(container)
    except (av.FFmpegError, ValueError):
        return None


def metadata_of(container: InputContainer) -> dict[str, str]:
    """Every tag by its lower-case name; the file's own stand before those of its streams."""
    found: dict[str, str] = {}
    for stream in reversed(container.streams.audio):
        found.update((name.lower(), value) for name, value in stream.metadata.items())
    found.update((name.lower(), value) for name, value in container.metadata.items())
    return found


def _tags_of_container(container: InputContainer) -> Tags:
    return tags_of_metadata(metadata_of(container), container.duration)


def tags_of_metadata(found: Mapping[str, str], microseconds: int | None) -> Tags:
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
        track=whole_number(first("track", "tracknumber", "part_number")),
        disc=whole_number(first("disc", "discnumber")),
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


def whole_number(value: str | None) -> int | None:
    """The first number of "3", "3/12" or "03"; 0, none, and what no record can have are ``None``."""
    found = _NUMBER.match(value.strip()) if value else None
    return fitting_number(float(found[0].replace(",", "."))) if found else None


def fitting_number(value: float | None) -> int | None:
    """A whole number of 1 to 2**31 - 1; anything else, which tags may hold too, is ``None``."""
    return int(value) if value is not None and 1 <= value <= _MAX_NUMBER else None


def _bpm(value: str) -> float | None:
    found = _NUMBER.match(value.strip())
    bpm = float(found[0].replace(",", ".")) if found else 0.0
    return bpm if 0 < bpm < 1000 else None


def _seconds(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or not 0 < value <= _MAX_SECONDS:
        return None
    return value


def _ogg(file: BinaryIO, head: bytes) -> TinyTag:
    """The length from the last page's position, instead of visiting every page as tinytag does."""
    tag = _tinytag(file, duration=False) or TinyTag()
    try:
        rate, skipped, channels = _ogg_stream(head[28:])
    except (struct.error, IndexError):
        return tag
    samples, size = _ogg_samples(file)
    if rate and samples is not None:
        tag.duration = (samples - skipped) / rate
        tag.bitrate = size * 8 / tag.duration / 1000 if tag.duration > 0 else None
    tag.samplerate, tag.channels = rate or None, channels or None
    return tag


def _ogg_samples(file: BinaryIO) -> tuple[int | None, int]:
    """The position of the last page that has one, and the size of the file in bytes."""
    size = file.seek(0, os.SEEK_END)
    for reach in (16_384, 131_072):  # a page has at most 65,307 bytes
        file.seek(max(0, size - reach))
        tail = file.read()
        at = len(tail)
        while (at := tail.rfind(b"OggS", 0, at)) >= 0:
            if len(tail) >= at + 14 and tail[at + 6 : at + 14] != b"\xff" * 8:
                return struct.unpack_from("<q", tail, at + 6)[0], size
    return None, size


def _ogg_stream(packet: bytes) -> tuple[int, int, int]:
    """Samples per second of the positions, the samples that a player leaves out at the start, and the channels."""
    if packet.startswith(b"OpusHead"):
        return 48_000, struct.unpack_from("<H", packet, 10)[0], packet[9]
    if packet.startswith(b"\x01vorbis"):
        return struct.unpack_from("<I", packet, 12)[0], 0, packet[11]
    if packet.startswith(b"\x7fFLAC"):
        packed = struct.unpack_from(">Q", packet, 27)[0]
        return packed >> 44, 0, (packed >> 41 & 7) + 1
    if packet.startswith(b"Speex   "):
        return struct.unpack_from("<I", packet, 36)[0], 0, struct.unpack_from("<I", packet, 48)[0]
    return 0, 0, 0
