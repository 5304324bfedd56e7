"""What can be asked, whom a query names, whether it looks something up, and how channels are weighed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.video import Person
from reprise.core.video_records import SearchPreferences
from reprise.errors import NotFound, UsageError
from reprise.search.scenes.intent import is_lookup
from reprise.search.scenes.naming import persons_in
from reprise.search.scenes.query import CONTENT, Channel, SceneQuery
from reprise.search.scenes.weights import LEAST_LEXICAL, MOST_SEEN, USUAL, bounded, chosen, with_person

# limits


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"text": ""}, "empty"),
        ({"text": " \n "}, "empty"),
        ({"text": "x" * 1001}, "1,001 characters"),
        ({"limit": 0}, "0 scenes"),
        ({"limit": 101}, "101 scenes"),
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"least_score": -0.1}, "least score is -0.1"),
        ({"threshold": math.nan}, "threshold is nan"),
        ({"weights": {"smell": 1.0}}, "no channel 'smell'"),
        ({"weights": {"visual": -0.1}}, "weight of visual is -0.1"),
        ({"weights": {"visual": 2.0}}, "weight of visual is 2"),
        ({"weights": {"visual": math.nan}}, "weight of visual is nan"),
        ({"weights": {"visual": 0.0}}, "no channel has a weight"),
        ({"weights": {}}, "no channel has a weight"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        SceneQuery(**{"text": "a boat"} | wrong)  # type: ignore[arg-type]
    assert caught.value.cure


def test_the_limits_themselves_are_fine() -> None:
    SceneQuery("x" * 1000, limit=100, threshold=0.0, least_score=1.0, weights=dict.fromkeys(Channel, 1.0))
    SceneQuery("x", limit=1, threshold=1.0)


# persons


def people(*names: str) -> list[Person]:
    return [Person(place, "ada", name, False, {}, True, 0.0) for place, name in enumerate(names, 1)]


KNOWN = people("Anna", "Anna Maria", "Ben", "김민수", "さくら", "Q", "Jean-Luc", "MÜLLER")


@pytest.mark.parametrize(
    ("query", "names", "rest"),
    [
        ("person:Anna, cooking", ["Anna"], "cooking"),
        ("person: anna cooking", ["Anna"], "cooking"),
        ("PERSON：ＡＮＮＡ， cooking", ["Anna"], "cooking"),
        ("person:Anna Maria, cooking", ["Anna Maria"], "cooking"),
        ("person:Anna, person:Ben, cooking", ["Anna", "Ben"], "cooking"),
        ("person:Q, cooking", ["Q"], "cooking"),
        ("Anna cooking", ["Anna"], "cooking"),
        ("anna  maria cooking", ["Anna Maria"], "cooking"),
        ("Anna, Anna Maria", ["Anna Maria", "Anna"], ""),
        ("cooking with Ben today", ["Ben"], "cooking with today"),
        ("Anna's dog", ["Anna"], "dog"),
        ("Anna", ["Anna"], ""),
        ("Annabel cooking", [], "Annabel cooking"),
        ("Joanna cooking", [], "Joanna cooking"),
        ("a bench", [], "a bench"),
        ("Q cooking", [], "Q cooking"),
        ("jean-luc at sea", ["Jean-Luc"], "at sea"),
        ("müller am see", ["MÜLLER"], "am see"),
        ("mu\u0308ller am see", ["MÜLLER"], "am see"),
        ("김민수가 요리하는 장면", ["김민수"], "요리하는 장면"),
        ("요리하는 김민수", ["김민수"], "요리하는"),
        ("公園で走るさくら", ["さくら"], "公園で走る"),
        ("さくらが走る", ["さくら"], "走る"),
        ("red boat", [], "red boat"),
    ],
)
def test_persons_in_a_query(query: str, names: list[str], rest: str) -> None:
    found, left = persons_in(query, KNOWN)
    assert ([person.name for person in found], left) == (names, rest)


def test_a_name_after_the_word_that_nobody_has() -> None:
    with pytest.raises(NotFound, match="no person 'Zoe'"):
        persons_in("person:Zoe, cooking", KNOWN)
    with pytest.raises(NotFound, match="no person 'Annabel'"):
        persons_in("person:Annabel", KNOWN)


@given(st.text(max_size=80))
def test_any_query_can_be_looked_at(text: str) -> None:
    try:
        found, rest = persons_in(text, KNOWN)
    except NotFound:
        return
    assert len(found) <= len(KNOWN)
    assert len(rest) <= 18 * len(text)  # NFKC makes one letter eighteen at most


# lookups


@pytest.mark.parametrize(
    "text",
    [
        '"a red boat"',
        "“a boat”",
        "„ein Boot“",
        "«un bateau»",
        "「赤い船」",
        "NASA",
        "GX-350",
        "2024",
        "Eiffel Tower",
    ],
)
def test_lookups(text: str) -> None:
    assert is_lookup(text)


@pytest.mark.parametrize(
    "text",
    ["a red boat", "boat", "Boat", "A", "赤い船", "it's", "The boat is Red", '"', "", "I like 3 boats"],
)
def test_what_asks_for_a_meaning(text: str) -> None:
    assert not is_lookup(text)


# weights

WEIGHTS = st.dictionaries(st.sampled_from(CONTENT), st.floats(0, 1), max_size=5)


@given(WEIGHTS, st.sets(st.sampled_from(CONTENT)))
def test_bounds_hold_whoever_answers(weights: dict[str, float], present: set[str]) -> None:
    shares = bounded(weights, present)
    assert set(shares) <= present
    assert all(0 < share <= 1 + 1e-9 for share in shares.values())
    assert sum(shares.get(channel, 0) for channel in ("visual", "image")) <= MOST_SEEN + 1e-9
    if Channel.LEXICAL in present:
        assert shares[Channel.LEXICAL] >= LEAST_LEXICAL - 1e-9
    if set(shares) - {"visual", "image"}:
        assert sum(shares.values()) == pytest.approx(1)


@given(WEIGHTS)
def test_bounded_weights_are_their_own_bounds(weights: dict[str, float]) -> None:
    once = bounded(weights, CONTENT)
    assert bounded(once, CONTENT) == pytest.approx(once, abs=1e-6)


def test_proportions_stay_among_those_that_answer() -> None:
    assert bounded(USUAL, ["transcript", "visual", "summary", "lexical"]) == {
        "transcript": 0.45,
        "visual": 0.25,
        "summary": 0.1,
        "lexical": 0.2,
    }
    assert bounded(USUAL, ["transcript", "visual"]) == pytest.approx(
        {"transcript": 45 / 70, "visual": 25 / 70}
    )
    assert bounded({"visual": 1.0}, CONTENT) == {"visual": 0.8, "lexical": 0.2}
    assert bounded({"visual": 1.0}, ["visual"]) == {"visual": 0.8}
    assert bounded({"visual": 0.5, "image": 0.5}, ["visual", "image"]) == {"visual": 0.4, "image": 0.4}
    assert bounded({"transcript": 1.0}, CONTENT) == {"transcript": 0.95, "lexical": 0.05}
    assert bounded({"visual": 1.0}, ["lexical"]) == {"lexical": 1.0}
    assert bounded({"visual": 1.0}, ["transcript"]) == {}


def test_the_request_comes_before_what_is_saved_and_that_before_the_usual() -> None:
    saved = SearchPreferences({"summary": 0.5, "lexical": 0.5, "person": 0.9})
    assert chosen({"lexical": 1.0}, saved) == ({"lexical": 1.0}, 0.65)
    assert chosen(None, saved) == ({"summary": 0.5, "lexical": 0.5}, 0.9)
    usual, share = chosen(None, None)
    assert usual == pytest.approx({channel: weight / 1.25 for channel, weight in USUAL.items()})
    assert share == 0.65
    assert chosen({"person": 1.0}, saved) == (usual, 1.0)


def test_a_person_and_content() -> None:
    assert with_person({"lexical": 0.2, "visual": 0.8}, 0.75) == {
        "lexical": 0.05,
        "visual": 0.2,
        "person": 0.75,
    }
    assert with_person({}, 0.65) == {"person": 1.0}
