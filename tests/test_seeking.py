"""Spread windows by seeking: the same sound as by listening to all of it, for a part of the work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.cuts import Cut
from reprise.core.windows import Windowing
from reprise.demo.encode import write_audio
from reprise.errors import Silent, Truncated
from reprise.media import packets
from reprise.media.decode import AudioFile
from tests.models.sounds import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 24_000  # Hz, of the model
FILE_RATE = 44_100  # Hz, of the files
SECONDS = 40.0
WINDOWS = Windowing(5 * RATE // 2, 5 * RATE // 2, spread=4)
KINDS = (".flac", ".wav", ".mp3", ".ogg", ".m4a", ".opus")


def sweep() -> NDArray[np.float32]:
    """No part of it sounds like another, and a shift shows. Shape (n, 2)."""
    at = np.arange(round(SECONDS * FILE_RATE)) / FILE_RATE
    tone = 0.4 * np.sin(2 * np.pi * (200 * at + 12 * at**2))
    return np.stack([tone, tone], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    return {suffix: write_audio(folder / f"a{suffix}", sweep(), FILE_RATE) for suffix in KINDS}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes in bytes of the packets that were decoded."""
    sizes: list[int] = []
    everything = packets.packets

    def counted(*given: Any) -> Iterator[object]:
        for packet in everything(*given):
            sizes.append(packet.size)
            yield packet

    monkeypatch.setattr(packets, "packets", counted)
    return sizes


def listened(path: Path | bytes) -> list[NDArray[np.float32]]:
    """The windows of the whole sound, which knows nothing of seeking."""
    whole = np.concatenate(list(AudioFile(os.fspath(path), RATE).blocks()))
    return list(WINDOWS.cut(Sound(whole, RATE)))


@pytest.mark.parametrize("kind", KINDS)
def test_windows_by_seeking_hold_what_listening_to_all_of_it_finds(
    files: dict[str, Path], read: list[int], kind: str
) -> None:
    expected = listened(files[kind])
    whole = sum(read)
    read.clear()
    found = list(WINDOWS.cut(AudioFile(str(files[kind]), RATE)))
    assert len(found) == len(expected) == 4
    assert sum(read) < 0.6 * whole, "less is decoded than the file holds"
    for window, other in zip(found, expected, strict=True):
        assert 1 - similar_at_best(window, other) < 1e-3


def similar_at_best(window: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The best normalised correlation over shifts of at most 0.1 s: a header counts what an encoder adds as well."""
    most = RATE // 10
    inner = window[most:-most].astype(np.float64)
    size = 2 ** (len(other) + len(inner)).bit_length()
    products = np.fft.irfft(np.fft.rfft(other, size) * np.conj(np.fft.rfft(inner, size)), size)[: 2 * most]
    shift = int(np.argmax(products))
    part = other[shift : shift + len(inner)].astype(np.float64)
    return float(part @ inner / (np.linalg.norm(part) * np.linalg.norm(inner)))


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("kind", [".flac", ".wav"])
def test_an_excerpt_of_a_lossless_file_is_that_part_of_the_whole(
    files: dict[str, Path], kind: str, rate: int
) -> None:
    audio = AudioFile(str(files[kind]), rate)
    whole = np.concatenate(list(audio.blocks()))
    for start in (0, 1, 777, 7 * rate + 5, 31 * rate - 1):
        found = audio.excerpt(start, rate)
        assert found is not None
        np.testing.assert_allclose(found, whole[start : start + rate], atol=1e-5)
    assert audio.excerpt(len(whole) - rate // 2, rate) is None


@pytest.mark.parametrize("kind", KINDS)
def test_common_formats_vouch_for_their_length(files: dict[str, Path], kind: str) -> None:
    assert AudioFile(str(files[kind]), RATE).vouched_seconds == pytest.approx(SECONDS, abs=0.1)


def test_a_cut_is_sought_within_its_bounds(files: dict[str, Path], read: list[int]) -> None:
    path = Cut(2, 10 * 75, 38 * 75).path_in(os.fsencode(files[".flac"]))
    expected = listened(path)
    whole = sum(read)
    read.clear()
    found = list(WINDOWS.cut(AudioFile(path, RATE)))
    assert sum(read) < 0.6 * whole
    for window, other in zip(found, expected, strict=True):
        assert 1 - similar_at_best(window, other) < 1e-3


def test_a_file_that_was_cut_off_is_found_out(files: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.flac"
    content = files[".flac"].read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(Truncated, match="of 40 s could be decoded"):
        list(WINDOWS.cut(AudioFile(str(broken), RATE)))


def test_silence_where_the_windows_lie_is_judged_by_the_whole_track(tmp_path: Path) -> None:
    silent = write_audio(tmp_path / "silent.flac", np.zeros_like(sweep()), FILE_RATE)
    with pytest.raises(Silent):
        list(WINDOWS.cut(AudioFile(str(silent), RATE)))
    between = sweep()
    for start in WINDOWS.starts(round(SECONDS * RATE)):
        first = int((start / RATE - 0.2) * FILE_RATE)
        between[max(0, first) : first + 3 * FILE_RATE] = 0
    odd = write_audio(tmp_path / "odd.flac", between, FILE_RATE)
    assert len(list(WINDOWS.cut(AudioFile(str(odd), RATE)))) == 4


def test_a_short_track_is_listened_to_as_a_whole(files: dict[str, Path], read: list[int]) -> None:
    path = Cut(1, 0, 15 * 75).path_in(os.fsencode(files[".flac"]))
    assert len(list(WINDOWS.cut(AudioFile(path, RATE)))) == 4
    assert sum(read) < files[".flac"].stat().st_size
