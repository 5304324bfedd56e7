"""Tags that are giant, broken or lies, in front of sound that is healthy."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.media.sniff import id3v2_bytes
from tests.odd.damage import Odd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Giants:
    """How large the giants are: megabytes of a comment, a cover, and of what a bomb becomes; how many frames."""

    comment: int
    cover: int
    bomb: int
    frames: int


LONG = Giants(16, 50, 512, 100_000)
SHORT = Giants(2, 4, 64, 5_000)


def tagged(healthy: Mapping[str, bytes], giants: Giants) -> Iterator[Odd]:
    for name, suffix, content in (
        *_id3(without_id3(healthy[".mp3"]), giants),
        *_vorbis(healthy[".flac"], giants),
        *_ape(without_id3(healthy[".mp3"])),
        *_riff(healthy[".wav"]),
        *_mp4(healthy[".m4a"], giants),
    ):
        yield Odd(f"tags/{name}{suffix}".encode(), "tags", content)


def png(width: int, height: int) -> bytes:
    """A picture that says it is so large, in a hundred bytes."""
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", rows),
            (b"IEND", b""),
        )
    )


def id3(frames: bytes, version: int = 4, flags: int = 0, size: int | None = None) -> bytes:
    stated = len(frames) if size is None else size
    return b"ID3" + bytes([version, 0, flags]) + _syncsafe(stated) + frames


def frame(name: str, content: bytes, flags: int = 0) -> bytes:
    """Of ID3v2.4."""
    return name.encode() + _syncsafe(len(content)) + struct.pack(">H", flags) + content


def text(name: str, said: str) -> bytes:
    return frame(name, b"\3" + said.encode())


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def without_id3(content: bytes) -> bytes:
    return content[id3v2_bytes(content) :]


def _id3(sound: bytes, giants: Giants) -> Iterator[tuple[str, str, bytes]]:
    title = text("TIT2", "A title")
    for name, frames in (
        ("comment", frame("COMM", b"\3eng\0" + b"words " * (giants.comment * MEGABYTE // 6))),
        ("cover", frame("APIC", b"\0image/png\0\3\0" + png(50_000, 50_000) + bytes(giants.cover * MEGABYTE))),
        ("many frames", frame("TXXX", b"\3a\0b") * giants.frames),
        ("many titles", title * 3000),
        ("nul in texts", text("TIT2", "one\0two\0\0three") + text("TPE1", "\0") + text("TALB", "a\0")),
        (
            "broken utf-16",
            frame("TIT2", b"\1\xff\xfe\0\xd8a\0\xff") + frame("TPE1", b"\2\xd8\0") + frame("TALB", b"\1x"),
        ),
        (
            "unknown encoding",
            frame("TIT2", b"\x09title") + frame("TPE1", b"") + frame("TALB", b"\3\xff\xfe\xfd"),
        ),
        ("dates", text("TDRC", "99999-99-99T99:99:99Z") + text("TDOR", "-1") + text("TYER", "00")),
        (
            "numbers",
            text("TRCK", "9" * 30 + "/" + "9" * 30) + text("TPOS", "9" * 400) + text("TBPM", "1e999"),
        ),
        ("more digits than python takes", text("TRCK", "9" * 5000) + text("TLEN", "9" * 5000)),
        ("negative numbers", text("TRCK", "-3/-4") + text("TPOS", "0/0") + text("TBPM", "nan")),
        ("control characters", text("TIT2", "a\nb\r\x1b[31m\x07\u202e") + text("TPE1", "/../..")),
        ("path in the title", text("TIT2", "../../../etc/passwd") + text("TPE1", "C:\\a:b*?")),
        ("bomb", frame("TXXX", struct.pack(">I", 4096) + _bomb(giants.bomb), 0x0009)),
        ("chapter in chapter", _chapters(400)),
        ("padding only", bytes(100_000)),
    ):
        yield name, ".mp3", id3(title + frames) + sound
    yield "a size of 256 MB", ".mp3", id3(title, size=2**28 - 1) + sound
    yield "frame larger than the tag", ".mp3", id3(b"TIT2" + _syncsafe(2**28 - 1) + b"\0\0\3a") + sound
    yield "frame of size 0", ".mp3", id3(frame("TIT2", b"") * 1000) + sound
    for version in (0, 2, 3, 5, 255):
        yield f"version {version}", ".mp3", id3(title, version) + sound
    for flags in (0x80, 0x40, 0x10, 0xFF):
        yield f"flags {flags}", ".mp3", id3(title, 4, flags) + sound
    yield "a thousand tags", ".mp3", id3(title) * 1000 + sound
    yield "tags of nothing", ".mp3", id3(b"") * 30_000 + sound
    yield "tags and no sound", ".mp3", id3(title)
    yield "id3 in front of flac", ".flac", id3(title) + sound


def _bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(b"\3a\0"), *(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes))]
    return b"".join([*parts, packer.flush()])


def _chapters(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = frame("CHAP", b"a\0" + bytes(16) + inner)
    return inner


def _vorbis(healthy: bytes, giants: Giants) -> Iterator[tuple[str, str, bytes]]:
    head, sound = healthy[:42], healthy[healthy.index(b"\xff\xf8") :]

    def block(kind: int, content: bytes, *, last: bool = True, size: int | None = None) -> bytes:
        stated = min(len(content) if size is None else size, 2**24 - 1)
        return bytes([kind | (0x80 if last else 0)]) + stated.to_bytes(3, "big") + content[: 2**24 - 1]

    def comments(*said: str, count: int | None = None) -> bytes:
        listed = b"".join(struct.pack("<I", len(one.encode())) + one.encode() for one in said)
        return struct.pack("<I", 0) + struct.pack("<I", len(said) if count is None else count) + listed

    picture = struct.pack(">II9sI", 3, 9, b"image/png", 0)
    cover = png(50_000, 50_000)
    for name, blocks in (
        ("comment", block(4, comments("COMMENT=" + "words " * (giants.comment * MEGABYTE // 6)))),
        ("many comments", block(4, comments(*(f"K{n}=v" for n in range(giants.frames))))),
        ("comments beyond the block", block(4, comments("TITLE=a", count=0xFFFF_FFFF))),
        ("comment of 4 GB", block(4, bytes(4) + struct.pack("<II", 1, 0xFFFF_FFFF) + b"TITLE=a")),
        (
            "comments without a name",
            block(4, comments("=", "a", "", "TITLE", "=b", "TRACKNUMBER=" + "9" * 400)),
        ),
        ("picture", block(6, picture + struct.pack(">5I", 50_000, 50_000, 24, 0, len(cover)) + cover)),
        ("picture of 4 GB", block(6, picture + struct.pack(">5I", 1, 1, 24, 0, 0xFFFF_FFFF))),
        ("picture of nothing", block(6, b"")),
        ("block of kind 127", block(127, b"x")),
        ("cue sheet of lies", block(5, bytes(395) + b"\xff" + b"\xff" * 500)),
        ("seek table of lies", block(3, b"\xff" * 1800)),
    ):
        yield name, ".flac", head[:4] + b"\0" + head[5:42] + blocks + sound


def _ape(sound: bytes) -> Iterator[tuple[str, str, bytes]]:
    for name, size, count in (("items", 32, 0xFFFF_FFFF), ("size", 0xFFFF_FFFF, 1), ("nothing", 0, 0)):
        footer = b"APETAGEX" + struct.pack("<IIII8x", 2000, size, count, 0)
        yield f"ape with lies of its {name}", ".mp3", sound + footer
    item = struct.pack("<II", 0x7FFF_FFFF, 0) + b"Title\0a"
    footer = b"APETAGEX" + struct.pack("<IIII8x", 2000, 32 + len(item), 1, 0)
    yield "ape item of 2 GB", ".mp3", sound + item + footer
    yield "id3v1 of noise", ".mp3", sound + b"TAG" + bytes(range(125))


def _riff(healthy: bytes) -> Iterator[tuple[str, str, bytes]]:
    for name, chunk in (
        (
            "info of lies",
            b"LIST" + struct.pack("<I", 0xFFFF_FFF0) + b"INFOINAM" + struct.pack("<I", 0xFFFF_FFFF),
        ),
        ("id3 in a chunk", b"id3 " + struct.pack("<I", 4000) + id3(text("TIT2", "A title"), size=4000)),
    ):
        yield name, ".wav", healthy[:36] + chunk + healthy[36:]
        yield f"{name} at the end", ".wav", healthy + chunk


def _mp4(healthy: bytes, giants: Giants) -> Iterator[tuple[str, str, bytes]]:
    def box(name: bytes, content: bytes, size: int | None = None) -> bytes:
        return struct.pack(">I4s", 8 + len(content) if size is None else size, name) + content

    def with_list(content: bytes) -> bytes:
        handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
        extra = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", content)))
        at = healthy.rindex(b"moov") - 4
        size = struct.unpack(">I", healthy[at : at + 4])[0]
        return (
            healthy[:at]
            + struct.pack(">I", size + len(extra))
            + healthy[at + 4 : at + size]
            + extra
            + healthy[at + size :]
        )

    data = box(b"data", struct.pack(">II", 1, 0) + b"A title")
    for name, content in (
        ("many items", box(b"\xa9nam", data) * (giants.frames // 10)),
        (
            "cover",
            box(
                b"covr",
                box(
                    b"data", struct.pack(">II", 14, 0) + png(50_000, 50_000) + bytes(giants.cover * MEGABYTE)
                ),
            ),
        ),
        ("data of 4 GB", box(b"\xa9nam", box(b"data", b"", 0xFFFF_FFFF))),
        ("item of nothing", box(b"\xa9nam", b"")),
        ("track of one byte", box(b"trkn", box(b"data", bytes(9)))),
        ("tempo of many bytes", box(b"tmpo", box(b"data", bytes(8) + b"\xff" * 400))),
        ("broken utf-8", box(b"\xa9nam", box(b"data", struct.pack(">II", 1, 0) + b"\xff\xfe\xfd"))),
        ("free form without a name", box(b"----", box(b"mean", bytes(4) + b"x") + data)),
    ):
        yield name, ".m4a", with_list(content)
