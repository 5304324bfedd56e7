"""Learns where in a beat it begins: ``python -m benchmarks.learn_beats > src/reprise/analysis/beat_weights.py``.

From the same pieces as the octave (``benchmarks/learn_tempo.py``); ``--leave-out`` prints how well each style is told by
what was learnt from the others.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.learn_tempo import AGREES, PIECES, Lesson, Piece, learn, left_out, piece
from reprise.analysis.beats import CENTRES, NAMES, describe_places

ON_SECONDS = 0.02
"""A place is on the beat within so much."""

HEADER = '''"""Weights of the features of a beat's places, per unit of the feature.

Written by ``benchmarks/learn_beats.py`` from rendered music alone.
"""

from __future__ import annotations

WEIGHTS = {'''


def lesson(one: Piece) -> Lesson | None:
    """Describe the places of a piece's beat; ``None`` when its tempo was not found or no place is right."""
    from reprise.analysis.onsets import FIRST_FRAME_SECONDS, onset_envelopes, repetition
    from reprise.analysis.pulse import clearest_pulse, follow
    from reprise.analysis.spectrum import FRAMES_PER_SECOND
    from reprise.analysis.tempo import fitting_tempi

    envelopes = onset_envelopes(one.spectrum)
    pulse = follow(envelopes, *clearest_pulse(repetition(envelopes)))
    tempi = fitting_tempi(pulse.per_minute)
    true = tempi[np.abs(tempi / one.bpm - 1.0) < AGREES]
    if not len(true):
        return None
    places = pulse.places * (float(true[0]) / pulse.per_minute)
    frames = (one.beats - FIRST_FRAME_SECONDS) * FRAMES_PER_SECOND
    turns = np.exp(2j * np.pi * np.interp(frames, np.arange(len(places)), places))
    away = np.angle(np.exp(2j * np.pi * CENTRES) / turns[(frames > 0) & (frames < len(places))].mean())
    right = np.abs(away) / (2 * np.pi) * 60.0 / one.bpm < ON_SECONDS
    return Lesson(one.style, one.styles, describe_places(envelopes, places), right) if right.any() else None


def lesson_of(number: int) -> Lesson | None:
    return lesson(piece(number))


def main() -> None:
    with ProcessPoolExecutor(2) as pool:
        lessons = [one for one in pool.map(lesson_of, range(PIECES), chunksize=4) if one is not None]
    if "--leave-out" in sys.argv:
        for name, share in left_out(lessons):
            print(f"{name:<20}{share:.3f}")
        return
    print(HEADER)
    for name, weight in zip(NAMES, learn(lessons), strict=True):
        print(f'    "{name}": {float(f"{weight:.4g}")!r},')
    print("}")


if __name__ == "__main__":
    main()
