"""Real files of every format with every kind of tag, for the tests of reading and writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.wave
import numpy as np

from reprise.core.items import Tags
from reprise.demo.encode import write_audio

if TYPE_CHECKING:
    from pathlib import Path

id3: Any = mutagen.id3
flac: Any = mutagen.flac
mp4: Any = mutagen.mp4
wave: Any = mutagen.wave

TONE = np.sin(np.arange(44_100) / 16).astype(np.float32) * 0.3
WRITABLE = (".mp3", ".flac", ".m4a", ".ogg", ".opus", ".wav", ".aiff", ".wma", ".wv")
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


def audio(folder: Path, suffix: str, tags: Tags | None = None, name: str = "a") -> Path:
    return write_audio(
        folder / f"{name}{suffix}", TONE, 44_100, tags=tags or Tags(title="Title", artist="Artist")
    )


def rich_mp3(path: Path, version: int) -> Path:
    """Frames that DJ programs keep, in ID3 2.3 or 2.4, with padding."""
    tags = id3.ID3()
    for frame in (
        id3.TIT2(encoding=1, text="Süße Träume"), id3.TPE1(encoding=3, text=["One", "Two"]), id3.TPUB(encoding=0, text="Warp"),
        id3.TPE4(encoding=0, text="Koze"), id3.TSRC(encoding=0, text="GBXYZ"), id3.TCON(encoding=0, text="(13)"),
        id3.TXXX(encoding=3, desc="MOOD", text="calm"), id3.TXXX(encoding=0, desc="CATALOGNUMBER", text="WARP55"),
        id3.COMM(encoding=1, lang="eng", desc="", text="8A - Energy 6"), id3.COMM(encoding=0, lang="deu", desc="x", text="y"),
        id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="front", data=JPEG),
        id3.APIC(encoding=0, mime="image/jpeg", type=4, desc="back", data=JPEG[::-1]),
        id3.GEOB(encoding=0, mime="application/octet-stream", filename="", desc="Serato Markers2", data=bytes(range(256))),
        id3.UFID(owner="http://musicbrainz.org", data=b"a-b-c"), id3.POPM(email="no@email", rating=196, count=7),
    ):  # fmt: skip
        tags.add(frame)
    if version == 3:
        tags.add(id3.TYER(encoding=0, text="1998"))
    tags.save(path, v2_version=version, v23_sep=None, padding=lambda _: 2000)
    return path


def rich_flac(path: Path) -> Path:
    found = flac.FLAC(path)
    found["ARTIST"] = ["One", "Two"]
    found["LABEL"] = "Warp"
    found["MIXNAME"] = "Club Mix"
    found["TRACKTOTAL"] = "12"
    picture = flac.Picture()
    picture.data, picture.mime, picture.type = JPEG, "image/jpeg", 3
    found.add_picture(picture)
    found.save(padding=lambda _: 3000)
    return path


def rich_m4a(path: Path) -> Path:
    found = mp4.MP4(path)
    found["covr"] = [mp4.MP4Cover(JPEG, mp4.MP4Cover.FORMAT_JPEG)]
    found["trkn"] = [(3, 12)]
    found["----:com.apple.iTunes:LABEL"] = [mp4.MP4FreeForm(b"Warp")]
    found["----:com.apple.iTunes:initialkey"] = [mp4.MP4FreeForm(b"8A")]
    found.save()
    return path
