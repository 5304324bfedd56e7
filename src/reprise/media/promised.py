"""How long a file's sound must be by the structure of its container: what a cut-off file still admits.

Only counts that the container states are taken; an estimate from a bitrate or a tag is none.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from reprise.media.sniff import sniff_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_STREAMED_BYTES = 0x7FFF_0000
"""Programs that write to a pipe state sizes from here up (0x7FFFFFFF, 0xFFFFFFFF) when they do not know."""

_MAX_CHUNKS = 1000
_PCM_FORMATS = frozenset({1, 3})  # integers and floats
_PCM_IN_AIFC = frozenset(
    {b"NONE", b"sowt", b"twos", b"raw ", b"in24", b"in32", b"fl32", b"FL32", b"fl64", b"FL64"}
)
_MPEG_RATES = {
    3: (44100, 48000, 32000),
    2: (22050, 24000, 16000),
    0: (11025, 12000, 8000),
}  # by version bits, Hz


_GUESSED = frozenset({"mp3", "adts", "ac3"})
"""Containers without any count: what is said of their length comes from a bit rate."""


def sure_seconds(path: bytes, told: float | None) -> float | None:
    """How long the file's sound is, in seconds, when that can be relied on; ``told`` is what its tags say.

    Raises ``OSError``.
    """
    with open(path, "rb") as file:
        container, start = sniff_file(file)
        promised = promised_seconds(file, container, start, os.fstat(file.fileno()).st_size)
    return told if promised is None and container not in _GUESSED else promised


def promised_seconds(file: BinaryIO, container: str, start: int, size: int) -> float | None:
    """The sound that ``container`` (a name from ``sniff``) beginning at ``start`` states, in seconds.

    ``size`` is the file's, in bytes. ``None`` when it states nothing or cannot be understood. Raises ``OSError``.
    """
    reader = _READERS.get(container)
    if reader is None:
        return None
    try:
        return reader(file, start, size)
    except (struct.error, IndexError, OverflowError, ZeroDivisionError):
        return None


def _flac(file: BinaryIO, start: int, _size: int) -> float | None:
    file.seek(start + 8)
    fields = int.from_bytes(file.read(18)[10:18], "big")
    rate, samples = fields >> 44, fields & (1 << 36) - 1
    return samples / rate if rate and samples else None


def _mp3(file: BinaryIO, start: int, _size: int) -> float | None:
    file.seek(start)
    head = file.read(4096)
    at = head.find(b"\xff")
    if at < 0 or head[at + 1] >> 1 & 3 != 1:  # layer III only
        return None
    version = head[at + 1] >> 3 & 3
    rate = _MPEG_RATES[version][head[at + 2] >> 2 & 3] if version in _MPEG_RATES else 0
    frames = _xing_frames(head[at:], version) or _vbri_frames(head[at:])
    samples = 1152 if version == 3 else 576
    return frames * samples / rate if rate and frames else None


def _xing_frames(frame: bytes, version: int) -> int:
    mono = frame[3] >> 6 == 3
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    tag = frame[4 + side : 16 + side]
    if tag[:4] not in (b"Xing", b"Info") or not tag[7] & 1:
        return 0
    return int.from_bytes(tag[8:12], "big")


def _vbri_frames(frame: bytes) -> int:
    return int.from_bytes(frame[50:54], "big") if frame[36:40] == b"VBRI" else 0


def _wav(file: BinaryIO, start: int, size: int) -> float | None:
    bytes_per_second = 0
    long_size = 0
    for name, length, at in _chunks(file, start, "<"):
        if name == b"ds64":
            long_size = struct.unpack("<Q", file.read(16)[8:])[0]
        elif name == b"fmt ":
            bytes_per_second = _wav_rate(file.read(40))
        elif name == b"data":
            stated = long_size or length
            unknown = stated == 0 or (stated >= _STREAMED_BYTES and at + stated > size and not long_size)
            return None if unknown or not bytes_per_second else stated / bytes_per_second
    return None


def _wav_rate(fmt: bytes) -> int:
    kind, _, rate, _, block = struct.unpack("<HHIIH", fmt[:14])
    if kind == 0xFFFE:
        kind = struct.unpack("<H", fmt[24:26])[0]
    return int(rate * block) if kind in _PCM_FORMATS else 0


def _aiff(file: BinaryIO, start: int, _size: int) -> float | None:
    for name, length, _at in _chunks(file, start, ">"):
        if name == b"COMM":
            comm = file.read(min(length, 64))
            coding = comm[18:22] or b"NONE"
            frames = struct.unpack(">I", comm[2:6])[0]
            known = coding in _PCM_IN_AIFC and 0 < frames < 0xFFFF_FFFF
            return frames / extended_float(comm[8:18]) if known else None
    return None


def extended_float(data: bytes) -> float:
    """An 80-bit big-endian float, as AIFF states its sample rate."""
    exponent: int
    mantissa: int
    exponent, mantissa = struct.unpack(">HQ", data)
    return mantissa * float(2.0 ** ((exponent & 0x7FFF) - 16383 - 63))


def _chunks(file: BinaryIO, start: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, stated length and offset of the payload of each chunk; the file stands at the payload."""
    at = start + 12
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        length = struct.unpack(f"{order}I", header[4:])[0]
        yield header[:4], length, at + 8
        at += 8 + length + (length & 1)


_READERS: dict[str, Callable[[BinaryIO, int, int], float | None]] = {
    "flac": _flac,
    "mp3": _mp3,
    "riff": _wav,
    "aiff": _aiff,
}
