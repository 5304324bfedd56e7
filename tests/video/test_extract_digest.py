"""The digest of videos: cheap, the same after a rename, another after a change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reprise.errors import Unreadable, Vanished
from reprise.media.video.digest import BLOCKS, WHOLE_BYTES, video_digest
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path


def digest(path: Path) -> bytes:
    return video_digest(os.fsencode(path))


def sparse(path: Path, size: int) -> Path:
    """A file of zeros that takes no room."""
    path.touch()
    os.truncate(path, size)
    return path


def write_at(path: Path, offset: int, content: bytes = b"!") -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def test_it_is_32_bytes_and_the_same_under_another_name_and_time(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(1))
    before = digest(film)
    renamed = film.rename(tmp_path / "b é.mkv")
    os.utime(renamed, (1, 1))

    assert len(before) == 32
    assert digest(renamed) == before


@pytest.mark.parametrize("offset", [0, 5000, WHOLE_BYTES - 1])
def test_any_byte_of_a_small_file_counts(tmp_path: Path, offset: int) -> None:
    film = sparse(tmp_path / "a.mp4", WHOLE_BYTES)
    before = digest(film)
    write_at(film, offset)
    assert digest(film) != before


@pytest.mark.parametrize("share", [0.0, 0.00001, 0.99999, 1.0])
def test_so_does_each_at_the_ends_of_a_large_one(tmp_path: Path, share: float) -> None:
    size = 20 * 1000**3
    film = sparse(tmp_path / "a.mp4", size)
    before = digest(film)
    write_at(film, round((size - 1) * share))
    assert digest(film) != before


def test_and_anything_larger_than_the_distance_of_blocks_between_them(tmp_path: Path) -> None:
    size = 2 * 1000**3
    film = sparse(tmp_path / "a.mp4", size)
    before = digest(film)
    write_at(film, size // 3, b"x" * (size // BLOCKS))
    assert digest(film) != before


def test_a_longer_file_is_another(tmp_path: Path) -> None:
    assert digest(sparse(tmp_path / "a", 10**9)) != digest(sparse(tmp_path / "b", 10**9 + 1))
    assert digest(sparse(tmp_path / "c", 0)) != digest(sparse(tmp_path / "d", 1))


def test_of_20_gb_it_reads_6_mb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reprise.media.video import digest as module

    lengths: list[int] = []
    monkeypatch.setattr(module, "_feed", lambda _digest, _file, _offset, length: lengths.append(length))
    digest(sparse(tmp_path / "a.mp4", 20 * 1000**3))

    assert sum(lengths) == WHOLE_BYTES <= 6 * 2**20


def test_a_file_that_is_gone_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        digest(tmp_path / "a.mp4")
    with pytest.raises(Unreadable):
        digest(tmp_path)
