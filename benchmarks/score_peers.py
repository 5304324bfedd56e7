"""Who listens in a scoring: Reprise, and others in the same run where they are installed."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.scoring import Answer
from reprise.core.musical_key import MusicalKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ESSENTIA_RATE = 44_100
ESSENTIA_PROFILES = ("bgate", "edma", "shaath", "temperley")

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""Krumhansl and Kessler 1982: what people who have only librosa's chroma correlate it with."""


def _reprise(path: Path) -> Answer:
    from reprise.analysis.acoustic import embed
    from reprise.analysis.key import hear_key
    from reprise.analysis.spectrum import SAMPLE_RATE, analyse
    from reprise.analysis.tempo import hear_tempo
    from reprise.media.decode import AudioFile

    spectrum = analyse(AudioFile(str(path), SAMPLE_RATE))
    tempo, key = hear_tempo(spectrum), hear_key(spectrum)
    told = Answer(str(path), key=None if key is None else key.key)
    if tempo is None:
        return told
    return replace(
        told,
        bpm=tempo.bpm,
        confidence=tempo.confidence,
        alternatives=tuple(bpm for bpm, _ in tempo.alternatives),
        strengths=tuple(strength for _, strength in tempo.alternatives),
        features=tuple(embed(spectrum).tolist()),
    )


def _samples(path: Path, rate: int) -> NDArray[np.float32]:
    """Decoded by Reprise, so that all hear the same."""
    from reprise.media.decode import AudioFile

    return np.concatenate(list(AudioFile(str(path), rate).blocks()))


def _essentia_tempo(method: str) -> Callable[[Path], Answer]:
    def listen(path: Path) -> Answer:
        essentia: Any = importlib.import_module("essentia.standard")  # it has no types
        sound = _samples(path, ESSENTIA_RATE)
        if method == "percival":
            return Answer(str(path), float(essentia.PercivalBpmEstimator()(sound)))
        bpm, _, confidence, *_ = essentia.RhythmExtractor2013(method=method)(sound)
        return Answer(str(path), float(bpm), min(float(confidence) / 5.32, 1.0))

    return listen


def _essentia_key(profile: str) -> Callable[[Path], Answer]:
    def listen(path: Path) -> Answer:
        essentia: Any = importlib.import_module("essentia.standard")
        key, scale, _ = essentia.KeyExtractor(profileType=profile)(_samples(path, ESSENTIA_RATE))
        return Answer(str(path), key=MusicalKey.parse(f"{key} {scale}"))

    return listen


def _librosa(path: Path) -> Answer:
    librosa: Any = importlib.import_module("librosa")
    rate = 22_050
    sound = _samples(path, rate)
    bpm, _ = librosa.beat.beat_track(y=sound, sr=rate)
    chroma = librosa.feature.chroma_cqt(y=sound, sr=rate).mean(axis=1)
    return Answer(str(path), float(np.atleast_1d(bpm)[0]), key=_best_key(chroma))


def _best_key(chroma: NDArray[np.float64]) -> MusicalKey:
    fits = {
        MusicalKey(tonic, minor=profile is MINOR): float(np.corrcoef(chroma, np.roll(profile, tonic))[0, 1])
        for profile in (MAJOR, MINOR)
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


LISTENERS: Mapping[str, Callable[[Path], Answer]] = {
    "reprise": _reprise,
    "essentia multifeature": _essentia_tempo("multifeature"),
    "essentia degara": _essentia_tempo("degara"),
    "essentia percival": _essentia_tempo("percival"),
    **{f"essentia {profile}": _essentia_key(profile) for profile in ESSENTIA_PROFILES},
    "librosa": _librosa,
}
"""By the name that the report gives them."""

PACKAGES = {
    "essentia": [name for name in LISTENERS if name.startswith("essentia")],
    "librosa": ["librosa"],
}
"""What ``--peers`` takes, and who listens then."""
