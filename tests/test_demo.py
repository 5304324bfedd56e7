"""The demo library: real files, deterministic, kept when they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from tinytag import TinyTag

from reprise.core.items import AUDIO_SUFFIXES, Tags
from reprise.demo.compose import DEMO_RATE, render
from reprise.demo.encode import ENCODINGS, write_audio
from reprise.demo.library import demo_tracks, make_demo_library
from reprise.demo.styles import STYLES, style_named
from reprise.demo.synth import TABLE_SIZE, VOICES, tone

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TAGS = Tags(title="Tïtle", artist="Art", album="Alb", genre="G", year=2001, track=3, bpm=128.0, key="F#m")


def sine(seconds: float = 1.0, rate: int = DEMO_RATE) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def decoded_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_piece_is_loud_whole_and_the_same_again(style: object) -> None:
    from reprise.demo.styles import Style

    assert isinstance(style, Style)
    piece = render(style, 3, 4.0)
    again = render(style, 3, 4.0)
    assert piece.samples.shape == (4 * DEMO_RATE, 2)
    assert piece.samples.dtype == np.float32
    assert np.abs(piece.samples).max() == pytest.approx(0.85, abs=1e-3)
    assert np.array_equal(piece.samples, again.samples)
    assert style.tempo[0] <= piece.tempo <= style.tempo[1]
    rms = float(np.sqrt(np.mean(np.square(piece.samples))))
    assert rms > 0.02


def test_another_seed_is_another_piece() -> None:
    style = style_named("house")
    one, other = render(style, 1, 3.0), render(style, 2, 3.0)
    assert not np.allclose(one.samples, other.samples, atol=0.1)


def test_a_tone_has_the_frequency_that_was_asked_for() -> None:
    rate = 22_050
    samples = tone(VOICES["square"], 440.0, 1.0, rate)
    peak = np.argmax(np.abs(np.fft.rfft(samples[:rate])))
    assert abs(int(peak) - 440) <= 1
    assert TABLE_SIZE & (TABLE_SIZE - 1) == 0, "the table is read with a mask"


@pytest.mark.parametrize("suffix", sorted(ENCODINGS))
def test_every_encoding_holds_the_sound_and_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"a{suffix}", sine(2.0), DEMO_RATE, tags=TAGS)
    first = path.read_bytes()
    write_audio(path, sine(2.0), DEMO_RATE, tags=TAGS)
    assert path.read_bytes() == first
    assert decoded_seconds(path) == pytest.approx(2.0, abs=0.1)
    assert suffix in AUDIO_SUFFIXES
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left"


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg", ".opus", ".flac", ".wav", ".aiff"])
def test_tags_come_back(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"a{suffix}", sine(), DEMO_RATE, tags=TAGS)
    tag = TinyTag.get(str(path))
    assert (tag.title, tag.artist, tag.album, tag.genre) == ("Tïtle", "Art", "Alb", "G")


def test_mp3_holds_tempo_and_key(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp3", sine(), DEMO_RATE, tags=TAGS)
    other = TinyTag.get(str(path)).other
    assert (other["bpm"], other["initial_key"]) == (["128"], ["F#m"])


def test_many_channels_and_high_rates(tmp_path: Path) -> None:
    samples = np.repeat(sine(0.5, 96_000)[:, None], 8, axis=1)
    path = write_audio(tmp_path / "a.flac", samples, 96_000)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.channels, stream.sample_rate) == (8, 96_000)


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot write '\.xyz': one of \.aiff"):
        write_audio(tmp_path / "a.xyz", sine(), DEMO_RATE)


def test_the_library_is_rendered_once_and_then_kept(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    paths = make_demo_library(tmp_path, progress=lambda _path, done, total: seen.append((done, total)))
    assert len(paths) == len(set(paths)) == 28
    assert seen == [(number, 28) for number in range(1, 29)]
    assert {path.suffix for path in paths} >= {".mp3", ".m4a", ".ogg", ".opus", ".flac", ".wav"}
    assert any(not str(path.relative_to(tmp_path)).isascii() for path in paths)
    assert all(19.9 < decoded_seconds(path) < 26.5 for path in paths)

    before = {path: path.stat().st_mtime_ns for path in paths[1:]}
    paths[0].unlink()
    assert make_demo_library(tmp_path) == paths
    assert paths[0].exists()
    assert {path: path.stat().st_mtime_ns for path in paths[1:]} == before


def test_the_library_names_every_style() -> None:
    assert {track.style for track in demo_tracks()} == {style.name for style in STYLES}
