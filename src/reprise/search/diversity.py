"""Answers that differ from each other: maximal marginal relevance.

Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing summaries",
SIGIR 1998: take, one after the other, the track with the largest (1 - d) relevance - d (similarity to the most similar
one already taken).

Both sides are brought to one scale, so that d means the same for every model and rule: relevance goes from 0, the last
candidate, to 1, the first; similarity from 0, what two candidates have on average, to 1, the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.search.geometry import unit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Hit, Vectors

CANDIDATES_PER_ANSWER = 4
MOST_SPARE = 1000
LEAST = 50


def candidates_for(count: int) -> int:
    """How many candidates are worth looking at for an answer of ``count``: what comes later is hardly relevant."""
    return max(LEAST, min(CANDIDATES_PER_ANSWER * count, count + MOST_SPARE))


def diversified(
    hits: Sequence[Hit], vectors: Sequence[Mapping[int, Vectors]], diversity: float, count: int
) -> list[Hit]:
    """``count`` of the hits in the order in which they are best heard; with diversity 0 the order they came in.

    ``vectors``: each model's, of the hits that it knows; similarity is the mean cosine over the models that know both.
    """
    if diversity == 0 or len(hits) < 2 or not any(vectors):
        return list(hits[:count])
    likeness = Likeness([hit.key for hit in hits], vectors)
    relevance = _scaled(np.array([hit.score for hit in hits]))
    order: list[int] = []
    free = np.ones(len(hits), bool)
    nearest = np.full(len(hits), -np.inf)
    while len(order) < min(count, len(hits)):
        penalty = diversity * nearest if order else 0.0
        worth = (1 - diversity) * relevance - penalty
        taken = int(np.argmax(np.where(free, worth, -np.inf))) if order else 0
        order.append(taken)
        free[taken] = False
        nearest = np.maximum(nearest, likeness.to(taken))
    return [hits[place] for place in order]


class Likeness:
    """How alike candidates are: 0 as alike as they are on average, 1 the same."""

    def __init__(self, keys: Sequence[int], models: Sequence[Mapping[int, Vectors]]) -> None:
        known = [(rows, [place for place, key in enumerate(keys) if key in rows]) for rows in models]
        self._blocks = [_block(keys, rows, places) for rows, places in known if places]
        self._has = np.array([_mask(len(keys), places) for _, places in known if places])
        self._average = self._mean_similarity()

    def to(self, place: int) -> NDArray[np.float64]:
        """Of all candidates (n,) to the one at ``place``."""
        both = (self._has & self._has[:, place, None]).sum(axis=0)
        total = sum((block @ block[place] for block in self._blocks), np.zeros(self._has.shape[1]))
        spread = 1 - self._average
        if spread < 1e-9:
            return np.zeros(len(total))
        return np.asarray(np.where(both > 0, (total / np.maximum(both, 1) - self._average) / spread, 0.0))

    def _mean_similarity(self) -> float:
        """Over all pairs: of unit rows, the sum over pairs is (|sum|² - n) / 2."""
        sums, pairs = 0.0, 0
        for block, has in zip(self._blocks, self._has, strict=True):
            total, count = block.sum(axis=0), int(has.sum())
            sums += float(total @ total) - count
            pairs += count * (count - 1)
        return sums / pairs if pairs else 0.0


def _block(keys: Sequence[int], rows: Mapping[int, Vectors], places: Collection[int]) -> NDArray[np.float64]:
    """(n, dimension), zero where the model does not know the key."""
    dimension = len(rows[keys[next(iter(places))]])
    block = np.zeros((len(keys), dimension))
    for place in places:
        block[place] = unit(rows[keys[place]])
    return block


def _mask(count: int, places: Collection[int]) -> NDArray[np.bool_]:
    mask = np.zeros(count, bool)
    mask[list(places)] = True
    return mask


def _scaled(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = scores.max() - scores.min()
    return np.asarray((scores - scores.min()) / spread if spread > 0 else np.zeros(len(scores)))
