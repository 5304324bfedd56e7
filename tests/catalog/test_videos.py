"""Videos in the catalogue: what is kept of what was told, what stays the same, and what goes."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reprise.catalog import sqlite
from reprise.catalog.sqlite import SqliteDatabase
from reprise.core.items import InputState, Tags, display_path
from reprise.core.plan import Selection
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.core.video import (
    Description,
    FrameKind,
    Segment,
    TextSource,
    Transcript,
    VideoFacts,
    VideoState,
)
from reprise.core.video_records import ImportedScene
from reprise.errors import NotFound
from tests.catalog.filmed import FACTS, ME, Filmed, extract, filmed, frame, said

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.catalog.database import Database


@pytest.fixture
def films(database: Database) -> Filmed:
    return Filmed(database)


@pytest.fixture
def video(films: Filmed) -> int:
    return films.scan(films.library(), b"a/holiday.mp4")[b"a/holiday.mp4"]


def test_a_scanned_video_is_pending_until_it_was_taken_apart(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    before = videos.get(ME, video)
    assert (before.state, before.scenes, before.facts.duration, before.path) == (
        VideoState.PENDING, 0, 60.0, b"a/holiday.mp4",
    )  # fmt: skip
    films.tell(ME, video, extract((0, 10), (10, 60), transcript=said("hello", "world")))
    after = videos.get(ME, video)
    assert (after.state, after.scenes, after.facts, after.transcript) == (
        VideoState.READY, 2, FACTS, TextSource.SIDECAR,
    )  # fmt: skip
    assert videos.transcript(ME, video) == said("hello", "world")
    first, second = videos.scenes(ME, video)
    assert (first.index, first.start, first.end, first.transcript) == (0, 0, 10, "hello world")
    assert first.thumbnail == frame(FrameKind.THUMBNAIL, 0, 5, "0-10 small").file
    assert videos.scenes_by_id(ME, [first.id, second.id, 10**6]) == {first.id: first, second.id: second}
    assert videos.scene_count(ME) == 2


def test_each_scene_and_picture_is_an_item_with_its_inputs(films: Filmed, video: int) -> None:
    films.tell(ME, video, extract((0, 10), transcript=said("hello")))
    videos = films.catalogue.videos
    (scene,) = videos.scenes(ME, video)
    (thumbnail, small), (keyframe, large) = videos.frames(ME, scene.id)
    assert (small.kind, large.kind) == (FrameKind.THUMBNAIL, FrameKind.KEYFRAME)
    inputs = films.inputs(ME)
    assert set(inputs) == {
        (scene.id, "transcript"), (scene.id, "lexical"), (scene.id, "image"), (scene.id, "look"),
        (thumbnail, "image"), (keyframe, "image"),
    }  # fmt: skip
    assert inputs[scene.id, "image"] == inputs[scene.id, "look"] == inputs[keyframe, "image"] == large.digest
    assert videos.scenes_of_frames(ME, [thumbnail, keyframe]) == {thumbnail: scene.id, keyframe: scene.id}
    assert sorted(videos.items_below(ME, [video])) == sorted([scene.id, thumbnail, keyframe])
    paths: dict[int, bytes] = dict(films.database.query("SELECT id, path FROM items"))
    assert paths[scene.id] == b"\0v%d/000000" % video
    assert paths[keyframe] == b"\0v%d/000000/keyframe/0" % video
    assert display_path(paths[keyframe]) == f"video {video}, scene 1, keyframe 1"
    assert (
        videos.lexical_documents(ME, [scene.id])[scene.id]["combined"]
        == "File: holiday.mp4\nTranscript: hello"
    )


def test_taking_it_apart_again_changes_nothing_that_is_the_same(films: Filmed, video: int) -> None:
    told = extract((0, 10), (10, 20), (20, 60), transcript=said("hello"))
    films.tell(ME, video, told)
    scenes, rows = films.catalogue.videos.scenes(ME, video), films.rows(ME)
    films.tell(ME, video, told)
    assert films.catalogue.videos.scenes(ME, video) == scenes
    again = films.rows(ME)
    changed = {table for table in rows if rows[table] != again[table]}
    assert changed <= {"videos"}  # which says when it was taken apart


def test_scenes_keep_their_ids_and_surplus_ones_go_with_all_they_had(films: Filmed, video: int) -> None:
    films.tell(ME, video, extract((0, 10), (10, 20), (20, 60)))
    before = films.catalogue.videos.scenes(ME, video)
    gone = before[2].id
    frames = [item_id for item_id, _ in films.catalogue.videos.frames(ME, gone)]
    with films.database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
            " VALUES (1, 'me', 's', 'scene-image', 'f', '{}', 3, 'filling', '', 0)"
        )
        transaction.execute(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, updated_at)"
            " VALUES (1, ?, 'me', 'done', 'new', 1, 1, 0)",
            (gone,),
        )
    films.tell(ME, video, extract((0, 10), (10, 60), looks=("0-10", "other")))
    after = films.catalogue.videos.scenes(ME, video)
    assert [scene.id for scene in after] == [scene.id for scene in before[:2]]
    assert after[0] == before[0]
    assert after[1].end == 60
    assert after[1].updated_at > before[1].updated_at
    assert not films.database.query("SELECT 1 FROM ledger")
    for table, column in (
        ("items", "id"),
        ("inputs", "item_id"),
        ("frames", "item_id"),
        ("scenes", "item_id"),
    ):
        left = {row[0] for row in films.database.query(f"SELECT {column} FROM {table}")}
        assert not left & {gone, *frames}, table


def test_a_video_that_vanished_meanwhile_gets_nothing(films: Filmed, video: int) -> None:
    films.catalogue.items.remove(ME, [video])
    rows = films.rows(ME)
    films.tell(ME, video, extract((0, 10)))
    films.tell(ME, video, said("hello", source=TextSource.HEARD))
    films.tell(ME, video, Description("what"))
    assert films.rows(ME) == rows


def test_another_owner_cannot_write_into_a_video(films: Filmed, video: int) -> None:
    rows = films.rows(ME)
    films.tell("you", video, extract((0, 10)))
    assert films.rows(ME) == rows
    assert not any(films.rows("you").values())


def test_there_is_something_to_transcribe_only_where_sound_has_no_words(films: Filmed) -> None:
    library = films.library()
    ids = films.scan(library, b"silent.mp4", b"spoken.mp4", b"titled.mp4")
    films.tell(ME, ids[b"silent.mp4"], extract((0, 9), facts=replace(FACTS, has_audio=False)))
    films.tell(ME, ids[b"titled.mp4"], extract((0, 9), transcript=said("hello")))
    films.tell(ME, ids[b"spoken.mp4"], extract((0, 9)), digest=b"s" * 32)
    spoken = ids[b"spoken.mp4"]
    assert films.inputs(ME, "speech") == {(spoken, "speech"): b"s" * 32}
    films.tell(ME, spoken, said("heard", source=TextSource.HEARD))
    assert films.inputs(ME, "speech") == {}
    assert films.catalogue.videos.scenes(ME, spoken)[0].transcript == "heard"
    films.tell(ME, spoken, extract((0, 9)), digest=b"s" * 32)  # again, and nothing is to be heard again
    assert films.inputs(ME, "speech") == {}
    films.tell(ME, spoken, extract((0, 9)), digest=b"t" * 32)  # another film under this name
    assert films.inputs(ME, "speech") == {(spoken, "speech"): b"t" * 32}
    assert films.catalogue.videos.transcript(ME, spoken) is None


@pytest.mark.parametrize(
    ("there", "comes", "stays"),
    [
        (TextSource.SIDECAR, TextSource.HEARD, True),
        (TextSource.SIDECAR, TextSource.EMBEDDED, True),
        (TextSource.EMBEDDED, TextSource.SIDECAR, False),
        (TextSource.HEARD, TextSource.EMBEDDED, False),
        (TextSource.HEARD, TextSource.HEARD, False),
    ],
)
def test_the_better_source_of_words_stays(
    films: Filmed, video: int, there: TextSource, comes: TextSource, stays: bool
) -> None:
    films.tell(ME, video, extract((0, 9), transcript=said("old", source=there)))
    told = said("new", source=comes)
    films.tell(ME, video, told if comes is TextSource.HEARD else extract((0, 9), transcript=told))
    assert films.catalogue.videos.scenes(ME, video)[0].transcript == ("old" if stays else "new")


def test_what_somebody_gave_is_never_overwritten(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    films.tell(ME, video, extract((0, 9)))
    (scene,) = videos.scenes(ME, video)
    videos.set_transcript(ME, video, said("mine"), films.later())
    videos.describe(ME, scene.id, Description("A cat.", "It sleeps.", ("Cat",)), films.later())
    films.tell(ME, scene.id, Description("A dog.", "It barks.", ("dog",)))
    films.tell(ME, video, said("heard", source=TextSource.HEARD))
    films.tell(ME, video, extract((0, 9), looks=("other",), transcript=said("subtitles")), digest=b"x" * 32)
    (after,) = videos.scenes(ME, video)
    assert (after.transcript, after.description, after.summary, after.tags) == (
        "mine", "A cat.", "It sleeps.", ("cat",),
    )  # fmt: skip
    transcript = videos.transcript(ME, video)
    assert transcript is not None
    assert transcript.source is TextSource.IMPORTED


def test_what_somebody_said_of_a_stretch_goes_along_with_it(films: Filmed, video: int) -> None:
    """The detector finds other scenes the next time: the words stay with their time, not with their number."""
    videos = films.catalogue.videos
    films.tell(ME, video, extract((0, 10), (10, 20), (20, 30), (30, 60)))
    scenes = videos.scenes(ME, video)
    for scene, text in ((scenes[1], "from ten"), (scenes[2], "from twenty"), (scenes[3], "the end")):
        videos.describe(ME, scene.id, Description(text, tags=(text,)), films.later())
    films.tell(ME, video, extract((0, 5), (5, 10), (10, 30), (30, 45), (45, 60)))
    assert [scene.description for scene in videos.scenes(ME, video)] == [
        "", "", "from ten\nfrom twenty", "the end", "",
    ]  # fmt: skip
    films.tell(ME, video, extract((0, 60)))
    (whole,) = videos.scenes(ME, video)
    assert whole.description == "from ten\nfrom twenty\nthe end"
    assert whole.tags == ("from ten", "from twenty", "the end")


def test_words_are_kept_when_no_scene_is_found_any_more(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    films.tell(ME, video, extract((0, 10)))
    (scene,) = videos.scenes(ME, video)
    videos.describe(ME, scene.id, Description("kept"), films.later())
    films.tell(ME, video, extract())
    assert [one.description for one in videos.scenes(ME, video)] == ["kept"]


def test_what_a_model_wrote_goes_with_the_picture_that_it_saw(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    films.tell(ME, video, extract((0, 10), (10, 60)))
    first, second = videos.scenes(ME, video)
    for scene in (first, second):
        films.tell(ME, scene.id, Description("seen", "in short", ("tag",)))
    assert films.text(first.id, "visual") == "seen tag"
    assert films.text(first.id, "summary") == "in short"
    films.tell(ME, video, extract((0, 10), (10, 30), (30, 60)))
    assert [scene.description for scene in videos.scenes(ME, video)] == ["seen", "", ""]
    assert films.text(second.id, "visual") is None
    films.tell(ME, video, extract((0, 10), looks=("new film",)), digest=b"n" * 32)
    assert [scene.description for scene in videos.scenes(ME, video)] == [""]


def test_only_what_changed_is_updated(films: Filmed, video: int) -> None:
    films.tell(ME, video, extract((0, 10), (10, 60), transcript=said("a", "b")))
    first, second = films.catalogue.videos.scenes(ME, video)
    inputs = films.inputs(ME)
    films.catalogue.videos.describe(ME, second.id, Description("new"), films.later())
    after = films.inputs(ME)
    changed = {key for key in {*inputs, *after} if inputs.get(key) != after.get(key)}
    assert changed == {(second.id, "visual"), (second.id, "lexical"), (second.id, "look")}
    now = films.catalogue.videos.scenes_by_id(ME, [first.id, second.id])
    assert now[first.id] == first
    assert now[second.id].updated_at == films.at


def test_imported_scenes_replace_those_found_and_keep_the_pictures(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    films.tell(ME, video, extract((0, 10), (10, 20), (20, 60), transcript=said("a", "b", "c")))
    given = [
        ImportedScene(0, 0.0, 20.0, "own words", Description("d", "s", ("t",))),
        ImportedScene(1, 20.0, 60.0),
    ]
    ids = videos.import_scenes(ME, video, given, films.later())
    first, second = videos.scenes(ME, video)
    assert ids == [first.id, second.id]
    assert (first.transcript, first.description, first.summary, first.tags) == ("own words", "d", "s", ("t",))
    assert second.transcript == "b c"  # cut out of the video's, with what is said a little before
    looks = [[one.at for _, one in videos.frames(ME, scene_id)] for scene_id in ids]
    assert looks == [[5.0, 5.0, 15.0], [40.0, 40.0]]
    rows = films.rows(ME)
    assert videos.import_scenes(ME, video, given, films.later()) == ids
    assert films.rows(ME) == rows
    # Taken apart anew, the scenes stay those of the other system, and take in the pictures of their time.
    films.tell(ME, video, extract((0, 30), (30, 60), looks=("x", "y")))
    assert [(scene.start, scene.end) for scene in videos.scenes(ME, video)] == [(0, 20), (20, 60)]
    looks = [[one.at for _, one in videos.frames(ME, scene_id)] for scene_id in ids]
    assert looks == [[15.0, 15.0], [45.0, 45.0]]


def test_words_may_be_given_before_a_video_was_taken_apart(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    videos.set_transcript(ME, video, said("early"), films.later())
    videos.import_scenes(ME, video, [ImportedScene(0, 0.0, 30.0)], films.later())
    assert videos.get(ME, video).state is VideoState.PENDING
    assert videos.scenes(ME, video)[0].transcript == "early"
    films.tell(ME, video, extract((0, 60)))
    (scene,) = videos.scenes(ME, video)
    assert (scene.end, scene.transcript) == (30.0, "early")
    assert scene.thumbnail is None  # that was taken at second 30, which is behind the scene
    assert videos.get(ME, video).state is VideoState.READY
    assert films.inputs(ME, "speech") == {}


def test_a_video_that_goes_missing_takes_its_scenes_along_and_brings_them_back(
    films: Filmed, video: int
) -> None:
    items, videos = films.catalogue.items, films.catalogue.videos
    library = films.catalogue.libraries.all(ME)[0]
    films.tell(ME, video, extract((0, 10), (10, 60)))
    below = videos.items_below(ME, [video])

    def missing() -> set[int]:
        return {
            row[0] for row in films.database.query("SELECT id FROM items WHERE missing_since IS NOT NULL")
        }

    items.apply(ME, library.id, ScanBatch(missing=[video]), films.later())
    assert missing() == {video, *below}
    assert videos.scene_count(ME) == videos.count(ME) == 0
    assert [row.item_id for row in items.missing(ME, library.id)] == [video]
    assert sorted(items.gone_since(ME, library.id, films.at + 1)) == sorted([video, *below])
    films.tell(ME, video, extract((0, 10), (10, 20), (20, 60)))  # a run that had begun before
    assert missing() == {video, *videos.items_below(ME, [video])}
    digests = films.inputs(ME)
    back = (video, InputState(10, 1, b"d" * 32), Tags())
    items.apply(ME, library.id, ScanBatch(revised=[back]), films.later())
    assert missing() == set()
    assert films.inputs(ME) == digests


def test_a_renamed_video_keeps_its_scenes_and_their_words_follow(films: Filmed, video: int) -> None:
    items, videos = films.catalogue.items, films.catalogue.videos
    library = films.catalogue.libraries.all(ME)[0]
    films.tell(ME, video, extract((0, 10), transcript=said("hello")))
    (scene,) = videos.scenes(ME, video)
    assert videos.recompose(ME, library.id, films.later()) == 0
    items.apply(ME, library.id, ScanBatch(missing=[video]), films.later())
    new = films.scan(library, b"b/renamed.mp4")[b"b/renamed.mp4"]
    items.move(ME, [(video, new)], [], films.later())
    assert videos.get(ME, video).path == b"b/renamed.mp4"
    assert [one.id for one in videos.scenes(ME, video)] == [scene.id]
    assert videos.count(ME) == videos.scene_count(ME) == 1
    before = films.inputs(ME)
    assert videos.recompose(ME, library.id, films.later()) == 1
    after = films.inputs(ME)
    assert {key for key in after if after[key] != before.get(key)} == {(scene.id, "lexical")}
    assert "renamed.mp4" in (films.text(scene.id, "lexical") or "")
    assert videos.recompose(ME, library.id, films.later()) == 0


def test_what_older_rules_composed_is_composed_anew(films: Filmed, video: int) -> None:
    library = films.catalogue.libraries.all(ME)[0]
    films.tell(ME, video, extract((0, 10), transcript=said("hello")))
    (scene,) = films.catalogue.videos.scenes(ME, video)
    with films.database.transaction() as transaction:
        transaction.execute("UPDATE inputs SET composed = 0")
        transaction.execute(
            "UPDATE inputs SET text = 'OLD', digest = ? WHERE channel = 'transcript'", (b"\0",)
        )
    assert films.catalogue.videos.recompose(ME, library.id, films.later()) == 1
    assert films.text(scene.id, "transcript") == "hello"
    assert films.catalogue.videos.recompose(ME, library.id, films.later()) == 0


def test_forgetting_a_video_or_a_library_leaves_nothing_of_it(films: Filmed) -> None:
    library = films.library()
    ids = films.scan(library, b"a.mp4", b"b.mp4")
    for video_id in ids.values():
        films.tell(ME, video_id, extract((0, 10), (10, 60), transcript=said("x")))
    first, second = ids.values()
    alone = {
        table: [row for row in rows if table == "libraries" or second in row or b"\0v%d/" % first not in repr(row).encode()]
        for table, rows in films.rows(ME).items()
    }  # fmt: skip
    assert alone
    films.catalogue.items.remove(ME, [first])
    assert films.catalogue.videos.items_below(ME, [first]) == []
    assert films.catalogue.videos.scene_count(ME) == 2
    gone = films.catalogue.libraries.remove(ME, library.id)
    assert set(gone) >= {second}
    assert len(gone) == 1 + 2 + 4
    assert not any(films.rows(ME).values())


def test_pages_of_videos_by_path_and_by_words(films: Filmed) -> None:
    library, other = films.library(), films.library(name="clips")
    ids = films.scan(library, b"b/Beach.mp4", b"a/City.mp4", b"c.mp4")
    clip = films.scan(other, b"clip.mp4")[b"clip.mp4"]
    films.tell(ME, ids[b"c.mp4"], extract((0, 9), transcript=said("Über den Strand gehen")))

    def found(
        text: str = "", library_id: int | None = None, limit: int = 10, offset: int = 0
    ) -> tuple[list[bytes], int]:
        page, count = films.catalogue.videos.page(
            ME, library_id=library_id, text=text, limit=limit, offset=offset
        )
        return [video.path for video in page], count

    assert found() == ([b"a/City.mp4", b"b/Beach.mp4", b"c.mp4", b"clip.mp4"], 4)
    assert found(limit=1, offset=1) == ([b"b/Beach.mp4"], 4)
    assert found(library_id=other.id) == ([b"clip.mp4"], 1)
    assert found("BEACH") == ([b"b/Beach.mp4"], 1)
    assert found("über strand") == ([b"c.mp4"], 1)
    assert found("100%") == ([], 0)
    assert found("...") == ([], 0)
    assert films.catalogue.videos.count(ME) == 4
    assert films.catalogue.videos.count(ME, library.id) == 3
    assert films.catalogue.videos.owner_of(clip) == ME
    assert films.catalogue.videos.owner_of(10**6) is None
    assert films.catalogue.videos.owners() == [ME]
    exported = [(video.path, len(scenes)) for video, scenes in films.catalogue.videos.export(ME)]
    assert exported == [(b"a/City.mp4", 0), (b"b/Beach.mp4", 0), (b"c.mp4", 1), (b"clip.mp4", 0)]


def test_counts_follow_the_selection(films: Filmed) -> None:
    library = films.library()
    ids = films.scan(library, b"a/1.mp4", b"b/2.mp4")
    films.tell(ME, ids[b"a/1.mp4"], extract((0, 10), (10, 60)))
    half = films.later()
    films.tell(ME, ids[b"b/2.mp4"], extract((0, 60)))
    counts = films.catalogue.videos.counts
    everything = Selection(ME, library.id)
    assert counts(ME, everything) == {"videos": 2, "scenes": 3, "frames": 6}
    assert counts(ME, replace(everything, folder=b"a")) == {"videos": 1, "scenes": 2, "frames": 4}
    assert counts(ME, replace(everything, video_id=ids[b"b/2.mp4"])) == {
        "videos": 1,
        "scenes": 1,
        "frames": 2,
    }
    assert counts(ME, replace(everything, since=half))["scenes"] == 1
    assert counts("you", everything) == {"videos": 0, "scenes": 0, "frames": 0}


def test_what_is_not_there_is_said_so(films: Filmed, video: int) -> None:
    videos = films.catalogue.videos
    films.tell(ME, video, extract((0, 10)))
    (scene,) = videos.scenes(ME, video)
    for owner, number in ((ME, 10**6), ("you", video), (ME, scene.id)):
        for ask in (videos.get, videos.scenes, videos.transcript):
            with pytest.raises(NotFound):
                ask(owner, number)
        with pytest.raises(NotFound):
            videos.set_transcript(owner, number, said("x"), 1.0)
        with pytest.raises(NotFound):
            videos.import_scenes(owner, number, [], 1.0)
    with pytest.raises(NotFound):
        videos.describe("you", scene.id, Description("x"), 1.0)
    assert videos.scenes_by_id("you", [scene.id]) == {}
    assert videos.lexical_documents("you", [scene.id]) == {}
    assert videos.frames("you", scene.id) == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_thousands_of_scenes_at_once(films: Filmed, video: int) -> None:
    """An eight-hour film: statements must not be asked one by one, nor each scene look at every segment."""
    bounds = [(float(start), float(start + 6)) for start in range(0, 30_000, 6)]
    transcript = Transcript(
        TextSource.SIDECAR, tuple(Segment(n * 3.0, n * 3 + 2.5, f"word{n}") for n in range(10_000))
    )
    films.tell(ME, video, extract(*bounds, transcript=transcript))
    assert isinstance(films.database, SqliteDatabase)
    statements: list[str] = []
    films.database._connection.set_trace_callback(statements.append)
    began = time.process_time()
    films.tell(ME, video, extract(*bounds, transcript=transcript))
    spent = time.process_time() - began
    films.database._connection.set_trace_callback(None)
    assert films.catalogue.videos.scene_count(ME) == len(bounds)
    written = [sql for sql in statements if not sql.startswith("SELECT")]
    # Each frame's row is written over; nothing else is touched where nothing changed.
    assert len(written) < 2 * len(bounds) + 100, spent
    assert len(statements) - len(written) < 500
    assert films.catalogue.videos.scenes(ME, video)[100].transcript.startswith("word199 word200")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_children_are_found_by_an_index(films: Filmed) -> None:
    for sql in (
        "UPDATE items SET missing_since = 1 WHERE video_id = 5 AND owner = 'me'",
        "SELECT id FROM items WHERE owner = 'me' AND video_id IN (1, 2)",
        "SELECT id FROM items WHERE owner = 'me' AND parent_id IN (1, 2)",
    ):
        plan = [row[3] for row in films.database.query(f"EXPLAIN QUERY PLAN {sql}")]
        assert any("items_of_" in step for step in plan), plan


def test_music_does_not_see_videos_and_videos_do_not_see_music(films: Filmed) -> None:
    catalogue = films.catalogue
    music, movies = films.library(name="media", kind="folder"), films.library(name="media", kind="video")
    assert music.id != movies.id  # both may be in one folder
    assert [library.kind for library in catalogue.libraries.all(ME)] == ["folder", "video"]
    song = films.scan(music, b"both.mp4", b"song.mp3")
    film = films.scan(movies, b"both.mp4")
    films.tell(ME, film[b"both.mp4"], extract((0, 10), transcript=said("both")))
    catalogue.persons.add(ME, "both", films.later())
    assert [item.id for item in catalogue.items.by_text(ME, "both", 10)] == [song[b"both.mp4"]]
    assert films.scan(movies) == film
    assert set(song) == {b"both.mp4", b"song.mp3"}
    assert [row.path for row in catalogue.items.unread(ME, movies.id)] == [b"both.mp4"]
    assert catalogue.libraries.counts(ME, movies.id).items == 1
    assert catalogue.libraries.counts(ME, music.id).items == 2
    assert catalogue.figures.items() == (2, 0)
    while catalogue.listing.take_over(100):
        pass
    listed = films.database.query("SELECT item_id FROM listing ORDER BY item_id")
    assert [row[0] for row in listed] == sorted(song.values())
    assert set(catalogue.listing.library_counts(ME)) == {music.id}
    films.tell(ME, film[b"both.mp4"], extract((0, 10), (10, 60)))
    assert not films.database.query("SELECT 1 FROM listing_notes")
    passed_by = catalogue.listing.take_over(100) > 0  # new ids, once; where those are noted, only tracks are
    assert passed_by is not films.database.dialect.notes_new_items
    assert catalogue.listing.take_over(100) == 0
    sample = catalogue.items.sample(ME, Selection(ME, movies.id), 10)
    assert [item.kind for item in sample] == ["video"]


def test_a_file_that_follows_a_renaming_takes_its_words_along(films: Filmed, video: int) -> None:
    from reprise.catalog.follow import follow

    films.tell(ME, video, extract((0, 10)))
    with films.database.transaction() as transaction:
        follow(transaction, ME, b"/films", [((0, 0), b"a", b"holiday.mp4", b"trip.mp4")])
    assert films.catalogue.videos.get(ME, video).path == b"a/trip.mp4"
    library = films.catalogue.libraries.all(ME)[0]
    assert films.catalogue.videos.recompose(ME, library.id, films.later()) == 1


def test_an_installation_of_before_keeps_its_libraries_and_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    path = tmp_path / "catalogue.sqlite"
    upgrade = command.upgrade
    with monkeypatch.context() as older:
        older.setattr(command, "upgrade", lambda config, _: upgrade(config, "0004"))
        older.setattr(sqlite, "SCHEMA_VERSION", "0004")
        sqlite.open_sqlite(path, create=True).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO libraries (id, owner, kind, name, root, exclude, created_at, watch)"
            " VALUES (7, 'me', 'folder', 'm', x'2f6d', '[\"*.wav\"]', 5.0, 0)"
        )
        connection.execute(
            "INSERT INTO items (id, owner, library_id, path, size, mtime_ns, updated_at)"
            " VALUES (3, 'me', 7, x'61', 1, 1, 1.0)"
        )
        connection.commit()
    with filmed(tmp_path) as films:
        (library,) = films.catalogue.libraries.all(ME)
        assert (library.id, library.exclude, library.watch) == (7, ("*.wav",), False)
        (item,) = films.catalogue.items.get(ME, [3]).values()
        assert (item.library_id, item.kind) == (7, "track")
        assert not films.database.query("PRAGMA foreign_key_check")
        assert films.library(name="m").id != 7  # of videos, in the same folder


def test_facts_are_kept_word_for_word(films: Filmed, video: int) -> None:
    facts = VideoFacts(1.5, 1080, 1920, 29.97, 90, has_audio=True, has_video=True, subtitles=2)
    films.tell(ME, video, extract((0, 1.5), facts=facts))
    assert films.catalogue.videos.get(ME, video).facts == facts
    assert json.loads(films.database.query("SELECT facts FROM videos")[0][0])["rotation"] == 90


def test_a_video_that_failed_is_shown_so(films: Filmed, video: int) -> None:
    with films.database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
            " VALUES (1, 'me', 's', 'video-scenes', 'f', '{}', 0, 'filling', '', 0)"
        )
        transaction.execute(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, updated_at)"
            " VALUES (1, ?, 'me', 'failed', 'new', 0, 1, 0)",
            (video,),
        )
    assert films.catalogue.videos.get(ME, video).state is VideoState.FAILED


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_scan_reads_over_no_scene(films: Filmed) -> None:
    """Scenes outnumber videos a thousandfold: the range of paths leaves them out, not only the condition."""
    plan = films.database.query(
        "EXPLAIN QUERY PLAN SELECT id FROM items WHERE owner = 'me' AND library_id = 1 AND path >= x'01'"
        " AND kind IN ('track', 'video') ORDER BY path"
    )
    assert "library_id=? AND path>?" in plan[0][3]


def test_files_of_a_library_are_of_its_kind(films: Filmed) -> None:
    library = films.library()
    batch = ScanBatch(added=[(FoundFile(b"x.webm", 1, 1), Tags(title="T"))])
    films.catalogue.items.apply(ME, library.id, batch, films.later())
    item = films.catalogue.items.by_path(ME, library.id, b"x.webm")
    assert item is not None
    assert (item.kind, item.tags.title) == ("video", "T")
