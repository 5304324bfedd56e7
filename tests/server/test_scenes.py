"""Scenes over HTTP: one, its picture, what people write about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reprise.server.access import Person, Role
from tests.server.filmed import Filmed, film

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House

URL = "/api/v1/scenes"


@pytest.fixture
def filmed(house: House, tmp_path: Path) -> Filmed:
    return film(house.app, tmp_path / "films")


def test_a_scene_is_shown_and_described(user: TestClient, house: House, filmed: Filmed) -> None:
    place = f"{URL}/{filmed.scenes[0]}"
    shown = user.get(place).json()
    assert shown["spec_version"] == house.app.installed.pipeline.version
    assert (shown["video_id"], shown["index"], shown["description"]) == (filmed.video, 0, "Good morning.")
    changed = user.patch(
        place, json={"description": "Two people wave.", "tags": [" boat ", "", "boat", "海"]}
    ).json()
    assert (changed["description"], changed["summary"]) == ("Two people wave.", "In short: Good morning.")
    assert changed["tags"] == ["boat", "海"]
    assert user.get(place).json() == changed
    assert user.patch(place, json={}).json()["tags"] == ["boat", "海"]
    other = user.get(f"{URL}/{filmed.scenes[1]}").json()
    assert other["description"] == "A red boat."


BAD_CHANGES: list[Any] = [
    {"description": 5}, {"description": "x" * 20_001}, {"tags": "boat"}, {"tags": [None]},
    {"summary": "a\0b"}, {"tags": ["x"] * 201}, [], "x",
]  # fmt: skip


def test_what_cannot_be_written_is_refused(user: TestClient, filmed: Filmed) -> None:
    for body in BAD_CHANGES:
        before = user.get(f"{URL}/{filmed.scenes[0]}").json()
        answer = user.patch(f"{URL}/{filmed.scenes[0]}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "unfit")
        assert user.get(f"{URL}/{filmed.scenes[0]}").json() == before


def test_a_scene_without_a_picture_says_so(user: TestClient, filmed: Filmed) -> None:
    answer = user.get(f"{URL}/{filmed.scenes[0]}/thumbnail")
    assert answer.status_code == 404
    assert "no picture" in answer.json()["message"]


def test_videos_and_what_is_not_there_are_no_scenes(user: TestClient, filmed: Filmed) -> None:
    for number in (filmed.video, 9_999):
        for place in (f"{URL}/{number}", f"{URL}/{number}/thumbnail"):
            assert user.get(place).status_code == 404
        assert user.patch(f"{URL}/{number}", json={"summary": "x"}).status_code == 404


def test_others_have_no_scene(
    as_person: Callable[[Person], TestClient], house: House, filmed: Filmed
) -> None:
    eve = as_person(Person("eve", Role.ADMIN, "eve"))
    place = f"{URL}/{filmed.scenes[0]}"
    assert eve.get(place).status_code == 404
    assert eve.patch(place, json={"summary": "mine"}).status_code == 404
    kept = house.app.catalogue().videos.scenes_by_id("default", filmed.scenes)
    assert kept[filmed.scenes[0]].summary == "In short: Good morning."
