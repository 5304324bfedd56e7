"""The clearest pulse of a track: how fast it is, to a few thousandths of a per cent, and where each pulse falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from reprise.analysis.onsets import LAGS
from reprise.analysis.spectrum import FRAMES_PER_SECOND

if TYPE_CHECKING:
    from reprise.analysis.onsets import Doubles, Repetition
    from reprise.analysis.spectrum import Floats

Complexes: TypeAlias = NDArray[np.complex128]

SLOWEST, FASTEST = 40.0, 240.0
"""Pulses per minute."""

GRID = np.geomspace(SLOWEST, FASTEST, 720)
"""A quarter of a per cent apart."""

COMB = np.arange(1, 9)
"""Multiples of a period that must repeat too; the further, the less they count."""

BLOCK = 64
"""Frames, 1.5 s: over which the onsets' components are summed once, and turned as a whole afterwards."""

HARMONICS, FASTEST_HZ = 8, 16.0
"""Of the pulse that take part, and the fastest onsets that the frames can show."""

COARSE = 0.01
"""Share by which the clearest pulse may be off: its grid and its breadth."""

DRIFT, STEPS = 0.03, 61
"""Share by which players may leave their mean tempo, and the tempi between that are tried for each moment."""

SPAN = 8
"""Blocks, 12 s, from which the tempo of a moment is told."""

STIFFNESS = 3000.0
"""What a step in tempo of this share squared costs, where following the onsets best in a moment is worth at most 1."""

CALM = 9
"""Blocks over which the tempi that were found are averaged."""

WORTH = 1.1
"""A tempo is steady unless following the players shows so many times more of the onsets."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """``per_minute``: the mean over the track; ``clarity``: how well it repeats, 0 to about 1.5; ``places`` (frames,):
    how many pulses have passed since the first frame, following the players; ``above_chance``: how far its harmonics
    stand out, as a multiple of what onsets at random would show.
    """

    per_minute: float
    clarity: float
    places: Doubles
    above_chance: float


def clearest_pulse(repeated: Repetition) -> tuple[float, float]:
    """Pulses per minute whose multiples repeat best, and how well: the mean of a comb over the autocorrelation.

    Half of it is from all onsets together, half from each register alone (after Percival and Tzanetakis 2014).
    """
    correlation = repeated.own[0] + repeated.own[1:].mean(axis=0)
    periods = 60.0 * FRAMES_PER_SECOND / GRID
    lags = periods[:, None] * COMB
    weights = np.where(lags < LAGS - 1, 1.0 / np.sqrt(COMB), 0.0)
    values = np.interp(lags, np.arange(LAGS), correlation)
    comb = (values * weights).sum(axis=1) / weights.sum(axis=1)
    inner = comb[1:-1]
    peaks = 1 + np.flatnonzero((inner > comb[:-2]) & (inner >= comb[2:]))
    if not len(peaks):
        return float(GRID[0]), 0.0
    best = peaks[np.argmax(comb[peaks])]
    return float(GRID[best]), float(comb[best])


def follow(envelopes: Floats, per_minute: float, clarity: float) -> Pulse:
    """The pulse's mean tempo and its places.

    The tempo whose harmonics together hold most of the onsets over the whole track: none of it is followed from moment
    to moment, so nothing can slip, whatever is silent or syncopated between. Only where players drift, which shows
    as far more of the onsets held, is it the mean of the likeliest path through the tempi of the moments.
    """
    onsets = np.sqrt(envelopes).sum(axis=0, dtype=np.float64)
    onsets -= onsets.mean()
    components = _components(onsets, per_minute)
    per_block = per_minute / 60.0 / FRAMES_PER_SECOND * BLOCK
    speeds, held = _speeds(components, per_block)
    edges = np.minimum(np.arange(len(speeds) + 1) * BLOCK, len(onsets))
    edges[-1] = len(onsets)
    lengths = np.diff(edges) / BLOCK
    passed = np.concatenate([[0.0], np.cumsum(speeds * lengths)]) * per_block
    places = np.interp(np.arange(len(onsets)), edges, passed)
    chance = len(components) * max(float(np.sqrt(onsets @ onsets)), 1e-9)
    return Pulse(per_minute * float(np.average(speeds, weights=lengths)), clarity, places, held / chance)


def _speeds(components: Complexes, per_block: float) -> tuple[Doubles, float]:
    """How fast each block is, as a multiple of the pulse, shape (blocks,), and how much of the onsets that holds."""
    off, held = _steady(components, per_block, COARSE)
    path = _path(components, per_block)
    passed = (np.cumsum(path) - path / 2) * per_block
    turned = components * np.exp(-2j * np.pi * _harmonics(components) * passed)
    path_off, path_held = _steady(turned, per_block, COARSE / 2)
    if path_held > WORTH * held:
        return 1.0 + path + path_off, path_held
    return np.full(len(path), 1.0 + off), held


def _components(onsets: Doubles, per_minute: float) -> Complexes:
    """The onsets' components at the harmonics of the pulse in each block, shape (harmonics, blocks), complex.

    What is left after the last whole block tells nothing.
    """
    count = max(1, len(onsets) // BLOCK)
    onsets = np.pad(onsets, (0, max(0, BLOCK - len(onsets))))[: count * BLOCK]
    harmonics = min(HARMONICS, int(FASTEST_HZ * 60.0 / per_minute))
    turn = np.exp(-2j * np.pi * per_minute / 60.0 / FRAMES_PER_SECOND * np.arange(len(onsets)))
    power = np.ones_like(turn)
    found = np.empty((harmonics, count), np.complex128)
    for harmonic in range(harmonics):
        power *= turn
        found[harmonic] = (onsets * power).reshape(count, BLOCK).sum(axis=1)
    return found


def _harmonics(components: Complexes) -> Doubles:
    return np.arange(1.0, len(components) + 1)[:, None]


def _steady(components: Complexes, per_block: float, reach: float) -> tuple[float, float]:
    """The one tempo that holds most of the onsets: the share by which the pulse is off it, and how much it holds."""
    from scipy.fft import fft, next_fast_len

    count, top = components.shape[1], len(components)
    size = next_fast_len(16 * count)
    step = 1.0 / (top * size)  # pulses in a block
    far = int(min(reach * per_block / step, size / 4))
    tried = np.arange(-far, far + 1)
    held = np.zeros(len(tried))
    for harmonic, strengths in enumerate(np.abs(fft(components, size, axis=1)), 1):
        held += np.interp(
            tried * harmonic / top,
            np.arange(-far - 1, far + 2),
            np.take(strengths, range(-far - 1, far + 2), mode="wrap"),
        )
    best = int(np.argmax(held))
    return float(tried[best] * step / per_block), float(held[best])


def _path(components: Complexes, per_block: float) -> Doubles:
    """The likeliest tempo of each block, as a share by which it is off the pulse, shape (blocks,).

    The path through a tempogram of all harmonics (after Grosche and Müller 2011) whose steps cost by their square.
    """
    shares = np.linspace(-DRIFT, DRIFT, STEPS)
    held = _tempogram(components, per_block, shares)
    cost = STIFFNESS * (shares[:, None] - shares) ** 2
    best, came = held[0], np.zeros(held.shape, int)
    for block in range(1, len(held)):
        ways = best[:, None] - cost
        came[block] = ways.argmax(axis=0)
        best = ways.max(axis=0) + held[block]
    path = [int(np.argmax(best))]
    for block in range(len(held) - 1, 0, -1):
        path.append(int(came[block, path[-1]]))
    calm = np.pad(shares[path[::-1]], CALM // 2, mode="edge")
    return np.convolve(calm, np.full(CALM, 1.0 / CALM), "valid")


def _tempogram(components: Complexes, per_block: float, shares: Doubles) -> Doubles:
    """How much each tempo holds of the blocks around each, shape (blocks, shares), at most 1."""
    span = np.arange(SPAN) - SPAN / 2
    padded = np.pad(components, ((0, 0), (SPAN // 2, SPAN - SPAN // 2 - 1)))
    around = sliding_window_view(padded, SPAN, axis=1)
    held = np.zeros((components.shape[1], len(shares)))
    for harmonic, windows in enumerate(around, 1):
        held += np.abs(windows @ np.exp(-2j * np.pi * harmonic * per_block * span[:, None] * shares))
    return held / max(float(held.max()), 1e-12)
