"""CPU seconds to analyse one 4-minute MP3: ``analysis`` against decoding, Essentia and librosa; two workers against one.

Each engine runs in its own warm process, one thread, and the repetitions of all take turns, as in ``bench_embedding``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench_cores import two_cores
from benchmarks.bench_embedding import decode_engine, measured, render_track
from benchmarks.measure import Row, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SECONDS = 240.0
FAST_SECONDS = 90.0
LIBRARY_TRACKS, LIBRARY_CORES = 50_000, 8

KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


def mono_engine(path: str) -> Callable[[], object]:
    """Decoding as our analysis needs it: mixed to mono and resampled to 22,050 Hz."""
    from reprise.media.decode import AudioFile

    return lambda: sum(len(block) for block in AudioFile(path, 22_050).blocks())


def analysis_engine(path: str) -> Callable[[], object]:
    return _analysis(path, 0.0)


def fast_engine(path: str) -> Callable[[], object]:
    return _analysis(path, FAST_SECONDS)


def _analysis(path: str, excerpt: float) -> Callable[[], object]:
    """What ``reprise analyze`` does with a file: tempo, key, loudness, silence, cues, fingerprint, embedding."""
    from reprise.core.choices import ModelChoices
    from reprise.media.decode import AudioFile
    from reprise.models.analysis import ListeningAnalysis

    model = ListeningAnalysis()
    model.configure(ModelChoices(analysis_excerpt=excerpt))
    model.load()
    return lambda: model.listen(AudioFile(path, 22_050))


def essentia_engine(path: str) -> Callable[[], object]:
    """Essentia's cheap way: the Percival tempo estimator and its key extractor, on its own decoder at 44.1 kHz."""
    import essentia.standard as es

    load = es.MonoLoader(filename=path, sampleRate=44_100)
    tempo, key = es.PercivalBpmEstimator(), es.KeyExtractor()

    def run() -> object:
        sound = load()
        return tempo(sound), key(sound)

    return run


def librosa_engine(path: str) -> Callable[[], object]:
    """librosa: its own decoder, its beat tracker, and Krumhansl's profiles over its constant-Q chroma."""
    import librosa
    import numpy as np

    profiles = np.array([np.roll(profile, step) for profile in KRUMHANSL for step in range(12)])

    def run() -> object:
        sound, rate = librosa.load(path)
        tempo, _ = librosa.beat.beat_track(y=sound, sr=rate)
        chroma = librosa.feature.chroma_cqt(y=sound, sr=rate).mean(axis=1)
        return tempo, int(np.argmax(profiles @ chroma))

    return run


ENGINES = {
    "decoding": decode_engine,
    "decoding to mono": mono_engine,
    "analysis": analysis_engine,
    "fast": fast_engine,
    "Essentia": essentia_engine,
    "librosa": librosa_engine,
}


def rows(seconds: dict[str, list[float]]) -> Iterator[Row]:
    """Medians of the ratios within each turn."""
    yield _at_most("analysis", seconds, "decoding", 2.0)
    yield _at_most("analysis", seconds, "decoding to mono", None)
    yield _at_most("fast", seconds, "decoding", 1.0)
    yield _faster(seconds, "Essentia", 3.0)
    yield _faster(seconds, "librosa", 4.0)
    each = statistics.median(seconds["analysis"])
    hours = each * LIBRARY_TRACKS / LIBRARY_CORES / 3600
    promise = f"analysis of {LIBRARY_TRACKS:,} tracks on {LIBRARY_CORES} cores"
    yield Row(promise, f"{hours * 60:.0f} min", "from the CPU seconds of one", None, "< 60 min", hours < 1)


def _at_most(own: str, seconds: dict[str, list[float]], other: str, most: float | None) -> Row:
    ratio = _ratio(seconds[own], seconds[other])
    goal, kept = ("", None) if most is None else (f"≤ {most}", ratio <= most)
    return Row(
        f"{own}, one {SECONDS:.0f}-s MP3: {other}",
        _text(seconds[own]),
        _beside(other, seconds),
        ratio,
        goal,
        kept,
    )


def _faster(seconds: dict[str, list[float]], other: str, least: float) -> Row:
    ratio = _ratio(seconds[other], seconds["analysis"])
    promise = f"analysis, one {SECONDS:.0f}-s MP3: {other}"
    return Row(
        promise,
        _text(seconds["analysis"]),
        _beside(other, seconds),
        ratio,
        f"≥ {least} × faster",
        ratio >= least,
    )


def _ratio(own: list[float], other: list[float]) -> float:
    return statistics.median(mine / theirs for mine, theirs in zip(own, other, strict=True))


def _text(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} CPU s"


def _beside(other: str, seconds: dict[str, list[float]]) -> str:
    return f"{other} {_text(seconds[other])}"


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--tracks", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    options, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        track = render_track(Path(folder), SECONDS)
        found = list(rows(measured(track, options.repetitions, ENGINES)))
        found.append(two_cores("analysis", Path(folder), options.tracks, runs=3))
    report(found, arguments)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
