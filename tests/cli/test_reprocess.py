"""``reprise reprocess``: exactly what is stale is made anew, whoever asks, however often, whatever happens meanwhile."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from reprise.cli.main import main
from tests.cli.filmed import SCENES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.projector import Projector

FRAMES = 2 * sum(SCENES.values())
EACH_OWNER = {"scene-image": 5, "scene-persons": FRAMES, "person-photo": 1, "person": 1, "lexical": 5}
KINDS = ("videos", "scenes", "photos", "persons")


def record_of(lines: list[dict[str, Any]]) -> dict[str, Any]:
    [record] = [line for line in lines if line["event"] == "reprocess_record"]
    for name in KINDS:
        tally = record[name]
        assert tally["processed"] + tally["skipped"] + tally["failed"] + tally["left"] == tally["total"], name
    for step in record["steps"]:
        assert step["processed"] + step["skipped"] + step["failed"] + step["left"] == step["total"], step
    return record


def times(counts: dict[str, int], factor: int) -> dict[str, int]:
    return {name: count * factor for name, count in counts.items()}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "--scope is missing"),
        (("--scope", "some"), "'some'"),
        (("--scope", "video"), "needs the video_id"),
        (("--scope", "owner"), "needs the owner_id"),
        (("--scope", "video", "--owner-id", "eve"), "needs the video_id"),
        (("--scope", "owner", "--video-id", "1"), "takes no video_id"),
        (("--scope", "video", "--video-id", "1", "--owner-id", "eve"), "takes no owner_id"),
        (("--scope", "owner", "--owner-id", "eve", "--video-id", "1"), "takes no video_id"),
        (("--scope", "all", "--video-id", "1"), "takes no video_id"),
        (("--scope", "all", "--owner-id", "eve"), "takes no owner_id"),
        (("--scope", "video", "--video-id", "x"), "'x'"),
        (("--scope", "video", "--video-id", "0"), "0 is not in the range"),
        (("--scope", "video", "--video-id", "99999999999999999999"), "not in the range"),
        (("--scope", "video", "--video-id", "9999"), "there is no video 9999"),
        (("--scope", "owner", "--owner-id", "nobody"), "'nobody' owns no videos"),
        (("--scope", "owner", "--owner-id", " "), "the owner_id is empty"),
        (("--scope", "all", "--since", "yesterday"), "'yesterday' is no date"),
        (("--show", "nothing"), "there is no reprocessing"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_queued(
    taken_once: Projector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.setenv("REPRISE_HOME", str(taken_once.home))
    for form in ((), ("--json",)):
        with pytest.raises(SystemExit) as ended:
            main(["reprocess", *arguments, *form])
        said = capsys.readouterr()
        assert ended.value.code == 2
        assert reason in said.err
        assert not form or [json.loads(line)["event"] for line in said.out.splitlines()] == ["error"]
    assert taken_once.read("SELECT COUNT(*) FROM jobs WHERE request LIKE '%reprocessing%'") == [(0,)]
    assert taken_once.read("SELECT COUNT(*) FROM reprocessings") == [(0,)]


def test_the_version_comes_first_and_what_is_up_to_date_is_left_alone(taken: Projector) -> None:
    before = (taken.rows_of("default"), taken.vectors_of("default"))
    result = taken("reprocess", "--scope", "all")
    assert result.out.splitlines()[0].startswith("spec 2026-")
    assert "completed, scope all" in result.out
    assert taken.looked() == {}
    assert (taken.rows_of("default"), taken.vectors_of("default")) == before


def test_every_line_for_scripts_names_the_version_and_the_last_one_is_the_end(taken: Projector) -> None:
    lines = taken("reprocess", "--scope", "all", "--json").lines
    assert {line["spec_version"] for line in lines} == {lines[0]["spec_version"]}
    assert [line["event"] for line in lines[-2:]] == ["reprocess_record", "job_finished"]
    assert sum(line["event"] == "job_finished" for line in lines) == 1
    assert sum(line["event"] == "part_finished" for line in lines) == 4, "persons and videos of two owners"
    last, record = lines[-1], record_of(lines)
    assert last["job_id"] == lines[0]["run_id"] == record["run_id"]
    total = sum(EACH_OWNER.values()) * 2
    assert last["operations"] == {"total": total, "done": 0, "skipped": total, "failed": 0}
    assert {name: record[name]["total"] for name in KINDS} == {
        "videos": 4,
        "scenes": 10,
        "photos": 2,
        "persons": 2,
    }
    assert all(record[name]["skipped"] == record[name]["total"] for name in KINDS)
    assert lines[0]["video_count"] == record["videos"]["total"]
    assert record["completed_at"] >= record["started_at"] >= record["created_at"]


def test_force_makes_all_anew_each_thing_once_and_bit_for_bit_the_same(taken: Projector) -> None:
    before = taken.vectors_of("default"), taken.vectors_of("eve")
    lines = taken("reprocess", "--scope", "all", "--force", "--json").lines
    assert taken.looked() == times(EACH_OWNER, 2)
    record = record_of(lines)
    assert all(record[name]["processed"] == record[name]["total"] for name in KINDS)
    assert (taken.vectors_of("default"), taken.vectors_of("eve")) == before, "as they were when they were new"


@pytest.mark.parametrize(
    ("step", "models"),
    [
        ("scene_image", ("scene-image",)),
        ("person_photos", ("person-photo", "person")),
        ("lexical_index", ("lexical",)),
    ],
)
def test_a_raised_version_makes_exactly_its_step_stale(
    taken: Projector, step: str, models: tuple[str, ...]
) -> None:
    """Also without force. A person's vector is of its photos' vectors, so it follows them."""
    taken.settings["step_versions"] = f"{step}=2"
    plan = taken("reprocess", "--scope", "all", "--dry-run", "--json").lines
    first = {line["model"]: line["to_do"] for line in plan if line["owner"] == "eve" and line["to_do"]}
    assert first.items() <= {model: EACH_OWNER[model] for model in models}.items()
    lines = taken("reprocess", "--scope", "all", "--json").lines
    assert taken.looked() == {model: 2 * EACH_OWNER[model] for model in models}
    record = record_of(lines)
    assert record["spec_version"].endswith(f"+{step}.2")
    done = {one["step"]: one["processed"] for one in record["steps"] if one["processed"]}
    assert step in done
    assert sum(done.values()) == 2 * sum(EACH_OWNER[model] for model in models)
    versions = taken.read("SELECT DISTINCT l.spec_version FROM ledger l JOIN spaces s ON s.id = l.space_id"
                          " JOIN pointers p ON p.space_id = s.id WHERE s.model = ?", models[0])  # fmt: skip
    assert versions == [(record["spec_version"],)]
    taken("reprocess", "--scope", "all")
    assert taken.looked() == {}, "and then it is up to date"


def test_one_video_touches_that_video_alone(taken: Projector) -> None:
    videos = taken.videos()
    taken.settings["step_versions"] = "scene_image=2"
    lines = taken("reprocess", "--scope", "video", "--video-id", videos["rain.mp4"], "--json").lines
    assert taken.looked() == {"scene-image": SCENES["rain.mp4"]}
    record = record_of(lines)
    assert (record["videos"]["total"], record["scenes"]["processed"], record["photos"]["total"]) == (1, 2, 0)
    taken("reprocess", "--scope", "all")
    assert taken.looked() == {"scene-image": 2 * 5 - SCENES["rain.mp4"]}, "the others, and not that one again"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_the_scope_of_an_owner_leaves_every_row_and_vector_of_another_as_it_was(
    taken: Projector, force: tuple[str, ...]
) -> None:
    taken.settings["step_versions"] = "scene_image=2,lexical_index=2"
    before = (taken.rows_of("default"), taken.vectors_of("default"))
    taken("reprocess", "--scope", "owner", "--owner-id", "eve", *force)
    looked = taken.looked()
    assert looked == (EACH_OWNER if force else {"scene-image": 5, "lexical": 5})
    assert (taken.rows_of("default"), taken.vectors_of("default")) == before
    owners = taken.read('SELECT DISTINCT owner FROM jobs WHERE request LIKE \'%"purpose": "reprocessing"%\'')
    assert owners == [("eve",)]


def test_only_what_was_updated_since(taken: Projector) -> None:
    videos = taken.videos()
    now = time.time()
    taken("videos", "transcript", videos["rain.mp4"], words(taken, "A quiet afternoon."))
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now - 1))
    later = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now + 3600))
    assert (
        record_of(taken("reprocess", "--scope", "all", "--force", "--since", later, "--json").lines)[
            "scenes"
        ]["total"]
        == 0
    )
    assert taken.looked() == {}
    record = record_of(taken("reprocess", "--scope", "all", "--force", "--since", moment, "--json").lines)
    assert record["scenes"] == {"total": 2, "processed": 2, "skipped": 0, "failed": 0, "left": 0}
    assert taken.looked()["lexical"] == 2


def words(taken: Projector, text: str) -> str:
    file = taken.home.parent / "words.srt"
    file.write_text(f"1\n00:00:00,100 --> 00:00:02,500\n{text}\n")
    return str(file)


def test_new_words_make_only_what_is_made_of_them_stale(taken: Projector) -> None:
    taken("videos", "transcript", taken.videos()["rain.mp4"], words(taken, "A quiet afternoon."))
    taken("reprocess", "--scope", "all")
    assert taken.looked() == {"lexical": 2}


def test_killed_in_the_middle_and_asked_again_it_goes_on_with_the_same_run(taken: Projector) -> None:
    before = taken.vectors_of("eve")
    force = ("reprocess", "--scope", "all", "--force")
    taken.killed(*force, when=lambda: taken.noted("scene-image") >= 7)
    [(killed,)] = taken.read("SELECT id FROM reprocessings")
    [listed] = taken("reprocess", "--list", "--json").lines
    assert listed["state"] == "interrupted"
    taken.looked()
    lines = taken(*force, "--json").lines
    assert lines[0]["run_id"] == killed
    record = record_of(lines)
    assert all(record[name]["processed"] == record[name]["total"] for name in KINDS)
    again = taken.looked()
    assert again["person-photo"] == 0, "persons come first: they were done before it was killed"
    assert again["scene-image"] <= EACH_OWNER["scene-image"], "and so was the first owner"
    assert taken.vectors_of("eve") == before
    assert taken.read("SELECT COUNT(*) FROM ledger WHERE state IN ('pending', 'leased')") == [(0,)]
    assert taken.read("SELECT COUNT(*) FROM jobs WHERE active = 1") == [(0,)]


def test_what_fails_is_recorded_and_the_rest_goes_on(taken: Projector) -> None:
    """A picture that went away fails its scene and its video, is named once with its reason, and the exit code says so."""
    [(file, scene)] = taken.read(
        "SELECT n.file, n.item_id FROM inputs n JOIN items i ON i.id = n.item_id WHERE i.kind = 'scene'"
        " AND n.channel = 'image' AND n.owner = 'eve' ORDER BY n.item_id LIMIT 1"
    )
    picture = taken.home / "media" / file.decode()
    kept = picture.read_bytes()
    picture.unlink()
    eve = ("reprocess", "--scope", "owner", "--owner-id", "eve")
    result = taken(*eve, "--force", "--json", code=1)
    record = record_of(result.lines)
    assert record["scenes"]["failed"] == 1
    assert record["scenes"]["processed"] == 4
    assert record["videos"]["failed"] == 1
    assert record["videos"]["processed"] == 1, "a video of which something failed is not counted as processed"
    assert record["error_count"] == result.lines[-1]["operations"]["failed"] > 0
    assert scene in {error["item_id"] for error in record["errors"]}
    assert all(error["code"] and error["reason"] and error["model"] for error in record["errors"])
    said = taken(*eve, code=1).out
    assert said.count("failed: ") == record["error_count"]
    picture.write_bytes(kept)
    taken(*eve, "--force")
    taken(*eve)


def test_a_video_that_is_still_to_be_taken_apart_is_named(
    taken: Projector, films: Path, tmp_path: Path
) -> None:
    new = tmp_path / "more"
    new.mkdir()
    shutil.copy(films / "rain.mp4", new / "late.mp4")
    taken("libraries", "add", new, "--kind", "video", "--owner", "eve")
    taken("scan", new, "--owner", "eve")
    lines = taken("reprocess", "--scope", "owner", "--owner-id", "eve", "--json").lines
    record = record_of(lines)
    assert lines[0]["video_count"] == record["videos"]["total"] == 3
    assert [video["name"] for video in record["not_extracted"]] == ["late.mp4"]
    assert "1 video without scenes yet: late.mp4" in taken("reprocess", "--scope", "all").out


def test_the_record_of_a_run_stays_as_it_was_when_it_ended(taken: Projector) -> None:
    first = record_of(taken("reprocess", "--scope", "all", "--force", "--json").lines)
    taken("reprocess", "--scope", "all", "--force")
    [shown] = taken("reprocess", "--show", first["run_id"], "--json").lines
    assert shown == first
    listed = taken("reprocess", "--list", "--json").lines
    assert [line["state"] for line in listed] == ["completed", "completed"]
    assert listed[-1] == first


def test_a_server_settles_the_record_when_the_last_job_has_ended(taken: Projector) -> None:
    from reprise.app import App
    from reprise.core.video_records import Scope
    from reprise.errors import JobConflict
    from reprise.reprocessing import Asked, Reprocessor
    from reprise.settings import load_settings

    with App(load_settings({}, {"REPRISE_HOME": str(taken.home)})) as app:
        reprocessor = Reprocessor(app)
        run = reprocessor.enqueue(Asked(Scope.ALL, force=True), asked_by="ada")
        with pytest.raises(JobConflict, match="already"):
            reprocessor.enqueue(Asked(Scope.ALL), asked_by="bob")
        waiting = reprocessor.progress(run.id)
        assert waiting["state"] == "queued"
        assert waiting["scenes"] == {"total": 10, "processed": 0, "skipped": 0, "failed": 0, "left": 10}
    assert len(taken.hosted()) == 4
    for job_id, owner, _ in taken.hosted():
        assert taken.resumed_as_hosted(job_id, owner) == 0
    [shown] = taken("reprocess", "--show", run.id, "--json").lines
    assert shown["scenes"]["processed"] == 10
    [(kept,)] = taken.read("SELECT record FROM reprocessings WHERE id = ?", run.id)
    assert json.loads(kept) == {name: value for name, value in shown.items() if name != "event"}


def test_of_many_who_ask_at_once_one_is_served(taken: Projector) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from reprise.app import App
    from reprise.core.video_records import Scope
    from reprise.errors import JobConflict
    from reprise.reprocessing import Asked, Reprocessor
    from reprise.settings import load_settings

    with App(load_settings({}, {"REPRISE_HOME": str(taken.home)})) as app:
        app.catalogue()

        def ask(number: int) -> bool:
            try:
                Reprocessor(app).enqueue(Asked(Scope.ALL), asked_by=f"admin {number}")
            except JobConflict:
                return False
            return True

        with ThreadPoolExecutor(50) as pool:
            served = list(pool.map(ask, range(50)))
    assert sum(served) == 1
    assert len(taken.hosted()) == 4, "a job for the persons and one for the videos of each owner"
    assert taken.read("SELECT COUNT(*) FROM reprocessings") == [(1,)]
