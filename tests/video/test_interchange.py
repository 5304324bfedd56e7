"""Moving in and out as JSON lines: nothing is lost on the way, and a wrong line costs itself only."""

from __future__ import annotations

import base64
import json
import tracemalloc
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.video import Description
from reprise.core.video_records import ImportedScene
from reprise.errors import DiskFull, UsageError
from reprise.video.interchange import export_lines
from reprise.video.moving_in import MOST_PROBLEMS, MovingIn
from tests.catalog.filmed import ME, Filmed, extract, filmed, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from reprise.core.video import Photo
    from reprise.video.moving_in import MovedIn


@dataclass
class Shelf:
    """Photos in memory, under the digest of their bytes."""

    films: Filmed
    owner: str = ME
    files: dict[bytes, bytes] = field(default_factory=dict)

    def read(self, file: bytes) -> bytes:
        if file not in self.files:
            raise FileNotFoundError(file)
        return self.files[file]

    def add(self, person_id: int, content: bytes) -> Photo:
        if content == b"full":
            raise DiskFull("no space left")
        if not content.startswith(b"photo"):
            raise UsageError("the photo cannot be read")
        digest = sha256(content).digest()
        file = f"{digest.hex()[:2]}/{digest.hex()}.jpg".encode()
        self.files[file] = content
        return self.films.catalogue.persons.add_photo(self.owner, person_id, file, digest, self.films.later())


@pytest.fixture
def films(tmp_path: Path) -> Iterator[Filmed]:
    with filmed(tmp_path) as one:
        yield one


def lines(*objects: dict[str, Any]) -> list[bytes]:
    return [json.dumps(one).encode() + b"\n" for one in objects]


def move_in(
    films: Filmed,
    source: Iterable[bytes],
    shelf: Shelf | None = None,
    owner: str = ME,
    beside: Callable[[str], bytes] | None = None,
    library_id: int | None = None,
) -> MovedIn:
    moving = MovingIn(
        films.catalogue,
        owner,
        shelf or Shelf(films, owner),
        films.later(),
        library_id=library_id,
        beside=beside,
    )
    return moving.run(source)


def move_out(films: Filmed, shelf: Shelf, owner: str = ME) -> list[bytes]:
    return list(export_lines(films.catalogue, owner, shelf))


PATHS = (b"a/Ferien in K\xc3\xb6ln.mp4", b"b/odd \xff name.mkv", "c/김철수.mp4".encode(), b"d/nothing.mp4")


def furnished(films: Filmed) -> Shelf:
    """Everything that can be said of videos and persons."""
    videos, persons, shelf = films.catalogue.videos, films.catalogue.persons, Shelf(films)
    library = films.library()
    ids = films.scan(library, *PATHS)
    first, odd, korean, _ = (ids[path] for path in PATHS)
    films.tell(ME, first, extract((0, 10), (10, 60), transcript=said("hello", 'wor"ld\n')))
    films.tell(ME, odd, extract((0, 30), (30, 60)))
    films.tell(ME, korean, extract((0, 60), transcript=said("안녕하세요")))
    one, two = videos.scenes(ME, first)
    films.tell(ME, one.id, Description("By a model.", "Short.", ("tag",)))
    videos.describe(ME, two.id, Description("", "", ("only", "tags")), films.later())
    given = [ImportedScene(3, 0.0, 25.5, "own words"), ImportedScene(7, 25.5, 60.0, "")]
    videos.import_scenes(ME, odd, given, films.later())
    ada, bob = persons.add(ME, "Ada Lovelace", films.later()), persons.add(ME, "김철수", films.later())
    persons.archive(ME, bob.id, films.later())
    shelf.add(ada.id, b"photo 1")
    shelf.add(ada.id, b"photo 2\0\xff")
    shelf.add(bob.id, b"photo 1")
    return shelf


def test_what_moves_out_moves_in_elsewhere_and_out_again_the_same(films: Filmed, tmp_path: Path) -> None:
    exported = move_out(films, furnished(films))
    kinds = [json.loads(line)["type"] for line in exported]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "video": 4, "transcript": 2, "scene": 5, "person": 2, "photo": 3,
    }  # fmt: skip
    other = films.library("you")  # another owner of this installation, with the same files
    films.scan(other, *PATHS)
    shelf = Shelf(films, "you")
    mine = films.rows(ME)
    done = move_in(films, exported, shelf, "you")
    assert (done.videos, done.transcripts, done.scenes, done.persons, done.photos) == (4, 2, 5, 2, 3)
    assert (done.refused, done.unknown_videos, done.problems) == (0, 0, [])
    assert move_out(films, shelf, "you") == exported
    assert films.rows(ME) == mine
    (tmp_path / "new").mkdir()
    with filmed(tmp_path / "new") as new:
        new.scan(new.library(), *PATHS)
        shelf = Shelf(new)
        move_in(new, exported, shelf)
        assert move_out(new, shelf) == exported
        rows = new.rows(ME)
        assert move_in(new, exported, shelf).photos == 3
        assert new.rows(ME) == rows, "the second time changes nothing"


def test_moving_into_where_it_came_from_changes_no_word(films: Filmed) -> None:
    shelf = furnished(films)
    exported, inputs = move_out(films, shelf), films.inputs(ME)
    move_in(films, exported, shelf)
    # A model need not look at what is described now by somebody who gave it.
    assert films.inputs(ME) == {
        key: digest for key, digest in inputs.items() if key[1] != "look"
    } | films.inputs(ME, "look")
    assert move_out(films, shelf) == exported


def test_a_library_alone_has_no_persons(films: Filmed) -> None:
    shelf = furnished(films)
    clips = films.library(name="clips")
    films.scan(clips, b"x.mp4")
    exported = list(export_lines(films.catalogue, ME, shelf, clips.id))
    assert [json.loads(line) for line in exported] == [
        {"type": "video", "video": "x.mp4", "library": "clips"}
    ]
    # The same name elsewhere: a library that the import is for comes before what the lines call it.
    assert move_in(films, exported, library_id=films.library().id).unknown_videos == 1


def test_a_photo_whose_file_is_lost_is_left_out(films: Filmed) -> None:
    shelf = furnished(films)
    shelf.files.clear()
    assert not [line for line in move_out(films, shelf) if b'"photo"' in line]


@pytest.fixture
def video(films: Filmed) -> int:
    return films.scan(films.library(), b"a.mp4", b"b.mp4")[b"a.mp4"]


def scene(index: object = 0, start: object = 0, end: object = 5, **more: Any) -> dict[str, Any]:
    return {"type": "scene", "video": "a.mp4", "index": index, "start": start, "end": end, **more}


def test_a_video_is_found_by_its_path_from_the_root_or_in_a_library(films: Filmed, video: int) -> None:
    done = move_in(
        films,
        lines(
            {"type": "video", "video": "/films/a.mp4"},
            {"type": "video", "video": "b.mp4", "library": "films"},
            {"type": "video", "video": "b.mp4", "library": "as it was called elsewhere"},
            {"type": "video", "video": "gone.mp4"},
            {"type": "transcript", "video": "gone.mp4", "segments": []},
            {"type": "scene", "video": "gone.mp4", "index": 0, "start": 0, "end": 1},
            {"type": "video", "video": "/elsewhere/a.mp4"},
            {**scene(), "description": "taken over"},
        ),
    )
    assert (done.videos, done.unknown_videos, done.refused, done.scenes) == (3, 2, 0, 1)
    assert [(one.line, one.message) for one in done.problems] == [
        (4, "there is no video 'gone.mp4' here: scan its folder first"),
        (7, "there is no video '/elsewhere/a.mp4' here: scan its folder first"),
    ]
    assert films.catalogue.videos.scenes(ME, video)[0].description == "taken over"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1]", "no JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"type": "scene", "video": "a.mp4", "index": 0, "start": NaN, "end": 1}', "NaN is no number"),
        (b"{}", "type is None"),
        (b'{"type": ["video"]}', "type is"),
        (b'{"type": "video"}', "names no video"),
        (b'{"type": "video", "video": 5}', "names no video"),
        (b'{"type": "video", "video": "\\ud800"}', "no path"),
        (b'{"type": "transcript", "video": "a.mp4"}', "no list of segments"),
        (b'{"type": "transcript", "video": "a.mp4", "segments": [5]}', "segment 1 is no JSON object"),
        (b'{"type": "transcript", "video": "a.mp4", "segments": [{"start": 0, "end": -1, "text": "x"}]}', "segment 1: its end"),
        (b'{"type": "transcript", "video": "a.mp4", "segments": [{"start": 2, "end": 1, "text": "x"}]}', "ends before it starts"),
        (b'{"type": "transcript", "video": "a.mp4", "language": 5, "segments": []}', "language is no text"),
        (b'{"type": "person"}', "has no name"),
        (b'{"type": "person", "name": "' + b"x" * 201 + b'"}', "201 characters"),
        (b'{"type": "person", "name": "A", "archived": "no"}', "neither true nor false"),
        (b'{"type": "photo", "person": "Nobody", "content": ""}', "there is no person 'Nobody'"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_told_by_its_number_and_the_others_are_taken(
    films: Filmed, video: int, line: bytes, reason: str
) -> None:
    after = {"type": "transcript", "video": "a.mp4", "segments": [{"start": 0, "end": 5, "text": "kept"}]}
    source = [
        b"\xef\xbb\xbf" + lines({"type": "person", "name": "Ada"})[0],
        b"\n",
        line + b"\n",
        *lines(after),
    ]
    done = move_in(films, source)
    assert done.refused == 1
    (problem,) = done.problems
    assert problem.line == 3
    assert reason in problem.message
    assert (done.persons, done.transcripts) == (1, 1)
    assert films.catalogue.videos.transcript(ME, video)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (scene(-1), "index"),
        (scene(True), "index"),
        (scene("0"), "index"),
        (scene(1_000_000), "index"),
        (scene(1), "a scene 1 of this video before"),
        (scene(2, 5, 5), "ends at 5 s"),
        (scene(2, "0"), "start is no number"),
        (scene(2, -1.0), "start is not between"),
        (scene(2, 0, 1e400), "Infinity"),
        (scene(2, transcript=5), "transcript is no text"),
        (scene(2, tags="a, b"), "tags are no list"),
        (scene(2, tags=[1]), "tags are no list"),
        (scene(2, description=[]), "description is no text"),
    ],
)
def test_of_a_video_with_a_wrong_scene_no_scene_is_taken(
    films: Filmed, video: int, wrong: dict[str, Any], reason: str
) -> None:
    films.tell(ME, video, extract((0, 60)))
    before = films.rows(ME)
    other = {**scene(), "video": "b.mp4"}
    done = move_in(films, lines(scene(0), scene(1, 5, 9), wrong, scene(3, 9, 12), other))
    assert done.scenes == 1
    assert [problem.line for problem in done.problems] == [3, 1]
    assert reason in done.problems[0].message
    assert done.problems[1].message == "the scenes of 'a.mp4' stay as they are, because of line 3"
    after = films.rows(ME)
    assert [row for row in before["scenes"] if row not in after["scenes"]] == []


def test_a_line_that_cannot_be_read_may_have_been_a_scene(films: Filmed, video: int) -> None:
    done = move_in(films, [*lines(scene(0)), b"{broken\n", *lines(scene(1, 5, 9))])
    assert done.scenes == 0
    assert films.catalogue.videos.scenes(ME, video) == []


def test_scenes_of_a_video_that_come_apart_do_not_replace_each_other(films: Filmed, video: int) -> None:
    other = {**scene(), "video": "b.mp4"}
    done = move_in(films, lines(scene(0), other, scene(1, 5, 9)))
    assert done.scenes == 2
    assert [(problem.line, "together" in problem.message) for problem in done.problems] == [(3, True)]
    assert [one.index for one in films.catalogue.videos.scenes(ME, video)] == [0]


def test_photos_beside_the_lines_and_in_them(films: Filmed) -> None:
    ada = {"type": "person", "name": "Ada"}
    files = {"photos/one.jpg": b"photo one"}

    def beside(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[name]

    photos = [
        {"type": "photo", "person": "ADA", **more}
        for more in (
            {"file": "photos/one.jpg"},
            {"content": base64.b64encode(b"photo two").decode()},
            {"content": base64.b64encode(b"photo one").decode()},  # the same again
            {"file": "photos/none.jpg"},
            {"file": "/etc/passwd"},
            {"file": "../secret"},
            {"content": "???"},
            {"content": base64.b64encode(b"a text").decode()},
            {},
        )
    ]
    done = move_in(films, lines(ada, *photos), beside=beside)
    assert (done.photos, done.refused) == (3, 6)
    assert [problem.line for problem in done.problems] == [5, 6, 7, 8, 9, 10]
    persons = films.catalogue.persons
    person = persons.by_name(ME, "Ada")
    assert person is not None
    assert len(persons.photos(ME, person.id)) == 2
    alone = move_in(films, lines(ada, photos[0]))
    assert "cannot be read from here" in alone.problems[0].message


def test_what_has_nothing_to_do_with_the_lines_ends_the_import(films: Filmed) -> None:
    full = {"type": "photo", "person": "Ada", "content": base64.b64encode(b"full").decode()}
    with pytest.raises(DiskFull):
        move_in(films, lines({"type": "person", "name": "Ada"}, full))


def test_fields_of_other_systems_are_passed_by(films: Filmed, video: int) -> None:
    done = move_in(films, lines({**scene(), "id": "f81d4fae", "embedding": [0.1], "description": None}))
    assert (done.scenes, done.refused) == (1, 0)


def test_memory_does_not_grow_with_the_lines(films: Filmed) -> None:
    def wrong(count: int) -> Iterator[bytes]:
        yield from (b'{"type": "nothing"}\n' for _ in range(count))

    move_in(films, wrong(2 * MOST_PROBLEMS))
    tracemalloc.start()
    done = move_in(films, wrong(30 * MOST_PROBLEMS))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.refused == 30 * MOST_PROBLEMS
    assert len(done.problems) == MOST_PROBLEMS
    assert peak < 2_000_000
