"""Dance tracks whose parts begin where a test says: kick, bass, hats, chords and a riser, bar by bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.spectrum import SAMPLE_RATE
from reprise.demo.drums import DRUMS, hit
from reprise.demo.synth import VOICES, chord, tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BEATS = 4


@dataclass(frozen=True)
class Arranged:
    """``samples`` (n,) mono at 22,050 Hz; ``starts``: seconds at which each section begins."""

    samples: NDArray[np.float32]
    starts: list[float]
    bpm: float
    silence: float

    @property
    def bar(self) -> float:
        """Seconds."""
        return BEATS * 60 / self.bpm


SECTIONS = {
    "beat": {"kick": 1.0, "hat": 0.5},
    "full": {"kick": 1.0, "bass": 0.6, "hat": 0.5, "chords": 0.4},
    "break": {"chords": 0.25},
    "rise": {"chords": 0.3, "riser": 0.35, "hat": 0.3},
    "pads": {"chords": 0.2},
}
"""Which parts play in a section, and how loud."""


def arrange(sections: Sequence[tuple[str, int]], bpm: float = 128.0, silence: float = 0.0) -> Arranged:
    """(name of a section, bars) one after the other, after so many seconds of silence."""
    beat = 60 / bpm
    mix = np.zeros(
        round((silence + sum(bars for _, bars in sections) * BEATS * beat + 1) * SAMPLE_RATE), np.float32
    )
    sounds = _sounds(beat)
    starts, at = [], silence
    for name, bars in sections:
        starts.append(at)
        for part, gain in SECTIONS[name].items():
            if part == "riser":
                _add(mix, _riser(bars * BEATS * beat), at, gain)
                continue
            for number in range(bars * BEATS):
                late = 0.5 * beat if part == "hat" else 0.0
                _add(mix, sounds[part], at + number * beat + late, gain)
        at += bars * BEATS * beat
    mix *= np.float32(0.8 / max(float(np.abs(mix).max()), 1e-6))
    return Arranged(mix[: round(at * SAMPLE_RATE)], starts, bpm, silence)


def _sounds(beat: float) -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(7)
    return {
        "kick": hit(DRUMS["kick"], SAMPLE_RATE, chance),
        "hat": hit(DRUMS["hat"], SAMPLE_RATE, chance),
        "bass": tone(VOICES["sub"], 55.0, beat * 0.8, SAMPLE_RATE),
        "chords": chord(VOICES["pad"], (57, 60, 64), beat, SAMPLE_RATE, 0.5),
    }


def _riser(seconds: float) -> NDArray[np.float32]:
    """Noise without bass that grows louder."""
    noise = np.random.default_rng(8).standard_normal(round(seconds * SAMPLE_RATE))
    return np.asarray(np.diff(noise, prepend=0.0) * 0.3 * np.linspace(0.02, 1.0, len(noise)), np.float32)


def _add(mix: NDArray[np.float32], sound: NDArray[np.float32], seconds: float, gain: float) -> None:
    start = round(seconds * SAMPLE_RATE)
    cut = sound[: max(0, len(mix) - start)]
    mix[start : start + len(cut)] += cut * np.float32(gain)
