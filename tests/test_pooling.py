"""Pooling against the textbook's formulas in numpy, taken literally."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reprise.core.pooling import as_columns, pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOATS = st.floats(-1e3, 1e3, width=32)


def textbook_enriched(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Facts B.1: mean, (q75 - q25) / 1.34898, mean of first differences, over time."""
    rows = rows.astype(np.float64)
    spread = (np.percentile(rows, 75, axis=0) - np.percentile(rows, 25, axis=0)) / 1.34898
    change = np.diff(rows, axis=0).mean(axis=0) if len(rows) > 1 else np.zeros(rows.shape[1])
    return np.concatenate([rows.mean(axis=0), spread, change])


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 6)), elements=FLOATS))
def test_enrichment_is_what_the_facts_say(rows: NDArray[np.float32]) -> None:
    vector = pool("enriched", [rows])
    assert vector.dtype == np.float32
    assert vector.shape == (3 * rows.shape[1],)
    np.testing.assert_allclose(vector, textbook_enriched(rows), rtol=1e-5, atol=1e-4)


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 6)), elements=FLOATS))
def test_the_mean_is_the_mean(rows: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(
        pool("mean", [rows]), np.mean(rows, axis=0, dtype=np.float64), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("name", ["mean", "enriched"])
@given(
    rows=arrays.arrays(np.float32, st.tuples(st.integers(2, 30), st.just(3)), elements=FLOATS),
    cuts=st.lists(st.integers(1, 29), max_size=4),
)
def test_what_counts_is_the_order_of_moments_not_which_window_they_came_in(
    name: str, rows: NDArray[np.float32], cuts: list[int]
) -> None:
    parts = [part for part in np.split(rows, sorted({cut for cut in cuts if cut < len(rows)})) if len(part)]
    np.testing.assert_array_equal(pool(name, parts), pool(name, [rows]))
    moments = [row for part in parts for row in part]
    np.testing.assert_array_equal(pool(name, moments), pool(name, [rows]))


def test_ranks_one_two_and_three() -> None:
    """S10: one moment; moments in rows; a batch of such, each averaged over its time."""
    cube = np.random.default_rng(1).standard_normal((4, 7, 5)).astype(np.float32)
    np.testing.assert_array_equal(as_columns(cube[0, 0]), cube[0, :1])
    np.testing.assert_array_equal(as_columns(cube[0]), cube[0])
    np.testing.assert_allclose(as_columns(cube), np.stack([rows.mean(axis=0) for rows in cube]), rtol=1e-5)
    np.testing.assert_allclose(
        pool("enriched", [cube]), textbook_enriched(np.stack([rows.mean(axis=0) for rows in cube])), atol=1e-6
    )


def test_a_single_moment_has_neither_spread_nor_change() -> None:
    moment = np.array([3.0, -4.0], np.float32)
    np.testing.assert_array_equal(pool("enriched", [moment]), [3, -4, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("name", "outputs", "reason"),
    [
        ("mean", [np.zeros((1, 1, 1, 1))], "rank 4"),
        ("mean", [np.float32(1)], "rank 0"),
        ("enriched", [np.zeros((0, 4))], "no features"),
        ("mean", [], "no features"),
        ("mean", [np.zeros(3), np.zeros(4)], r"windows of \[3, 4\] features"),
        ("loudest", [np.zeros(3)], "there is no pooling 'loudest'; there are: mean, enriched"),
    ],
)
def test_what_cannot_be_pooled_is_said(name: str, outputs: list[Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pool(name, outputs)


def test_a_long_track_loses_no_digits() -> None:
    """Ten hours of ten moments a second, far from zero, where a sum in single precision would drift by percents."""
    rows = (1000.0 + np.random.default_rng(2).standard_normal((360_000, 2))).astype(np.float32)
    np.testing.assert_allclose(pool("mean", [rows]), rows.astype(np.float64).mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(pool("enriched", [rows]), textbook_enriched(rows), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", ["mean", "enriched"])
def test_what_is_not_finite_stays_so_for_the_gate_to_see(name: str, odd: float) -> None:
    """Without a warning either: it is one item's trouble, not the terminal's."""
    rows = np.ones((8, 2), np.float32)
    rows[3:, 1] = odd
    rows[:3, 1] = -odd
    vector = pool(name, [rows])
    assert np.isfinite(vector[0])
    assert np.isfinite(vector).all() == (name == "mean" and odd == 3e38)
