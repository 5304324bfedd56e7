"""Loudness after EBU R 128: integrated (ITU-R BS.1770-4), range (EBU Tech 3342) and true peak, at the file's own
rate and with its own channels: a mono mix reads up to 3 dB lower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.blocks import Segments
from reprise.analysis.true_peak import TruePeak
from reprise.analysis.weighting import SLOTS_PER_SECOND, WeightedEnergy
from reprise.core.analysis import Loudness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.blocks import Block

    Powers = NDArray[np.float64]

BLOCK_SLOTS = 4
"""Gating blocks of 400 ms that overlap by three quarters."""

RANGE_SLOTS = 3 * SLOTS_PER_SECOND
"""Windows of 3 s, one every 100 ms."""

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
RANGE_GATE_LU = -20.0
RANGE_PERCENTILES = (10.0, 95.0)

SEGMENT_VALUES = 360_000
"""Samples × channels that are weighted at once: 4 s of a CD, 1.4 MB, what caches hold."""

_OFFSET_LU = -0.691
_SURROUND = 1.41

CHANNEL_WEIGHTS = {
    4: (1.0, 1.0, _SURROUND, _SURROUND),
    5: (1.0, 1.0, 1.0, _SURROUND, _SURROUND),
    6: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND),
    7: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND, _SURROUND),
    8: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND, _SURROUND, _SURROUND),
}
"""By how many there are, in the order of WAV and FFmpeg: left, right, centre, low frequencies, then the surrounds.
Other counts have a weight of 1 each.
"""


class LoudnessMeter:
    """Add every block of a track in order, then ask for the result. How the sound is cut makes no difference."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._weighting = WeightedEnergy(sample_rate, channels)
        self._peak = TruePeak(sample_rate, channels)
        slots = max(1, SEGMENT_VALUES // (self._weighting.slot * channels))
        self._segments = Segments(channels, slots * self._weighting.slot)
        self._weights = np.array(CHANNEL_WEIGHTS.get(channels, (1.0,) * channels))
        self._powers: list[Powers] = []

    def add(self, block: Block) -> None:
        """``block`` (channels, n) float32, nominal range -1 to 1; what is no number in it counts as silence."""
        for segment in self._segments.add(block):
            self._measure(segment)

    def result(self) -> Loudness | None:
        """``None`` for less than 0.4 s, and when nothing is louder than -70 LUFS. Add nothing afterwards."""
        rest = self._segments.take_rest()
        whole = rest.shape[1] // self._weighting.slot * self._weighting.slot
        if whole:
            self._measure(rest[:, :whole])
        self._peak.add(rest[:, whole:])  # its energy makes no whole slot, its peak counts
        powers = np.concatenate([np.zeros(0), *self._powers])
        level = integrated(powers)
        if level is None:
            return None
        return Loudness(level, loudness_range(powers), 20 * float(np.log10(self._peak.finish())))

    def _measure(self, sound: Block) -> None:
        """Whole slots."""
        self._peak.add(sound)
        self._powers.append(self._weights @ self._weighting.add(sound) / self._weighting.slot)


def integrated(powers: Powers) -> float | None:
    """LUFS of the weighted powers of slots of 100 ms, shape (n,); ``None`` when no block passes the gates."""
    loud = _above(_moving_mean(powers, BLOCK_SLOTS), RELATIVE_GATE_LU)
    return lufs(float(loud.mean())) if len(loud) else None


def loudness_range(powers: Powers) -> float:
    """LU between the quiet and the loud parts; 0 for what is shorter than 3 s."""
    loud = _above(_moving_mean(powers, RANGE_SLOTS), RANGE_GATE_LU)
    if not len(loud):
        return 0.0
    low, high = np.percentile(loud, RANGE_PERCENTILES)
    return lufs(float(high)) - lufs(float(low))


def lufs(power: float) -> float:
    return _OFFSET_LU + 10 * float(np.log10(power))


def _above(powers: Powers, gate: float) -> Powers:
    """Those above the absolute gate, and of them those above the gate relative to their mean."""
    loud = powers[powers > _power(ABSOLUTE_GATE_LUFS)]
    return loud[loud > loud.mean() * 10 ** (gate / 10)] if len(loud) else loud


def _power(level: float) -> float:
    return float(10 ** ((level - _OFFSET_LU) / 10))


def _moving_mean(powers: Powers, size: int) -> Powers:
    """Over ``size`` slots, one for each slot from the ``size``-th on."""
    if len(powers) < size:
        return np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(powers, size).mean(axis=1))
