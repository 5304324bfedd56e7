"""Scenes found by what is said, seen and written, and by who is in them; and what happens when a part of it is away."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.items import ItemKind
from reprise.core.pipeline import EmbeddingSpec, Step
from reprise.errors import ModelLoadFailed, NotFound, SearchDown, StoreError
from reprise.scene_search import SceneSearch
from reprise.search.scenes.answer import State, Support
from reprise.search.scenes.find import find_scenes
from reprise.search.scenes.query import Channel, Fusion, SceneQuery
from tests.search.reel import READ, Reader, Reel, Shot, keys, towards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.search.scenes.answer import ChannelReport, SceneAnswer


@pytest.fixture
def reel(tmp_path: Path) -> Iterator[Reel]:
    made = Reel(tmp_path)
    with closing(made.app):
        yield made


def report(answer: SceneAnswer, channel: Channel) -> ChannelReport:
    return next(one for one in answer.channels if one.channel is channel)


def states(answer: SceneAnswer) -> dict[str, str]:
    return {one.channel: one.state for one in answer.channels}


# the embedded default: no model that reads texts


def test_a_single_scene_is_found_by_its_only_word(reel: Reel) -> None:
    """In the source a channel with one candidate was "flat" and dropped: the search found nothing (P3-9)."""
    video, (scene,) = reel.film("only.mp4", Shot(said="a lighthouse"))
    reel.index([scene])
    answer = reel.find("lighthouse")
    assert keys(answer) == [scene]
    (match,) = answer.matches
    assert (match.video.id, match.score, match.support) == (video, 1.0, Support.SEMANTIC)
    assert match.parts[Channel.LEXICAL].rank == 1
    assert match.display == pytest.approx(0.9502, abs=1e-4)


def test_the_embedded_default_is_told_and_is_no_fault(reel: Reel) -> None:
    _, scenes = reel.film("a.mp4", Shot(said="red boat"), Shot(said="green hill"))
    reel.index(scenes)
    reel.embed("scene-image", {scenes[0]: towards(0)}, image_model="descriptor")
    answer = reel.find("green hill")
    assert keys(answer) == [scenes[1]]
    assert answer.degraded == {}
    assert states(answer) == {
        "transcript": State.ABSENT,
        "visual": State.ABSENT,
        "summary": State.ABSENT,
        "lexical": State.ANSWERED,
        "image": State.ABSENT,
        "person": State.UNASKED,
    }
    assert "nothing is embedded by scene-transcript" in report(answer, Channel.TRANSCRIPT).reason
    assert "reads no text" in report(answer, Channel.IMAGE).reason
    assert answer.weights == {"lexical": 1.0}
    assert answer.spec_version == "2026-11-21"


def test_a_disabled_step_says_why(reel: Reel) -> None:
    _, scenes = reel.film("a.mp4", Shot(said="red boat"))
    reel.index(scenes)
    disabled = Step(
        "scene_text", "", ItemKind.SCENE, ("scene-transcript",), disabled="no model for text is chosen"
    )
    ports = reel.ports(pipeline=EmbeddingSpec("2026-11-21", (disabled,)))
    answer = find_scenes(ports, SceneQuery("boat"))
    assert report(answer, Channel.TRANSCRIPT).reason == "no model for text is chosen"
    assert keys(answer) == scenes


def test_nothing_embedded_at_all_is_an_empty_answer_that_says_so(reel: Reel) -> None:
    answer = reel.find("anything")
    assert answer.matches == ()
    assert {one.state for one in answer.channels} == {State.ABSENT, State.UNASKED}


def test_every_language_is_found(reel: Reel) -> None:
    _, scenes = reel.film(
        "world.mp4",
        Shot(said="서울에서 김치를 담그다"),
        Shot(said="東京の猫が寝ている"),
        Shot(said="Die Straße nach München"),
        Shot(said="แมวดำนอนหลับ"),
    )
    reel.index(scenes)
    found = {text: keys(reel.find(text)) for text in ("김치", "猫", "STRASSE MUNCHEN", "แมว", "🐈")}
    assert found == {
        "김치": [scenes[0]],
        "猫": [scenes[1]],
        "STRASSE MUNCHEN": [scenes[2]],
        "แมว": [scenes[3]],
        "🐈": [],
    }


# several channels


@pytest.fixture
def five(reel: Reel) -> list[int]:
    """Five scenes. Words: 0 and 1 weakly, 2 fully. Meaning of "wild geese": 3 said, 4 seen."""
    _, scenes = reel.film(
        "pond.mp4",
        Shot(said="geese and ducks and swans on a pond and a boat"),
        Shot(said="wild weather over the hills and the sea and the town"),
        Shot(said="wild geese", tags=("geese",)),
        Shot(said="birds of passage"),
        Shot(description="a flock under clouds"),
    )
    reel.index(scenes)
    reel.embed("scene-transcript", {scenes[3]: towards(0, 0.9), scenes[0]: towards(1)})
    reel.embed("scene-visual", {scenes[4]: towards(0, 0.8)})
    reel.embed("scene-summary", {})
    return scenes


@pytest.fixture
def reader() -> Reader:
    return Reader({"wild geese": towards(0)})


def test_channels_are_fused_by_weight(reel: Reel, five: list[int], reader: Reader) -> None:
    answer = reel.find("wild geese", reader)
    assert keys(answer) == [five[3], five[4], five[2]]
    assert [match.score for match in answer.matches] == [0.45, 0.25, 0.2]
    assert answer.weights == {"transcript": 0.45, "visual": 0.25, "summary": 0.1, "lexical": 0.2}
    assert answer.matches[0].parts["transcript"].raw == pytest.approx(0.9, abs=1e-6)
    assert answer.degraded == {}


def test_the_text_is_read_once_for_channels_of_one_model(reel: Reel, five: list[int], reader: Reader) -> None:
    reel.find("wild geese", reader)
    assert len(reader.asked) == 1


def test_one_strong_hit_of_meaning_is_not_lost_among_weak_pairs_of_words(reel: Reel) -> None:
    """P3-9: the source dropped the flat channel, so that any lexical pair won."""
    _, scenes = reel.film(
        "pond.mp4",
        Shot(said="swans"),
        Shot(said="one goose beside many other words about nothing"),
        Shot(said="a goose and other words"),
    )
    reel.index(scenes)
    reel.embed("scene-transcript", {scenes[0]: towards(0, 0.95)})
    answer = reel.find("goose flight", Reader({"goose flight": towards(0)}))
    assert keys(answer)[0] == scenes[0]
    weak = Reader({"goose flight": towards(0)})
    reel.embed("scene-visual", {scenes[1]: towards(0, 0.16), scenes[2]: towards(0, 0.155)})
    assert (
        keys(reel.find("goose flight", weak, weights={"transcript": 0.3, "visual": 0.6, "lexical": 0.1}))[0]
        == scenes[0]
    )


def test_reciprocal_ranks_work_with_channels(reel: Reel, five: list[int], reader: Reader) -> None:
    """In the source a wrong argument made every such search an error 500 (P3-10)."""
    answer = reel.find("wild geese", reader, fusion=Fusion.RRF)
    assert answer.fusion is Fusion.RRF
    assert keys(answer) == [five[3], five[4], five[2]]
    assert [match.score for match in answer.matches] == [0.45, 0.25, 0.2]


def test_a_bound_holds_for_pictures_alone(reel: Reel, five: list[int], reader: Reader) -> None:
    """In the source the cap on the visual weight did nothing once it was the only one (P3-11)."""
    answer = reel.find("wild geese", reader, weights={"visual": 1.0})
    assert answer.weights == {"visual": 0.8, "lexical": 0.2}
    assert keys(answer) == [five[4], five[2]]
    assert answer.matches[0].score == 0.8


def test_pictures_alone_where_there_are_none_are_no_error(reel: Reel) -> None:
    """In the source this was an error 400 (P3-11)."""
    _, scenes = reel.film("a.mp4", Shot(said="red boat"))
    reel.index(scenes)
    answer = reel.find("boat", weights={"visual": 1.0})
    assert keys(answer) == scenes
    assert answer.weights == {"lexical": 1.0}


def test_words_for_pictures_are_asked_where_the_model_reads_them(reel: Reel, five: list[int]) -> None:
    reel.embed("scene-image", {five[1]: towards(0, 0.31)}, image_model="clip")
    reader = Reader({"wild geese": towards(0)}, READ | {"scene-image"}, {"image_model": "clip"})
    for model in READ:  # as one installation has them
        reel.embed(model, {}, image_model="clip")
    answer = reel.find("wild geese", reader)
    assert five[1] in keys(answer)
    assert answer.weights["image"] == pytest.approx(0.2)
    assert sum(answer.weights.values()) == pytest.approx(1)


def test_thresholds_hold_and_can_be_given(reel: Reel) -> None:
    _, scenes = reel.film("a.mp4", Shot(said="one"), Shot(said="two"), Shot(said="three"))
    reel.embed(
        "scene-transcript",
        {scenes[0]: towards(0, 0.9), scenes[1]: towards(0, 0.25), scenes[2]: towards(0, 0.15)},
    )
    reader = Reader({"q": towards(0)})
    assert keys(reel.find("q", reader)) == scenes[:2]
    assert keys(reel.find("q", reader, threshold=0.1)) == scenes
    assert keys(reel.find("q", reader, threshold=0.5)) == scenes[:1]
    assert keys(reel.find("q", reader, least_score=0.5)) == scenes[:1]


def test_only_a_video_or_a_library(reel: Reel) -> None:
    other = reel.library_at("other")
    first, (one,) = reel.film("a.mp4", Shot(said="a boat"))
    second, (two,) = reel.film("b.mp4", Shot(said="a boat"), library=other)
    reel.index([one, two])
    reel.embed("scene-transcript", {one: towards(0, 0.9), two: towards(0, 0.8)})
    reader = Reader({"boat": towards(0)})
    assert keys(reel.find("boat", reader)) == [one, two]
    assert keys(reel.find("boat", reader, video_id=second)) == [two]
    assert keys(reel.find("boat", reader, library_id=other)) == [two]
    assert keys(reel.find("boat", reader, library_id=reel.library, video_id=second)) == []
    for wrong in ({"video_id": 999}, {"library_id": 999}, {"video_id": one}):
        with pytest.raises(NotFound):
            reel.find("boat", reader, **wrong)
    assert first


def test_many_scenes_of_one_library_are_found_behind_those_of_another(
    reel: Reel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprise.search.scenes.channels.FEW_SCENES", 0)
    monkeypatch.setattr("reprise.search.scenes.channels.CANDIDATES", 3)
    other = reel.library_at("other")
    _, near = reel.film("near.mp4", *[Shot()] * 30)
    _, far = reel.film("far.mp4", *[Shot()] * 5, library=other)
    rows = {key: towards(0, 0.9 - place / 1000) for place, key in enumerate([*near, *far])}
    reel.embed("scene-transcript", rows)
    assert keys(reel.find("q", Reader({"q": towards(0)}), library_id=other)) == far[:3]


def test_what_is_gone_is_not_found(reel: Reel) -> None:
    gone, (one,) = reel.film("a.mp4", Shot(said="a boat"))
    _, (two,) = reel.film("b.mp4", Shot(said="a boat and a pier"))
    reel.index([one, two])
    reel.lose(gone)
    assert keys(reel.find("boat", limit=1)) == [two]
    reel.app.lexical.upsert("default", reel.index([two]).name, [])
    assert keys(reel.find("boat")) == [two]


# lookups


def test_a_lookup_is_answered_by_scenes_that_hold_the_words(reel: Reel, five: list[int]) -> None:
    reader = Reader({'"wild geese"': towards(0)})
    answer = reel.find('"wild geese"', reader)
    assert keys(answer) == [five[2]]
    assert answer.matches[0].support is Support.SUPPORTED


def test_a_lookup_of_what_nobody_says_is_a_guess(reel: Reel, five: list[int]) -> None:
    reader = Reader({'"snow goose"': towards(0)})
    answer = reel.find('"snow goose"', reader, weights={"transcript": 1})
    assert keys(answer) == [five[3]]
    (match,) = answer.matches
    assert (match.support, match.score, match.display) == (Support.BEST_GUESS, 0.95, 0.65)


# persons


@pytest.fixture
def cast(reel: Reel) -> list[int]:
    """Three scenes: Anna, Anna with Ben, Ben; only the first cooks."""
    _, scenes = reel.film(
        "cast.mp4", Shot(said="cooking soup"), Shot(said="a walk"), Shot(said="cooking fish")
    )
    reel.index(scenes)
    reel.person("Anna", towards(0))
    reel.person("Ben", towards(1))
    frames = [reel.frames(scene)[0] for scene in scenes]
    both = towards(0, 0.8, other=1)
    reel.embed("scene-persons", {frames[0]: towards(0, 0.9), frames[1]: both, frames[2]: towards(1, 0.9)})
    return scenes


def test_a_person_alone(reel: Reel, cast: list[int]) -> None:
    answer = reel.find("Anna")
    assert report(answer, Channel.LEXICAL).reason == "the query only names persons"
    for text in ("Anna", "person:anna", "ＡＮＮＡ"):
        answer = reel.find(text)
        assert keys(answer) == [cast[0], cast[1]]
        assert (answer.rest, answer.persons[0].name) == ("", "Anna")
        assert answer.weights == {"person": 1.0}
        assert answer.matches[0].score == 1.0


def test_a_person_and_what_they_do(reel: Reel, cast: list[int]) -> None:
    answer = reel.find("person:Anna, cooking")
    assert keys(answer) == [cast[0], cast[1], cast[2]]
    assert answer.matches[0].score == 1.0
    assert answer.matches[2].score == pytest.approx(0.35, abs=0.01)
    assert answer.weights == {"lexical": pytest.approx(0.35), "person": 0.65}
    other = reel.find("Anna cooking", weights={"lexical": 1, "person": 0.1})
    assert other.matches[0].score == 1.0
    assert other.matches[1].scene.id == cast[2]


def test_several_persons_are_wanted_together(reel: Reel, cast: list[int]) -> None:
    assert keys(reel.find("Anna and Ben"))[0] == cast[1]


def test_a_person_without_photos_is_named_and_the_words_answer(reel: Reel, cast: list[int]) -> None:
    reel.person("Cleo")
    answer = reel.find("Cleo cooking")
    assert set(keys(answer)) == {cast[0], cast[2]}
    assert answer.weights == {"lexical": 1.0}
    assert "no photo of Cleo" in report(answer, Channel.PERSON).reason
    together = reel.find("Cleo and Anna")
    assert together.degraded == {"person": "no photo of Cleo is embedded"}


def test_an_unknown_person_after_the_word_is_an_error(reel: Reel, cast: list[int]) -> None:
    with pytest.raises(NotFound, match="no person 'Zoe'"):
        reel.find("person:Zoe, cooking")


def test_pictures_and_photos_of_different_models_are_not_compared(reel: Reel, cast: list[int]) -> None:
    frames = [reel.frames(scene)[0] for scene in cast]
    reel.embed("scene-persons", {frames[0]: towards(0)}, epoch=2)
    answer = reel.find("Anna cooking")
    assert "not made by the same model" in answer.degraded["person"]
    assert answer.weights == {"lexical": 1.0}


# what is away


class Broken:
    """A lexical index whose disk is gone."""

    def __getattr__(self, name: str) -> Any:
        raise StoreError("the disk is gone", cure="mount it")


def test_without_the_lexical_index_meaning_answers_and_says_so(
    reel: Reel, five: list[int], reader: Reader
) -> None:
    answer = find_scenes(reel.ports(reader, lexical=Broken()), SceneQuery("wild geese"))
    assert keys(answer) == [five[3], five[4]]
    assert answer.degraded == {"lexical": "the disk is gone; mount it"}
    assert sum(answer.weights.values()) == pytest.approx(1)


def test_without_the_model_words_answer_and_say_so(reel: Reel, five: list[int]) -> None:
    answer = reel.find("wild geese", Reader(error=ModelLoadFailed("no weights", cure="fetch them")))
    assert keys(answer) == [five[2]]
    assert set(answer.degraded) == {"transcript", "visual", "summary"}
    assert answer.degraded["visual"] == "no weights; fetch them"


def test_without_both_there_is_a_clear_error(reel: Reel, five: list[int]) -> None:
    reader = Reader(error=ModelLoadFailed("no weights"))
    with pytest.raises(SearchDown) as caught:
        find_scenes(reel.ports(reader, lexical=Broken()), SceneQuery("wild geese"))
    assert caught.value.http_status == 503
    assert "lexical: the disk is gone" in caught.value.message
    assert "transcript: no weights" in caught.value.message


def test_a_channel_that_takes_too_long_is_left_out(reel: Reel, five: list[int]) -> None:
    """In the source the time-out waited for the end first (P3-12)."""
    gate = threading.Event()

    class Slow(Reader):
        def encode(self, model: str, texts: Any) -> Any:
            gate.wait(60)
            return super().encode(model, texts)

    slow = Slow({"wild geese": towards(0)})
    answer = find_scenes(reel.ports(slow, channel_seconds=0.5), SceneQuery("wild geese"))
    assert not slow.asked  # it is still at it
    gate.set()
    assert keys(answer) == [five[2]]
    assert "has not answered within 0.5 s" in answer.degraded["transcript"]


def test_an_error_that_nobody_foresaw_is_not_hidden(reel: Reel, five: list[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        reel.find("wild geese", Reader(error=ZeroDivisionError()))


def test_a_space_that_is_being_filled_answers_as_partial(reel: Reel) -> None:
    _, scenes = reel.film("a.mp4", Shot(said="one"), Shot(said="two"))
    space = reel.embed("scene-transcript", {scenes[0]: towards(0)}, active=False)
    answer = reel.find("q", Reader({"q": towards(0)}))
    assert keys(answer) == scenes[:1]
    assert answer.degraded == {"transcript": f"{space.name} is still being filled: more may come"}


def test_the_encoder_asks_the_space_of_its_own_version(reel: Reel) -> None:
    _, scenes = reel.film("a.mp4", Shot(said="one"), Shot(said="two"))
    reel.embed("scene-transcript", {scenes[0]: towards(0)})
    newer = Reader({"q": towards(0)}, epoch=2)
    with pytest.raises(SearchDown, match="another version"):
        reel.find("q", newer)
    reel.embed("scene-transcript", {scenes[1]: towards(0)}, epoch=2, active=False)
    answer = reel.find("q", newer)
    assert keys(answer) == scenes[1:]
    assert "still being filled" in answer.degraded["transcript"]
    assert keys(reel.find("q", Reader({"q": towards(0)}))) == scenes[:1]


# preferences, owners


def test_preferences_are_saved_and_the_request_wins(reel: Reel, five: list[int], reader: Reader) -> None:
    search = SceneSearch(reel.app, reader)
    usual = search.preferences()
    assert usual.weights["transcript"] == pytest.approx(0.36)  # with pictures that words find
    reel.find("wild geese", reader, weights={"lexical": 0.9, "transcript": 0.1}, fusion=Fusion.RRF, save=True)
    assert search.preferences().weights == {"lexical": 0.9, "transcript": 0.1}
    saved = reel.find("wild geese", reader)
    assert (saved.weights, saved.fusion) == ({"lexical": 0.9, "transcript": 0.1}, Fusion.RRF)
    assert keys(saved)[0] == five[2]
    assert keys(reel.find("wild geese", reader, weights={"transcript": 1}))[0] == five[3]
    assert keys(reel.find("wild geese", reader, use_saved=False))[0] == five[3]
    kept = search.save_preferences({"visual": 1.0, "person": 0.5}, Fusion.MINMAX)
    assert kept.weights == {"visual": 0.8, "lexical": 0.2, "person": 0.5}
    assert search.preferences() == kept


def test_owners_never_meet(tmp_path: Path) -> None:
    ada = Reel(tmp_path, "ada")
    with closing(ada.app):
        bob = Reel(tmp_path, "bob")
        with closing(bob.app):
            video, mine = ada.film("a.mp4", Shot(said="a boat"))
            _, theirs = bob.film("b.mp4", Shot(said="a boat"))
            for reel, scenes in ((ada, mine), (bob, theirs)):
                reel.index(scenes)
                reel.embed("scene-transcript", {scenes[0]: towards(0)})
                reel.person("Anna", towards(0))
                reel.embed("scene-persons", {reel.frames(scenes[0])[0]: towards(0)})
            SceneSearch(bob.app).save_preferences({"lexical": 1.0}, Fusion.RRF)
            reader = Reader({"boat": towards(0)})
            assert keys(ada.find("Anna boat", reader)) == mine
            assert keys(bob.find("Anna boat", reader)) == theirs
            assert ada.find("boat", reader).fusion is Fusion.MINMAX
            with pytest.raises(NotFound):
                bob.find("boat", reader, video_id=video)
            with pytest.raises(NotFound):
                bob.find("boat", reader, library_id=ada.library)
