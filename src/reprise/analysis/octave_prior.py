"""Which octave a library's own tempo tags favour: learnt from what its owner, or a shop, has called its tempi.

Drum and bass is tagged 174 by one and 87 by another; no listening can know. A tempo is looked up among the tagged tracks
that sound alike: the acoustic embedding says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.analysis import HeardTempo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

AGREES = 0.04
"""Share by which a tag may differ from a tempo that was heard; a tag that fits none is wrong or of another track."""

SAME, ALIKE = 0.6, 0.08
"""A track at this cosine and above counts whole, and one that is further by the second e times less."""

WIDTH_OCTAVES = 0.12
"""How far from a tag a tempo is still as usual: about 8 %."""

NEIGHBOURS = 5
"""What the weights of all tagged tracks sum to, at most. At least they sum to nothing: music that is like none of the
tagged is left as it was heard."""

UNKNOWN_TRACKS = 2.0
"""So many tracks of no particular tempo are added: a prior from few tags changes little."""

SPAN_OCTAVES = 2.07
"""From 50 to 210 BPM, over which those are spread."""


@dataclass(frozen=True, slots=True)
class OctavePrior:
    """``features`` (n, d) unit vectors of the tagged tracks, ``octaves`` (n,) log2 of their tempi in BPM."""

    features: NDArray[np.float32]
    octaves: NDArray[np.float64]

    @classmethod
    def learn(cls, samples: Iterable[tuple[HeardTempo, float, NDArray[np.float32]]]) -> OctavePrior:
        """From (tempo heard, tempo tagged in BPM, acoustic embedding) of each tagged track.

        Tags that agree with no tempo that was heard, within 4 %, are left out.
        """
        used = [(bpm, features) for heard, bpm, features in samples if _agrees(heard, bpm)]
        if not used:
            return cls(np.zeros((0, 0), np.float32), np.zeros(0))
        features = np.stack([np.asarray(features, np.float32) for _, features in used])
        return cls(features, np.log2([bpm for bpm, _ in used]))

    def __len__(self) -> int:
        return len(self.octaves)

    def density(self, bpm: float, features: NDArray[np.float32]) -> float:
        """How usual a tempo is among tracks that sound like these features (unit length), per octave."""
        if not len(self):
            return 1.0 / SPAN_OCTAVES
        cosines = self.features @ np.asarray(features, np.float32)
        weights = np.exp(np.minimum(cosines.astype(np.float64) - SAME, 0.0) / ALIKE)
        weights *= min(1.0, NEIGHBOURS / max(float(weights.sum()), 1e-9))
        away = (np.log2(bpm) - self.octaves) / WIDTH_OCTAVES
        near = np.exp(-0.5 * away * away) / (WIDTH_OCTAVES * np.sqrt(2 * np.pi))
        return float((weights @ near + UNKNOWN_TRACKS / SPAN_OCTAVES) / (weights.sum() + UNKNOWN_TRACKS))


def settle_octave(tempo: HeardTempo, prior: OctavePrior, features: NDArray[np.float32]) -> HeardTempo:
    """The tempo, in the octave that it most likely has where such tracks are tagged like this.

    What was heard and what is usual are multiplied. The shares keep their sum; ``first_beat`` stays: for
    a slower tempo it may be off by one of the faster tempo's beats.
    """
    heard = [(tempo.bpm, tempo.confidence), *tempo.alternatives]
    total = sum(share for _, share in heard)
    if not len(prior) or total <= 0:
        return tempo
    fit = [share * prior.density(bpm, features) for bpm, share in heard]
    scale = total / sum(fit)
    ranked = sorted(((share * scale, bpm) for (bpm, _), share in zip(heard, fit, strict=True)), reverse=True)
    return HeardTempo(
        ranked[0][1], ranked[0][0], tuple((bpm, share) for share, bpm in ranked[1:]), tempo.first_beat
    )


def _agrees(heard: HeardTempo, bpm: float) -> bool:
    given = (heard.bpm, *(other for other, _ in heard.alternatives))
    return any(abs(other - bpm) <= AGREES * bpm for other in given)
