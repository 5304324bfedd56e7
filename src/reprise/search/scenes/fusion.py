"""Several channels' answers as one list.

**minmax**: each channel's scores are brought to 0..1 and summed up by weight. Taken from the least to the greatest that a
channel happens to list, as usual, that fails where it lists few: a single hit has no range, the weaker of two strong ones
becomes 0, the better of two weak ones 1. So both ends are held by what is known of the channel (its ``Scale``):

- 0 is the channel's floor, the score below which it lists nothing, for a single hit, and moves to the least score listed
  as more are listed: floor + (least - floor) * (n - 1) / (n - 1 + 5). A floor that is known beats the least that was seen:
  Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval", ACM TOIS 42 (2023).
- 1 is the greatest score listed, or the channel's ``sure`` if that is greater: a channel whose best hit is weak says so,
  and cannot outvote a strong hit of another.

**rrf**: reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009) with weights: 61 / (60 + rank), so that 1 is the
first of every channel. Raw scores do not matter.

A channel that does not list a scene gives it 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.search.fusion import RANK_CONSTANT
from reprise.search.scenes.query import Fusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reprise.core.ports import Hit

FEW = 5
"""How many further hits a channel must list for its least score to count as much as its floor."""

DISPLAY_RATE = 3.0
MOST_DISPLAYED = 0.97
MOST_GUESSED = 0.65
"""Of what a lookup finds although no scene holds the words."""

_DECIMALS = 12
"""What is equal scores equally, in whatever order it was summed."""


@dataclass(frozen=True, slots=True)
class Scale:
    """``floor``: a channel lists nothing that scores less. ``sure``: from here on it is as good as it gets."""

    floor: float = 0.0
    sure: float = 0.0


@dataclass(frozen=True, slots=True)
class Listed:
    """What a channel lists: its hits, each key once."""

    hits: Sequence[Hit]
    scale: Scale = Scale()


@dataclass(frozen=True, slots=True)
class Part:
    """What one channel says of a scene. ``raw``: its own score; ``scaled``: 0 to 1, as it was fused; ``rank`` from 1."""

    raw: float
    scaled: float
    rank: int


@dataclass(frozen=True, slots=True)
class Fused:
    """A scene that some channel lists. ``score``: 0 to 1."""

    key: int
    score: float
    parts: Mapping[str, Part]


def fused(lists: Mapping[str, Listed], weights: Mapping[str, float], fusion: Fusion) -> list[Fused]:
    """Every scene that a channel lists, best first; ties by the best rank in any channel, then by key.

    ``weights`` of all channels, which sum to 1 at most.
    """
    told = {channel: _parts(listed, fusion) for channel, listed in lists.items()}
    keys = {key for parts in told.values() for key in parts}
    found = [
        _fused(key, {channel: parts[key] for channel, parts in told.items() if key in parts}, weights)
        for key in keys
    ]
    return sorted(found, key=lambda one: (-one.score, min(part.rank for part in one.parts.values()), one.key))


def _fused(key: int, parts: Mapping[str, Part], weights: Mapping[str, float]) -> Fused:
    total = math.fsum(weights.get(channel, 0.0) * part.scaled for channel, part in parts.items())
    return Fused(key, min(1.0, round(total, _DECIMALS)), parts)


def _parts(listed: Listed, fusion: Fusion) -> dict[int, Part]:
    ordered = sorted(listed.hits, key=lambda hit: (-hit.score, hit.key))
    if fusion is Fusion.RRF:
        scaled = [(RANK_CONSTANT + 1) / (RANK_CONSTANT + rank) for rank in range(1, len(ordered) + 1)]
    else:
        scaled = min_max([hit.score for hit in ordered], listed.scale)
    ranked = enumerate(zip(ordered, scaled, strict=True), 1)
    return {hit.key: Part(hit.score, value, rank) for rank, (hit, value) in ranked}


def min_max(scores: Sequence[float], scale: Scale) -> list[float]:
    """Scores of one channel brought to 0..1 as told above."""
    if not scores:
        return []
    least, others = max(min(scores), scale.floor), len(scores) - 1
    low = scale.floor + (least - scale.floor) * others / (others + FEW)
    high = max(*scores, scale.sure, scale.floor)
    if high <= low:
        return [1.0] * len(scores)
    return [min(1.0, max(0.0, (score - low) / (high - low))) for score in scores]


def displayed(score: float, *, guessed: bool) -> float:
    """How sure a person may be that this is meant, 0 to 0.97: 1 - exp(-3 * score)."""
    return min(1 - math.exp(-DISPLAY_RATE * score), MOST_GUESSED if guessed else MOST_DISPLAYED)
