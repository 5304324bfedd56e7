"""Several channels' lists as one: what every list of scores must give, and what single ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.ports import Hit
from reprise.search.scenes.channels import CANDIDATES, SCALES
from reprise.search.scenes.fusion import Listed, Scale, displayed, fused, min_max
from reprise.search.scenes.query import CONTENT, Channel, Fusion
from reprise.search.scenes.weights import bounded, with_person

if TYPE_CHECKING:
    from collections.abc import Mapping

COSINE = Scale(0.2, 0.5)


def hits(*scores: float) -> list[Hit]:
    return [Hit(key, score) for key, score in enumerate(scores, 1)]


def listed(channel: Channel, scores: Mapping[int, float]) -> Listed:
    return Listed([Hit(key, score) for key, score in scores.items()], SCALES.get(channel, COSINE))


SCORES = {
    channel: st.dictionaries(
        st.integers(1, 30),
        st.floats(0.001, 40)
        if channel is Channel.LEXICAL
        else st.floats(SCALES.get(channel, COSINE).floor, 1),
        max_size=12,
    )
    for channel in Channel
}
LISTS = st.fixed_dictionaries({}, optional=SCORES)
WEIGHTS = st.dictionaries(st.sampled_from(CONTENT), st.floats(0, 1), min_size=1, max_size=5)
FUSIONS = st.sampled_from(Fusion)


def counted(scores: Mapping[Channel, Mapping[int, float]], weights: Mapping[str, float]) -> dict[str, float]:
    content = bounded(weights, [channel for channel in scores if channel is not Channel.PERSON])
    return with_person(content, 0.65) if Channel.PERSON in scores else content


@given(LISTS, WEIGHTS, FUSIONS)
def test_every_scene_of_any_channel_is_there_once_and_scores_between_0_and_1(
    scores: dict[Channel, dict[int, float]], weights: dict[str, float], fusion: Fusion
) -> None:
    lists: dict[str, Listed] = {channel: listed(channel, given) for channel, given in scores.items()}
    found = fused(lists, counted(scores, weights), fusion)
    assert sorted(one.key for one in found) == sorted({key for given in scores.values() for key in given})
    assert all(0 <= one.score <= 1 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert set(one.parts) == {channel for channel, given in scores.items() if one.key in given}
        for channel, part in one.parts.items():
            assert 0 <= part.scaled <= 1
            assert part.raw == scores[Channel(channel)][one.key]


@given(LISTS, WEIGHTS, FUSIONS, st.randoms(use_true_random=False))
def test_the_order_in_which_channels_and_hits_come_does_not_matter(
    scores: dict[Channel, dict[int, float]], weights: dict[str, float], fusion: Fusion, chance: object
) -> None:
    lists: dict[str, Listed] = {channel: listed(channel, given) for channel, given in scores.items()}
    shuffled: dict[str, Listed] = {}
    for channel in sorted(lists, reverse=True):
        mixed = list(lists[channel].hits)
        chance.shuffle(mixed)  # type: ignore[attr-defined]
        shuffled[channel] = Listed(mixed, lists[channel].scale)
    share = counted(scores, weights)
    assert fused(shuffled, share, fusion) == fused(lists, share, fusion)


@given(LISTS, FUSIONS)
def test_pictures_alone_are_never_worth_more_than_their_bound(
    scores: dict[Channel, dict[int, float]], fusion: Fusion
) -> None:
    content: dict[Channel, dict[int, float]] = {
        channel: given for channel, given in scores.items() if channel is not Channel.PERSON
    }
    lists: dict[str, Listed] = {channel: listed(channel, given) for channel, given in content.items()}
    seen = {Channel.VISUAL, Channel.IMAGE}
    for one in fused(lists, counted(content, {"visual": 1.0, "image": 1.0}), fusion):
        if set(one.parts) <= seen:
            assert one.score <= 0.8 + 1e-9


@given(st.lists(st.floats(0.2, 1), min_size=1, max_size=CANDIDATES))
def test_a_better_score_is_never_scaled_lower(scores: list[float]) -> None:
    scaled = min_max(scores, COSINE)
    assert [score for _, score in sorted(zip(scores, scaled, strict=True))] == sorted(scaled)
    assert max(scaled) == (1.0 if max(scores) >= COSINE.sure else pytest.approx(max(scaled)))


def test_a_single_hit_counts_by_what_it_is() -> None:
    assert min_max([0.9], COSINE) == [1.0]
    assert min_max([0.35], COSINE) == pytest.approx([0.5])
    assert min_max([0.2], COSINE) == [0.0]
    assert min_max([7.3], Scale()) == [1.0]
    assert min_max([], COSINE) == []


def test_two_strong_hits_are_both_strong_and_two_weak_ones_both_weak() -> None:
    assert min_max([0.91, 0.9], COSINE) == pytest.approx([1.0, 0.983], abs=1e-3)
    assert max(min_max([0.22, 0.21], COSINE)) < 0.1


def test_of_many_the_least_is_nearly_nothing() -> None:
    spread = [0.7 + 0.2 * place / 199 for place in range(200)]
    scaled = min_max(spread, COSINE)
    assert scaled[0] < 0.06
    assert scaled[-1] == 1.0


def test_equal_scores_of_words_are_all_as_good_as_the_best() -> None:
    assert min_max([3.0, 3.0, 3.0], Scale()) == [1.0, 1.0, 1.0]


def test_ties_go_by_rank_then_by_key() -> None:
    lists = {"a": Listed(hits(0.9, 0.9)), "b": Listed([Hit(7, 0.9)])}
    found = fused(lists, {"a": 0.5, "b": 0.5}, Fusion.MINMAX)
    assert [(one.key, one.score) for one in found] == [(1, 0.5), (7, 0.5), (2, 0.5)]


def test_reciprocal_ranks_by_hand() -> None:
    lists = {"a": Listed(hits(0.9, 0.5)), "b": Listed([Hit(2, 8.0), Hit(3, 1.0)])}
    found = fused(lists, {"a": 0.6, "b": 0.4}, Fusion.RRF)
    expected = {1: 0.6, 2: 0.6 * 61 / 62 + 0.4, 3: 0.4 * 61 / 62}
    assert {one.key: one.score for one in found} == pytest.approx(expected)
    assert [one.key for one in found] == [2, 1, 3]


def test_what_is_shown() -> None:
    assert displayed(0.0, guessed=False) == 0.0
    assert displayed(0.5, guessed=False) == pytest.approx(0.7769, abs=1e-4)
    assert displayed(1.0, guessed=False) == pytest.approx(0.9502, abs=1e-4)
    assert displayed(2.0, guessed=False) == 0.97
    assert displayed(1.0, guessed=True) == 0.65
    assert displayed(0.1, guessed=True) == displayed(0.1, guessed=False)
