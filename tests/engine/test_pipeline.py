"""The pipeline as a whole: versions, what they make stale, steps of packages, and how a new version takes over."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.pipeline import VIDEO_PIPELINE
from reprise.core.plan import Wanted
from reprise.core.spec import fingerprint
from reprise.engine.cutover import roll_back
from reprise.errors import BadSetting, ModelLoadFailed
from reprise.models.pipeline import video_pipeline
from tests.harness import wait_for
from tests.video_home import install_plugin_steps

if TYPE_CHECKING:
    from tests.video_home import VideoHome

MOOD, TALLY = "plugin-mood", "plugin-tally"
BUILT_IN = [step.name for step in VIDEO_PIPELINE.steps]


# what the pipeline is


def test_without_packages_the_pipeline_is_the_built_in_one() -> None:
    assert video_pipeline() == VIDEO_PIPELINE
    assert len(BUILT_IN) == 6


@pytest.mark.usefixtures("plugin_steps")
def test_steps_of_packages_stand_in_their_place_and_the_version_names_them() -> None:
    pipeline = video_pipeline("lexical_index=3", {"scene_text": "not here"})
    names = [step.name for step in pipeline.steps]
    assert names == [*BUILT_IN[:2], "mood", *BUILT_IN[2:], "tally"]
    assert pipeline.version == "2026-11-21+mood.1+tally.1+lexical_index.3"
    assert "scene-summary" not in pipeline.models
    assert pipeline.step_of("scene-summary") is not None
    assert "plugin-mood" in pipeline.models


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("scene_image", "'scene_image' is no step with a version"),
        ("scene_image=two", "'scene_image=two' is no step with a version"),
        ("scene_image=0", "is no step with a version from 1 on"),
        ("scenes=2", "there is no step 'scenes'; there are: lexical_index"),
    ],
)
def test_versions_that_mean_nothing_are_refused(text: str, reason: str) -> None:
    with pytest.raises(BadSetting, match="step_versions") as caught:
        video_pipeline(text)
    assert reason in caught.value.message
    assert caught.value.cure


def register(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    folder.mkdir()
    (folder / "broken_steps.py").write_text(code)
    info = folder / "broken_steps-2.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: broken-steps\nVersion: 2.0\n")
    info.joinpath("entry_points.txt").write_text("[reprise.steps]\nodd = broken_steps:STEP\n")
    monkeypatch.delitem(sys.modules, "broken_steps", raising=False)
    monkeypatch.syspath_prepend(folder)


TAKEN = """
from reprise.core.items import ItemKind
from reprise.core.pipeline import Step
STEP = Step("scene_image", "again", ItemKind.SCENE, ("x",))
"""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("STEP = 'scene_image'", "is a str, no reprise.core.pipeline.Step"),
        (TAKEN, "two steps are called 'scene_image'"),
    ],
)
def test_a_broken_package_is_named_and_costs_music_nothing(
    tmp_path: Path, video_home: VideoHome, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    register(tmp_path / "broken", monkeypatch, code)
    with pytest.raises(ModelLoadFailed, match=r"the package broken-steps 2\.0") as caught:
        video_pipeline()
    assert reason in caught.value.message
    with video_home.opened() as app:
        assert app.installed.card("acoustic").name == "acoustic"


def test_a_version_of_a_step_changes_the_spec_of_its_models_only(video_home: VideoHome) -> None:
    def marks(step_versions: str) -> dict[str, str]:
        with video_home.opened(step_versions=step_versions) as app:
            installed = app.installed
            return {
                model: fingerprint(installed.card(model).spec)
                for model in (MOOD, TALLY, "lexical", "acoustic")
            }

    before, after = marks(""), marks("mood=2")
    assert [model for model in before if before[model] != after[model]] == [MOOD]
    assert marks("mood=1") == before


def test_the_step_of_the_models_page_runs(
    tmp_path: Path, video_home: VideoHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    name, code = re.findall(
        r"<!-- runs: (summary_pace.py) -->\n```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL
    )[0]
    toml = next(
        text for text in re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL) if "steps" in text
    )
    points = tomllib.loads(toml)["project"]["entry-points"]
    site = tmp_path / "site"
    info = site / "pace-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: pace\nVersion: 1.0\n")
    lines = [
        f"[{group}]\n" + "\n".join(f"{key} = {value}" for key, value in points[group].items())
        for group in points
    ]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")
    site.joinpath(name).write_text(code)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ["PYTHONPATH"]]))
    scenes = video_home.add_scenes(
        ["One. Two words. Now three words.", "A long sentence with many words in it."]
    )
    with video_home.opened() as app:
        assert "+pace.1" in app.installed.pipeline.version
        assert "summary-pace" in app.installed.pipeline.models_in("video")
    video_home.run_models("summary-pace")
    assert video_home.stored("summary-pace") == scenes


# what it makes stale


def test_a_raised_version_regenerates_exactly_the_rows_of_its_step(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes(["one", "two", "three"])
    models = (MOOD, TALLY, "lexical")
    video_home.run_models(*models)
    ran = video_home.run_models(*models, flags={"step_versions": "mood=2"}, spec_version="2026-11-21+mood.2")
    assert {event.model: (event.done, event.skipped) for event in ran.named("model_finished")} == {
        MOOD: (3, 0),
        TALLY: (0, 3),
        "lexical": (0, 3),
    }
    assert video_home.computed(MOOD) == {"one": 2, "two": 2, "three": 2}
    with video_home.opened() as app:
        rows = [row for row in app.catalogue().ledger.rows("default", scenes[0]) if row.space.model == MOOD]
        assert [(row.spec_version, row.reason) for row in rows] == [
            ("2026-11-21", "new"),
            ("2026-11-21+mood.2", "spec changed"),
        ]
    again = video_home.run_models(*models, flags={"step_versions": "mood=2"})
    assert again.finished.operations["done"] == 0


def test_new_and_reprocessed_items_get_the_same_vectors_bit_for_bit(video_home: VideoHome) -> None:
    video_home.add_scenes(["one", "two"], "first.mp4")
    video_home.run_models(MOOD)
    video_home.run_models(MOOD, wanted=Wanted.ALL)
    video_home.add_scenes(["two", "one"], "second.mp4")
    video_home.run_models(MOOD)
    space, keys = video_home.space(MOOD), video_home.stored(MOOD)
    with video_home.opened() as app:
        vectors = app.store.get("default", space.name, keys)
    first, second, third, fourth = (vectors[key].tobytes() for key in keys)
    assert (first, second) == (fourth, third)


def test_search_stays_with_the_old_space_until_the_new_one_is_whole(video_home: VideoHome) -> None:
    video_home.add_scenes(["one", "two"], "first.mp4")
    video_home.add_scenes(["three", "four"], "second.mp4")
    video_home.run_models(MOOD, TALLY)
    old = {model: video_home.space(model) for model in (MOOD, TALLY)}
    flags: dict[str, object] = {"step_versions": "mood=2, tally=2"}
    with video_home.opened() as app:
        video_id = (
            app.catalogue().videos.page("default", library_id=None, text="", limit=1, offset=0)[0][0].id
        )
    staged = video_home.run_models(MOOD, TALLY, flags=flags, video_id=video_id)
    assert staged.finished.operations["done"] == 4
    assert len(staged.named("space_held")) == 2
    with video_home.opened() as app:
        spaces = app.catalogue().spaces
        assert {p.model: p.space.id for p in spaces.pointers("default")} == {m: s.id for m, s in old.items()}
    video_home.run_models(MOOD, TALLY, flags=flags)
    with video_home.opened() as app:
        spaces = app.catalogue().spaces
        assert all(p.space.id != old[p.model].id for p in spaces.pointers("default"))
        for model in (MOOD, TALLY):
            now = roll_back(app.catalogue(), "default", model)[0]
            assert now.id == old[model].id
        assert len(list(app.keeping.keys(old[TALLY]) or ())) == 4, "what it answers from is all there"
    assert sum(video_home.computed(MOOD).values()) == 8, "the staged video was not done twice"


def test_a_step_that_fails_as_a_whole_does_not_stop_the_others(
    video_home: VideoHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_home.add_scenes(["one", "two"])
    monkeypatch.setenv("PLUGIN_STEPS_FAILS", TALLY)
    ran = video_home.run_models(TALLY, MOOD)
    assert ran.finished.state == "completed_with_errors"
    assert "it was to fail as a whole" in ran.finished.error
    assert video_home.rows(MOOD) == {"done": 2, "vectors": 2}
    monkeypatch.delenv("PLUGIN_STEPS_FAILS")
    again = video_home.run_models(TALLY, MOOD)
    assert again.finished.operations == {"total": 4, "done": 2, "skipped": 2, "failed": 0}


# kill -9

RUN = """
import sys
from tests.video_home import run_as_command
run_as_command(sys.argv[1], *sys.argv[2:])
"""


def test_a_killed_pipeline_goes_on_where_it_was(video_home: VideoHome) -> None:
    scenes = video_home.add_scenes([f"scene-{n:02}" for n in range(30)])
    environment = {**video_home.environment, "PLUGIN_STEPS_SECONDS": "0.05", "REPRISE_COMMIT_ROWS": "2"}
    command = [sys.executable, "-c", RUN, str(video_home.library_id()), "lexical", MOOD, TALLY]
    with subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2]) as process:
        wait_for(lambda: len(video_home.notes("item")) >= 5)
        process.send_signal(signal.SIGKILL)
    with video_home.opened() as app:
        job = app.catalogue().jobs.all("default", 1)[0]
        assert job.state == "running"
    subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], check=True, timeout=120)
    with video_home.opened() as app:
        jobs = app.catalogue().jobs.all("default", 9)
        assert [(one.id, one.state) for one in jobs] == [(job.id, "completed")]
        assert jobs[0].counters.done == jobs[0].counters.total == 90
    assert video_home.stored(MOOD) == scenes
    video_home.assert_sound((MOOD,))
    # What was done but not committed when it died is done once more, and no more than that.
    assert max(video_home.computed(MOOD).values()) <= 2
    assert sum(count > 1 for count in video_home.computed(MOOD).values()) <= 10


# persons


def picture(home: VideoHome, *colours: tuple[int, int, int]) -> tuple[bytes, bytes]:
    """A real JPEG in the media folder: its path there and its digest."""
    image = pytest.importorskip("PIL.Image")
    file = home.folder / "picture.jpg"
    made = image.fromarray(np.repeat(np.array([colours], np.uint8), 32, axis=0).repeat(32, axis=1))
    made.save(file, quality=95)
    content = file.read_bytes()
    digest = hashlib.sha256(content).digest()
    name = f"{digest.hex()[:2]}/{digest.hex()}.jpg"
    target = home.state / "media" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return name.encode(), digest


def add_person(home: VideoHome, name: str, *photos: tuple[bytes, bytes]) -> tuple[int, list[int]]:
    with home.opened() as app:
        persons = app.catalogue(create=True).persons
        person = persons.add("default", name, time.time())
        return person.id, [
            persons.add_photo("default", person.id, *photo, time.time()).id for photo in photos
        ]


def run_people(home: VideoHome, **chosen: Any) -> Any:
    with home.opened() as app:
        library_id = app.catalogue().persons.library_id("default", time.time())
        models = app.installed.pipeline.models_in("people")
    return home.run_models(*models, library_id=library_id, **chosen)


def test_a_person_is_the_mean_of_their_ready_photos_in_one_run(video_home: VideoHome) -> None:
    red, blue = (
        picture(video_home, (250, 10, 10), (200, 0, 0)),
        picture(video_home, (5, 5, 240), (0, 40, 200)),
    )
    anna, photos = add_person(video_home, "Anna", red, blue)
    add_person(video_home, "Nobody yet")
    ran = run_people(video_home)
    assert ran.finished.operations == {"total": 3, "done": 3, "skipped": 0, "failed": 0}
    percents = [event.percent for event in ran.named("progress")]
    assert percents == sorted(percents)
    with video_home.opened() as app:
        stored = app.store.get("default", video_home.space("person-photo").name, photos)
        mean = np.mean([stored[photo] for photo in photos], axis=0)
        vector = app.store.get("default", video_home.space("person").name, [anna])[anna]
        assert float(vector @ (mean / np.linalg.norm(mean))) == pytest.approx(1.0, abs=1e-5)
        person = app.catalogue().persons.get("default", anna)
        assert person.has_vector
    again = run_people(video_home)
    assert again.finished.operations == {"total": 3, "done": 0, "skipped": 3, "failed": 0}
    forced = run_people(video_home, wanted=Wanted.ALL)
    assert forced.finished.operations == {"total": 3, "done": 3, "skipped": 0, "failed": 0}


def test_a_photo_more_or_less_changes_its_person_only(video_home: VideoHome) -> None:
    red, blue = (
        picture(video_home, (250, 10, 10), (200, 0, 0)),
        picture(video_home, (5, 5, 240), (0, 40, 200)),
    )
    anna, _ = add_person(video_home, "Anna", red)
    ben, photos = add_person(video_home, "Ben", blue)
    run_people(video_home)
    with video_home.opened() as app:
        photo = app.catalogue().persons.add_photo("default", anna, *blue, time.time())
    ran = run_people(video_home)
    assert ran.finished.operations == {"total": 5, "done": 2, "skipped": 3, "failed": 0}
    with video_home.opened() as app:
        app.catalogue().persons.remove_photo("default", photos[0])
    run_people(video_home)
    assert video_home.stored("person") == [anna], "Ben has no photo left, and so no vector"
    assert photo.id in video_home.stored("person-photo")
    assert ben not in video_home.stored("person")


def test_a_photo_that_shows_nothing_fails_with_its_reason_and_its_person_is_left_out(
    video_home: VideoHome,
) -> None:
    red = picture(video_home, (250, 10, 10), (200, 0, 0))
    anna, photos = add_person(video_home, "Anna", red, (b"aa/none.jpg", b"\x01" * 32))
    add_person(video_home, "Ben", (b"aa/none.jpg", b"\x02" * 32))
    ran = run_people(video_home)
    assert ran.finished.state == "completed_with_errors"
    assert {event.path for event in ran.named("item_failed")} == {
        "Anna, photo 01010101",
        "Ben, photo 02020202",
    }
    with video_home.opened() as app:
        persons = app.catalogue().persons
        states = Counter(photo.state.value for photo in persons.photos("default", anna))
        assert states == {"ready": 1, "failed": 1}
        failed = persons.photo("default", photos[1])
        assert failed.error
    assert video_home.stored("person") == [anna]


def test_another_model_for_photos_makes_their_persons_stale(video_home: VideoHome) -> None:
    red = picture(video_home, (250, 10, 10), (200, 0, 0))
    add_person(video_home, "Anna", red)
    run_people(video_home)
    ran = run_people(video_home, flags={"step_versions": "person_photos=2"})
    assert ran.finished.operations == {"total": 2, "done": 2, "skipped": 0, "failed": 0}
    assert [space.state for space in video_home.of_model("person")] == ["retiring", "active"]


def test_the_steps_of_a_package_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in reversed(install_plugin_steps(tmp_path, ["tally"])):
        monkeypatch.syspath_prepend(folder)
    names = [step.name for step in video_pipeline().steps]
    assert "tally" in names
    assert "mood" not in names
