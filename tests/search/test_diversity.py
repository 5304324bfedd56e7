"""Diversity changes the order, and for the better (P1-4: in the source it multiplied all scores by one number)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.core.ports import Hit
from reprise.search.diversity import candidates_for, diversified
from tests.search.shelf import clustered_rows, random_rows, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hits_to(query: NDArray[np.float32], rows: NDArray[np.float32]) -> list[Hit]:
    scores = rows @ query
    return [Hit(int(key), float(scores[key])) for key in np.lexsort((np.arange(len(rows)), -scores))]


def mean_similarity(hits: list[Hit], rows: NDArray[np.float32]) -> float:
    chosen = rows[[hit.key for hit in hits]]
    return float((chosen @ chosen.T)[np.triu_indices(len(hits), 1)].mean())


def by_definition(hits: list[Hit], rows: NDArray[np.float32], d: float, count: int) -> list[int]:
    """The formula of the module's text, one pair at a time."""
    wide = rows.astype(np.float64)
    keys = [hit.key for hit in hits]
    pairs = [float(wide[a] @ wide[b]) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    average = sum(pairs) / len(pairs)
    low, high = hits[-1].score, hits[0].score
    relevance = {hit.key: (hit.score - low) / (high - low) for hit in hits}
    taken = [keys[0]]
    while len(taken) < count:
        worth = {
            key: (1 - d) * relevance[key]
            - d * max((float(wide[key] @ wide[other]) - average) / (1 - average) for other in taken)
            for key in keys
            if key not in taken
        }
        taken.append(max(worth, key=lambda key: (worth[key], -keys.index(key))))
    return taken


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return clustered_rows(8, 12, 24, seed=3)


def test_no_diversity_is_the_order_of_relevance(rows: NDArray[np.float32]) -> None:
    hits = hits_to(rows[0], rows)
    assert diversified(hits, [dict(enumerate(rows))], 0.0, 20) == hits[:20]


@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.8, 1.0])
def test_diversity_changes_the_order_and_makes_tracks_less_alike(
    rows: NDArray[np.float32], diversity: float
) -> None:
    hits = hits_to(rows[0], rows)
    plain, varied = hits[:20], diversified(hits, [dict(enumerate(rows))], diversity, 20)
    assert varied != plain
    assert varied[0] == plain[0]
    assert mean_similarity(varied, rows) < mean_similarity(plain, rows) - 0.02


def test_more_diversity_is_more_of_it(rows: NDArray[np.float32]) -> None:
    hits = hits_to(rows[0], rows)
    alike = [
        mean_similarity(diversified(hits, [dict(enumerate(rows))], d, 20), rows) for d in (0.0, 0.3, 0.6, 0.9)
    ]
    assert alike == sorted(alike, reverse=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0), st.integers(2, 12))
def test_it_is_maximal_marginal_relevance(seed: int, diversity: float, count: int) -> None:
    rows = random_rows(25, 6, seed)
    hits = hits_to(rows[0], rows)
    chosen = [hit.key for hit in diversified(hits, [dict(enumerate(rows))], diversity, count)]
    assert chosen == by_definition(hits, rows, diversity, count)


def test_it_works_alike_in_a_space_where_everything_is_similar(rows: NDArray[np.float32]) -> None:
    """Learned spaces have all their cosines near 1; a penalty on their own scale would do next to nothing there."""
    cone = unit(np.concatenate([np.full((len(rows), 1), 6.0), rows], axis=1))
    assert (cone @ cone.T).min() > 0.9
    hits = hits_to(cone[0], cone)
    clusters = {hit.key // 12 for hit in diversified(hits, [dict(enumerate(cone))], 0.6, 12)}
    assert len({hit.key // 12 for hit in hits[:12]}) == 1
    assert len(clusters) >= 4


def test_candidates_that_a_model_does_not_know_are_compared_by_the_others(rows: NDArray[np.float32]) -> None:
    hits = hits_to(rows[0], rows)
    other = random_rows(len(rows), 5, 1)
    half = {key: other[key] for key in range(0, len(rows), 2)}
    varied = diversified(hits, [dict(enumerate(rows)), half], 0.7, 20)
    assert len({hit.key for hit in varied}) == 20
    assert varied != diversified(hits, [dict(enumerate(rows))], 0.7, 20)


def test_equal_tracks_and_equal_scores_are_no_trouble() -> None:
    same = np.tile(unit(np.ones(4)), (5, 1))
    hits = [Hit(key, 1.0) for key in range(5)]
    assert diversified(hits, [dict(enumerate(same))], 0.5, 3) == hits[:3]
    assert diversified(hits, [{}], 0.5, 3) == hits[:3]
    assert diversified([], [{}], 0.5, 3) == []


@pytest.mark.parametrize(("count", "candidates"), [(1, 50), (100, 400), (1000, 2000)])
def test_enough_candidates_and_not_too_many(count: int, candidates: int) -> None:
    assert candidates_for(count) == candidates
