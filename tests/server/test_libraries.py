"""Libraries over HTTP: added, changed and forgotten by administrators, seen by their owner."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.job import JobRequest, JobState
from reprise.core.plan import Selection
from reprise.server.access import Person, Role
from tests.server.shelves import shelve, sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/libraries"


def test_a_library_is_added_changed_and_forgotten(admin: TestClient, home: Home, house: House) -> None:
    added = admin.post(URL, json={"path": str(home.music), "name": "Mine", "exclude": ["*.wav"]})
    assert added.status_code == 201, added.text
    made = added.json()
    assert (made["name"], made["root"], made["kind"]) == ("Mine", str(home.music), "folder")
    assert (made["exclude"], made["watch"], made["items"], made["scanned_at"]) == (["*.wav"], True, 0, None)
    assert made["online"]
    place = f"{URL}/{made['id']}"
    changed = admin.patch(place, json={"name": "Ours", "exclude": [], "watch": False}).json()
    assert (changed["name"], changed["exclude"], changed["watch"]) == ("Ours", [], False)
    assert admin.patch(place, json={}).json() == changed
    assert admin.get(URL).json() == {"items": [changed]}
    file = sound(home.music / "a.mp3")
    shelve(house.app, home.music)
    seen = admin.get(place).json()
    assert (seen["items"], seen["missing"], seen["bytes"]) == (1, 0, file.stat().st_size)
    assert seen["audio_seconds"] == pytest.approx(0.3, abs=0.1)
    assert seen["scanned_at"] > 0
    assert admin.delete(place).status_code == 204
    assert admin.get(place).status_code == 404
    assert file.exists()


def test_a_folder_that_went_away_is_offline(admin: TestClient, home: Home) -> None:
    made = admin.post(URL, json={"path": str(home.music)}).json()
    home.music.rmdir()
    assert admin.get(f"{URL}/{made['id']}").json()["online"] is False


@pytest.mark.parametrize(
    "body",
    ['{"path": "relative/folder"}', '{"path": "/no/such/folder"}', '{"path": "/a\\u0000b"}', '{"path": "/a\\ud800"}', '{"path": ""}',
     '{"path": 5}', '{"path": null}', "{}", "[]", "not json", '{"path": "/etc/passwd"}', '{"path": "~"}',
     '{"path": "MUSIC", "name": "\\ud800"}', '{"path": "MUSIC", "name": ""}', '{"path": "MUSIC", "exclude": "x"}',
     '{"path": "MUSIC", "exclude": ["a\\u0000"]}', '{"path": "MUSIC", "owner": "../x"}', '{"path": "MUSIC", "exclude": ["!"]}'],
)  # fmt: skip
def test_what_cannot_become_a_library_is_refused(admin: TestClient, home: Home, body: str) -> None:
    text = body.replace("MUSIC", str(home.music))
    answer = admin.post(URL, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"]
    assert answer.json()["message"]
    assert answer.json()["cure"]
    assert admin.get(URL).json()["items"] == []


def test_a_path_that_is_too_long_or_not_ours_to_read(admin: TestClient, home: Home) -> None:
    assert admin.post(URL, json={"path": "/" + "x" * 4000}).status_code == 422
    assert admin.post(URL, json={"path": "/" + "x" * 5000}).status_code == 422
    if os.geteuid() == 0:
        return  # root may read everything
    home.music.chmod(0)
    answer = admin.post(URL, json={"path": str(home.music)})
    home.music.chmod(0o755)
    assert answer.status_code == 422
    assert "permission denied" in answer.json()["message"]


def test_a_folder_belongs_to_one_library(admin: TestClient, home: Home, tmp_path: Path) -> None:
    (home.music / "inside").mkdir()
    (tmp_path / "link").symlink_to(home.music / "inside")
    assert admin.post(URL, json={"path": str(home.music), "exclude": ["*.wav"]}).status_code == 201
    for path in (home.music, home.music / "inside", home.music.parent, tmp_path / "link"):
        answer = admin.post(URL, json={"path": str(path), "exclude": ["x"]})
        assert (answer.status_code, answer.json()["code"]) == (422, "library")
    assert [library["exclude"] for library in admin.get(URL).json()["items"]] == [["*.wav"]]


def test_a_library_can_be_somebody_elses(as_person: Callable[[Person], TestClient], home: Home) -> None:
    client = as_person(Person("ada", Role.ADMIN, "default"))
    made = client.post(URL, json={"path": str(home.music), "owner": "eve"}).json()
    assert client.get(URL).json()["items"] == []
    client = as_person(Person("eve", Role.USER, "eve"))
    assert [library["id"] for library in client.get(URL).json()["items"]] == [made["id"]]


def test_a_library_in_use_is_not_forgotten(admin: TestClient, home: Home, house: House) -> None:
    made = admin.post(URL, json={"path": str(home.music)}).json()
    jobs = house.app.catalogue().jobs
    job = jobs.create(JobRequest(Selection("default", made["id"]), ("null",)), "1", 1.0)
    answer = admin.delete(f"{URL}/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_conflict")
    assert job.id in answer.json()["message"]
    jobs.set_state("default", job.id, JobState.CANCELLED, 2.0)
    assert admin.delete(f"{URL}/{made['id']}").status_code == 204


def test_users_read_and_do_not_write(user: TestClient, home: Home, house: House) -> None:
    library, _ = house.app.library_of(home.music)
    place = f"{URL}/{library.id}"
    assert user.get(place).status_code == 200
    asked: list[Any] = [
        user.post(URL, json={"path": str(home.music)}),
        user.patch(place, json={"name": "x"}),
        user.delete(place),
    ]
    assert {answer.status_code for answer in asked} == {403}


def test_others_libraries_are_not_there(stranger: TestClient, home: Home, house: House) -> None:
    library, _ = house.app.library_of(home.music)
    assert stranger.get(URL).json() == {"items": []}
    assert stranger.get(f"{URL}/{library.id}").status_code == 404
    assert stranger.get(f"{URL}/{library.id}/problems").status_code == 404
    assert stranger.get(f"{URL}/{2**63}").status_code == 422


def test_a_wrong_pattern_changes_nothing(admin: TestClient, home: Home) -> None:
    made = admin.post(URL, json={"path": str(home.music), "exclude": ["*.wav"]}).json()
    answer = admin.patch(f"{URL}/{made['id']}", json={"exclude": ["!"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_setting")
    assert admin.get(f"{URL}/{made['id']}").json()["exclude"] == ["*.wav"]


def test_problems_of_the_last_scan_come_with_their_cure(user: TestClient, home: Home, house: House) -> None:
    sound(home.music / "a.mp3")
    (home.music / "lost.mp3").symlink_to("nowhere.mp3")
    library = shelve(house.app, home.music)
    found = user.get(f"{URL}/{library.id}/problems").json()["items"]
    assert [(one["code"], one["path"]) for one in found] == [("broken_link", str(home.music / "lost.mp3"))]
    assert found[0]["cure"]
    assert user.get(f"{URL}/{library.id}").json()["problems"] == 1
