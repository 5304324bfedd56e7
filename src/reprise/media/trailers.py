"""Where the tags at the end of a file begin: ID3v1 (and its extension), APEv2, Lyrics3, appended ID3v2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_ID3V1_BYTES = 128
_ID3V1_EXTENSION_BYTES = 227
_APE_FOOTER_BYTES = 32
_APE_HAS_HEADER = 1 << 31
_LYRICS3_V1_MAX_BYTES = 5100 + 20
_TAIL_BYTES = 256


def trailing_tags_start(file: BinaryIO, start: int, size: int) -> int:
    """The offset in bytes where the sound ends, between ``start`` and ``size``.

    A tag that claims to reach before ``start`` is taken for sound.
    """
    end = size
    while (length := _last_tag_bytes(file, start, end)) > 0 and end - length >= start:
        end -= length
    return end


def _last_tag_bytes(file: BinaryIO, start: int, end: int) -> int:
    """The length of the tag that ends at ``end``; 0 when none does."""
    first = max(start, end - _TAIL_BYTES)
    file.seek(first)
    tail = file.read(end - first)
    if tail[-_ID3V1_BYTES:][:3] == b"TAG" and len(tail) >= _ID3V1_BYTES:
        return _ID3V1_BYTES
    if tail[-_APE_FOOTER_BYTES:][:8] == b"APETAGEX":
        footer = tail[-_APE_FOOTER_BYTES:]
        header = _APE_FOOTER_BYTES if int.from_bytes(footer[20:24], "little") & _APE_HAS_HEADER else 0
        return int.from_bytes(footer[12:16], "little") + header
    if tail.endswith(b"LYRICS200") and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-10:-7] == b"3DI":
        a, b, c, d = tail[-4:]
        return (a << 21 | b << 14 | c << 7 | d) + 20
    return _old_tag_bytes(file, start, end, tail)


def _old_tag_bytes(file: BinaryIO, start: int, end: int, tail: bytes) -> int:
    if tail[-_ID3V1_EXTENSION_BYTES:][:4] == b"TAG+" and len(tail) >= _ID3V1_EXTENSION_BYTES:
        return _ID3V1_EXTENSION_BYTES
    if not tail.endswith(b"LYRICSEND"):
        return 0
    first = max(start, end - _LYRICS3_V1_MAX_BYTES)
    file.seek(first)
    begin = file.read(end - first).rfind(b"LYRICSBEGIN")
    return end - first - begin if begin >= 0 else 0
