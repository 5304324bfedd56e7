"""Duplicates over HTTP: looked for in the background, told with what speaks for them, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.items import Tags
from tests.harness import wait_for
from tests.server.heard import listen, track
from tests.server.shelves import shelve

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/duplicates"


def answer(client: TestClient, **query: Any) -> Any:
    """Once they have been looked for."""

    def ready() -> Any:
        got = client.get(URL, params=query)
        assert got.status_code == 200, got.text
        return got.json() if got.json()["state"] == "ready" else None

    return wait_for(ready)


@pytest.fixture
def library(home: Home, house: House) -> int:
    """One recording in two formats, and another."""
    track(home.music / "one.flac", 40.0, Tags("One", "A"), seed=1)
    track(home.music / "copies" / "one.mp3", 40.0, Tags("One", "A"), seed=1)
    track(home.music / "other.flac", 40.0, Tags("Other", "B"), seed=2)
    made = shelve(house.app, home.music)
    listen(house.app, made)
    return made.id


def test_the_same_recording_in_two_formats_is_found_with_its_evidence(
    user: TestClient, home: Home, library: int
) -> None:
    before = sorted(path.name for path in home.music.rglob("*"))
    found = answer(user, library_id=library)
    same = [group for group in found["items"] if group["kind"] == "same_recording"]
    assert [sorted(item["path"] for item in group["items"]) for group in same] == [
        ["copies/one.mp3", "one.flac"]
    ]
    evidence = same[0]["evidence"]
    assert evidence["similarity"] > 0.5
    assert evidence["overlap_seconds"] > 30
    assert abs(evidence["seconds_apart"]) < 1
    assert sorted(evidence["formats"]) == ["flac", "mp3"]
    assert 0.5 <= same[0]["certainty"] <= 1
    assert sorted(path.name for path in home.music.rglob("*")) == before
    assert answer(user)["total_count"] == found["total_count"]


def test_pages(user: TestClient, library: int) -> None:
    whole = answer(user)
    assert answer(user, offset=whole["total_count"])["items"] == []
    assert answer(user, limit=1)["items"] == whole["items"][:1]


def test_a_library_of_others_is_not_there(stranger: TestClient, library: int) -> None:
    assert stranger.get(URL, params={"library_id": library}).status_code == 404
    assert answer(stranger)["total_count"] == 0


def test_without_signing_in_and_with_what_does_not_fit(client: TestClient, library: int) -> None:
    assert client.get(URL).status_code == 401


@pytest.mark.parametrize("query", [{"library_id": 0}, {"limit": 0}, {"offset": -1}, {"limit": "x"}])
def test_what_does_not_fit_is_refused(user: TestClient, query: dict[str, Any]) -> None:
    assert user.get(URL, params=query).status_code == 422
