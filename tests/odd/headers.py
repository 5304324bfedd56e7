"""Headers that say what cannot be: rates, channels, lengths, counts."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.odd.damage import Odd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RATES = (0, 1, 3, 100, 768_000, 0x7FFF_FFFF, 0xFFFF_FFFF)  # Hz
_CHANNELS = (0, 1, 64, 255, 65_535)
_BITS = (0, 1, 7, 64, 65_535)
_SIZES = (0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF)
_NOISE = bytes(range(256)) * 160
_FLAC_INFO = 8  # where the block STREAMINFO begins


def absurd(healthy: Mapping[str, bytes]) -> Iterator[Odd]:
    for name, suffix, content in (
        *_waves(healthy[".wav"]),
        *_flacs(healthy[".flac"]),
        *_aiffs(healthy[".aiff"]),
        *_oggs(healthy[".ogg"], healthy[".opus"]),
        *_boxes(healthy[".m4a"]),
        *_silences(),
    ):
        yield Odd(f"header/{name}{suffix}".encode(), "header", content)


def wave(
    rate: int, channels: int, bits: int, data: bytes, *, stated: int | None = None, form: int = 1
) -> bytes:
    block = channels * bits // 8
    shape = struct.pack("<HHIIHH", form, channels, rate, rate * block & 0xFFFF_FFFF, block & 0xFFFF, bits)
    head = struct.pack("<4sI4s4sI", b"RIFF", 0xFFFF_FFFF, b"WAVE", b"fmt ", len(shape)) + shape
    return head + struct.pack("<4sI", b"data", len(data) if stated is None else stated) + data


def _waves(healthy: bytes) -> Iterator[tuple[str, str, bytes]]:
    for rate in _RATES:
        yield f"rate {rate}", ".wav", wave(rate, 1, 16, _NOISE)
    for channels in _CHANNELS:
        yield f"{channels} channels", ".wav", wave(44_100, channels, 16, _NOISE)
    for bits in _BITS:
        yield f"{bits} bits", ".wav", wave(44_100, 1, bits, _NOISE)
    for form in (0, 2, 17, 85, 0xFFFE, 0xFFFF):
        yield f"format {form}", ".wav", wave(44_100, 2, 16, _NOISE, form=form)
    for size in _SIZES:
        yield f"data of {size}", ".wav", wave(44_100, 2, 16, _NOISE, stated=size)
        at = healthy.index(b"data") + 4
        yield f"healthy data of {size}", ".wav", healthy[:at] + struct.pack("<I", size) + healthy[at + 4 :]
    yield "two of each chunk", ".wav", healthy + healthy[12:]
    yield "chunks of nothing", ".wav", healthy[:36] + b"LIST\0\0\0\0" * 50_000 + healthy[36:]


def _flacs(healthy: bytes) -> Iterator[tuple[str, str, bytes]]:
    def with_info(rate: int, channels: int, bits: int, samples: int) -> bytes:
        packed = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | samples
        return healthy[: _FLAC_INFO + 10] + packed.to_bytes(8, "big") + healthy[_FLAC_INFO + 18 :]

    for rate in (0, 1, 655_350, 2**20 - 1):
        yield f"rate {rate}", ".flac", with_info(rate, 1, 16, 44_100)
    for samples in (0, 1, 2**31, 2**36 - 1):
        yield f"{samples} samples", ".flac", with_info(22_050, 1, 16, samples)
    yield "8 channels", ".flac", with_info(22_050, 8, 32, 44_100)
    yield "blocks of 0", ".flac", healthy[:_FLAC_INFO] + bytes(10) + healthy[_FLAC_INFO + 10 :]
    yield "metadata without an end", ".flac", healthy[:42] + (b"\1\0\0\0" * 100_000)
    yield "block of 16 MB", ".flac", healthy[:42] + b"\x84\xff\xff\xff" + healthy[46:]


def _aiffs(healthy: bytes) -> Iterator[tuple[str, str, bytes]]:
    at = healthy.index(b"COMM") + 8
    for channels in (0, 64, 65_535):
        yield f"{channels} channels", ".aiff", healthy[:at] + struct.pack(">H", channels) + healthy[at + 2 :]
    for frames in (0, 0xFFFF_FFFF):
        yield f"{frames} frames", ".aiff", healthy[: at + 2] + struct.pack(">I", frames) + healthy[at + 6 :]
    for name, rate in (
        ("no rate", bytes(10)),
        ("endless rate", b"\x7f\xff" + bytes(8)),
        ("huge rate", b"\x7f\xfe" + b"\xff" * 8),
        ("negative rate", b"\xc0\x0e\xac\x44" + bytes(6)),
    ):
        yield name, ".aiff", healthy[: at + 8] + rate + healthy[at + 18 :]


def _oggs(vorbis: bytes, opus: bytes) -> Iterator[tuple[str, str, bytes]]:
    last = vorbis.rindex(b"OggS")
    for granule in (0, 2**63 - 1, 2**64 - 1):
        changed = vorbis[: last + 6] + granule.to_bytes(8, "little") + vorbis[last + 14 :]
        yield f"position {granule}", ".ogg", changed
    for rate in (0, 1, 0xFFFF_FFFF):
        at = vorbis.index(b"\x01vorbis") + 12
        yield f"rate {rate}", ".ogg", vorbis[:at] + struct.pack("<I", rate) + vorbis[at + 4 :]
    at = opus.index(b"OpusHead")
    for channels in (0, 255):
        yield f"{channels} channels", ".opus", opus[: at + 9] + bytes([channels]) + opus[at + 10 :]
    yield "all is skipped", ".opus", opus[: at + 10] + b"\xff\xff" + opus[at + 12 :]
    yield "pages of nothing", ".ogg", (b"OggS\0\0" + bytes(21)) * 20_000


def _boxes(healthy: bytes) -> Iterator[tuple[str, str, bytes]]:
    """MP4: boxes in boxes, of any size."""
    start = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42"
    nested = b""
    for _ in range(3000):
        nested = struct.pack(">I4s", 8 + len(nested), b"moov") + nested
    yield "3000 boxes deep", ".m4a", start + nested
    ilst = b""
    for _ in range(3000):
        ilst = struct.pack(">I4s", 8 + len(ilst), b"udta") + ilst
    yield "boxes in udta", ".m4a", start + struct.pack(">I4s", 8 + len(ilst), b"moov") + ilst
    for size in (0, 1, 7, 0xFFFF_FFFF):
        yield f"box of {size}", ".m4a", start + struct.pack(">I4s", size, b"moov") + healthy[32:]
    yield "boxes of nothing", ".m4a", start + struct.pack(">I4s", 8, b"free") * 100_000
    for name, count in (("stsz", 0xFFFF_FFFF), ("stts", 0xFFFF_FFFF), ("stco", 0x0FFF_FFFF)):
        at = healthy.index(name.encode()) + (12 if name == "stsz" else 8)
        yield f"{name} of {count}", ".m4a", healthy[:at] + struct.pack(">I", count) + healthy[at + 4 :]
    at = healthy.index(b"mdhd") + 16
    for scale in (0, 1, 0xFFFF_FFFF):
        yield f"time scale {scale}", ".m4a", healthy[:at] + struct.pack(">I", scale) + healthy[at + 4 :]


def _silences() -> Iterator[tuple[str, str, bytes]]:
    """Nothing, next to nothing, and nothing for long."""
    yield "no sample", ".wav", wave(44_100, 1, 16, b"")
    yield "one sample", ".wav", wave(44_100, 1, 16, b"\1\2")
    yield "half a sample", ".wav", wave(44_100, 1, 16, b"\1")
    yield "a second of silence", ".wav", wave(8000, 1, 16, bytes(16_000))
    yield "empty", ".mp3", b""
    yield "one byte", ".mp3", b"\xff"
    yield "zeros", ".mp3", bytes(100_000)
    yield "numbers that are none", ".wav", wave(8000, 1, 32, b"\0\0\xc0\x7f" * 16_000, form=3)
    yield "endless numbers", ".wav", wave(8000, 1, 32, b"\0\0\x80\x7f" * 16_000, form=3)
