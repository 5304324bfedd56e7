"""Learns which octave a beat has, and prints ``reprise/analysis/octave_weights.py``.

``python -m benchmarks.learn_tempo > src/reprise/analysis/octave_weights.py``; with ``--leave-out`` it prints instead how
well each style is told by what was learnt from the others.

It renders pieces of the corpus's styles for training, with seeds of its own, and crosses them: the drums and tempi of one
style with the instruments of another, so that no instrument gives a tempo away. Styles for testing take no part.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.calibrate_acoustic import Rendered
from benchmarks.corpus.more_styles import MORE_STYLES
from benchmarks.corpus.render import play
from benchmarks.corpus.song import choose
from benchmarks.corpus.styles import STYLES, SongStyle, styles_for_testing
from reprise.analysis.octaves import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.analysis.spectrum import Spectrum

    Doubles = NDArray[np.float64]

PIECES = 1800
SECONDS = 48.0
SEED = 78
"""Far from the seeds of the corpus."""

PLAIN_SHARE = 0.4
PENALTY = 30.0
"""On the square of the standardised weights: few styles must not teach many certainties."""

AGREES = 0.015
"""A candidate is the true one within this share: players drift."""

HEADER = '''"""Weights of the tempo model's features, per unit of the feature.

Written by ``benchmarks/learn_tempo.py`` from rendered music alone. They are part of what the model ``analysis`` is:
changing one means raising its epoch.
"""

from __future__ import annotations

WEIGHTS = {'''


@dataclass(frozen=True, slots=True)
class Piece:
    """One rendering. ``styles`` took part; ``bpm`` is its true tempo, ``beats`` (beats,) the seconds of each beat."""

    style: str
    styles: frozenset[str]
    bpm: float
    spectrum: Spectrum
    beats: Doubles


@dataclass(frozen=True, slots=True)
class Lesson:
    """One piece. ``features`` (candidates, features); ``right`` (candidates,) which one is true; ``styles`` took part."""

    style: str
    styles: frozenset[str]
    features: Doubles
    right: NDArray[np.bool_]


def training_styles() -> list[SongStyle]:
    """Those of the corpus that are not kept for testing, and more that nothing is scored by."""
    learnt = [style for style in STYLES if style.tempo is not None and style.name not in styles_for_testing()]
    return [*learnt, *MORE_STYLES]


def crossed(style: SongStyle, rng: np.random.Generator) -> tuple[SongStyle, frozenset[str]]:
    """The style, or its drums with the instruments of another and, in half the cases, moved tempi."""
    alike = [other for other in training_styles() if (other.beats, other.steps) == (style.beats, style.steps)]
    other = alike[rng.integers(len(alike))]
    if rng.random() < PLAIN_SHARE or not style.drums or other is style or style.tempo is None:
        return style, frozenset({style.name})
    moved = float(rng.uniform(0.8, 1.25)) if rng.random() < 0.5 else 1.0
    low, high = np.clip(np.array(style.tempo) * moved, 60.0, 190.0)
    mixed = replace(
        style,
        tempo=(float(low), float(high)),
        harmony=other.harmony,
        bass=other.bass,
        chords=other.chords,
        lead=other.lead,
        bars_per_chord=other.bars_per_chord,
        arpeggio=other.arpeggio,
        sings=other.sings,
    )
    return mixed, frozenset({style.name, other.name})


def piece(number: int) -> Piece:
    """Render one piece and hear what it is described from."""
    from reprise.analysis.spectrum import SAMPLE_RATE, analyse

    styles = training_styles()
    rng = np.random.default_rng([SEED, number])
    style, names = crossed(styles[number % len(styles)], rng)
    song = choose(style, rng, int(rng.integers(12)), minor=bool(rng.integers(2)), seconds=SECONDS)
    samples = play(song, 0.0, SAMPLE_RATE).mean(axis=1)
    assert song.bpm is not None
    return Piece(style.name, names, song.bpm, analyse(Rendered(samples, SAMPLE_RATE)), song.grid.times)


def lesson(piece: Piece) -> Lesson | None:
    """Describe a piece's candidates; ``None`` when the true tempo is not among them."""
    from reprise.analysis.octaves import describe_beats
    from reprise.analysis.onsets import onset_envelopes, repetition
    from reprise.analysis.pulse import clearest_pulse, follow
    from reprise.analysis.tempo import fitting_tempi

    envelopes = onset_envelopes(piece.spectrum)
    repeated = repetition(envelopes)
    pulse = follow(envelopes, *clearest_pulse(repeated))
    tempi = fitting_tempi(pulse.per_minute)
    right = np.abs(tempi / piece.bpm - 1.0) < AGREES
    if not right.any():
        return None
    features = describe_beats(tempi, piece.spectrum, envelopes, repeated, pulse)
    return Lesson(piece.style, piece.styles, features, right)


def lesson_of(number: int) -> Lesson | None:
    return lesson(piece(number))


def learn(lessons: Sequence[Lesson]) -> Doubles:
    """Weights per unit of each feature: the most likely ones, with a penalty."""
    from scipy.optimize import minimize

    joined = np.concatenate([lesson.features for lesson in lessons])
    scale = joined.std(axis=0) + 1e-6
    values, right = joined / scale, np.concatenate([lesson.right for lesson in lessons])
    starts = np.cumsum([0, *(len(lesson.right) for lesson in lessons[:-1])])
    owner = np.repeat(np.arange(len(lessons)), [len(lesson.right) for lesson in lessons])

    def cost(weights: Doubles) -> tuple[float, Doubles]:
        fit = values @ weights
        share = np.exp(fit - np.maximum.reduceat(fit, starts)[owner])
        share /= np.add.reduceat(share, starts)[owner]
        true = np.maximum(np.add.reduceat(share * right, starts), 1e-9)
        slope = values.T @ (share - share * right / true[owner])
        return float(-np.log(true).sum() + PENALTY / 2 * weights @ weights), slope + PENALTY * weights

    found = minimize(cost, np.zeros(joined.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / scale)


def told(lessons: Sequence[Lesson], weights: Doubles) -> float:
    """Share of lessons in which the true candidate is the likeliest."""
    return float(np.mean([one.right[int(np.argmax(one.features @ weights))] for one in lessons]))


def left_out(lessons: Sequence[Lesson]) -> list[tuple[str, float]]:
    """Each style, and how well its own pieces are told by what was learnt without it."""
    rows = []
    for style in training_styles():
        weights = learn([one for one in lessons if style.name not in one.styles])
        rows.append((style.name, told([one for one in lessons if one.styles == {style.name}], weights)))
    return rows


def main() -> None:
    with ProcessPoolExecutor(2) as pool:
        lessons = [one for one in pool.map(lesson_of, range(PIECES), chunksize=4) if one is not None]
    if "--leave-out" in sys.argv:
        rows = left_out(lessons)
        for name, share in [*rows, ("mean", float(np.mean([share for _, share in rows])))]:
            print(f"{name:<20}{share:.3f}")
        return
    print(HEADER)
    for name, weight in zip(NAMES, learn(lessons), strict=True):
        print(f'    "{name}": {float(f"{weight:.4g}")!r},')
    print("}")


if __name__ == "__main__":
    main()
