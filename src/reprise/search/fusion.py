"""Several models' answers as one.

Scores of different models are not comparable: one has its tracks between 0.9 and 1, another between -0.2 and 0.6. Ranks
are. So the default is reciprocal rank fusion (Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet
and individual rank learning methods", SIGIR 2009): each model gives a track 1 / (60 + its rank).

A model *lists* a track when it is among its nearest ``reach``. The reach grows until the answer is full or every model has
told all it has, so that models which rarely agree do not give an empty answer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from reprise.core.ports import Hit
from reprise.search.query import Merge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

RANK_CONSTANT = 60
"""Of the paper: the smaller, the more the first few ranks of a single model decide."""

REACH = 100
REACH_PER_ANSWER = 5
REACH_GROWTH = 4


class Ranked(Protocol):
    """A model's answer: the best, best first, and the score of any track that it has embedded."""

    def best(self, depth: int) -> list[Hit]: ...

    def scores(self, keys: Collection[int]) -> dict[int, float]: ...


def merged(models: Sequence[Ranked], rule: Merge, agreement: int, count: int) -> list[Hit]:
    """The ``count`` best by the rule, of tracks that ``agreement`` models at least list; ties by key.

    - ``FUSION``: by the sum of 1 / (60 + rank), scaled so that 1 is the first of every model.
    - ``UNION``: by the mean score of the models that have embedded the track.
    - ``INTERSECTION``: only tracks that all models list, by their mean score.
    - ``PRIORITY``: the intersection, if it holds enough within the first reach; else the first model's list, and where
      that ends the next one's. Each score is then that model's own.

    A single model's answer is its own, whatever the rule.
    """
    if len(models) == 1:
        return models[0].best(count)
    reach = max(REACH, REACH_PER_ANSWER * count)
    while True:
        lists = [model.best(reach) for model in models]
        answer = _by_rule(models, lists, rule, agreement, count)
        if len(answer) >= count or all(len(listed) < reach for listed in lists):
            return answer[:count]
        reach *= REACH_GROWTH


def _by_rule(
    models: Sequence[Ranked], lists: Sequence[Sequence[Hit]], rule: Merge, agreement: int, count: int
) -> list[Hit]:
    ranks = [{hit.key: rank for rank, hit in enumerate(listed, 1)} for listed in lists]
    if rule is Merge.FUSION:
        return by_score(reciprocal_ranks(ranks, agreed(ranks, agreement)))
    if rule is Merge.UNION:
        return by_score(_mean_scores(models, agreed(ranks, agreement)))
    shared = agreed(ranks, len(models))
    if rule is Merge.INTERSECTION or len(shared) >= count:
        return by_score(_mean_scores(models, shared))
    return in_turn(lists, agreed(ranks, agreement))


def agreed(lists: Sequence[Collection[int]], least: int) -> set[int]:
    """Keys that ``least`` lists hold, or more."""
    keys = {key for listed in lists for key in listed}
    return {key for key in keys if sum(key in listed for listed in lists) >= least}


def reciprocal_ranks(ranks: Sequence[Mapping[int, int]], keys: Iterable[int]) -> dict[int, float]:
    """Fused scores, 0 to 1, of rank by key (from 1) in each list; a list without the key gives nothing."""
    best = len(ranks) / (RANK_CONSTANT + 1)
    return {
        key: math.fsum(1 / (RANK_CONSTANT + listed[key]) for listed in ranks if key in listed) / best
        for key in keys
    }


def in_turn(lists: Sequence[Sequence[Hit]], keys: Collection[int]) -> list[Hit]:
    """Each list behind the one before it, without what came already and what is not among the keys."""
    found: dict[int, Hit] = {}
    for listed in lists:
        for hit in listed:
            if hit.key in keys:
                found.setdefault(hit.key, hit)
    return list(found.values())


def by_score(scores: Mapping[int, float]) -> list[Hit]:
    """Best first, ties by key."""
    return [Hit(key, score) for key, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))]


def _mean_scores(models: Sequence[Ranked], keys: Collection[int]) -> dict[int, float]:
    """Over the models that have embedded the track, whether they list it or not."""
    told = [model.scores(keys) for model in models]
    given = {key: [scores[key] for scores in told if key in scores] for key in keys}
    return {key: math.fsum(scores) / len(scores) for key, scores in given.items() if scores}
