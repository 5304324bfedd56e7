"""Several models' answers as one: properties that hold for any lists."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.ports import Hit
from reprise.search.fusion import REACH, agreed, merged, reciprocal_ranks
from reprise.search.query import Merge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass
class Told:
    """A model's answer as a test wants it; keeps count of how deep it was asked."""

    known: dict[int, float]
    depths: list[int] = field(default_factory=list)

    def best(self, depth: int) -> list[Hit]:
        self.depths.append(depth)
        order = sorted(self.known.items(), key=lambda pair: (-pair[1], pair[0]))
        return [Hit(key, score) for key, score in order[:depth]]

    def scores(self, keys: Collection[int]) -> dict[int, float]:
        return {key: self.known[key] for key in keys if key in self.known}


def keys(hits: Sequence[Hit]) -> list[int]:
    return [hit.key for hit in hits]


models = st.lists(
    st.dictionaries(st.integers(0, 40), st.floats(-1, 1, width=32), min_size=1, max_size=30).map(Told),
    min_size=2,
    max_size=4,
)
rules = st.sampled_from(list(Merge))


@given(models, st.sampled_from([Merge.FUSION, Merge.UNION, Merge.INTERSECTION]), st.randoms())
def test_the_order_of_the_models_makes_no_difference(told: list[Told], rule: Merge, chance: object) -> None:
    shuffled = list(told)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(told, rule, 1, 20) == merged(shuffled, rule, 1, 20)


@given(models)
def test_the_intersection_is_part_of_the_union(told: list[Told]) -> None:
    union = set(keys(merged(told, Merge.UNION, 1, 100)))
    shared = set(keys(merged(told, Merge.INTERSECTION, 1, 100)))
    assert shared == {key for key in union if all(key in model.known for model in told)}
    assert union == {key for model in told for key in model.known}


@given(models, rules, st.integers(1, 4), st.integers(1, 50))
def test_an_answer_has_no_key_twice_and_is_no_longer_than_asked(
    told: list[Told], rule: Merge, agreement: int, count: int
) -> None:
    answer = keys(merged(told, rule, agreement, count))
    assert len(answer) == len(set(answer)) <= count
    for key in answer:
        assert sum(key in model.known for model in told) >= (
            len(told) if rule is Merge.INTERSECTION else min(agreement, len(told))
        )


@given(models, rules, st.integers(1, 50))
def test_a_longer_answer_begins_with_the_shorter_one(told: list[Told], rule: Merge, count: int) -> None:
    if rule is not Merge.PRIORITY:  # its rule asks whether there are enough
        assert merged(told, rule, 1, 60)[:count] == merged(told, rule, 1, count)


def test_reciprocal_ranks_are_those_of_the_paper() -> None:
    ranks = [{7: 1, 8: 2}, {8: 1, 9: 2}]
    fused = reciprocal_ranks(ranks, {7, 8, 9})
    best = 2 / 61
    assert fused[8] == pytest.approx((1 / 62 + 1 / 61) / best)
    assert fused[7] == pytest.approx((1 / 61) / best)
    assert fused[9] == pytest.approx((1 / 62) / best)
    assert reciprocal_ranks([{1: 1}, {1: 1}], {1}) == {1: pytest.approx(1.0)}


def test_ranks_decide_and_not_the_scale_of_a_model() -> None:
    """P1-3's wider reason: cosines of two models are not comparable."""
    narrow = Told({1: 0.991, 2: 0.990, 3: 0.989})
    wide = Told({3: 0.2, 2: 0.1, 1: -0.5})
    assert keys(merged([narrow, wide], Merge.FUSION, 1, 3))[0] in {1, 3}
    assert merged([narrow, wide], Merge.FUSION, 1, 3)[2].key == 2
    assert keys(merged([narrow, wide], Merge.UNION, 1, 3)) == [3, 2, 1]


def test_agreement_leaves_out_what_too_few_models_list() -> None:
    told = [Told({1: 0.9, 2: 0.8}), Told({2: 0.9, 3: 0.8}), Told({2: 0.1, 3: 0.1, 4: 0.9})]
    assert set(keys(merged(told, Merge.FUSION, 2, 10))) == {2, 3}
    assert keys(merged(told, Merge.UNION, 3, 10)) == [2]
    assert agreed([{1: 1}, {1: 1, 2: 2}], 2) == {1}


def test_priority_is_the_intersection_when_that_is_enough() -> None:
    first, second = Told({1: 0.9, 2: 0.8, 3: 0.7}), Told({3: 0.9, 2: 0.5, 4: 0.99})
    assert keys(merged([first, second], Merge.PRIORITY, 1, 2)) == keys(
        merged([first, second], Merge.INTERSECTION, 1, 2)
    )


def test_priority_falls_back_to_the_first_model_and_then_the_next() -> None:
    first, second = Told({1: 0.9, 2: 0.8}), Told({3: 0.9, 2: 0.5, 4: 0.99})
    assert keys(merged([first, second], Merge.PRIORITY, 1, 4)) == [1, 2, 4, 3]
    assert keys(merged([second, first], Merge.PRIORITY, 1, 4)) == [4, 3, 2, 1]


def test_models_that_agree_late_are_asked_deeper_instead_of_answering_nothing() -> None:
    """ "Seeds searched but answers empty": the first reach of both has nothing in common."""
    size = 5 * REACH
    up, down = Told({n: n / size for n in range(size)}), Told({n: -n / size for n in range(size)})
    answer = merged([up, down], Merge.INTERSECTION, 1, 10)
    assert len(answer) == 10
    assert up.depths[0] == REACH
    assert len(up.depths) > 1


def test_sums_do_not_depend_on_the_order_of_four_models_to_the_last_bit() -> None:
    chance = random.Random(1)
    told = [Told({key: chance.random() for key in range(150)}) for _ in range(4)]
    for rule in (Merge.FUSION, Merge.UNION, Merge.INTERSECTION):
        answers = [merged(order, rule, 1, 150) for order in itertools.permutations(told)]
        assert all(answer == answers[0] for answer in answers)
