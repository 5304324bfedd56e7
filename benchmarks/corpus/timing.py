"""When a beat sounds: tempo, drift, swing and the unsteadiness of players."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Grid:
    """``times`` (beats + 1,): seconds of each beat. ``swing`` 0 (even) to 0.4: how late the second half of a unit
    comes, in units. ``unit`` in beats: 0.5 swings sixteenths, 1 eighths. ``jitter`` in seconds.
    """

    times: NDArray[np.float64]
    swing: float
    unit: float
    jitter: float

    def at(self, beat: float) -> float:
        """Seconds at which what is written at ``beat`` sounds, played in time."""
        whole, part = divmod(beat, self.unit)
        share = part / self.unit
        late = self.swing * self.unit * (share if share <= 0.5 else 1 - share)
        place = whole * self.unit + part + late
        return float(np.interp(place, np.arange(len(self.times)), self.times))

    def played(self, beat: float, rng: np.random.Generator) -> float:
        """As :meth:`at`, by a player who is not quite steady."""
        return max(self.at(beat) + float(rng.normal(0.0, self.jitter)), 0.0)


def beat_times(
    bpm: float, drift: float, start: float, seconds: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Beats from ``start`` on for ``seconds``; the mean tempo over them is ``bpm``.

    ``drift`` is how far the tempo goes from its mean, as a share: half of the drifting tracks speed up or slow down
    steadily, the others waver.
    """
    count = int(np.ceil(seconds * bpm / 60.0)) + 1
    place = np.linspace(0.0, 1.0, count)
    if rng.random() < 0.5:
        away = (place - 0.5) * 2 * (1 if rng.random() < 0.5 else -1)
    else:
        away = np.sin(2 * np.pi * (place * rng.uniform(0.7, 2.5) + rng.random()))
    lengths = 1.0 / (1.0 + drift * away)
    lengths *= 60.0 / bpm / lengths.mean()
    return np.concatenate([[start], start + np.cumsum(lengths)])
