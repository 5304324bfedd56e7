"""Jobs over videos and what is in them: the same engine as for tracks, with inputs by channel."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from reprise.core.items import ItemKind
from reprise.core.plan import Selection, Wanted
from reprise.core.spec import Subject

if TYPE_CHECKING:
    from tests.video_home import VideoHome

MOOD, TALLY = "plugin-mood", "plugin-tally"


def test_scenes_are_embedded_once_and_then_never_again(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two", "three", ""])
    ran = video_home.run_models(MOOD)
    assert ran.finished.operations == {"total": 3, "done": 3, "skipped": 0, "failed": 0}
    assert ran.finished.items["total"] == 3, "a scene without a summary is not looked at"
    assert video_home.stored(MOOD) == scenes[:3]
    assert video_home.space(MOOD).subject == Subject(ItemKind.SCENE, "summary")
    loads = len(video_home.notes("load"))
    again = video_home.run_models(MOOD)
    assert again.finished.operations == {"total": 3, "done": 0, "skipped": 3, "failed": 0}
    assert sum(video_home.computed(MOOD).values()) == 3
    assert len(video_home.notes("load")) == loads, "with nothing to do no model is loaded"
    video_home.assert_sound((MOOD,))


def test_a_changed_summary_makes_exactly_its_own_rows_stale(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two", "three"])
    video_home.run_models(MOOD, TALLY)
    video_home.describe(scenes[1], "another")
    ran = video_home.run_models(MOOD, TALLY)
    assert ran.finished.operations == {"total": 6, "done": 2, "skipped": 4, "failed": 0}
    assert video_home.computed(MOOD) == {"one": 1, "two": 1, "three": 1, "another": 1}
    assert video_home.computed(TALLY) == {str(scenes[0]): 1, str(scenes[1]): 2, str(scenes[2]): 1}


def test_what_has_nothing_to_be_looked_at_any_more_loses_row_and_vector(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two", "three"])
    video_home.run_models(MOOD, TALLY)
    video_home.describe(scenes[1], "")
    ran = video_home.run_models(MOOD, TALLY)
    assert video_home.stored(MOOD) == [scenes[0], scenes[2]]
    assert video_home.rows(MOOD) == {"done": 2, "vectors": 2}
    assert ran.finished.operations["total"] == 5, "its words are still there"
    video_home.assert_sound((MOOD,))


def test_a_step_that_keeps_what_it_makes_itself_agrees_with_the_ledger(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two", "three"])
    video_home.run_models(TALLY)
    space = video_home.space(TALLY)
    with video_home.opened() as app:
        assert list(app.keeping.keys(space) or ()) == scenes
        pointer = app.catalogue().spaces.pointer("default", TALLY)
        assert pointer is not None
        assert pointer.space.id == space.id, "it has no vectors, and takes over all the same"
        app.keeping.delete(space, scenes[:1])  # somebody lost it
    ran = video_home.run_models(TALLY)
    assert ran.finished.operations == {"total": 3, "done": 1, "skipped": 2, "failed": 0}


def test_force_does_all_anew_and_only_once(video_home: VideoHome) -> None:
    video_home.add_scenes(["one", "two"])
    video_home.run_models(MOOD, TALLY)
    ran = video_home.run_models(MOOD, TALLY, wanted=Wanted.ALL)
    assert ran.finished.operations == {"total": 4, "done": 4, "skipped": 0, "failed": 0}
    assert video_home.computed(MOOD) == {"one": 2, "two": 2}


def test_one_video_of_a_library(video_home: VideoHome) -> None:
    first = video_home.add_scenes(["one", "two"], "first.mp4")
    video_home.add_scenes(["three"], "second.mp4")
    with video_home.opened() as app:
        video_id = app.catalogue().videos.scenes_by_id("default", first)[first[0]].video_id
    ran = video_home.run_models(MOOD, video_id=video_id)
    assert ran.finished.operations["total"] == 2
    assert ran.finished.items["total"] == 2
    assert set(video_home.computed(MOOD)) == {"one", "two"}


def test_only_what_was_updated_since(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two"])
    with video_home.opened() as app:
        since = (
            max(s.updated_at for s in app.catalogue().videos.scenes_by_id("default", scenes).values()) + 0.001
        )
    video_home.describe(scenes[1], "later")
    video_home.run_models(MOOD, since=since)
    assert video_home.computed(MOOD) == {"later": 1}


def test_a_folder_of_videos_holds_their_scenes(video_home: VideoHome) -> None:
    video_home.add_scenes(["one"], "trips/rome.mp4")
    video_home.add_scenes(["two"], "rome.mp4")
    video_home.run_models(MOOD, folder=b"trips")
    assert video_home.computed(MOOD) == {"one": 1}


def test_an_item_that_fails_costs_itself_only_and_is_named(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "raise it", "crash it", "nothing here", "five"])
    ran = video_home.run_models(MOOD, TALLY)
    assert ran.finished.state == "completed_with_errors"
    assert video_home.stored(MOOD) == [scenes[0], scenes[4]]
    assert video_home.rows(MOOD) == {"done": 3, "failed": 2, "vectors": 2}
    failed = {event.path for event in ran.named("item_failed") if event.model == MOOD}
    assert failed == {"film, scene 2", "film, scene 3"}
    with video_home.opened() as app:
        codes = {f.label: f.code for f in app.catalogue().ledger.failures("default") if f.model == MOOD}
    assert set(codes.values()) == {"unreadable", "worker_crashed"}
    assert ran.named("model_finished")[1].failed == 1, "the next step had its turn"


def test_what_a_model_finds_in_videos_is_kept_and_looked_at_by_the_next_one(video_home: VideoHome) -> None:
    rows = [[0, 10, "hello there", "red"], [10, 20, "", "blue"], [20, 25, "", ""]]
    (video_home.videos / "film.mp4").write_text(json.dumps(rows))
    (video_home.videos / "broken.mp4").write_text("no film")
    library_id = video_home.library_id()
    with video_home.opened() as app:
        app.scan(app.catalogue().libraries.get("default", library_id), lambda _: None)
    ran = video_home.run_models("plugin-cuts", "plugin-look", TALLY)
    assert ran.finished.operations == {"total": 7, "done": 6, "skipped": 0, "failed": 1}
    assert video_home.computed("plugin-look") == {b"red".hex(): 1, b"blue".hex(): 1}
    with video_home.opened() as app:
        catalogue = app.catalogue()
        video = next(
            v
            for v in catalogue.videos.page("default", library_id=None, text="", limit=9, offset=0)[0]
            if v.scenes
        )
        said = [scene.transcript for scene in catalogue.videos.scenes("default", video.id)]
        assert said[::2] == ["hello there", ""]
        digest = catalogue.items.get("default", [video.id])[video.id].state.digest
        assert digest is not None, "learned from the file"
        assert [row.digest for row in catalogue.ledger.rows("default", video.id)] == [digest]
    again = video_home.run_models("plugin-cuts", "plugin-look", TALLY)
    assert again.finished.operations["done"] == 0


def test_two_owners_do_not_touch_each_other(video_home: VideoHome) -> None:
    video_home.add_scenes(["one", "two"], owner="anna")
    video_home.add_scenes(["one", "two"], owner="ben")
    video_home.run_models(MOOD, TALLY, owner="anna")
    before = _rows_of(video_home, "anna")
    video_home.run_models(MOOD, TALLY, owner="ben")
    video_home.run_models(MOOD, TALLY, owner="ben", wanted=Wanted.ALL)
    assert _rows_of(video_home, "anna") == before


def _rows_of(home: VideoHome, owner: str) -> tuple[object, ...]:
    """Every row and vector of the owner's, bit for bit."""
    with home.opened(owner) as app:
        database = app.catalogue()._database  # type: ignore[attr-defined]
        tables = [
            database.query(f"SELECT * FROM {table} WHERE owner = ? ORDER BY 1, 2", (owner,))
            for table in ("items", "inputs", "ledger", "spaces", "pointers", "scenes", "videos")
        ]
        spaces = app.catalogue().spaces.all(owner)
        vectors = [
            [(list(keys), block.tobytes()) for keys, block in app.store.scan(owner, space.name)]
            for space in spaces
            if space.dimension
        ]
        kept = [list(app.keeping.keys(space) or ()) for space in spaces if not space.dimension]
    return (*tables, vectors, kept)


def test_a_preview_finds_what_the_run_then_does(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two"])
    video_home.run_models(MOOD)
    video_home.describe(scenes[0], "changed")
    with video_home.opened() as app:
        found = app.estimates(Selection("default", video_home.library_id()), [MOOD, TALLY], measure=False)
    assert found[0].reasons == {"changed": 1}
    assert [(one.items, one.to_do, one.skipped) for one in found] == [(2, 1, 1), (2, 2, 0)]
    assert found[0].reasons == {"changed": 1}


def test_what_tells_cannot_be_heavy(video_home: VideoHome) -> None:
    video_home.add_video()
    ran = video_home.run_models("plugin-heavy-cuts")
    assert ran.finished.state == "failed"
    assert "its card must say per_core" in ran.finished.error


def test_what_the_engine_costs_beside_a_model_that_costs_nothing(video_home: VideoHome) -> None:
    """Only that all is done is asserted: how long it takes says nothing on a shared machine."""
    for film in range(4):
        video_home.add_scenes([f"scene {n} of {film}" for n in range(100)], f"film{film}.mp4")
    began, busy = time.perf_counter(), time.process_time()
    ran = video_home.run_models("plugin-silent", flags={"workers": 1})
    wall, busy = time.perf_counter() - began, time.process_time() - busy
    turn = ran.named("model_finished")[0]
    assert turn.done == 400
    print(
        f"per operation: {turn.seconds / 400e-3:.3f} ms, {busy / 400e-3:.3f} ms of this process; run {wall:.1f} s"
    )


def test_heavy_models_read_ahead(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes([f"scene {n}" for n in range(20)] + ["raise it"])
    ran = video_home.run_models("plugin-heavy-mood")
    assert ran.finished.operations == {"total": 21, "done": 20, "skipped": 0, "failed": 1}
    assert video_home.stored("plugin-heavy-mood") == scenes[:20]


def test_a_scene_is_explained_and_its_failures_are_listed_by_name(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "raise it"])
    video_home.run_models(MOOD, TALLY)
    video_home.describe(scenes[0], "changed")
    told = video_home.run("explain", str(scenes[0])).events[0]
    whys = {verdict["model"]: verdict["why"] for verdict in told["models"]}
    assert whys[MOOD] == "what the model looks at changed after it was embedded; the next run embeds it again"
    assert "acoustic" not in whys, "it is no track"
    with video_home.opened() as app:
        ledger = app.catalogue().ledger
        assert {(f.label, f.path) for f in ledger.failures("default")} == {
            ("film, scene 2", "video 1, scene 2")
        }
        job = app.catalogue().jobs.all("default", 1)[0]
        assert {f.label for f in ledger.newest_failures("default", job.id, 5)} == {"film, scene 2"}
