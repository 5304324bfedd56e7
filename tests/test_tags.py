"""Tags from real files of every format, and from everything that only looks like one."""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mutagen.id3 import ID3, TALB, TBPM, TDRC, TIT2, TLEN, TPE1, TRCK

from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from reprise.errors import Unreadable, Vanished
from reprise.media.tags import _bpm, _seconds, clean_text, read_tags, whole_number, year_of

if TYPE_CHECKING:
    from pathlib import Path

TAGS = Tags(
    title="Süße Träume",
    artist="Die Ärzte & 椎名林檎",
    album="An album",
    album_artist="Various",
    genre="Rock",
    year=2003,
    track=3,
    disc=2,
    bpm=128.0,
    key="Am",
)
SUFFIXES = (".mp3", ".m4a", ".ogg", ".opus", ".flac", ".aiff", ".wma", ".wv", ".mka", ".wav")
WITH_TEMPO = {".mp3", ".m4a", ".ogg", ".opus", ".flac", ".aiff"}
TONE = np.sin(np.arange(2 * 44_100) / 16).astype(np.float32) * 0.3


def tags_of(path: Path) -> Tags:
    return read_tags(os.fsencode(path))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tagged")
    return {s: write_audio(folder / f"a{s}", TONE, 44_100, tags=TAGS) for s in SUFFIXES}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format(suffix: str, files: dict[str, Path]) -> None:
    tags = tags_of(files[suffix])
    assert (tags.title, tags.artist, tags.album) == (TAGS.title, TAGS.artist, TAGS.album)
    assert (tags.year, tags.track, tags.genre) == (2003, 3, "Rock")
    assert tags.duration == pytest.approx(2.0, abs=0.1)
    if suffix in WITH_TEMPO:
        assert tags.bpm == 128
    if suffix in WITH_TEMPO - {".m4a"}:
        assert tags.key == "Am"
    if suffix != ".wav":  # RIFF INFO knows neither
        assert (tags.album_artist, tags.disc) == ("Various", 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_content_decides_not_the_name(suffix: str, files: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / ("a.flac" if suffix == ".mp3" else "a.mp3")
    shutil.copy(files[suffix], other)
    assert tags_of(other) == tags_of(files[suffix])


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2003", 2003), ("2003-05-01", 2003), ("20030501", 2003), ("1 May 1999", 1999), ("05/01/1987", 1987),
        ("2003-05-01T10:00:00Z", 2003), ("0000", None), ("1", None), ("", None), (None, None), ("3003", None),
        ("about 1975?", 1975), ("12345", None), ("٢٠٠٣", 2003), ("year", None),
    ],
)  # fmt: skip
def test_years(text: str | None, year: int | None) -> None:
    assert year_of(text) == year


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("3/12", 3),
        ("03", 3),
        ("0", None),
        ("A1", None),
        ("", None),
        (None, None),
        ("9" * 30, None),
        ("9" * 400, None),
        ("2147483647", 2_147_483_647),
        ("2147483648", None),
    ],
)
def test_numbers(text: str | None, number: int | None) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("128", 128.0),
        ("127,5", 127.5),
        ("99.9 bpm", 99.9),
        ("0", None),
        ("fast", None),
        ("1e9", 1.0),
        ("5000", None),
    ],
)
def test_tempo(text: str, bpm: float | None) -> None:
    assert _bpm(text) == bpm


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e9, None])
def test_absurd_durations(seconds: float | None) -> None:
    assert _seconds(seconds) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  a title ", "a title"), ("two\nlines", "two lines"), ("cr\r\nlf", "cr  lf"), ("nul\0byte\x07", "nulbyte"),
        ("\x1b[31mred", "[31mred"), (" \0 ", None), ("", None), (None, None), ("tab\there", "tab here"),
        ("no\xa0break", "no\xa0break"), ("family 👨\u200d👩", "family 👨\u200d👩"),
    ],
)  # fmt: skip
def test_text_is_fit_to_print(value: str | None, text: str | None) -> None:
    assert clean_text(value) == text


def test_odd_values_in_a_real_file(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    shutil.copy(files[".mp3"], path)
    tags = ID3()  # type: ignore[no-untyped-call]
    for kind, text in (
        (TIT2, "one\ntwo"), (TPE1, " \t "), (TALB, "x" * 100_000), (TDRC, "1984"), (TRCK, "7/9"), (TBPM, "90.5"),
        (TLEN, "99999999999"),
    ):  # fmt: skip
        tags.add(kind(encoding=3, text=text))  # type: ignore[no-untyped-call]
    tags.save(path)
    found = tags_of(path)
    assert (found.title, found.artist, found.year, found.track, found.bpm) == ("one two", None, 1984, 7, 90.5)
    assert found.album == "x" * 100_000
    assert found.duration == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage_never_raises(suffix: str, files: dict[str, Path], tmp_path: Path) -> None:
    content = files[suffix].read_bytes()
    path = tmp_path / f"a{suffix}"
    chance = random.Random(suffix)
    for cut in (1, 4, 10, 30, 50, 128, 200, len(content) // 2):
        path.write_bytes(content[:cut])
        tags_of(path)
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(6):
            damaged[chance.randrange(min(400, len(damaged)))] = chance.randrange(256)
        path.write_bytes(damaged)
        assert isinstance(tags_of(path), Tags)


BIG = 64 * 1024 * 1024  # bytes


@pytest.mark.parametrize(
    "head",
    [
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\2\0D\xac\0\0\x10\xb1\2\0\4\0\x10\0",
        b"ID3\x04\0\0\0\0\0\0",
        b"ID3\x04\0\0\x7f\x7f\x7f\x7fTIT2\x7f\x7f\x7f\x7f\0\0\3",
        b"fLaC\0\0\0\x22" + bytes(34),
        b"\xff\xfbx",
        b"\xff\xfb\x90\x64" + bytes(413) + b"\xff\xfb\x90\x64",
        b"\xff\xf1\x50\x80",
        b"OggS\0\2" + bytes(20) + b"\1\x1e\1vorbis\0\0\0\0\2D\xac\0\0",
        b"FORM\0\0\0\0AIFF",
        b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c" + bytes(13) + b"\2",
        b"",
    ],
)
def test_a_promising_head_on_64_mb_of_nothing_costs_little(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(head)
    os.truncate(path, BIG)
    started = time.process_time()
    tags_of(path)
    assert time.process_time() - started < 0.5


def test_a_wav_named_mp3_is_not_searched(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, 60 * 44_100).astype(np.float32)
    path = write_audio(tmp_path / "a.wav", noise, 44_100).rename(tmp_path / "a.mp3")
    started = time.process_time()
    assert tags_of(path).duration == pytest.approx(60)
    assert time.process_time() - started < 0.1


def test_tags_in_front_of_noise_are_read(files: dict[str, Path], tmp_path: Path) -> None:
    head = files[".mp3"].read_bytes()
    path = tmp_path / "a.mp3"
    path.write_bytes(
        head[: head.index(b"\xff\xfb")] + random.Random(0).randbytes(500_000).replace(b"\xff", b"")
    )
    assert tags_of(path).title == TAGS.title


@pytest.mark.parametrize(
    "content", [b"", b"text " * 100, b"\xff\xd8\xff\xe0" + bytes(99), bytes(9999), b"\xff\xfeh\0i\0"]
)
def test_no_audio_has_no_tags(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    assert tags_of(path) == Tags()


def test_a_file_that_is_gone_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        tags_of(tmp_path / "gone.mp3")
    with pytest.raises(Unreadable):
        tags_of(tmp_path)


def test_importing_needs_neither_numpy_nor_ffmpeg() -> None:
    code = (
        "import sys, reprise.media.tags, reprise.media.essence, reprise.media.decode, reprise.sources.folder;"
        "assert not {'av', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
