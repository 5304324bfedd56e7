"""The digest of the sound stands still under retagging and moves with every byte of audio."""

from __future__ import annotations

import base64
import os
import random
import shutil
import struct
from typing import TYPE_CHECKING

import mutagen
import numpy as np
import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TIT2
from mutagen.mp4 import MP4, MP4Cover

from reprise.demo.encode import write_audio
from reprise.errors import Unreadable, Vanished
from reprise.media.essence import essence_digest
from reprise.media.sniff import sniff_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".mp3", ".m4a", ".ogg", ".opus", ".flac", ".wav", ".aiff", ".wma", ".wv")
COVER = b"\xff\xd8\xff\xe0" + random.Random(0).randbytes(300_000)


def digest(path: Path) -> bytes:
    value = essence_digest(os.fsencode(path))
    assert len(value) == 32
    return value


def noise(seed: int, seconds: float = 2.0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, (int(seconds * 44_100), 2)).astype(np.float32)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("essence")
    return {suffix: write_audio(folder / f"a{suffix}", noise(1), 44_100) for suffix in SUFFIXES}


@pytest.fixture
def audio(request: pytest.FixtureRequest, originals: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the file of the suffix that the test is parametrised with."""
    path = tmp_path / f"b{request.param}"
    shutil.copy(originals[request.param], path)
    return path


def retag(path: Path, title: str, cover: bytes = b"") -> None:
    if path.suffix in {".mp3", ".wav", ".aiff"}:
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        file.tags.add(TIT2(encoding=3, text=title))  # type: ignore[no-untyped-call]
        if cover:
            file.tags.add(APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=cover))  # type: ignore[no-untyped-call]
        file.save()
        return
    file = mutagen.File(path)
    if isinstance(file, MP4):
        file["\xa9nam"] = title
        if cover:
            file["covr"] = [MP4Cover(cover)]  # type: ignore[no-untyped-call]
    else:
        file["title"] = title
        if cover:
            _vorbis_cover(file, cover)
    file.save()


def _vorbis_cover(file: mutagen.FileType, cover: bytes) -> None:
    picture = Picture()  # type: ignore[no-untyped-call]
    picture.data, picture.type, picture.mime = cover, 3, "image/jpeg"
    if isinstance(file, FLAC):
        file.add_picture(picture)  # type: ignore[no-untyped-call]
    elif type(file).__module__.startswith("mutagen.ogg"):
        file["metadata_block_picture"] = [base64.b64encode(picture.write()).decode()]  # type: ignore[no-untyped-call]
    else:
        file["comment"] = "x" * 60_000


@pytest.mark.parametrize("audio", SUFFIXES, indirect=True)
def test_retagging_keeps_it(audio: Path) -> None:
    before = digest(audio)
    size = audio.stat().st_size
    retag(audio, "short")
    assert digest(audio) == before
    retag(audio, "a very much longer title " * 100, COVER)  # over several pages in Ogg
    assert audio.stat().st_size > size + 50_000
    assert digest(audio) == before
    mutagen.File(audio).delete()
    assert digest(audio) == before


@pytest.mark.parametrize("audio", [".mp3"], indirect=True)
def test_all_kinds_of_tags_around_an_mp3(audio: Path) -> None:
    before = digest(audio)
    bare = audio.read_bytes()[sniff_start(audio) :]
    tag = APEv2()  # type: ignore[no-untyped-call]
    tag["Title"] = "ape"
    tag.save(audio)
    assert digest(audio) == before
    ID3(audio).save(audio, v1=2)  # type: ignore[no-untyped-call]
    assert digest(audio) == before
    first = b"ID3\x04\0\x10" + bytes([0, 0, 1, 0]) + bytes(128) + b"3DI\x04\0\x10" + bytes([0, 0, 1, 0])
    second = b"ID3\x03\0\0" + bytes([0, 0, 0, 100]) + bytes(100)
    lyrics = b"LYRICSBEGIN" + b"IND00002" + b"11"
    extended = b"TAG+" + bytes(223)
    old = b"TAG" + b"title".ljust(125)
    audio.write_bytes(first + second + bare + lyrics + f"{len(lyrics):06}LYRICS200".encode() + extended + old)
    assert digest(audio) == before
    audio.write_bytes(bare + b"LYRICSBEGIN" + b"la la la" + b"LYRICSEND" + old)
    assert digest(audio) == before


@pytest.mark.parametrize("audio", SUFFIXES, indirect=True)
def test_every_byte_of_audio_counts(audio: Path) -> None:
    before = digest(audio)
    content = audio.read_bytes()
    chance = random.Random(7)
    # The last third is audio in all of these, but for the MP4's index and Ogg's page headers.
    last = content.rindex(b"moov") - 8 if audio.suffix == ".m4a" else len(content)
    for at in sorted(chance.sample(range(last // 3, last), 60)):
        if audio.suffix in {".ogg", ".opus"} and in_page_header(content, at):
            continue
        changed = bytearray(content)
        changed[at] ^= 1 << chance.randrange(8)
        audio.write_bytes(changed)
        assert digest(audio) != before, at


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_sound_has_another_digest(suffix: str, originals: dict[str, Path], tmp_path: Path) -> None:
    other = digest(write_audio(tmp_path / f"c{suffix}", noise(2), 44_100))
    longer = digest(write_audio(tmp_path / f"d{suffix}", noise(1, 2.5), 44_100))
    assert len({other, longer, digest(originals[suffix])}) == 3


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".mka"])
def test_a_copy_under_another_name_has_the_same(suffix: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / f"c{suffix}", noise(3, 0.5), 44_100)
    other = tmp_path / "else.mp3"
    shutil.copy(path, other)
    assert digest(other) == digest(path)


@pytest.mark.parametrize("audio", SUFFIXES, indirect=True)
def test_damaged_files_differ_and_never_raise(audio: Path) -> None:
    content = audio.read_bytes()
    seen = set()
    cuts = [0, 1, 4, 11, 27, 40, 60, *(len(content) * part // 8 for part in range(1, 9))]
    for cut in cuts:
        audio.write_bytes(content[:cut])
        seen.add(digest(audio))
    assert len(seen) == len(cuts)
    chance = random.Random(3)
    for _ in range(40):  # headers that lie
        changed = bytearray(content)
        for _ in range(4):
            changed[chance.randrange(min(300, len(changed)))] = chance.randrange(256)
        audio.write_bytes(changed)
        with_header = digest(audio)
        changed[len(changed) // 2 + 1] ^= 0x10
        audio.write_bytes(changed)
        assert digest(audio) != with_header


def test_an_mp4_with_wide_sizes_and_an_open_end(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    ftyp = struct.pack(">I4s4sI", 16, b"ftyp", b"M4A ", 0)
    wide = struct.pack(">I4sQ", 1, b"mdat", 16 + 6) + b"sound1"
    path.write_bytes(ftyp + wide + struct.pack(">I4s", 0, b"mdat") + b"sound2")
    before = digest(path)
    path.write_bytes(
        ftyp + struct.pack(">I4s", 12, b"free") + b"tags" + wide + struct.pack(">I4s", 0, b"mdat") + b"sound2"
    )
    assert digest(path) == before
    path.write_bytes(ftyp + wide + struct.pack(">I4s", 0, b"mdat") + b"sound3")
    assert digest(path) != before


@pytest.mark.parametrize("stated", [0, 0xFFFF_FFFF])
def test_a_wav_of_unknown_length_is_read_to_its_end(
    stated: int, originals: dict[str, Path], tmp_path: Path
) -> None:
    content = bytearray(originals[".wav"].read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", stated)
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    before = digest(path)
    content[-100] ^= 1
    path.write_bytes(content)
    assert digest(path) != before


def test_what_is_no_audio_has_a_digest_too(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    seen = set()
    for content in (b"", b"text", b"ID3\x04\0\0\0\0\0\x05abcde", b"ID3\x04\0\0\0\0\0\x05abcdf", bytes(5000)):
        path.write_bytes(content)
        seen.add(digest(path))
    assert len(seen) == 5


def test_a_file_that_is_gone_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        essence_digest(os.fsencode(tmp_path / "gone.mp3"))
    with pytest.raises(Unreadable):
        essence_digest(os.fsencode(tmp_path))


def sniff_start(path: Path) -> int:
    with path.open("rb") as file:
        return sniff_file(file)[1]


def in_page_header(content: bytes, at: int) -> bool:
    page = content.rindex(b"OggS", 0, at + 4)
    return at < page + 27 + content[page + 26]
