"""One model's answer to a question, as deep as it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.core.ports import Hit
from reprise.search.geometry import cosines
from reprise.search.neighbours import GROWTH, SPARE_HITS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Vectors
    from reprise.search.neighbours import Look, Neighbours
    from reprise.search.space_queries import SpaceQuery

MAX_DOUBT = 20_000
"""Hits to look through at most in the hope that negatives lift something from further down."""


class Ranking:
    """Ranks by relevance to the seeds, less what resembles a negative.

    Relevance to one question is the cosine; to several, the best of them, where a weight w below 1 turns the cosine c
    into w (1 + c) - 1: on the scale from 0 to 1 that is a product, and so an opposite is not lifted. A negative takes
    ``strength`` times the cosine with the most similar one, and never gives. (A factor on the score, the usual way,
    would lift what scores below zero.)
    """

    def __init__(self, neighbours: Neighbours, space_query: SpaceQuery, strength: float) -> None:
        self._neighbours = neighbours
        self.space_query = space_query
        self._strength = strength

    def best(self, depth: int) -> list[Hit]:
        """The ``depth`` best that are admitted, ties by key; fewer only when there are no more."""
        asked = depth + SPARE_HITS
        while True:
            looks = [self._neighbours.look(question, asked) for question in self.space_query.questions]
            ranked = self._ranked(looks)
            exhausted = all(look.exhausted for look in looks)
            if exhausted or self._settled(ranked, looks, depth, asked):
                return ranked[:depth]
            asked *= GROWTH

    def scores(self, keys: Collection[int]) -> dict[int, float]:
        """The score of each key that the model has embedded."""
        vectors = self._neighbours.vectors(keys)
        if not vectors:
            return {}
        found = list(vectors)
        return dict(zip(found, self._score(np.stack([vectors[key] for key in found])).tolist(), strict=True))

    def vectors(self, keys: Collection[int]) -> dict[int, Vectors]:
        """The stored vectors of those keys that the model has embedded."""
        return dict(self._neighbours.vectors(keys))

    def _settled(self, ranked: Sequence[Hit], looks: Sequence[Look], depth: int, asked: int) -> bool:
        """Whether nothing further down can belong to the best (Fagin's threshold)."""
        if len(ranked) < depth:
            return False
        floors = np.array([[look.floor for look in looks]])
        return bool(ranked[depth - 1].score >= self._relevance(floors)[0]) or asked >= MAX_DOUBT

    def _ranked(self, looks: Sequence[Look]) -> list[Hit]:
        if len(looks) == 1 and not len(self.space_query.negatives):
            return looks[0].hits
        scores = self.scores({hit.key for look in looks for hit in look.hits})
        return sorted(
            (Hit(key, score) for key, score in scores.items()), key=lambda hit: (-hit.score, hit.key)
        )

    def _score(self, rows: Vectors) -> NDArray[np.float64]:
        relevance = self._relevance(cosines(rows, self.space_query.questions))
        if not len(self.space_query.negatives):
            return relevance
        likeness = cosines(rows, self.space_query.negatives).max(axis=1)
        return np.asarray(relevance - self._strength * np.maximum(likeness, 0))

    def _relevance(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) of the cosines (n, questions)."""
        return np.asarray((self.space_query.weights * (1 + found) - 1).max(axis=1))
