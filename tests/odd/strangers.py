"""What is no sound at all but is called so, and entries of a folder that are no files."""

from __future__ import annotations

import io
import os
import socket
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.odd.damage import Odd
from tests.odd.tagged import png

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "http://127.0.0.1:9/secret"
"""What playlists in disguise name; nobody listens there, and nobody may ask."""

_PLAYLISTS = {
    "m3u": f"#EXTM3U\n{ADDRESS}\n/etc/passwd\n",
    "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{ADDRESS}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile /etc/passwd\nfile 'http://127.0.0.1:9/a'\n",
    "itself": "ffconcat version 1.0\nfile itself.mp3\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{ADDRESS}</BaseURL></MPD>',
    "imf": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><CompositionPlaylist>&b;',
}
_SUFFIXES = (".mp3", ".flac", ".m4a", ".wav", ".mkv")


def strangers() -> Iterator[Odd]:
    contents = {
        "text": b"These are the words of a song.\n" * 100,
        "html": b"<!DOCTYPE html><html><title>404</title></html>",
        "script": b"#!/bin/sh\necho nothing\n",
        "zip": _zip(),
        "gzip of zeros": zlib.compressobj(9, zlib.DEFLATED, 31).compress(bytes(1 << 24)),
        "png of 50000 by 50000": png(50_000, 50_000),
        "png of no size": png(0, 0),
        "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(5000),
        "gif": b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(1000),
        "pdf": b"%PDF-1.7\n" + bytes(1000),
        "elf": b"\x7fELF" + bytes(1000),
        "sqlite": b"SQLite format 3\0" + bytes(4000),
        "midi": b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk",
        "module": b"Extended Module: " + bytes(2000),
        "ones": b"\xff" * 100_000,
        "mpeg sync only": b"\xff\xfb\x90\x64" * 25_000,
        "utf-16 text": ("words " * 200).encode("utf-16"),
        **{f"playlist {name}": said.encode() for name, said in _PLAYLISTS.items()},
    }
    for name, content in contents.items():
        for suffix in _SUFFIXES:
            yield Odd(f"stranger/{name}{suffix}".encode(), "stranger", content)


NAMES = {
    "no utf-8": b"caf\xe9 \xff\xfe.mp3",
    "new lines": b"one\ntwo\r\nthree\x1b[31m.mp3",
    "255 bytes": b"n" * 251 + b".mp3",
    "255 bytes of two each": "ä".encode() * 125 + b"n.mp3",
    "blank": b" .mp3",
    "dash": b"-rf.mp3",
    "protocol": b"concat:a|b.mp3",
    "percent": b"%d%s%n.mp3",
    "right to left": "\u202egnp.mp3".encode(),
    "quotes": b"'\"`$(touch x)`.mp3",
    "backslash": b"a\\b.mp3",
    "unit separator": b"a\x1fb.mp3",
}


def odd_names(sound: bytes) -> Iterator[Odd]:
    """Healthy files whose names are what is odd."""
    for name in NAMES.values():
        yield Odd(b"name/" + name, "name", sound)
    yield Odd(b"name/" + b"d" * 255 + b"/" + b"\xff" * 200 + b"/a.mp3", "name", sound)


@contextmanager
def special_entries(folder: Path) -> Iterator[int]:
    """Makes what no file is, and gives how many entries that a scan should complain of; a socket lives meanwhile."""
    folder.mkdir()
    os.mkfifo(folder / "fifo.mp3")
    os.symlink("nowhere", folder / "dangling.mp3")
    os.symlink("loop two.mp3", folder / "loop one.mp3")
    os.symlink("loop one.mp3", folder / "loop two.mp3")
    os.symlink("/dev/zero", folder / "zeros.mp3")
    folder.joinpath("folder.mp3").mkdir()
    os.symlink(".", folder / "folder.mp3" / "round and round")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(folder)  # the path of a socket has 107 bytes at most
        try:
            bound.bind("socket.mp3")
        finally:
            os.chdir(here)
        yield len(("fifo", "dangling", "loop one", "loop two", "zeros", "socket"))


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a.mp3", b"sound")
    return content.getvalue()
