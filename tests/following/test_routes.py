"""The routes of following: who may, what is asked, what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from reprise.server.access import Person, Role, person
from reprise.server.api import create_api
from reprise.server.house import House
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from tests.harness import Home

ADMIN = Person("ada", Role.ADMIN, "default")


@pytest.fixture
def api(home: Home) -> Iterator[FastAPI]:
    home.add("one", "two")
    home.run("libraries", "add", str(home.music))
    with home.app() as app:
        yield create_api(House(app))


@pytest.fixture
def client(api: FastAPI) -> Iterator[TestClient]:
    api.dependency_overrides[person] = lambda: ADMIN
    with TestClient(api, base_url="http://127.0.0.1") as opened:
        yield opened


def test_a_library_is_scanned_in_the_background(home: Home, client: TestClient) -> None:
    answer = client.post("/api/v1/libraries/1/scan")
    assert (answer.status_code, answer.json()) == (202, {"scanning": True})

    def items() -> int:
        with home.app() as app:
            return app.catalogue().libraries.counts("default", 1).items

    wait_for(lambda: items() == 2)
    state = client.get("/api/v1/following").json()
    assert state["enabled"] is False
    assert state["server"] is None
    assert [(one["library_id"], one["how"]) for one in state["libraries"]] == [(1, "off")]
    assert client.get("/api/v1/failures/recent").json() == {"items": []}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/libraries/2/scan", {}, 404),
        ("/api/v1/libraries/0/scan", {}, 422),
        (f"/api/v1/libraries/{2**63}/scan", {}, 422),
        ("/api/v1/libraries/x/scan", {}, 422),
        ("/api/v1/libraries/1/scan", {"full": "perhaps"}, 422),
        ("/api/v1/libraries/1/scan", [1], 422),
        ("/api/v1/libraries/1/scan", {"remote": True}, 422),
    ],
)
def test_what_cannot_be_is_said(client: TestClient, path: str, body: object, status: int) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.json()["code"]
    assert answer.json()["message"]
    assert answer.json()["cure"]


def test_only_administrators_of_the_owner_may(api: FastAPI, client: TestClient) -> None:
    for who, status in (
        (Person("bob", Role.USER, "default"), 403),
        (Person("eve", Role.ADMIN, "eve"), 404),
    ):
        api.dependency_overrides[person] = lambda who=who: who
        assert client.post("/api/v1/libraries/1/scan").status_code == status
    assert client.get("/api/v1/following").json()["libraries"] == []
