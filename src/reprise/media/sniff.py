"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

HEAD_BYTES = 4096
"""How much of a file's beginning :func:`sniff` likes to see."""

ID3V2_HEADER_BYTES = 10
_ID3V2_FOOTER_FLAG = 0x10

AUDIO_CONTAINERS = frozenset(
    {
        "mp3", "adts", "flac", "ogg", "mp4", "riff", "aiff", "asf", "matroska", "ape", "wavpack", "musepack",
        "tta", "tak", "dsf", "dff", "ac3", "caf", "au",
    }
)  # fmt: skip
"""The names that :func:`sniff` gives to containers that may hold sound."""

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, _ASF_HEADER, "asf"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wavpack"),
    (0, b"MPCK", "musepack"),
    (0, b"MP+", "musepack"),
    (0, b"TTA1", "tta"),
    (0, b"TTA2", "tta"),
    (0, b"tBaK", "tak"),
    (0, b"DSD ", "dsf"),
    (0, b"FRM8", "dff"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"caff", "caf"),
    (0, b".snd", "au"),
    (0, b"\xff\xd8\xff", "JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (0, b"GIF8", "GIF picture"),
    (0, b"%PDF", "PDF document"),
    (0, b"PK\x03\x04", "ZIP archive"),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"\x1f\x8b", "gzip archive"),
    (0, b"\x7fELF", "program"),
    (0, b"MZ", "program"),
    (0, b"SQLite format 3\0", "SQLite database"),
    (0, b"MThd", "MIDI file"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
)

_FORMS = {b"RIFF": "riff", b"RF64": "riff", b"BW64": "riff", b"FORM": "aiff"}
_FORM_KINDS = {b"WAVE": "riff", b"AIFF": "aiff", b"AIFC": "aiff", b"WEBP": "WebP picture", b"AVI ": "riff"}
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")


def sniff(head: bytes) -> str:
    """Name the content by its first bytes (4096 are plenty).

    A container that may hold sound gets a name of :data:`AUDIO_CONTAINERS`; a common other thing gets a
    human word ("JPEG picture", "text file"); "id3" is an ID3 tag that reaches beyond ``head``; "" is unknown.
    """
    while (skip := id3v2_bytes(head)) > 0:
        if skip >= len(head):
            return "id3"
        head = head[skip:]
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return name
    if head[:4] in _FORMS:
        return _FORM_KINDS.get(head[8:12], "")
    return _mpeg_audio(head) or _words(head)


def sniff_file(file: BinaryIO) -> tuple[str, int]:
    """The name that :func:`sniff` gives, and the offset in bytes where that content begins after ID3 tags.

    Leaves the file positioned anywhere. Raises ``OSError`` when it cannot be read.
    """
    offset = 0
    file.seek(0)
    head = file.read(HEAD_BYTES)
    while (skip := id3v2_bytes(head)) > 0:
        offset += skip
        file.seek(offset)
        head = file.read(HEAD_BYTES)
    return sniff(head.lstrip(b"\0")) if offset else sniff(head), offset


def id3v2_bytes(head: bytes) -> int:
    """The length of the ID3v2 tag that ``head`` begins with, header and footer included; 0 without one."""
    if len(head) < ID3V2_HEADER_BYTES or not head.startswith(b"ID3") or head[3] == 0xFF:
        return 0
    a, b, c, d = head[6:10]
    if (a | b | c | d) & 0x80:
        return 0
    footer = ID3V2_HEADER_BYTES if head[5] & _ID3V2_FOOTER_FLAG else 0
    return ID3V2_HEADER_BYTES + (a << 21 | b << 14 | c << 7 | d) + footer


def _mpeg_audio(head: bytes) -> str:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    if head.startswith(b"\xff\xfe") and head[3] == 0:  # a byte order mark and a Latin letter
        return "text file"
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return "adts" if head[1] & 0xF0 == 0xF0 else ""
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    return "mp3" if version != 1 and bitrate != 15 and rate != 3 else ""


def _words(head: bytes) -> str:
    text = head[:512]
    if not text or any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in text):
        return ""
    try:
        text[:-3].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return ""
    return "HTML page" if text.lstrip().lower().startswith(_HTML_STARTS) else "text file"
