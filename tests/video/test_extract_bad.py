"""Files in a folder of videos that are none, or only partly: a reason for each, and what can be had of it."""

from __future__ import annotations

import os
import shutil
import struct
from typing import TYPE_CHECKING

import pytest

from reprise.errors import (
    EmptyFile,
    ItemError,
    NoPictures,
    NotVideo,
    Truncated,
    Unreadable,
    Vanished,
)
from tests.video.films import shots, write_film, write_sound
from tests.video.test_extract import bounds, taken_apart

if TYPE_CHECKING:
    from pathlib import Path

EIGHT_HOURS = 8 * 3600.0
MATROSKA_DURATION = b"\x44\x89\x88"  # its identifier, and that eight bytes follow
WORD_OF_DURATION = 20  # bytes from the name of a box mvhd or mdhd of version 0 to its duration


def refusal(film: Path) -> ItemError:
    with pytest.raises(ItemError) as caught:
        taken_apart(film)
    assert caught.value.cure
    return caught.value


def cut_off(film: Path, share: float) -> Path:
    os.truncate(film, round(film.stat().st_size * share))
    return film


def overwritten(film: Path, begin: float, end: float) -> Path:
    """Zeros where a download has not come by yet, from one share of the file to the other."""
    content = bytearray(film.read_bytes())
    span = slice(round(len(content) * begin), round(len(content) * end))
    content[span] = bytes(span.stop - span.start)
    film.write_bytes(content)
    return film


def test_sound_alone_has_no_pictures(tmp_path: Path) -> None:
    error = refusal(write_sound(tmp_path / "a.m4a", 1))
    assert isinstance(error, NoPictures)
    assert "audio streams only" in error.message


def test_a_cover_is_no_film(tmp_path: Path) -> None:
    error = refusal(write_sound(tmp_path / "a.mp3", 1, cover=True))
    assert isinstance(error, NoPictures)
    assert "a cover and no other pictures" in error.message


def test_a_film_without_a_single_picture(tmp_path: Path) -> None:
    error = refusal(write_film(tmp_path / "a.mkv", shots(0), sound=1))
    assert isinstance(error, NoPictures)
    assert "without any picture" in error.message


def test_nothing_at_all(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.touch()
    assert isinstance(refusal(film), EmptyFile)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"just words, and more of them\n" * 50, "text file"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "JPEG picture"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:other.ts\n", ""),
        (b"\x1aE\xdf\xa3" + b"\xa5\x5a" * 400, "begins like matroska"),
        (os.urandom(3000), "no format of videos"),
    ],
    ids=["text", "picture", "playlist", "torn matroska", "noise"],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(content)
    error = refusal(film)
    assert isinstance(error, NotVideo)
    assert reason in error.message


def test_a_real_picture_is_no_film_of_one_picture(tmp_path: Path) -> None:
    found = taken_apart(write_film(tmp_path / "a.mp4", shots(1)))
    picture = tmp_path / "media" / os.fsdecode(found.scenes[0].frames[0].file)
    shutil.copy(picture, tmp_path / "b.mp4")
    assert isinstance(refusal(tmp_path / "b.mp4"), NotVideo)


def test_a_folder_and_a_fifo_named_like_films(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    os.mkfifo(tmp_path / "b.mp4")
    assert "a folder" in refusal(tmp_path / "a.mp4").message
    assert "a FIFO" in refusal(tmp_path / "b.mp4").message


def test_a_film_that_is_gone_or_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(refusal(tmp_path / "a.mp4"), Vanished)
    film = write_film(tmp_path / "b.mp4", shots(1))

    def refuse(path: object, *_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    assert isinstance(refusal(film), Unreadable)


def test_an_mp4_whose_index_at_the_end_was_cut_off(tmp_path: Path) -> None:
    error = refusal(cut_off(write_film(tmp_path / "a.mp4", shots(2, 2)), 0.8))
    assert isinstance(error, Truncated)
    assert "index is missing or broken" in error.message


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_half_a_film_is_said_to_be_half_a_film(tmp_path: Path, name: str) -> None:
    options = {"movflags": "+faststart"} if name == "a.mp4" else {}
    film = cut_off(write_film(tmp_path / name, shots(2, 2, 2), options=options), 0.75)

    error = refusal(film)

    assert isinstance(error, Truncated)
    assert "could be decoded, up to" in error.message
    found = taken_apart(film, min_decoded=0.2)
    assert bounds(found)[0] == (0.0, 2.0)
    assert 3 < found.facts.duration < 5.4
    assert found.scenes[-1].end == found.facts.duration


def test_a_film_that_misses_its_last_second_counts(tmp_path: Path) -> None:
    film = cut_off(write_film(tmp_path / "a.mkv", shots(7, 7)), 0.96)
    assert 13 < taken_apart(film).facts.duration < 14


def test_a_recording_that_was_never_finished_counts_as_far_as_it_goes(tmp_path: Path) -> None:
    """A live stream states neither its length nor that of its segment."""
    film = cut_off(write_film(tmp_path / "a.mkv", shots(2, 2, 2), options={"live": "1"}), 0.7)
    assert bounds(taken_apart(film))[0] == (0.0, 2.0)


def test_a_blemish_in_the_middle_costs_itself(tmp_path: Path) -> None:
    film = overwritten(write_film(tmp_path / "a.mp4", shots(4, 4, 4)), 0.40, 0.43)
    found = taken_apart(film)

    assert found.facts.duration == pytest.approx(12, abs=0.1)
    assert {(0.0, 4.0)} <= set(bounds(found))
    assert found.scenes[-1].end == found.facts.duration


def test_a_hole_in_the_middle_is_no_film(tmp_path: Path) -> None:
    """As a download in pieces leaves it: all of its length, and half of its content."""
    film = write_film(tmp_path / "a.mp4", shots(2, 2, 2), options={"movflags": "+faststart"})
    error = refusal(overwritten(film, 0.3, 0.95))
    assert isinstance(error, Truncated | NotVideo)


def test_a_matroska_file_that_says_eight_hours_and_is_whole_counts_as_it_is(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mkv", shots(2, 2))
    content = film.read_bytes()
    at = content.index(MATROSKA_DURATION) + len(MATROSKA_DURATION)
    film.write_bytes(content[:at] + struct.pack(">d", EIGHT_HOURS * 1000) + content[at + 8 :])

    assert taken_apart(film).facts.duration == pytest.approx(4, abs=0.1)


def test_an_mp4_file_that_says_eight_hours_counts_by_its_table_of_samples(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(2, 2))
    content = bytearray(film.read_bytes())
    for box in (b"mvhd", b"mdhd"):
        at = content.index(box) + WORD_OF_DURATION
        scale = struct.unpack(">I", content[at - 4 : at])[0]
        content[at : at + 4] = struct.pack(">I", round(EIGHT_HOURS * scale))
    film.write_bytes(content)

    assert taken_apart(film).facts.duration == pytest.approx(4, abs=0.1)


def test_a_raw_stream_without_any_times_is_taken_at_its_rate(tmp_path: Path) -> None:
    found = taken_apart(write_film(tmp_path / "a.h264", shots(2, 2), codec="libx264"))

    assert len(found.scenes) == 2
    assert found.facts.duration == pytest.approx(4, abs=0.2)


def test_pictures_that_cannot_be_kept_are_told_as_what_they_are(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(1))
    (tmp_path / "media").write_text("no folder")
    with pytest.raises(OSError, match="media"):
        taken_apart(film)
