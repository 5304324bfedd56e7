"""Where in a beat its beginning is: on the kicks, mostly, but basses play between them and snares answer them.

The onsets are folded over two beats. Each place of a beat is described by what sounds there, opposite it and a quarter
away, and by how the two beats differ there, for a kick on one and a snare on the other tell a beat from what lies
between. A conditional logit weighs that, as it does the octaves; ``benchmarks/learn_beats.py`` learnt its weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.beat_weights import WEIGHTS

if TYPE_CHECKING:
    from reprise.analysis.onsets import Doubles
    from reprise.analysis.spectrum import Floats

BINS = 48
"""Of a beat, in which the onsets are counted: 10 ms at 120 BPM."""

CENTRES = (np.arange(BINS) + 0.5) / BINS

NEAR = 2.5 / BINS
"""Of a beat: the onsets around the best place whose mean it is."""

STRENGTH = (6.0, 1.0, 1.0, 0.0)
"""How much the onsets of each register count in that mean: kicks are the sharpest."""

REGISTERS = ("low", "middle", "high", "top")
OPPOSITE, QUARTER = BINS // 2, BINS // 4

NAMES = tuple(
    f"{kind} {name}"
    for kind in ("strong", "many")
    for name in (
        *(
            f"{what}{register}"
            for what in ("", "opposite ", "quarter ", "every other ")
            for register in REGISTERS
        ),
        "low answers high",
        "low with high",
        "low with middle",
    )
)
"""The features, in order: first by the strength of the onsets, then by its root, which is nearer to their number."""


def beat_offset(envelopes: Floats, places: Doubles) -> float:
    """Where in a beat it begins, 0 to 1; ``places`` (frames,) is in beats."""
    turn = np.mod(places, 1.0)
    fit = describe_places(envelopes, places) @ np.array([WEIGHTS[name] for name in NAMES])
    best = float(CENTRES[int(np.argmax(fit))])
    strength = np.asarray(STRENGTH, np.float32) @ envelopes
    away = np.mod(turn - best + 0.5, 1.0) - 0.5
    close = np.where(np.abs(away) < NEAR, strength, 0.0)
    return float((best + (close * away).sum() / max(float(close.sum()), 1e-9)) % 1.0)


def describe_places(envelopes: Floats, places: Doubles) -> Doubles:
    """What speaks for and against each place of a beat, shape (48, 38), in the order of :data:`NAMES`."""
    index = (np.mod(places, 2.0) * BINS).astype(int) % (2 * BINS)
    columns: list[Doubles] = []
    for onsets in (envelopes, np.sqrt(envelopes)):
        folded = [np.bincount(index, weights=one, minlength=2 * BINS) for one in onsets]
        columns += _columns(np.stack(folded).astype(np.float64))
    return np.stack(columns, axis=1)


def _columns(folded: Doubles) -> list[Doubles]:
    """The features of the onsets that were counted over two beats, shape (4, 96)."""
    smooth = folded + 0.5 * (np.roll(folded, 1, axis=1) + np.roll(folded, -1, axis=1))
    one, other = smooth[:, :BINS], smooth[:, BINS:]
    most = np.maximum((one + other).max(axis=1, keepdims=True), 1e-9)
    beat, differs = (one + other) / most, (one - other) / most
    quarter = 0.5 * (np.roll(beat, QUARTER, axis=1) + np.roll(beat, -QUARTER, axis=1))
    return [
        *beat,
        *np.roll(beat, OPPOSITE, axis=1),
        *quarter,
        *np.abs(differs),
        -differs[0] * differs[2],
        np.sqrt(beat[0] * beat[2]),
        np.sqrt(beat[0] * beat[1]),
    ]
