"""The native channels that a tap hears while a file is decoded to mono."""

from __future__ import annotations

import struct
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.cuts import Cut
from reprise.core.ports import NativeAudio
from reprise.demo.encode import write_audio
from reprise.errors import NotAudio
from reprise.media.decode import AudioFile
from reprise.media.spool import SpooledAudio

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 22_050  # Hz, of the mono sound
SUFFIXES = (".mp3", ".m4a", ".ogg", ".opus", ".flac", ".wav", ".aiff", ".wma", ".wv", ".mka")


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.rates: set[int] = set()
        self.blocks: list[Samples] = []

    def __call__(self, rate: int, block: Samples) -> None:
        assert block.dtype == np.float32
        self.rates.add(rate)
        self.blocks.append(block.copy())

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.blocks, axis=1)


def noise(seconds: float, rate: int, channels: int = 2) -> Samples:
    """Shape (n, channels), each channel quieter than the one before."""
    steps = np.arange(1, channels + 1)
    return (np.random.default_rng(5).uniform(-0.5, 0.5, (int(seconds * rate), channels)) / steps).astype(
        np.float32
    )


def mono(audio: AudioFile) -> Samples:
    return np.concatenate(list(audio.blocks()))


def heard(path: Path) -> tuple[Ear, Samples]:
    ear, audio = Ear(), AudioFile(str(path), RATE)
    audio.tap(ear)
    return ear, mono(audio)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_mono_is_bit_equal_with_a_tap_and_without(suffix: str, tmp_path: Path) -> None:
    path = write_audio(tmp_path / f"a{suffix}", noise(5, 44_100), 44_100)
    ear, sound = heard(path)
    assert np.array_equal(sound, mono(AudioFile(str(path), RATE)))
    assert ear.rates == {48_000 if suffix == ".opus" else 44_100}
    assert ear.sound.shape[0] == 2
    assert ear.sound.shape[1] / max(ear.rates) == pytest.approx(len(sound) / RATE, abs=0.01)


@pytest.mark.parametrize(("suffix", "channels"), [(".wav", 1), (".wav", 2), (".flac", 6), (".wav", 8)])
def test_every_channel_is_as_the_file_holds_it(suffix: str, channels: int, tmp_path: Path) -> None:
    samples = noise(2, 48_000, channels)
    ear, _ = heard(write_audio(tmp_path / f"a{suffix}", samples, 48_000))
    assert ear.sound == pytest.approx(samples.T, abs=1 / 32_000)


def test_channels_that_nobody_named(tmp_path: Path) -> None:
    samples = noise(1, 8000, 11)
    path = tmp_path / "a.wav"
    path.write_bytes(wav(samples, 8000))
    ear, sound = heard(path)
    assert ear.sound == pytest.approx(samples.T, abs=1e-6)
    assert np.array_equal(sound, mono(AudioFile(str(path), RATE)))


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_whole_numbers_of_any_size_become_floats(bits: int, tmp_path: Path) -> None:
    samples = noise(0.5, 8000)
    path = tmp_path / "a.wav"
    path.write_bytes(whole_number_wav(samples, 8000, bits))
    ear, _ = heard(path)
    assert ear.sound == pytest.approx(samples.T, abs=2.5 / 2**bits + 1e-7)


def test_rate_and_channels_are_those_of_the_beginning(tmp_path: Path) -> None:
    """Chained streams: the mono sound takes each part as it is, and so does the tap, in one shape."""
    first = write_audio(tmp_path / "a.opus", noise(2, 48_000, 2), 48_000)
    second = write_audio(tmp_path / "b.ogg", noise(2, 32_000, 2), 32_000)
    chained = tmp_path / "c.mp3"
    parts = [
        write_audio(tmp_path / "d.mp3", noise(2, 44_100, 2), 44_100),
        write_audio(tmp_path / "e.mp3", noise(2, 22_050, 1), 22_050),
    ]
    chained.write_bytes(b"".join(part.read_bytes() for part in parts))
    ear = Ear()
    for path in (first, second, chained):
        ear, sound = heard(path)
        assert np.array_equal(sound, mono(AudioFile(str(path), RATE)))
        assert len(ear.rates) == 1
        assert {len(block) for block in ear.blocks} == {2}
    assert ear.rates == {44_100}
    assert ear.sound.shape[1] / 44_100 == pytest.approx(4, abs=0.2)
    assert np.abs(ear.sound[1, 3 * 44_100 :]).max() > 0.1  # the mono part is in both channels


def test_a_part_is_heard_as_a_part(tmp_path: Path) -> None:
    samples = noise(20, 44_100)
    path = write_audio(tmp_path / "a.flac", samples, 44_100)
    ear, audio = Ear(), AudioFile(str(path), RATE)
    audio.tap(ear)
    assert audio.excerpt(8 * RATE, 4 * RATE) is not None
    assert ear.sound.shape[1] / 44_100 == pytest.approx(4, abs=0.1)
    cut, ear = AudioFile(Cut(1, 75 * 5, 75 * 7).path_in(bytes(path)), RATE), Ear()
    cut.tap(ear)
    mono(cut)
    assert ear.sound == pytest.approx(samples[5 * 44_100 : 7 * 44_100].T, abs=1 / 32_000)


@pytest.mark.parametrize("suffix", [".wv", ".m4a", ".flac"])
def test_a_part_of_eight_channels(suffix: str, tmp_path: Path) -> None:
    """All eight planes of FFmpeg's frames are in use, and PyAV's own way to read them crashes."""
    samples = noise(8, 48_000, 8)
    path = write_audio(tmp_path / f"a{suffix}", samples, 48_000)
    ear, audio = Ear(), AudioFile(str(path), RATE)
    audio.tap(ear)
    sound = audio.excerpt(4 * RATE, 2 * RATE)
    assert sound is not None
    assert sound == pytest.approx(mono(AudioFile(str(path), RATE))[4 * RATE : 6 * RATE], abs=1e-3)
    assert ear.sound.shape == (8, pytest.approx(2 * 48_000, abs=0.1 * 48_000))


def test_who_listens_no_more_hears_nothing(tmp_path: Path) -> None:
    ear, audio = Ear(), AudioFile(str(write_audio(tmp_path / "a.wav", noise(1, 8000), 8000)), RATE)
    audio.tap(ear)
    audio.tap(None)
    mono(audio)
    assert not ear.blocks
    assert isinstance(audio, NativeAudio)
    assert not isinstance(SpooledAudio(audio, tmp_path, "a"), NativeAudio)


def test_an_error_stays_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_text("not music at all")
    with pytest.raises(NotAudio):
        heard(path)


def test_a_long_file_is_heard_in_constant_memory(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.flac", noise(600, 8000), 8000)
    counted = [0, 0]

    def count(_rate: int, block: Samples) -> None:
        counted[0] += block.shape[1]
        counted[1] = max(counted[1], block.nbytes)

    audio = AudioFile(str(path), RATE)
    audio.tap(count)
    tracemalloc.start()
    for _ in audio.blocks():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counted[0] == 600 * 8000
    assert counted[1] <= 1 << 20
    assert peak < 8 << 20


def wav(samples: Samples, rate: int) -> bytes:
    """32-bit floats."""
    return _riff(samples.astype("<f4").tobytes(), samples.shape[1], rate, 32, form=3)


def whole_number_wav(samples: Samples, rate: int, bits: int) -> bytes:
    scaled = np.round(samples.astype(np.float64) * 2 ** (bits - 1))
    if bits == 8:
        data = (scaled + 128).astype(np.uint8).tobytes()
    else:
        data = scaled.astype("<i4").reshape(-1, 1).view(np.uint8)[:, : bits // 8].tobytes()
    return _riff(data, samples.shape[1], rate, bits, form=1)


def _riff(data: bytes, channels: int, rate: int, bits: int, form: int) -> bytes:
    frame = channels * bits // 8
    shape = struct.pack("<HHIIHH", form, channels, rate, rate * frame, frame, bits)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16)
        + shape
        + struct.pack("<4sI", b"data", len(data))
        + data
    )
