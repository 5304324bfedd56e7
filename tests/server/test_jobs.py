"""Jobs through the API: started once, looked at, estimated, stopped and gone on with at any moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.server.access import Person, Role, person
from reprise.server.api import create_api
from reprise.server.house import House
from reprise.server.notices import ENDED as ENDED_EVENT
from reprise.server.notices import TOLD
from tests.harness import is_running, outcome_of, read_until, wait_for
from tests.server.conftest import TEST_HOST
from tests.server.job_steps import ENDED, JOBS, enqueue, library_of, look, start, until, until_working

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.harness import Home


@pytest.fixture
def library(house: House, home: Home) -> int:
    return library_of(house.app, home.music)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each item takes a while, and each is committed at once."""
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.2")
    monkeypatch.setenv("REPRISE_COMMIT_SECONDS", "0.1")


def test_a_job_is_started_runs_and_says_all_about_itself(admin: TestClient, home: Home, library: int) -> None:
    home.add_many(6)
    home.add("bad", content="raise")
    started = start(admin, library, "null", "null-b")
    assert started["state"] == "queued"
    assert started["phase"] == "waiting"
    assert started["asked_by"] == "ada"
    ended = until(admin, started["id"])
    assert ended["state"] == "completed_with_errors"
    assert ended["percent"] == 100
    assert ended["items"] == {"total": 7, "failed": 1}
    assert ended["operations"] == {"total": 14, "done": 12, "skipped": 0, "failed": 2, "left": 0}
    assert [(part["model"], part["state"], part["done"]) for part in ended["per_model"]] == [
        ("null", "finished", 6),
        ("null-b", "finished", 6),
    ]
    assert ended["library"] == "music"
    assert ended["phase"] == "ended"
    assert ended["eta"] is None
    assert ended["finished_at"] >= ended["started_at"] >= ended["created_at"]
    home.assert_sound(("null", "null-b"))


@pytest.mark.usefixtures("slow")
def test_a_running_job_says_what_it_is_at(admin: TestClient, home: Home, library: int) -> None:
    home.add_many(60)
    job_id = start(admin, library)["id"]
    running = wait_for(lambda: (facts := look(admin, job_id))["current"] and facts)
    assert running["state"] == "running"
    assert running["phase"] == "embedding"
    assert running["current"].startswith("[null] ")
    assert 0 < running["percent"] < 100
    assert running["per_model"][0]["memory_mb"] == 64
    admin.post(f"{JOBS}/{job_id}/cancel")
    until(admin, job_id)


def test_of_fifty_starts_at_once_one_is_taken_and_the_others_are_told_its_name(
    admin: TestClient, home: Home, library: int
) -> None:
    home.add("a", content="hang")
    body = {"library_id": library, "models": ["null"]}
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: admin.post(JOBS, json=body), range(50)))
    taken = [answer.json() for answer in answers if answer.status_code == 202]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert len(taken) == 1
    assert len(refused) == 49
    assert {problem["code"] for problem in refused} == {"job_conflict"}
    assert all(taken[0]["id"] in problem["message"] for problem in refused)
    admin.post(f"{JOBS}/{taken[0]['id']}/cancel")
    assert until(admin, taken[0]["id"])["state"] == "cancelled"


@pytest.mark.parametrize("route", [JOBS, f"{JOBS}/estimate"])
def test_models_that_do_not_fit_are_refused_with_those_that_there_are(
    admin: TestClient, library: int, route: str
) -> None:
    for models in ([], ["x"], ["null", "x"], ["null", "null"]):
        answer = admin.post(route, json={"library_id": library, "models": models})
        assert answer.status_code == 422
        assert answer.json()["code"] == "unknown_model"
        assert "null-b" in answer.json()["message"]
    assert admin.get(JOBS).json()["total_count"] == 0


UNFIT: tuple[dict[str, Any], ...] = (
    {"library_id": 0},
    {"library_id": 2**63},
    {"library_id": "one"},
    {"models": "null"},
    {"models": ["x" * 101]},
    {"models": ["null"] * 101},
    {"wanted": "some"},
    {"clear": True},
    {"folder": "../other"},
    {"folder": "/etc"},
    {"folder": "a\0b"},
    {"folder": "a//b"},
    {"since": -1},
    {"since": 1e300},
    {"batch_size": -1},
    {"batch_size": 10**30},
    {"owner": ""},
    {"owner": "a\0b"},
)


def test_a_start_that_does_not_fit_is_refused(admin: TestClient, library: int) -> None:
    for change in UNFIT:
        answer = admin.post(JOBS, json={"library_id": library, "models": ["null"]} | change)
        assert answer.status_code == 422, change
        assert answer.json()["cure"], change
    for body in ("", "{", "[]", "null", '{"library_id": 1, "models": ["\\ud800"]}', '{"folder": "\\udfff"}'):
        answer = admin.post(JOBS, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, body
        assert answer.json()["code"], body
    assert admin.get(JOBS).json()["total_count"] == 0


def test_questions_that_do_not_fit_are_refused(admin: TestClient) -> None:
    for question in ("?limit=0", "?limit=1001", "?offset=-1", f"?offset={2**63}", "?state=lost", "/XY"):
        assert admin.get(f"{JOBS}{question}").status_code == 422, question
    for question in ("?owner=nobody", "/0", "/0/events"):
        assert admin.get(f"{JOBS}{question}").status_code == 404, question


def test_jobs_are_for_administrators_and_of_their_owner(
    user: TestClient, home: Home, house: House, library: int
) -> None:
    body = {"library_id": library, "models": ["null"]}
    for answer in (
        user.get(JOBS),
        user.post(JOBS, json=body),
        user.post(f"{JOBS}/estimate", json=body),
        user.get(f"{JOBS}/abc"),
        user.post(f"{JOBS}/abc/cancel"),
        user.get("/api/v1/failures"),
        user.post("/api/v1/failures/retry", json={}),
        user.post("/api/v1/failures/dismiss", json={}),
    ):
        assert answer.status_code == 403


def test_an_administrator_acts_for_another_owner_only_when_they_say_so(
    admin: TestClient, home: Home, house: House
) -> None:
    home.add_many(2)
    theirs = library_of(house.of("eve"), home.music)
    assert admin.post(JOBS, json={"library_id": theirs, "models": ["null"]}).status_code == 404
    assert (
        admin.post(JOBS, json={"library_id": theirs, "models": ["null"], "owner": "bob"}).status_code == 404
    )
    job = start(admin, theirs, owner="eve")
    assert job["owner"] == "eve"
    assert admin.get(f"{JOBS}/{job['id']}").status_code == 404
    found = wait_for(lambda: admin.get(JOBS, params={"owner": "eve", "state": "completed"}).json()["items"])
    assert [facts["id"] for facts in found] == [job["id"]]
    assert home.rows(owner="eve")["done"] == 2


@pytest.mark.usefixtures("slow")
def test_a_job_is_paused_gone_on_with_and_cancelled(admin: TestClient, home: Home, library: int) -> None:
    home.add_many(100)
    job_id = start(admin, library)["id"]
    done = until_working(admin, job_id)["operations"]["done"]
    assert admin.post(f"{JOBS}/{job_id}/pause").status_code == 202
    paused = until(admin, job_id, "paused")
    assert paused["phase"] == "paused"
    time.sleep(1)  # nobody goes on with it by himself
    assert look(admin, job_id)["state"] == "paused"
    assert admin.post(f"{JOBS}/{job_id}/resume").json()["state"] == "queued"
    again = until_working(admin, job_id)
    assert again["operations"]["done"] >= paused["operations"]["done"] >= done
    assert again["percent"] >= paused["percent"]
    assert admin.post(f"{JOBS}/{job_id}/cancel").status_code == 202
    assert until(admin, job_id)["state"] == "cancelled"
    assert home.rows().get("leased", 0) == 0
    for word in ("pause", "resume", "cancel"):
        answer = admin.post(f"{JOBS}/{job_id}/{word}")
        assert answer.status_code == 409
        assert "cancelled" in answer.json()["message"]


@pytest.mark.usefixtures("slow")
def test_a_job_that_waits_is_paused_and_cancelled_at_once(
    admin: TestClient, home: Home, house: House, library: int
) -> None:
    home.add_many(100)
    other = home.folder / "other"
    home.add("o", folder=other)
    first = start(admin, library)["id"]
    waiting = start(admin, library_of(house.app, other))["id"]
    assert look(admin, waiting)["state"] == "queued"
    assert admin.post(f"{JOBS}/{waiting}/pause").json()["state"] == "paused"
    assert admin.post(f"{JOBS}/{waiting}/resume").json()["state"] == "queued"
    assert admin.post(f"{JOBS}/{waiting}/cancel").json()["state"] == "cancelled"
    admin.post(f"{JOBS}/{first}/cancel")
    until(admin, first)
    names = [event["name"] for event in admin.get(f"{JOBS}/{waiting}/events").json()["items"]]
    assert names == ["job_queued", "job_finished", "job_queued", "job_finished"]


@pytest.mark.parametrize(("word", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_wish_is_heard_while_a_model_loads(
    admin: TestClient, home: Home, library: int, word: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_LOAD_SECONDS", "600")
    home.add("a")
    job_id = start(admin, library, "slow-load")["id"]
    wait_for(lambda: look(admin, job_id)["phase"] == "loading")
    admin.post(f"{JOBS}/{job_id}/{word}")
    assert until(admin, job_id, state, *ENDED)["state"] == state


def test_a_model_that_fails_leaves_an_honest_state(admin: TestClient, home: Home, library: int) -> None:
    home.add_many(3)
    ended = until(admin, start(admin, library, "broken-load", "null")["id"])
    assert ended["state"] == "completed_with_errors"
    broken, good = ended["per_model"]
    assert broken["state"] == "failed"
    assert "weights" in broken["error"]
    assert (good["state"], good["done"]) == ("finished", 3)


def test_the_batch_size_of_the_start_holds(admin: TestClient, home: Home, library: int) -> None:
    home.add_many(20)
    until(admin, start(admin, library, "exclusive", batch_size=3)["id"])
    sizes = [int(size) for by, size in home.notes("batch")]
    assert sum(sizes) >= 20
    assert max(sizes) <= 3


def test_only_one_folder_only_what_changed_since_and_all_of_it_again(
    admin: TestClient, home: Home, library: int
) -> None:
    home.add_many(3)
    home.add("x", "y", folder=home.music / "Artist" / "Album")
    only = until(admin, start(admin, library, folder="Artist/Album/")["id"])
    assert only["operations"]["total"] == 2
    since = until(admin, start(admin, library, since=time.time() + 1e6)["id"])
    assert since["operations"]["total"] == 0
    rest = until(admin, start(admin, library)["id"])
    assert rest["operations"] == {"total": 5, "done": 3, "skipped": 2, "failed": 0, "left": 0}
    everything = until(admin, start(admin, library, wanted="all")["id"])
    assert everything["operations"]["done"] == 5


def test_the_estimate_counts_what_the_job_does_and_measures_only_when_asked(
    admin: TestClient, home: Home, house: House, library: int
) -> None:
    home.add_many(4)
    until(admin, start(admin, library)["id"])
    home.add("new")
    house.app.scan(house.app.catalogue().libraries.get("default", library), lambda _event: None)
    loads = len(home.notes("load"))
    body = {"library_id": library, "models": ["null", "null-b"]}
    found = admin.post(f"{JOBS}/estimate", json=body).json()
    assert (found["items"], found["operations"], found["to_do"]) == (5, 10, 6)
    assert [(m["model"], m["to_do"], m["skipped"], m["reasons"]) for m in found["models"]] == [
        ("null", 1, 4, {"new": 1}),
        ("null-b", 5, 0, {"new": 5}),
    ]
    assert found["disk_bytes"] > 0
    assert found["seconds"] is None
    assert len(home.notes("load")) == loads
    assert admin.get(JOBS).json()["total_count"] == 1
    admin.post(f"{JOBS}/estimate", params={"measure": True}, json=body)
    assert len(home.notes("load")) > loads
    ended = until(admin, start(admin, library, "null", "null-b")["id"])
    assert ended["operations"]["done"] == found["to_do"]


def test_jobs_are_listed_by_pages_and_by_state(admin: TestClient, home: Home, library: int) -> None:
    home.add("a")
    ids = [until(admin, start(admin, library)["id"])["id"] for _ in range(3)]
    page = admin.get(JOBS, params={"limit": 2, "offset": 1}).json()
    assert page["total_count"] == 3
    assert [job["id"] for job in page["items"]] == [ids[1], ids[0]]
    assert admin.get(JOBS, params={"state": "completed"}).json()["total_count"] == 3
    for state in ("queued", "running", "interrupted", "paused", "failed"):
        assert admin.get(JOBS, params={"state": state}).json()["items"] == []


def test_events_of_a_job_are_read_from_any_point_on(
    admin: TestClient, home: Home, house: House, library: int
) -> None:
    home.add_many(3)
    job_id = start(admin, library)["id"]
    until(admin, job_id)
    wait_for(lambda: not house.app.catalogue().feed.untold(ENDED_EVENT, TOLD))
    events = admin.get(f"{JOBS}/{job_id}/events").json()["items"]
    names = [event["name"] for event in events]
    assert names[0] == "job_queued"
    assert names[-1] == "job_finished"
    assert {"scan_finished", "job_started", "model_loaded", "progress", "model_unloaded"} < set(names)
    numbers = [event["seq"] for event in events]
    assert numbers == sorted(set(numbers))
    rest = admin.get(f"{JOBS}/{job_id}/events", params={"after": numbers[2], "limit": 2}).json()["items"]
    assert rest == events[3:5]


def test_a_job_whose_command_died_is_interrupted_and_the_server_goes_on_with_it(
    admin: TestClient, home: Home, library: int
) -> None:
    home.add_many(100)
    slow = {"PLUGIN_MODELS_SECONDS": "0.2", "REPRISE_COMMIT_SECONDS": "0.1"}
    with home.start("embed", str(home.music), "--model", "null", **slow) as process:
        try:
            started = read_until(process, "job_started")
            read_until(process, "progress")
            running = look(admin, started["job_id"])
            assert (running["state"], running["asked_by"]) == ("running", "")
            assert running["phase"] == "embedding"
            refused = admin.post(f"{JOBS}/{started['job_id']}/resume")
            assert refused.status_code == 409
        finally:
            process.kill()
            process.communicate()
    assert until(admin, started["job_id"], "interrupted")["phase"] == "interrupted"
    assert admin.get(JOBS, params={"state": "interrupted"}).json()["total_count"] == 1
    assert admin.post(f"{JOBS}/{started['job_id']}/resume").status_code == 202
    assert until(admin, started["job_id"])["state"] == "completed"
    home.assert_sound()


def test_a_job_that_a_command_runs_is_stopped_through_the_api(
    admin: TestClient, home: Home, library: int
) -> None:
    home.add_many(100)
    process = home.start("embed", str(home.music), "--model", "null", PLUGIN_MODELS_SECONDS="0.2")
    job_id = read_until(process, "job_started")["job_id"]
    assert admin.post(f"{JOBS}/{job_id}/pause").status_code == 202
    assert outcome_of(process).last["state"] == "paused"
    assert look(admin, job_id)["state"] == "paused"


def test_a_command_does_not_take_a_job_that_the_server_is_to_run(
    admin: TestClient, home: Home, house: House, library: int
) -> None:
    """The other job keeps the server busy meanwhile."""
    home.add("a")
    other = home.folder / "other"
    home.add("h", content="hang", folder=other)
    first = start(admin, library_of(house.app, other))["id"]
    until(admin, first, "running")
    waiting = start(admin, library)["id"]
    for arguments in (("embed", str(home.music), "--model", "null-b"), ("jobs", "resume", waiting)):
        refused = home.run(*arguments)
        assert refused.code == 2
        assert refused.last["code"] == "job_conflict"
        assert waiting in refused.last["message"]
    assert look(admin, waiting)["state"] == "queued"
    paused = home.run("jobs", "pause", waiting)
    assert not paused.last["running"]
    assert home.run("jobs", "resume", waiting).last["state"] == "completed"
    admin.post(f"{JOBS}/{first}/cancel")
    until(admin, first)


def test_without_a_server_a_command_takes_a_waiting_job_over(home: Home) -> None:
    home.add_many(3)
    with home.app() as app:
        app.catalogue(create=True)
        job = enqueue(app, home.music)
    ran = home.embed("--model", "null")
    assert ran.last["job_id"] == job.id
    assert ran.last["state"] == "completed"


@pytest.mark.usefixtures("slow")
def test_nothing_is_left_running_when_the_server_stops(home: Home, house: House, api: Any) -> None:
    from fastapi.testclient import TestClient

    from reprise.server.job_host import JobHost

    home.add_many(100)
    with TestClient(api):
        job = enqueue(house.app, home.music)
        pids = wait_for(house.service(JobHost).pids)
        wait_for(lambda: home.rows().get("done", 0) if home.notes("item") else 0)
        tree = [psutil.Process(pids[0]), *psutil.Process(pids[0]).children(recursive=True)]
        assert len(tree) > 1
    assert not any(is_running(process) for process in tree)
    stopped = house.app.catalogue().jobs.get("default", job.id)
    assert (stopped.state, stopped.standing) == ("paused", "queued")
    with TestClient(api):
        wait_for(lambda: house.app.catalogue().jobs.get("default", job.id).state == "running")


def test_in_quiet_hours_a_job_waits_and_says_so(home: Home) -> None:
    from fastapi.testclient import TestClient

    home.add("a")
    with home.app(allowed_hosts=TEST_HOST, quiet_hours="00:00-24:00") as app:
        app.catalogue(create=True)
        api = create_api(House(app))
        api.dependency_overrides[person] = lambda: Person("ada", Role.ADMIN, "default")
        with TestClient(api) as client:
            job_id = start(client, library_of(app, home.music))["id"]
            time.sleep(1)
            assert look(client, job_id)["state"] == "queued"
            assert look(client, job_id)["quiet"] is True
            client.post(f"{JOBS}/{job_id}/cancel")
            assert look(client, job_id)["quiet"] is False
