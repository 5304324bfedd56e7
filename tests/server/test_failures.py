"""Failures through the API: which item, why, with which model; again, or never again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.job import Control
from reprise.core.plan import Selection
from reprise.core.records import Failed
from tests.server.job_steps import enqueue, library_of, start, until

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.core.records import Failure
    from reprise.server.house import House
    from tests.harness import Home

FAILURES = "/api/v1/failures"
MANY = 3000


@pytest.fixture
def failed(admin: TestClient, home: Home, house: House) -> int:
    """A library with three odd files, embedded with two models; its number."""
    home.add("good")
    home.add("r1", "r2", content="raise")
    home.add("n", content="encode-nan")
    library = library_of(house.app, home.music)
    until(admin, start(admin, library, "null", "null-b")["id"])
    return library


def listed(client: TestClient, **asked: Any) -> dict[str, Any]:
    answer = client.get(FAILURES, params=asked)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


@pytest.mark.usefixtures("failed")
def test_failures_say_what_why_and_what_to_do(admin: TestClient) -> None:
    page = listed(admin)
    assert page["total_count"] == 6
    assert page["codes"] == [{"code": "model_failed", "count": 4}, {"code": "bad_vector", "count": 2}]
    one = next(item for item in page["items"] if item["path"] == "r1.mp3" and item["model"] == "null")
    assert one["code"] == "model_failed"
    assert "told to raise" in one["message"]
    assert one["cure"]
    assert one["retryable"] is False
    assert one["dismissed"] is False
    assert one["attempts"] == 1


@pytest.mark.usefixtures("failed")
def test_failures_are_chosen_and_paged(admin: TestClient) -> None:
    assert listed(admin, code="bad_vector")["total_count"] == 2
    assert {item["path"] for item in listed(admin, code="bad_vector")["items"]} == {"n.mp3"}
    assert listed(admin, model="null-b")["total_count"] == 3
    both = listed(admin, model="null", code="model_failed")
    assert sorted(item["path"] for item in both["items"]) == ["r1.mp3", "r2.mp3"]
    assert listed(admin, code="silent")["items"] == []
    pages = [listed(admin, limit=4, offset=offset)["items"] for offset in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 2, 0]
    assert len({(item["item_id"], item["model"]) for page in pages for item in page}) == 6


def test_one_item_or_one_kind_is_tried_again(admin: TestClient, home: Home, failed: int) -> None:
    item = next(item for item in listed(admin)["items"] if item["path"] == "n.mp3")
    home.music.joinpath("n.mp3").write_text("sound")
    answer = admin.post(f"{FAILURES}/retry", json={"item_id": item["item_id"]})
    assert answer.status_code == 202
    (job,) = answer.json()["jobs"]
    assert (job["wanted"], job["library_id"], job["models"]) == ("failed", failed, ["null", "null-b"])
    assert until(admin, job["id"])["operations"]["done"] == 2
    assert listed(admin)["total_count"] == 4
    (again,) = admin.post(f"{FAILURES}/retry", json={"code": "model_failed"}).json()["jobs"]
    ended = until(admin, again["id"])
    assert ended["state"] == "completed_with_errors"
    assert ended["operations"]["failed"] == 4
    assert listed(admin)["total_count"] == 4


@pytest.mark.usefixtures("failed")
def test_dismissed_failures_count_no_more(admin: TestClient) -> None:
    assert admin.post(f"{FAILURES}/dismiss", json={"code": "bad_vector"}).json() == {"dismissed": 2}
    assert listed(admin)["total_count"] == 4
    shown = listed(admin, dismissed=True)
    assert shown["total_count"] == 6
    assert sum(item["dismissed"] for item in shown["items"]) == 2
    nothing = admin.post(f"{FAILURES}/retry", json={"code": "bad_vector"})
    assert nothing.status_code == 404
    assert admin.post(f"{FAILURES}/dismiss", json={}).json() == {"dismissed": 4}
    assert listed(admin)["total_count"] == 0


def test_a_job_in_the_way_of_a_retry_is_named(admin: TestClient, home: Home, failed: int) -> None:
    home.add("h", content="hang")
    running = start(admin, failed)["id"]
    refused = admin.post(f"{FAILURES}/retry", json={})
    assert refused.status_code == 409
    assert running in refused.json()["message"]
    admin.post(f"/api/v1/jobs/{running}/cancel")
    until(admin, running)


@pytest.mark.usefixtures("failed")
def test_failures_of_another_owner_are_not_ours(admin: TestClient, house: House, home: Home) -> None:
    library_of(house.of("eve"), home.music)
    item = listed(admin)["items"][0]["item_id"]
    assert listed(admin, owner="eve")["total_count"] == 0
    assert admin.post(f"{FAILURES}/dismiss", params={"owner": "eve"}, json={}).json() == {"dismissed": 0}
    theirs = admin.post(f"{FAILURES}/retry", params={"owner": "eve"}, json={"item_id": item})
    assert theirs.status_code == 404
    assert listed(admin)["total_count"] == 6


def test_what_does_not_fit_is_refused(admin: TestClient) -> None:
    for question in (
        "?limit=0",
        "?limit=1001",
        "?offset=-1",
        f"?offset={2**63}",
        "?code=A",
        "?model=",
        "?code=a%00",
    ):
        assert admin.get(f"{FAILURES}{question}").status_code in {400, 422}, question
    bodies: tuple[Any, ...] = (
        {"item_id": 0},
        {"item_id": 2**63},
        {"item_id": "x"},
        {"code": ""},
        {"code": "A b"},
        [],
        None,
    )
    for body in bodies:
        for word in ("retry", "dismiss"):
            assert admin.post(f"{FAILURES}/{word}", json=body).status_code == 422, body


def test_a_page_of_many_failures_reads_no_more_than_a_page(
    admin: TestClient, house: House, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_many(house.app, home)
    from reprise.catalog import failures

    made: list[Failure] = []
    make = failures._failure

    def count(row: Any) -> Failure:
        made.append(make(row))
        return made[-1]

    monkeypatch.setattr(failures, "_failure", count)
    page = listed(admin, limit=10, offset=20)
    assert page["total_count"] == MANY
    assert len(page["items"]) == len(made) == 10


def _fail_many(app: App, home: Home) -> None:
    """As a run would have it, without the run."""
    home.add_many(MANY)
    job = enqueue(app, home.music)
    app.stop_job(job, Control.CANCEL)
    catalogue = app.catalogue()
    library = catalogue.libraries.get(app.owner, job.request.selection.library_id)
    app.scan(library, lambda _event: None)
    space = catalogue.spaces.ensure(app.owner, app.installed.card("null").spec)
    selection = Selection(app.owner, library.id)
    catalogue.ledger.plan(selection, job.id, [space], 1.0, resumed=False, alive=lambda _job_id: False)
    while leased := catalogue.ledger.lease(app.owner, job.id, space.id, 1000, 9e9, 3):
        lost = [Failed(operation.item_id, "silent", "nothing to hear", again=False) for operation in leased]
        catalogue.ledger.commit(app.owner, job.id, space.id, [], lost, 2.0)
