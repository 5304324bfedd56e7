"""Health, the doctor, figures for Prometheus, and the page that describes the API."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from reprise.errors import CatalogueLocked
from reprise.server.access import Role
from reprise.server.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from reprise.server.house import House
    from tests.harness import Home

READY = "/api/v1/health/ready"


@pytest.fixture
def here(api: FastAPI) -> Iterator[TestClient]:
    """A program on the server's own machine."""
    with TestClient(api, base_url="http://localhost", client=("127.0.0.1", 5000)) as opened:
        yield opened


def test_it_lives(client: TestClient) -> None:
    answer = client.get("/api/v1/health/live")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_it_is_ready_and_tells_strangers_no_more(client: TestClient) -> None:
    answer = client.get(READY)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok", answer.text
    parts = answer.json()["components"]
    assert {part["name"] for part in parts} >= {"catalogue", "store", "models", "disk", "jobs", "events"}
    assert not any(part["detail"] or part["cure"] for part in parts)


def test_a_catalogue_that_is_gone_is_503(here: TestClient, house: House) -> None:
    house.app.catalogue_path.unlink()
    answer = here.get(READY)
    assert answer.status_code == 503
    found = {part["name"]: part for part in answer.json()["components"]}
    assert found["catalogue"]["status"] == "degraded"
    assert str(house.app.home) not in answer.text


def test_people_who_are_signed_in_read_what_is_wrong_and_its_cure(
    house: House, signed_in: Callable[..., TestClient]
) -> None:
    browser = signed_in("ada", Role.ADMIN)
    readiness = Readiness(house)
    house.services.append(readiness)

    class Troubled:
        name = "following"

        def start(self) -> None: ...

        def stop(self) -> None: ...

        def trouble(self) -> str:
            return "the music server does not answer"

    house.services.append(Troubled())
    answer = browser.get(READY)
    house.services.clear()
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    found = {part["name"]: part for part in answer.json()["components"]}
    assert found["following"]["detail"] == "the music server does not answer"
    assert found["following"]["cure"]
    assert found["disk"]["detail"].endswith("MB free")


def test_a_look_that_hangs_keeps_nobody_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    readiness = Readiness(house)
    hung = threading.Event()

    def newest() -> int:
        hung.wait(60)
        raise CatalogueLocked("held")

    monkeypatch.setattr(house.app.catalogue().feed, "newest", newest)
    first = {part.name: part.status for part in readiness.components()}
    assert first["catalogue"] == "off"
    assert first["health"] == "degraded"
    hung.set()


def test_the_doctor_speaks_to_administrators(admin: TestClient, home: Home) -> None:
    answer = admin.get("/api/v1/doctor")
    assert answer.status_code == 200
    found = {finding["check"]: finding for finding in answer.json()["items"]}
    assert found["catalogue"]["good"] is True
    assert found["version"]["good"] is None
    assert found["config file"]["fact"].startswith(str(home.state))


def test_the_doctor_is_not_for_others(user: TestClient) -> None:
    assert user.get("/api/v1/doctor").status_code == 403


def test_the_doctor_finds_what_is_wrong_with_its_cure(home: Home) -> None:
    home.state.mkdir()
    (home.state / "config.toml").write_text('subsonic_password = "secret"\n')
    (home.state / "config.toml").chmod(0o644)
    outcome = home.run(
        "doctor",
        REPRISE_DEVICE="cuda:7" if not _has_card() else "auto",
        REPRISE_SUBSONIC_URL="http://127.0.0.1:9",
        REPRISE_SUBSONIC_USER="ada",
        REPRISE_NAVIDROME_DATABASE=str(home.folder / "nothing.db"),
    )
    wrong = {event["check"]: event for event in outcome.named("finding") if event["good"] is False}
    assert outcome.code == 1
    assert wrong.keys() >= {"config file", "media server", "Navidrome's database"}
    assert wrong["config file"]["cure"].startswith("chmod 600 ")
    assert "secret" not in str(outcome.events)
    assert ("graphics card" in wrong) == (not _has_card())
    assert all(finding["cure"] for finding in wrong.values())


def _has_card() -> bool:
    from reprise.models.accelerator import accelerator_present

    return accelerator_present()


# figures


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_of_a_finished_job(home: Home) -> None:
    home.add_many(3)
    home.run_here("null")
    from reprise.server.api import create_api
    from reprise.server.house import House

    with home.app() as app:
        api = create_api(House(app))
        with TestClient(api, base_url="http://localhost", client=("127.0.0.1", 5000)) as here:
            here.get("/api/v1/jobs/1234")
            here.get("/api/v1/no/such/thing")
            answer = here.get("/metrics")
    assert answer.status_code == 200
    found = samples(answer.text)
    assert found["reprise_items", frozenset({("state", "present")})] == 3
    assert found["reprise_jobs", frozenset({("state", "completed")})] == 1
    assert found["reprise_operations_total", frozenset({("model", "null"), ("outcome", "done")})] == 3
    vectors = {labels: value for (name, labels), value in found.items() if name == "reprise_vectors"}
    assert list(vectors.values()) == [3]
    assert found["reprise_feed_rows", frozenset()] > 0
    assert found["process_resident_memory_bytes", frozenset()] > 0
    requests = {dict(labels)["route"] for name, labels in found if name == "reprise_http_requests_total"}
    assert "/api/v1/jobs/{job_id}" in requests
    assert not any("1234" in route or "such" in route for route in requests)
    buckets = [v for (name, _), v in found.items() if name == "reprise_http_request_seconds_bucket"]
    assert buckets


def test_strangers_read_no_figures(client: TestClient, here: TestClient) -> None:
    assert client.get("/metrics").status_code == 401  # from another machine
    assert here.get("/metrics").status_code == 200
    assert here.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401


def test_administrators_read_figures_from_anywhere(signed_in: Callable[..., TestClient]) -> None:
    assert signed_in("ada", Role.ADMIN).get("/metrics").status_code == 200
    assert signed_in("bob", Role.USER).get("/metrics").status_code == 403


# the description


def test_the_page_names_every_route_and_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in client.get("/api/v1/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert "http://" not in page.text.replace("http://localhost", "").replace("http://127.0.0.1", "")
    assert "<script" not in page.text
    assert client.get("/api/v1/docs.css").headers["content-type"].startswith("text/css")


# models


def test_models_are_listed_with_their_vectors(home: Home) -> None:
    home.add_many(2)
    home.run_here("null")
    from reprise.server.access import Person, person
    from reprise.server.api import create_api
    from reprise.server.house import House

    with home.app() as app:
        api = create_api(House(app))
        api.dependency_overrides[person] = lambda: Person("bob", Role.USER, "default")
        with TestClient(api, base_url="http://localhost") as client:
            mine = {model["name"]: model for model in client.get("/api/v1/models").json()["items"]}
            api.dependency_overrides[person] = lambda: Person("eve", Role.USER, "eve")
            theirs = {model["name"]: model for model in client.get("/api/v1/models").json()["items"]}
    null = mine["null"]
    assert null["serving"]["vectors"] == 2
    assert null["ready"] is True
    assert null["dimension"] > 0
    assert null["speed"] is None or null["speed"]["audio_seconds_per_second"] > 0
    assert mine["acoustic"]["serving"] is None
    assert theirs["null"]["serving"] is None
    broken = [model for model in mine.values() if model["broken"]]
    assert all(model["ready"] is False and model["cure"] is not None for model in broken)


def test_nobody_sees_models(client: TestClient) -> None:
    assert client.get("/api/v1/models").status_code == 401
