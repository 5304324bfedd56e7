"""Questions to a real catalogue and a real store, compared with an answer computed pair by pair."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprise.errors import NotFound, UsageError
from reprise.search.fusion import REACH
from reprise.search.path import song_path
from reprise.search.query import Blend, Exclusions, Merge, Query, Seed
from reprise.search.radio import Radio, Station
from reprise.search.resolve import resolve_folder
from tests.search.shelf import Dictionary, Shelf, clustered_rows, ids, random_rows, unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reprise.core.items import Item

COUNT = 60


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shelf, list[Item]]]:
    """Sixty tracks; three models, of which one knows half of them and one has its cosines near 1."""
    shelf = Shelf(tmp_path_factory.mktemp("stocked"))
    items = shelf.put_many(COUNT, artists=[f"Artist {n % 7}" for n in range(COUNT)])
    shelf.embed("wide", items, random_rows(COUNT, 8, 1))
    shelf.embed("half", items[::2], random_rows(COUNT // 2, 5, 2))
    narrow = np.concatenate([np.full((COUNT, 1), 5.0), random_rows(COUNT, 6, 3)], axis=1)
    shelf.embed("narrow", items, unit(narrow))
    yield shelf, items
    shelf.app.close()


class Oracle:
    """The rules again, in plain Python over every pair of vectors."""

    def __init__(self, shelf: Shelf, query: Query) -> None:
        self.query = query
        self.vectors: dict[str, dict[int, list[float]]] = {}
        for model in query.models:
            pages = shelf.app.store.scan(shelf.owner, shelf.spaces[model].name)
            self.vectors[model] = {
                key: row.astype(float).tolist()
                for keys, rows in pages
                for key, row in zip(keys, rows, strict=True)
            }

    @staticmethod
    def cosine(a: Sequence[float], b: Sequence[float]) -> float:
        product = sum(x * y for x, y in zip(a, b, strict=True))
        return product / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))

    def score(self, model: str, key: int) -> float:
        rows = self.vectors[model]
        seeds = [(rows[s.what.id], s.weight) for s in self.query.seeds if s.what.id in rows]  # type: ignore[union-attr]
        most = max(weight for _, weight in seeds)
        if self.query.blend is Blend.MEAN:
            mean = [sum(w * row[i] for row, w in seeds) for i in range(len(rows[key]))]
            relevance = self.cosine(rows[key], mean)
        else:
            relevance = max(w / most * (1 + self.cosine(rows[key], row)) - 1 for row, w in seeds)
        likeness = [
            self.cosine(rows[key], rows[n.id])  # type: ignore[union-attr]
            for n in self.query.negatives
            if n.id in rows  # type: ignore[union-attr]
        ]
        return relevance - self.query.negative_strength * max([0.0, *likeness])

    def listed(self, model: str) -> list[int]:
        named = {what.id for what in (*(s.what for s in self.query.seeds), *self.query.negatives)}  # type: ignore[union-attr]
        keys = [k for k in self.vectors[model] if k not in named | self.query.exclusions.items]
        return sorted(keys, key=lambda key: (-round(self.score(model, key), 9), key))

    def answer(self) -> list[tuple[int, float]]:
        """With no more tracks than the first reach, every model lists all that it knows."""
        lists = [self.listed(model) for model in self.query.models]
        least = len(lists) if self.query.merge is Merge.INTERSECTION else self.query.agreement
        keys = {key for listed in lists for key in listed if sum(key in one for one in lists) >= least}
        if len(lists) == 1:
            scores = {key: self.score(self.query.models[0], key) for key in keys}
        elif self.query.merge is Merge.FUSION:
            scores = {
                key: sum(1 / (61 + listed.index(key)) for listed in lists if key in listed) * 61 / len(lists)
                for key in keys
            }
        else:
            known = {key: [m for m in self.query.models if key in self.vectors[m]] for key in keys}
            scores = {key: sum(self.score(m, key) for m in known[key]) / len(known[key]) for key in keys}
        ranked = sorted(scores.items(), key=lambda pair: (-round(pair[1], 9), pair[0]))
        return ranked[: self.query.limit]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_answer_is_the_one_that_an_exhaustive_search_gives(
    stocked: tuple[Shelf, list[Item]], data: Any
) -> None:
    shelf, items = stocked
    chosen = data.draw(st.lists(st.sampled_from(items), min_size=3, max_size=6, unique_by=lambda i: i.id))
    count = data.draw(st.integers(1, 3))
    # At least one seed that every model knows.
    seeds = tuple(
        Seed(item, data.draw(st.sampled_from([0.25, 1.0, 3.0])))
        for item in (items[0], *chosen[:count])
        if item
    )
    seeds = tuple({seed.what.id: seed for seed in seeds}.values())  # type: ignore[union-attr]
    seeded = {seed.what.id for seed in seeds}  # type: ignore[union-attr]
    models = data.draw(st.sampled_from([("wide",), ("narrow", "half"), ("half", "wide", "narrow")]))
    query = Query(
        seeds,
        models,
        limit=data.draw(st.sampled_from([1, 10, 25, 70])),
        blend=data.draw(st.sampled_from(list(Blend))),
        merge=data.draw(st.sampled_from([Merge.FUSION, Merge.UNION, Merge.INTERSECTION])),
        agreement=data.draw(st.integers(1, len(models))),
        negatives=tuple(item for item in chosen[count:] if item.id not in seeded),
        negative_strength=data.draw(st.sampled_from([0.0, 0.5, 1.0])),
        exclusions=Exclusions(items=frozenset(data.draw(st.sets(st.integers(1, COUNT), max_size=20)))),
    )
    found = find_here(shelf, query)
    expected = Oracle(shelf, query).answer()
    assert [match.item.id for match in found] == [key for key, _ in expected]
    assert np.allclose([match.score for match in found], [score for _, score in expected], atol=1e-6)


def find_here(shelf: Shelf, query: Query) -> list[Any]:
    from reprise.search.find import find

    return find(shelf.ports(), query).matches


def test_the_default_question_to_two_models_is_answered(stocked: tuple[Shelf, list[Item]]) -> None:
    """P1-3: any question to several models came back empty."""
    shelf, items = stocked
    for merge in Merge:
        found = shelf.find([items[0]], "wide", "narrow", merge=merge)
        assert len(found.matches) == 10, merge
        assert all(set(match.scores) == {"wide", "narrow"} for match in found.matches)
        assert found.warnings == ()


def test_one_seed_and_one_model_is_the_stores_own_answer(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    space = shelf.spaces["wide"].name
    query = shelf.app.store.get(shelf.owner, space, [items[3].id])[items[3].id]
    hits = shelf.app.store.search(shelf.owner, space, query, 10, exclude=[items[3].id])
    found = shelf.find([items[3]], "wide")
    assert [(m.item.id, m.score) for m in found.matches] == [(hit.key, hit.score) for hit in hits]
    assert (found.model, found.space, found.partial) == ("wide", space, False)


def test_seeds_that_a_model_does_not_know_are_a_warning(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    found = shelf.find([items[0], items[1]], "wide", "half")
    assert len(found.matches) == 10
    assert found.warnings == ("Artist 1 - 0001.mp3 is not embedded by half: left out of the comparison",)


def test_a_model_that_knows_no_seed_is_a_warning_as_long_as_another_does(
    stocked: tuple[Shelf, list[Item]],
) -> None:
    shelf, items = stocked
    found = shelf.find([items[1]], "half", "wide", "nobody", agreement=2)
    assert ids(found) == ids(shelf.find([items[1]], "wide"))
    text = "\n".join(found.warnings)
    assert "0001.mp3 is not embedded by half; see why with: reprise explain 2" in text
    assert "nothing is embedded by nobody yet" in text
    assert "only 1 of 3 models can answer: 1 must agree" in text


def test_seeds_that_no_model_knows_are_an_error_with_a_cure(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    with pytest.raises(NotFound, match="is not embedded by half") as told:
        shelf.find([items[1]], "half")
    assert told.value.cure == "see why with: reprise explain 2"


def test_a_negative_pushes_down_what_resembles_it(shelf: Shelf) -> None:
    rows = clustered_rows(3, 10, 16, seed=5, spread=0.15)
    seed = unit(rows[0] + rows[10])  # between the first two clusters
    items = shelf.put_many(31)
    shelf.embed("m", items, np.concatenate([rows, seed[None, :]]))
    plain = ids(shelf.find([items[30]], "m", limit=20))
    without = shelf.find([items[30]], "m", limit=20, negatives=(items[3],))
    first, second = {item.id for item in items[:10]}, {item.id for item in items[10:20]}
    assert len(first & set(plain[:10])) > 2
    assert set(ids(without)[:10]) == second
    assert items[3].id not in ids(without)
    scores = {match.item.id: match.score for match in shelf.find([items[30]], "m", limit=20).matches}
    lowered = {match.item.id: match.score for match in without.matches}
    assert all(lowered[key] < scores[key] - 0.3 for key in first & scores.keys() & lowered.keys())
    gentle = shelf.find([items[30]], "m", limit=20, negatives=(items[3],), negative_strength=0.0)
    assert [key for key in plain if key != items[3].id] == [k for k in ids(gentle) if k in plain]


def test_a_negative_never_lifts_what_is_unlike_the_seed(shelf: Shelf) -> None:
    """As a factor on the score it would: a score below zero rises when it is made smaller."""
    items = shelf.put_many(4)
    rows = unit(np.array([[1.0, 0, 0], [-0.5, 0.9, 0], [-0.5, 0, 0.9], [0, 1, 0]]))
    shelf.embed("m", items, rows)
    plain = {m.item.id: m.score for m in shelf.find([items[0]], "m").matches}
    lowered = {m.item.id: m.score for m in shelf.find([items[0]], "m", negatives=(items[3],)).matches}
    assert all(lowered[key] <= plain[key] for key in lowered)
    assert lowered[items[1].id] < plain[items[1].id]


def test_a_negative_lifts_tracks_from_far_down_when_it_must(shelf: Shelf) -> None:
    """The nearest two hundred are all like the negative; the answer lies behind them."""
    items = shelf.put_many(401)
    chance = np.random.default_rng(1)
    near = np.concatenate([np.full((200, 1), 1.0), np.full((200, 1), 0.5)], axis=1) + 0.01 * chance.random(
        (200, 2)
    )
    far = np.concatenate([np.full((200, 1), 0.4), np.zeros((200, 1))], axis=1) + 0.01 * chance.random(
        (200, 2)
    )
    pad = np.concatenate([np.zeros((200, 1)), np.full((200, 1), 0.6)])
    rows = np.concatenate([np.concatenate([near, far]), pad], axis=1)
    shelf.embed("m", items, unit(np.concatenate([np.array([[1.0, 0, 0]]), rows])))
    found = shelf.find([items[0]], "m", negatives=(items[1],), negative_strength=1.0)
    assert set(ids(found)) <= {item.id for item in items[201:]}


def test_weights_decide_whom_the_answer_resembles(shelf: Shelf) -> None:
    rows = clustered_rows(2, 20, 12, seed=8)
    items = shelf.put_many(40)
    shelf.embed("m", items, rows)
    one, two = {item.id for item in items[:20]}, {item.id for item in items[20:]}
    for blend in Blend:
        heavy = shelf.find([Seed(items[0], 5.0), Seed(items[20], 1.0)], "m", blend=blend)
        assert len(one & set(ids(heavy))) == 10
        heavy = shelf.find([Seed(items[0], 1.0), Seed(items[20], 5.0)], "m", blend=blend)
        assert len(two & set(ids(heavy))) == 10
    both = shelf.find([items[0], items[20]], "m", blend=Blend.ANY)
    assert min(len(one & set(ids(both))), len(two & set(ids(both)))) >= 2
    assert all(match.score > 0.8 for match in both.matches)


def test_seeds_that_cancel_out_are_refused(shelf: Shelf) -> None:
    items = shelf.put_many(3)
    shelf.embed("m", items, np.array([[1, 0], [-1, 0], [0, 1]], np.float32))
    with pytest.raises(UsageError, match="cancel each other out"):
        shelf.find(items[:2], "m")
    assert ids(shelf.find(items[:2], "m", blend=Blend.ANY)) == [items[2].id]


# what is left out


def test_missing_files_and_exclusions_are_filled_up_from_further_down(shelf: Shelf) -> None:
    rows = random_rows(500, 8, 4)
    names = [f"{'loud' if n % 2 else 'soft'}/{n:03d}.mp3" for n in range(500)]
    items = shelf.put(*names, artists=["Nina" if n % 5 == 0 else f"A{n}" for n in range(500)])
    shelf.embed("m", items, rows)
    shelf.embed("other", items, random_rows(500, 4, 5))
    order = ids(shelf.find([items[1]], "m", limit=499))
    by_id = {item.id: item for item in items}
    lost = [by_id[key] for key in order[:100]]
    shelf.lose(*lost)
    exclusions = Exclusions(
        items=frozenset(order[100:120]), folders=((shelf.library.id, b"loud"),), artists=frozenset({"nina"})
    )
    expected = [
        key
        for key in order[120:]
        if by_id[key].path.startswith(b"soft/") and by_id[key].tags.artist != "Nina"
    ]
    found = shelf.find([items[1]], "m", limit=50, exclusions=exclusions)
    assert ids(found) == expected[:50]
    assert found.warnings == ()
    everything = shelf.find([items[1]], "m", limit=400, exclusions=exclusions)
    assert ids(everything) == expected
    assert f"{len(expected)} found" in everything.warnings[0]
    assert "100 whose file is missing" in everything.warnings[0]
    assert "by an excluded artist" in everything.warnings[0]
    for merge in Merge:
        several = shelf.find([items[1]], "m", "other", limit=50, exclusions=exclusions, merge=merge)
        assert len(several.matches) == 50
        assert set(ids(several)) <= set(expected)


def test_the_whole_library_excluded_says_so(shelf: Shelf) -> None:
    items = shelf.put_many(30, artists=["Nina"] * 30)
    shelf.embed("m", items, random_rows(30, 4))
    found = shelf.find([items[0]], "m", exclusions=Exclusions(artists=frozenset({"nina"})))
    assert found.matches == []
    assert found.warnings == ("nothing found: 29 by an excluded artist",)


def test_every_other_track_excluded_says_so(shelf: Shelf) -> None:
    items = shelf.put_many(3)
    shelf.embed("m", items, random_rows(3, 4))
    found = shelf.find([items[0]], "m", exclusions=Exclusions(items=frozenset({items[1].id, items[2].id})))
    assert found.warnings == ("nothing found: 2 excluded by name",)


def test_a_lonely_track_says_that_it_is(shelf: Shelf) -> None:
    items = shelf.put_many(1)
    shelf.embed("m", items, random_rows(1, 4))
    assert shelf.find(items, "m").warnings == ("nothing found: nothing else is embedded",)


def test_models_that_share_no_track_but_the_seed_say_so(shelf: Shelf) -> None:
    items = shelf.put_many(21)
    shelf.embed("a", [items[0], *items[1:11]], random_rows(11, 4, 1))
    shelf.embed("b", [items[0], *items[11:]], random_rows(11, 4, 2))
    found = shelf.find([items[0]], "a", "b", merge=Merge.INTERSECTION)
    assert found.matches == []
    assert found.warnings == ("nothing found: the rest is not listed by enough models",)
    assert len(shelf.find([items[0]], "a", "b").matches) == 10
    assert len(shelf.find([items[0]], "a", "b", merge=Merge.PRIORITY, limit=20).matches) == 20


def test_models_that_agree_only_far_down_still_give_a_full_answer(shelf: Shelf) -> None:
    count = 4 * REACH
    items = shelf.put_many(count)
    turn = np.linspace(0.01, 3.0, count - 1)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    shelf.embed("a", items, unit(np.concatenate([[[1.0, 0.0]], circle])))
    shelf.embed("b", items, unit(np.concatenate([[[1.0, 0.0]], circle[::-1]])))
    found = shelf.find([items[0]], "a", "b", merge=Merge.INTERSECTION)
    assert len(found.matches) == 10
    assert found.warnings == ()


def test_diversity_works_on_the_whole_way(shelf: Shelf) -> None:
    rows = clustered_rows(6, 12, 16, seed=2)
    items = shelf.put_many(72)
    shelf.embed("m", items, rows)
    shelf.embed("n", items, clustered_rows(6, 12, 10, seed=9))
    by_id = {item.id: place for place, item in enumerate(items)}

    def spread(found: Any) -> float:
        chosen = rows[[by_id[key] for key in ids(found)]]
        return float((chosen @ chosen.T)[np.triu_indices(len(chosen), 1)].mean())

    for models in (("m",), ("m", "n")):
        plain, varied = (shelf.find([items[0]], *models, diversity=d) for d in (0.0, 0.7))
        assert ids(varied) != ids(plain)
        assert spread(varied) < spread(plain) - 0.2
        assert len(varied.matches) == 10


# text


def test_a_text_finds_what_its_vector_is_near_to(shelf: Shelf) -> None:
    rows = clustered_rows(3, 10, 8, seed=6)
    items = shelf.put_many(30)
    space = shelf.embed("joint", items, rows)
    texts = Dictionary({"sad piano": rows[0], "techno": rows[10], "talking": rows[20]})
    for text, first in (("sad piano", 0), ("techno", 10)):
        found = shelf.find([text], "joint", encoder=texts)
        assert {key - 1 for key in ids(found)} == set(range(first, first + 10))
        hits = shelf.app.store.search(shelf.owner, space.name, texts.texts[text], 10)
        assert [(m.item.id, m.score) for m in found.matches] == [(hit.key, hit.score) for hit in hits]
    mixed = shelf.find(["sad piano", items[10]], "joint", encoder=texts, blend=Blend.ANY, limit=25)
    assert {(key - 1) // 10 for key in ids(mixed)[:18]} == {0, 1}
    apart = shelf.find(["techno", "sad piano"], "joint", encoder=texts, negatives=(items[3],), limit=9)
    assert {(key - 1) // 10 for key in ids(apart)} == {1}


def test_a_text_can_be_a_negative(shelf: Shelf) -> None:
    rows = clustered_rows(2, 10, 8, seed=6)
    items = shelf.put_many(21)
    shelf.embed("joint", items, np.concatenate([rows, unit(rows[0] + rows[10])[None, :]]))
    texts = Dictionary({"talking": rows[0]})
    found = shelf.find([items[20]], "joint", encoder=texts, negatives=("talking",))
    assert {(key - 1) // 10 for key in ids(found)} == {1}


def test_each_model_reads_the_text_in_its_own_way(shelf: Shelf) -> None:
    items = shelf.put_many(20)
    rows = random_rows(20, 6, 1)
    shelf.embed("a", items, rows)
    shelf.embed("b", items, rows[::-1])
    texts = Dictionary({"techno": rows[4]})
    found = shelf.find(["techno"], "a", "b", encoder=texts)
    assert texts.asked == [("a", "techno"), ("b", "techno")]
    for match in found.matches:
        place = match.item.id - 1
        assert match.scores["a"] == pytest.approx(float(rows[place] @ rows[4]), abs=1e-6)
        assert match.scores["b"] == pytest.approx(float(rows[19 - place] @ rows[4]), abs=1e-6)


def test_a_text_of_another_version_of_the_model_is_refused(shelf: Shelf) -> None:
    items = shelf.put_many(5)
    rows = random_rows(5, 6, 1)
    old = shelf.embed("joint", items, rows, epoch=1)
    texts = Dictionary({"techno": rows[4]}, epoch=2)
    with pytest.raises(UsageError, match=f"answers from {old.name}, which another version") as told:
        shelf.find(["techno"], "joint", encoder=texts)
    assert "reprise embed FOLDER --model joint" in told.value.cure
    assert texts.asked == []
    shelf.embed("joint", items, rows, epoch=2, active=False)  # fills beside, the pointer stays
    with pytest.raises(UsageError, match="another version"):
        shelf.find(["techno"], "joint", encoder=texts)
    shelf.embed("joint", items, rows, epoch=2)
    assert ids(shelf.find(["techno"], "joint", encoder=texts))[0] == items[4].id


# owners


def test_owners_never_see_each_other(tmp_path: Path) -> None:
    ada, bob = Shelf(tmp_path, "ada"), Shelf(tmp_path, "bob")
    rows = random_rows(40, 6, 1)
    mine, others = ada.put_many(20), bob.put_many(20)
    ada.embed("m", mine, rows[:20])
    bob.embed("m", others, rows[20:])
    ada.embed("n", mine, rows[:20])
    bob.embed("n", others, rows[20:])
    for merge in Merge:
        found = ada.find([mine[0]], "m", "n", limit=100, merge=merge, diversity=0.3)
        assert set(ids(found)) == {item.id for item in mine[1:]}
        assert {match.item.owner for match in found.matches} == {"ada"}
    with pytest.raises(NotFound, match="not embedded"):
        ada.find([others[0]], "m")
    found = ada.find([mine[0], others[0]], "m")
    assert ids(found) == ids(ada.find([mine[0]], "m"))
    radio = Radio(ada.ports(), "m", [Seed(mine[0])], Exclusions(), Station())
    assert {played.item.id for played in radio} == {item.id for item in mine[1:]}
    path = song_path(ada.ports(), "m", mine[0], mine[1], 40, Exclusions())
    assert {item.id for item in path.items} == {item.id for item in mine}
    with pytest.raises(NotFound, match="not embedded"):
        song_path(ada.ports(), "m", mine[0], others[0], 3, Exclusions())
    with pytest.raises(NotFound, match="not embedded"):
        Radio(ada.ports(), "m", [Seed(others[0])], Exclusions(), Station())
    ada.app.close()
    bob.app.close()


# questions that make no sense


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seeds": ()}, "nothing to start from"),
        ({"seeds": (Seed("a text", 0.0),)}, "the weight of 'a text' is 0"),
        ({"seeds": (Seed("a text", float("nan")),)}, "weight"),
        ({"seeds": (Seed("  "),)}, "text is empty"),
        ({"negatives": ("a text",)}, "wanted and unwanted"),
        ({"models": ()}, "name one model"),
        ({"models": ("a", "a")}, "each once"),
        ({"agreement": 3}, "3 models are to agree, and 2 are asked"),
        ({"agreement": 0}, "agree"),
        ({"limit": 0}, "0 tracks"),
        ({"diversity": 1.1}, "diversity is 1.1"),
        ({"diversity": float("nan")}, "diversity"),
        ({"negative_strength": -1.0}, "negative strength is -1"),
    ],
)
def test_questions_without_sense_are_refused_at_once(wrong: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {"seeds": (Seed("a text"),), "models": ("a", "b")}
    Query(**right)
    with pytest.raises(UsageError, match=message) as told:
        Query(**{**right, **wrong})
    assert told.value.cure


def test_no_text_without_an_encoder(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, _ = stocked
    with pytest.raises(UsageError, match="no text can be read here"):
        shelf.find(["techno"], "wide")


def test_a_folder_is_found_however_it_is_named(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shelf.folder / "music" / "default"
    (root / "jazz" / "live").mkdir(parents=True)
    (shelf.folder / "link").symlink_to(root)
    catalogue = shelf.app.catalogue()
    monkeypatch.chdir(root / "jazz")
    for text in (
        "live",
        "jazz/live",
        "jazz/live/",
        str(root / "jazz/live"),
        str(shelf.folder / "link/jazz/live"),
    ):
        assert resolve_folder(catalogue, "default", text) == (shelf.library.id, b"jazz/live"), text
    assert resolve_folder(catalogue, "default", str(root)) == (shelf.library.id, b"")
    for text in ("rock", "/", str(shelf.folder), str(root) + "2"):
        with pytest.raises(NotFound, match="no library of 'default' holds a folder"):
            resolve_folder(catalogue, "default", text)
    with pytest.raises(NotFound):
        resolve_folder(catalogue, "bob", "jazz")
