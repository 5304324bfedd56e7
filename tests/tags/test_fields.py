"""Every tag of real files, and of files that are odd."""

from __future__ import annotations

import os
import random
import struct
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.core.file_fields import FileFields
from reprise.core.items import Tags
from reprise.errors import Unreadable, Vanished
from reprise.media.fields import read_fields
from reprise.media.tags import read_tags
from tests.tags.files import audio, flac, id3, mp4, rich_flac, rich_m4a, rich_mp3, wave

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".mp3", ".flac", ".m4a", ".ogg", ".opus", ".wav", ".aiff", ".wma", ".wv", ".mka")


def fields_of(path: Path) -> FileFields:
    return read_fields(os.fsencode(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_and_any_case_of_its_suffix(suffix: str, tmp_path: Path) -> None:
    path = audio(tmp_path, suffix, Tags(title="T", artist="A", album="B", year=1999, track=3))
    fields = fields_of(path)
    assert fields.tags == read_tags(os.fsencode(path))
    assert (fields.tags.title, fields.tags.artist, fields.tags.year) == ("T", "A", 1999)
    assert fields.sample_rate in (44_100, 48_000)
    assert fields.channels in (1, 2)
    assert fields.bitrate is not None
    assert 5 < fields.bitrate < 1500
    shouting = path.rename(tmp_path / f"A{suffix.upper()}")
    assert fields_of(shouting) == fields


@pytest.mark.parametrize("version", [3, 4])
def test_all_tags_of_an_mp3(version: int, tmp_path: Path) -> None:
    fields = fields_of(rich_mp3(audio(tmp_path, ".mp3"), version))
    assert (fields.label, fields.remixer, fields.isrc, fields.mood) == ("Warp", "Koze", "GBXYZ", "calm")
    assert (fields.catalog, fields.comment, fields.tags.genre) == ("WARP55", "8A - Energy 6", "Pop")
    assert fields.tag("Catalog Number") == "WARP55"
    assert fields.tag("MOOD") == "calm"
    assert fields.tag("nothing") is None


def test_all_tags_of_flac_and_m4a(tmp_path: Path) -> None:
    flac = fields_of(rich_flac(audio(tmp_path, ".flac")))
    assert (flac.label, flac.mix, flac.tracks) == ("Warp", "Club Mix", 12)
    m4a = fields_of(rich_m4a(audio(tmp_path, ".m4a")))
    assert (m4a.label, m4a.tracks, m4a.tags.track, m4a.tags.key) == ("Warp", 12, 3, "8A")


def test_the_oldest_id3(tmp_path: Path) -> None:
    sound = audio(tmp_path, ".mp3").read_bytes()
    sound = sound[sound.index(b"\xff\xfb") :]
    frames = b"".join(
        name + len(text + b"\0").to_bytes(3, "big") + b"\0" + text
        for name, text in (
            (b"TT2", b"Old"),
            (b"TP1", b"Timer"),
            (b"TBP", b"128"),
            (b"TKE", b"8A"),
            (b"TPB", b"Warp"),
        )
    )
    size = bytes((len(frames) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path = tmp_path / "old.mp3"
    path.write_bytes(b"ID3\x02\0\0" + size + frames + sound)
    fields = fields_of(path)
    assert (fields.tags.title, fields.tags.artist, fields.tags.bpm, fields.tags.key) == (
        "Old",
        "Timer",
        128,
        "8A",
    )
    assert fields.label == "Warp"


def test_id3v1_alone(tmp_path: Path) -> None:
    sound = audio(tmp_path, ".mp3").read_bytes()
    path = tmp_path / "v1.mp3"
    v1 = struct.pack("3s30s30s30s4s28sBBB", b"TAG", b"Old Song", b"Old Band", b"LP", b"1984", b"", 0, 7, 35)
    path.write_bytes(sound[sound.index(b"\xff\xfb") :] + v1)
    tags = fields_of(path).tags
    assert (tags.title, tags.artist, tags.year, tags.track, tags.genre) == (
        "Old Song",
        "Old Band",
        1984,
        7,
        "House",
    )


def test_wav_with_both_kinds_of_tags(tmp_path: Path) -> None:
    path = audio(tmp_path, ".wav", Tags(title="Info title", artist="Info artist"))
    found = wave.WAVE(path)
    found.add_tags()
    assert found.tags is not None
    found.tags.add(id3.TKEY(encoding=0, text="8A"))
    found.save()
    tags = fields_of(path).tags
    assert (tags.title, tags.artist, tags.key) == ("Info title", "Info artist", "8A")


def test_a_key_under_its_other_names(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3", Tags(title="T"))
    tags = id3.ID3(path)
    tags.add(id3.TXXX(encoding=0, desc="INITIALKEY", text="4A"))
    tags.save()
    assert fields_of(path).tags.key == "4A"


ODD = (
    "nul\0in the middle", "x" * 5_000, "שלום עולם", "\u202eevil\u202c", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L", "e\u0301", "👨\u200d👩\u200d👧 🎧", "a\nb\tc", "\u2028", "ﷺ",
    "a/b\\c:d*e?f\"g<h>i|j", "CON", "..", " ", "\ufeffbom",
)  # fmt: skip


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
def test_odd_texts_are_one_line_without_control_characters(text: str, suffix: str, tmp_path: Path) -> None:
    path = audio(tmp_path, suffix)
    if suffix == ".mp3":
        tags = id3.ID3(path)
        tags.add(id3.TIT2(encoding=3, text=[text]))
        tags.add(id3.TXXX(encoding=3, desc="MOOD", text=[text]))
        tags.save()
    else:
        found = flac.FLAC(path)
        found["TITLE"], found["MOOD"] = text, text
        found.save()
    fields = fields_of(path)
    for found in (fields.tags.title, fields.mood):
        assert found is None or not set(found) & set(map(chr, (*range(32), *range(127, 160))))
    assert fields.tags.artist == "Artist"
    if text.isprintable() and text.strip() == text:
        assert fields.tags.title == text


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".m4a"])
def test_a_picture_of_ten_megabytes_is_stepped_over(suffix: str, tmp_path: Path) -> None:
    path, picture = audio(tmp_path, suffix), os.urandom(10_000_000)
    if suffix == ".mp3":
        tags = id3.ID3(path)
        tags.add(id3.APIC(encoding=0, mime="image/png", type=3, desc="", data=picture))
        tags.save()
    elif suffix == ".flac":
        found, cover = flac.FLAC(path), flac.Picture()
        cover.data = picture
        found.add_picture(cover)
        found.save()
    else:
        found = mp4.MP4(path)
        found["covr"] = [mp4.MP4Cover(picture, mp4.MP4Cover.FORMAT_PNG)]
        found.save()
    started = time.process_time()
    fields = [fields_of(path) for _ in range(10)][-1]
    assert fields.tags.title == "Title"
    assert fields.tags.duration == pytest.approx(1.0, abs=0.1)
    assert time.process_time() - started < 1.0


def test_lyrics_of_a_megabyte_are_cut(tmp_path: Path) -> None:
    path = audio(tmp_path, ".flac")
    found = flac.FLAC(path)
    found["LYRICS"] = "la " * 400_000
    found.save()
    assert len(fields_of(path).other["lyrics"]) <= 1_000


@pytest.mark.parametrize(
    "content", [b"", b"text " * 100, b"\xff\xd8\xff\xe0" + bytes(99), b"RIFF", bytes(9999)]
)
def test_no_audio_has_no_fields(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    assert fields_of(path) == FileFields()


def test_what_is_gone_and_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        fields_of(tmp_path / "gone.mp3")
    with pytest.raises(Unreadable):
        fields_of(tmp_path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return audio(tmp_path_factory.mktemp("any"), ".mp3")


@settings(max_examples=150)
@given(
    title=st.text(st.characters(codec="utf-8"), max_size=200),
    artist=st.text(st.characters(codec="utf-8"), max_size=50),
    key=st.sampled_from(["8A", "Am", "", "?"]),
)
def test_any_text_comes_back(sound: Path, title: str, artist: str, key: str) -> None:
    tags = id3.ID3()
    for frame in (id3.TIT2(encoding=3, text=[title]), id3.TPE1(encoding=1, text=[artist]), id3.TKEY(encoding=3, text=[key]),
                  id3.TBPM(encoding=3, text=["128"])):  # fmt: skip
        tags.add(frame)
    tags.save(sound)
    found = fields_of(sound).tags
    assert found.bpm == 128
    if title.isprintable() and title == title.strip():
        assert found.title == (title or None)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage_never_raises(suffix: str, tmp_path: Path) -> None:
    path = audio(tmp_path, suffix, Tags(title="T", artist="A", bpm=120.0))
    content, chance = path.read_bytes(), random.Random(suffix)
    for cut in (1, 10, 50, 200, len(content) // 2):
        path.write_bytes(content[:cut])
        fields_of(path)
    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(6):
            damaged[chance.randrange(min(600, len(damaged)))] = chance.randrange(256)
        path.write_bytes(damaged)
        assert isinstance(fields_of(path), FileFields)
