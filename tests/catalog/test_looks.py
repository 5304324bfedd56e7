"""Which scenes a model is asked to describe: those with a picture, of which nobody said and nothing tells what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reprise.core.scene_texts import MANY_LETTERS, SHORT_SECONDS, SceneWords, is_to_be_described
from reprise.core.video import Description, Extract, FoundScene, TextSource
from reprise.core.video_records import ImportedScene
from tests.catalog.filmed import FACTS, ME, Filmed, extract, said

if TYPE_CHECKING:
    from reprise.catalog.database import Database

SPOKEN = "x" * MANY_LETTERS


@pytest.fixture
def films(database: Database) -> Filmed:
    return Filmed(database)


@pytest.fixture
def video(films: Filmed) -> int:
    return films.scan(films.library(), b"a.mp4")[b"a.mp4"]


def looked_at(films: Filmed) -> set[int]:
    return {item_id for item_id, _ in films.inputs(ME, "look")}


@pytest.mark.parametrize(
    ("seconds", "transcript", "given", "expected"),
    [
        (SHORT_SECONDS, SPOKEN, False, True),
        (1.25, SPOKEN, False, False),
        (1.25, SPOKEN[1:], False, True),
        (1.25, "", False, True),
        (60.0, "", True, False),
        (60.0, SPOKEN, False, True),
    ],
)
def test_the_rule(seconds: float, transcript: str, *, given: bool, expected: bool) -> None:
    words = SceneWords(8.0, 8.0 + seconds, given=given)
    assert is_to_be_described(words, transcript) is expected


def test_it_is_the_picture_that_stands_for_the_scene(films: Filmed, video: int) -> None:
    films.tell(ME, video, extract((0, 10), (10, 11)))
    assert looked_at(films) == {scene.id for scene in films.catalogue.videos.scenes(ME, video)}
    images = {item_id: digest for (item_id, _), digest in films.inputs(ME, "image").items()}
    assert all(digest == images[item_id] for (item_id, _), digest in films.inputs(ME, "look").items())
    files = films.database.query("SELECT item_id, file FROM inputs WHERE channel = 'look' ORDER BY item_id")
    assert files == films.database.query(
        "SELECT t.item_id, t.file FROM inputs t JOIN scenes c ON c.item_id = t.item_id WHERE t.channel = 'image'"
        " ORDER BY t.item_id"
    )


def test_a_scene_without_a_picture_is_not_looked_at(films: Filmed, video: int) -> None:
    films.tell(ME, video, Extract(FACTS, (FoundScene(0, 0.0, 60.0, ()),)))
    assert looked_at(films) == set()


def test_words_that_come_later_end_the_looking_and_leave_what_a_model_said(films: Filmed, video: int) -> None:
    films.tell(ME, video, extract((0, 1), (10, 60)))
    short, long = films.catalogue.videos.scenes(ME, video)
    films.tell(ME, short.id, Description("a cat", "cat", ("cat",)))
    assert looked_at(films) == {short.id, long.id}, "what a model said is looked at again by a better one"
    films.tell(ME, video, said(SPOKEN, source=TextSource.HEARD, seconds=60.0))
    assert looked_at(films) == {long.id}
    after = films.catalogue.videos.scenes_by_id(ME, [short.id])[short.id]
    assert (after.description, after.summary, after.tags) == ("a cat", "cat", ("cat",))
    assert films.text(short.id, "visual") == "a cat cat"


def test_what_somebody_described_is_not_looked_at(films: Filmed, video: int) -> None:
    films.tell(ME, video, extract((0, 10), (10, 60)))
    first, second = films.catalogue.videos.scenes(ME, video)
    films.catalogue.videos.describe(ME, first.id, Description("mine"), films.later())
    assert looked_at(films) == {second.id}
    scenes = [
        ImportedScene(0, 0.0, 10.0),
        ImportedScene(1, 10.0, 60.0, None, Description("theirs", source=TextSource.IMPORTED)),
    ]
    films.catalogue.videos.import_scenes(ME, video, scenes, films.later())
    assert looked_at(films) == set()
