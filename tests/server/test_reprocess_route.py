"""Reprocessing over HTTP: what is refused, what is answered, and what comes of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.job import JobRequest
from reprise.core.plan import Selection
from reprise.server.access import Person, Role
from tests.server.filmed import ALL, REPROCESS, Filmed, ended, film, keep_picture, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House

PLACES = (REPROCESS, "/v1/admin/reprocess-embeddings")
ANEW = "/api/v1/admin/reprocess-all"


@pytest.fixture
def filmed(house: House, tmp_path: Path) -> Filmed:
    return film(house.app, tmp_path / "films")


def whole(tally: dict[str, int]) -> tuple[int, int, int, int]:
    assert tally["total"] == tally["processed"] + tally["skipped"] + tally["failed"] + tally["left"]
    assert tally["left"] == 0
    return tally["total"], tally["processed"], tally["skipped"], tally["failed"]


def test_who_may_ask_for_it(
    browser: Callable[..., TestClient], signed_in: Callable[..., TestClient], house: House, filmed: Filmed
) -> None:
    del filmed
    nobody, bob, ada = browser(), signed_in("bob"), signed_in("ada", Role.ADMIN)
    for place in PLACES:
        assert nobody.post(place, json=ALL).status_code == 401
        refused = bob.post(place, json=ALL)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert nobody.get(REPROCESS).status_code == bob.get(REPROCESS).status_code + 401 - 403 == 401
    assert (
        bob.get(f"{REPROCESS}/abc").status_code
        == bob.post(ANEW, json={"confirm": "delete"}).status_code
        == 403
    )
    assert house.app.catalogue().jobs.all("default", 9) == []
    foreign = ada.post(REPROCESS, json=ALL, headers={"Origin": "https://elsewhere.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    assert ada.post(PLACES[1], json=ALL).status_code == 202


BAD_WISHES: list[Any] = [
    {}, {"scope": "some"}, {"scope": None}, {"scope": "video"}, {"scope": "owner"}, {"scope": "all", "video_id": 1},
    {"scope": "all", "owner_id": "default"}, {"scope": "video", "video_id": 1, "owner_id": "default"},
    {"scope": "owner", "owner_id": "default", "video_id": 1}, {"scope": "video", "owner_id": "default"},
    {"scope": "video", "video_id": "not-an-id"}, {"scope": "video", "video_id": 0}, {"scope": "video", "video_id": "1"},
    {"scope": "video", "video_id": 2**63}, {"scope": "video", "video_id": 1.5}, {"scope": "owner", "owner_id": ""},
    {"scope": "owner", "owner_id": 5}, {"scope": "owner", "owner_id": "a\0"}, {"scope": "all", "force": "yes"},
    {"scope": "all", "since": -1}, {"scope": "all", "since": "today"}, {"scope": "all", "since": 1e300},
    {"scope": "owner", "owner_id": " "}, [], "all",
]  # fmt: skip


def test_what_makes_no_sense_is_refused_before_anything_is_queued(admin: TestClient, house: House) -> None:
    for body in BAD_WISHES:
        for place in PLACES:
            answer = admin.post(place, json=body)
            assert answer.status_code == 422, (body, answer.text)
            assert answer.json()["cure"]
        assert house.app.catalogue().reprocessings.newest(9) == []


def test_what_is_not_there_is_not_found(admin: TestClient, house: House, filmed: Filmed) -> None:
    for body in ({"scope": "video", "video_id": 999}, {"scope": "video", "video_id": filmed.scenes[0]},
                 {"scope": "owner", "owner_id": "nobody"}):  # fmt: skip
        answer = admin.post(REPROCESS, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), body
    assert admin.get(f"{REPROCESS}/abcdef").status_code == 404
    assert admin.get(f"{REPROCESS}/not-an-id").status_code == 422
    assert house.app.catalogue().reprocessings.newest(9) == []


def test_it_is_queued_done_and_told(admin: TestClient, house: House, filmed: Filmed) -> None:
    version = house.app.installed.pipeline.version
    before = admin.get(REPROCESS).json()
    assert before == {"spec_version": version, "video_count": 1, "running": None, "newest": []}
    answer = admin.post(REPROCESS, json=ALL)
    assert answer.status_code == 202, answer.text
    queued = answer.json()
    assert (queued["status"], queued["scope"], queued["video_count"]) == ("queued", "all", 1)
    assert (queued["spec_version"], len(queued["jobs"])) == (version, 1)
    assert (
        queued["message"]
        == f"1 video queued for the pipeline {version}: what is missing or out of date is made"
    )
    told = ended(admin, queued["run_id"])
    assert (told["state"], told["error_count"], told["percent"]) == ("completed", 0, 100.0)
    assert (told["spec_version"], told["owner_id"], told["video_id"]) == (version, None, None)
    assert whole(told["videos"]) == (1, 1, 0, 0)
    assert whole(told["scenes"]) == (2, 2, 0, 0)
    assert whole(told["persons"]) == whole(told["photos"]) == (0, 0, 0, 0)
    assert {step["step"]: whole(step)[:2] for step in told["steps"]}["lexical_index"] == (2, 2)
    assert [run["run_id"] for run in admin.get(REPROCESS).json()["newest"]] == [queued["run_id"]]
    scene = admin.get(f"/api/v1/scenes/{filmed.scenes[0]}").json()
    assert scene["embedded"]["lexical"]["state"] == "done"
    assert scene["embedded"]["lexical"]["spec_version"] == version
    again = ended(
        admin, admin.post(REPROCESS, json={"scope": "video", "video_id": filmed.video}).json()["run_id"]
    )
    assert whole(again["scenes"]) == (2, 0, 2, 0)
    forced = ended(
        admin,
        admin.post(REPROCESS, json={"scope": "owner", "owner_id": "default", "force": True}).json()["run_id"],
    )
    assert whole(forced["scenes"]) == (2, 2, 0, 0)
    assert (forced["force"], forced["owner_id"]) == (True, "default")


def test_what_a_new_version_makes_stale_is_told_and_made_anew(
    admin: TestClient, house: House, filmed: Filmed
) -> None:
    """Of the project that this one follows, a new version without force regenerated nothing (P3-1)."""

    def lexical(scene: int) -> tuple[str, str]:
        facts = admin.get(f"/api/v1/scenes/{scene}").json()["embedded"]["lexical"]
        return facts["state"], facts["spec_version"]

    ended(admin, admin.post(REPROCESS, json=ALL).json()["run_id"])
    old = house.app.installed.pipeline.version
    assert {lexical(scene) for scene in filmed.scenes} == {("done", old)}
    admin.patch(f"/api/v1/scenes/{filmed.scenes[0]}", json={"summary": "Whales at dawn."})
    assert [lexical(scene)[0] for scene in filmed.scenes] == ["stale", "done"]
    told = ended(admin, admin.post(REPROCESS, json=ALL).json()["run_id"])
    assert whole(told["scenes"]) == (2, 1, 1, 0)
    house.configure({"step_versions": "lexical_index=2"})
    new = admin.get("/api/v1/pipeline").json()["spec_version"]
    assert new == f"{old}+lexical_index.2"
    assert [lexical(scene) for scene in filmed.scenes] == [("stale", old), ("stale", old)]
    queued = admin.post(REPROCESS, json={**ALL, "force": False}).json()
    assert queued["spec_version"] == new
    assert whole(ended(admin, queued["run_id"])["scenes"]) == (2, 2, 0, 0)
    assert {lexical(scene) for scene in filmed.scenes} == {("done", new)}
    steps = {step["step"]: step for step in admin.get(f"/api/v1/videos/{filmed.video}").json()["steps"]}
    assert (steps["lexical_index"]["done"], steps["lexical_index"]["spec_versions"]) == (2, [new])


def test_of_many_starts_at_once_one_begins(admin: TestClient, house: House, filmed: Filmed) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: admin.post(REPROCESS, json={**ALL, "force": True}), range(6)))
    begun = [answer.json() for answer in answers if answer.status_code == 202]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert len(begun) + len(refused) == 6
    runs = house.app.catalogue().reprocessings.newest(9)
    assert sorted(run.id for run in runs) == sorted(one["run_id"] for one in begun)
    for one in refused:
        assert one["code"] == "job_conflict"
        assert any(job["job_id"] in one["message"] for first in begun for job in first["jobs"])
    for one in begun:
        assert whole(ended(admin, one["run_id"])["scenes"]) == (2, 2, 0, 0)
    del filmed


def test_an_owners_scope_touches_nobody_else(
    as_person: Callable[[Person], TestClient], house: House, filmed: Filmed, tmp_path: Path
) -> None:
    eves = film(house.of("eve"), tmp_path / "eves")
    admin = as_person(Person("ada", Role.ADMIN, "default"))
    answer = admin.post(REPROCESS, json={"scope": "owner", "owner_id": "eve"}).json()
    assert [job["owner"] for job in answer["jobs"]] == ["eve"]
    assert whole(ended(admin, answer["run_id"])["scenes"]) == (2, 2, 0, 0)
    known = house.app.catalogue().embedded
    assert known.of_items("default", filmed.scenes) == {}
    assert set(known.of_items("eve", eves.scenes)) == set(eves.scenes)
    everybody = admin.post(REPROCESS, json=ALL).json()
    assert everybody["video_count"] == 2
    assert whole(ended(admin, everybody["run_id"])["scenes"]) == (4, 2, 2, 0)


def test_since_leaves_out_what_is_older(admin: TestClient, house: House, filmed: Filmed) -> None:
    film(house.app, filmed.file.parent, "later.mp4", ("Later.",))
    told = ended(admin, admin.post(REPROCESS, json={**ALL, "since": time.time() + 3600}).json()["run_id"])
    assert whole(told["scenes"]) == (0, 0, 0, 0)


def test_persons_are_brought_up_to_date_too(admin: TestClient, house: House) -> None:
    persons, now = house.app.catalogue().persons, time.time()
    ada = persons.add("default", "Ada", now)
    file, digest = keep_picture(house.app, picture(1))
    persons.add_photo("default", ada.id, file, digest, now)
    told = ended(admin, admin.post(REPROCESS, json=ALL).json()["run_id"])
    assert whole(told["photos"]) == whole(told["persons"]) == (1, 1, 0, 0)
    assert persons.get("default", ada.id).has_vector


def test_the_pipeline_is_told_step_by_step(user: TestClient, house: House) -> None:
    told = user.get("/api/v1/pipeline").json()
    assert told["spec_version"] == house.app.installed.pipeline.version
    names = [step["name"] for step in told["steps"]]
    assert names == [
        "scene_text",
        "scene_image",
        "scene_persons",
        "person_photos",
        "person_vector",
        "lexical_index",
    ]
    text = told["steps"][0]
    assert (text["works_on"], text["version"], text["idempotent"]) == ("scene", 1, True)
    assert (text["enabled"], bool(text["disabled"])) == (False, True)


UNCONFIRMED: list[Any] = [{}, {"confirm": True}, {"confirm": "yes"}, {"confirm": "DELETE"}, []]


def test_everything_is_deleted_only_when_that_is_confirmed(admin: TestClient, filmed: Filmed) -> None:
    for body in UNCONFIRMED:
        assert admin.post(ANEW, json=body).status_code == 422
        assert admin.get(f"/api/v1/videos/{filmed.video}").json()["scenes"] == 2


def test_nothing_is_deleted_while_a_job_works_on_it(admin: TestClient, house: House, filmed: Filmed) -> None:
    request = JobRequest(Selection("default", filmed.library.id), ("null",))
    job = house.app.catalogue().jobs.create(request, "1", time.time())
    answer = admin.post(ANEW, json={"confirm": "delete"})
    assert (answer.status_code, answer.json()["code"]) == (409, "job_conflict")
    assert job.id in answer.json()["message"]
    assert admin.get(f"/api/v1/videos/{filmed.video}").json()["scenes"] == 2


def test_all_is_taken_in_anew(admin: TestClient, house: House, filmed: Filmed) -> None:
    """The destructive one, which is another: scenes go, and each library is taken in from the start."""
    run = ended(admin, admin.post(REPROCESS, json=ALL).json()["run_id"])
    assert run["state"] == "completed"
    answer = admin.post(ANEW, json={"confirm": "delete"})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["status"], told["video_count"], len(told["jobs"])) == ("queued", 1, 1)
    assert told["spec_version"] == house.app.installed.pipeline.version
    assert admin.get(f"/api/v1/videos/{filmed.video}/scenes").json()["items"] == []
    assert admin.get(f"/api/v1/scenes/{filmed.scenes[0]}").status_code == 404
    job = house.app.catalogue().jobs.get("default", told["jobs"][0]["job_id"])
    assert job.request.models == ("video-scenes",)
