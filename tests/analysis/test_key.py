"""The key and the tuning of chords that a test plays itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.analysis.key import candidates, hear_key, tuning_cents
from reprise.analysis.notes import LOWEST_NOTE, PER_SEMITONE, NoteTracker
from reprise.analysis.spectrum import SAMPLE_RATE, analyse
from reprise.core.musical_key import MusicalKey, all_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

    Sound = NDArray[np.float32]

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
CADENCE = {
    False: ((0, MAJOR), (9, MINOR), (5, MAJOR), (7, MAJOR)),
    True: ((0, MINOR), (8, MAJOR), (5, MINOR), (7, MAJOR)),
}
"""I vi IV V and i VI iv V: root above the tonic, and the chord on it."""


@dataclass
class Played:
    samples: Sound
    sample_rate: int = SAMPLE_RATE
    declared_seconds: float | None = None

    def blocks(self) -> Iterator[Sound]:
        yield self.samples


def note(midi: float, seconds: float) -> NDArray[np.float64]:
    """A plucked tone of six partials."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 440.0 * 2 ** ((midi - 69) / 12)
    tone = sum(np.sin(2 * np.pi * hertz * number * time) / number**1.5 for number in range(1, 7))
    return np.asarray(tone * np.exp(-time * 1.5))


def song(key: MusicalKey, cents: float = 0.0, rounds: int = 3) -> Spectrum:
    parts = []
    for root, chord in CADENCE[key.minor] * rounds:
        bottom = key.tonic + root + cents / 100
        tones = [note(36 + bottom, 1.2), *(note(48 + bottom + step, 1.2) for step in chord)]
        parts.append(sum(tones))
    sound = np.concatenate(parts)
    return analyse(Played(np.asarray(0.2 * sound / np.abs(sound).max(), np.float32)))


@pytest.mark.parametrize("key", all_keys(), ids=lambda key: key.name)
def test_all_keys_are_told(key: MusicalKey) -> None:
    heard = hear_key(song(key))
    assert heard is not None
    assert heard.key == key
    assert heard.confidence > 0.2
    assert heard.second not in {None, key}


@pytest.mark.parametrize("cents", [-40.0, -15.0, 25.0, 45.0])
def test_another_tuning_is_told_and_changes_nothing(cents: float) -> None:
    spectrum = song(MusicalKey(2, minor=False), cents)
    heard = hear_key(spectrum)
    assert tuning_cents(spectrum) == pytest.approx(cents, abs=6.0)
    assert heard is not None
    assert heard.key.name == "D"


def test_a_part_is_judged_without_a_beginning() -> None:
    heard = hear_key(song(MusicalKey(9, minor=True)), from_the_start=False)
    assert heard is not None
    assert heard.key.name == "Am"


def test_loudness_does_not_matter() -> None:
    sound = np.concatenate([0.2 * note(60 + step, 1.0) for step in (0, 4, 7, 5, 9, 7, 11, 0)]).astype(
        np.float32
    )
    loud, quiet = (hear_key(analyse(Played(sound * np.float32(gain)))) for gain in (1.0, 0.01))
    assert loud is not None
    assert quiet is not None
    assert loud.key == quiet.key


def test_noise_has_no_key() -> None:
    noise = np.random.default_rng(3).standard_normal(10 * SAMPLE_RATE).astype(np.float32) * np.float32(0.1)
    assert hear_key(analyse(Played(noise))) is None


def test_drums_have_no_key() -> None:
    rng = np.random.default_rng(4)
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    kick = np.sin(2 * np.pi * (50 * time + 6 * (1 - np.exp(-30 * time)))) * np.exp(-12 * time)
    snare = rng.standard_normal((8, len(time))) * np.exp(-15 * time) * 0.5
    beats = np.concatenate(
        [kick + 0.1 * hit if turn % 2 else hit for turn, hit in enumerate(np.repeat(snare, 4, axis=0))]
    )
    heard = hear_key(analyse(Played(np.asarray(beats * 0.3, np.float32))))
    assert heard is None or heard.confidence < 0.5


def test_too_short_for_a_long_frame_has_no_key() -> None:
    assert hear_key(analyse(Played(np.asarray(0.2 * note(60, 0.55), np.float32)))) is not None
    assert (
        hear_key(analyse(Played(np.random.default_rng(0).standard_normal(11_100).astype(np.float32)))) is None
    )


def test_a_peak_is_placed_between_the_lines() -> None:
    """A sine of 65.41 Hz, C, lies between two lines 2.7 Hz apart; a semitone is 3.9 Hz there."""
    size, spacing = 8192, SAMPLE_RATE / 8192
    sine = np.sin(2 * np.pi * 65.406 * np.arange(size) / SAMPLE_RATE) * np.hanning(size)
    tracker = NoteTracker(spacing)
    tracker.add((np.abs(np.fft.rfft(sine)) ** 2 / size**2).astype(np.float32)[None])
    notes, _ = tracker.finish()
    assert int(np.argmax(notes[0])) == (36 - LOWEST_NOTE) * PER_SEMITONE


def test_candidates_see_the_same_music_from_their_own_tonic() -> None:
    described = np.arange(24.0).reshape(2, 12)
    seen = candidates(described)
    assert seen.shape == (24, 49)
    assert seen[9, :12].tolist() == [9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert seen[21, 24:36].tolist() == seen[9, :12].tolist()
    assert seen[:, -1].tolist() == [0] * 12 + [1] * 12
