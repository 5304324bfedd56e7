"""A film goes through the server, from its file to what is found in it; and how its scenes are searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reprise.errors import StoreError
from reprise.server.access import Person, Role
from reprise.stores.lexical import SqliteLexicalIndex
from tests.harness import wait_for
from tests.server.filmed import ALL, REPROCESS, Filmed, ended, film, picture
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House

SEARCH = "/api/v1/scenes/search"
PREFERENCES = "/api/v1/scenes/preferences"
SUBTITLES = "1\n00:00:00,200 --> 00:00:01,800\nGood morning, whales.\n\n2\n00:00:11,000 --> 00:00:11,800\nA red boat.\n"


@pytest.fixture
def filmed(admin: TestClient, house: House, tmp_path: Path) -> Filmed:
    """Two scenes, whose words can be searched."""
    made = film(house.app, tmp_path / "films", words=("Good morning, whales.", "A red boat in the storm."))
    ended(admin, admin.post(REPROCESS, json=ALL).json()["run_id"])
    return made


def test_a_film_is_taken_in_shown_played_and_found(admin: TestClient, house: House, tmp_path: Path) -> None:
    """Everything by the API, as the panel does it: the only one here that decodes."""
    folder = tmp_path / "films"
    folder.mkdir()
    write_film(folder / "trip.mp4", shots(6.0, 6.0), fps=10, sound=12.0)
    (folder / "trip.srt").write_text(SUBTITLES)
    library = admin.post("/api/v1/libraries", json={"path": str(folder), "kind": "video"}).json()
    assert library["kind"] == "video"
    answer = admin.post("/api/v1/videos/ingest", json={"library_id": library["id"]})
    assert answer.status_code == 202, answer.text
    started = answer.json()
    version = house.app.installed.pipeline.version
    assert (started["spec_version"], started["job"]["models"]) == (version, ["video-scenes"])

    def found() -> Any:
        return admin.post(SEARCH, json={"query": "red boat"}).json()["results"]

    results = wait_for(found)
    assert (results[0]["video"]["name"], results[0]["scene"]["index"]) == ("trip.mp4", 1)
    [video] = admin.get("/api/v1/videos").json()["items"]
    assert (video["state"], video["scenes"], video["transcript"]) == ("ready", 2, "sidecar")
    assert (video["width"], video["height"]) == (160, 120)
    assert video["seconds"] == pytest.approx(12.0, abs=0.2)
    told = wait_for(lambda: _with_image(admin, video["id"]))
    steps = {step["step"]: step for step in told["steps"]}
    assert (steps["video-scenes"]["done"], steps["video-scenes"]["spec_versions"]) == (1, [version])
    assert (steps["lexical_index"]["done"], steps["scene_image"]["failed"]) == (2, 0)
    scene = admin.get(f"/api/v1/videos/{video['id']}/scenes").json()["items"][0]
    assert scene["embedded"]["scene-image"]["spec_version"] == version
    shown = admin.get(scene["thumbnail"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["cache-control"].endswith("immutable")
    assert shown.headers["reprise-spec-version"] == version
    assert admin.get(scene["thumbnail"].partition("?")[0]).headers["cache-control"] == "private, no-cache"
    part = admin.get(f"/api/v1/videos/{video['id']}/file", headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content), part.headers["content-type"]) == (206, 100, "video/mp4")
    counted = house.app.catalogue().figures.video_items()
    assert (counted["video"], counted["scene"], counted["person"]) == (1, 2, 0)


def _with_image(client: TestClient, video: int) -> Any:
    told = client.get(f"/api/v1/videos/{video}").json()
    return (
        told if any(step["step"] == "scene_image" and step["done"] == 2 for step in told["steps"]) else None
    )


def test_what_cannot_be_taken_in_is_refused(admin: TestClient, house: House, tmp_path: Path) -> None:
    music, _ = house.app.library_of(_folder(tmp_path / "songs"))
    first = film(house.app, tmp_path / "films")
    second = film(house.app, tmp_path / "more")
    place = "/api/v1/videos/ingest"
    answer = admin.post(place, json={"library_id": music.id})
    assert (answer.status_code, "holds no videos" in answer.json()["message"]) == (422, True)
    for body in ({"library_id": 999}, {"library_id": first.library.id, "video_id": second.video},
                 {"library_id": first.library.id, "video_id": first.scenes[0]}):  # fmt: skip
        assert admin.post(place, json=body).status_code == 404, body
    number = first.library.id
    malformed: list[Any] = [
        {},
        {"library_id": "x"},
        {"library_id": 0},
        {"library_id": number, "video_id": "1"},
    ]
    for wrong in malformed:
        assert admin.post(place, json=wrong).status_code == 422, wrong
    assert house.app.catalogue().jobs.all("default", 9) == []
    begun = [
        admin.post(place, json={"library_id": first.library.id, "video_id": first.video}) for _ in range(2)
    ]
    assert begun[0].status_code == 202
    if begun[1].status_code == 409:  # unless the first has ended already
        assert begun[0].json()["job"]["id"] in begun[1].json()["message"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_an_answer_says_how_it_came_about(user: TestClient, house: House, filmed: Filmed) -> None:
    answer = user.post(SEARCH, json={"query": "whales in the morning"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["query"], told["rest"], told["persons"]) == ("whales in the morning",) * 2 + ([],)
    assert (told["spec_version"], told["fusion"]) == (house.app.installed.pipeline.version, "minmax")
    assert told["weights"] == {"lexical": 1.0}
    assert told["degraded"] == []
    assert told["seconds"] > 0
    best = told["results"][0]
    assert (best["scene"]["id"], best["video"]) == (
        filmed.scenes[0],
        {"id": filmed.video, "name": "party.mp4"},
    )
    assert best["channels"]["lexical"]["rank"] == 1
    assert 0 < best["display"] <= 0.97
    assert best["match"] == "semantic"


def test_where_to_look_and_how_much_to_give(user: TestClient, house: House, filmed: Filmed) -> None:
    def ids(**asked: Any) -> list[int]:
        answer = user.post(SEARCH, json={"query": "boat morning storm", **asked})
        assert answer.status_code == 200, answer.text
        return [result["scene"]["id"] for result in answer.json()["results"]]

    assert sorted(ids()) == sorted(filmed.scenes)
    assert len(ids(limit=1)) == 1
    assert sorted(ids(video_id=filmed.video)) == sorted(filmed.scenes)
    assert sorted(ids(library_id=filmed.library.id)) == sorted(filmed.scenes)
    assert ids(min_fused_score=1.0, fusion="minmax")[:1] == ids(limit=1)
    assert sorted(ids(fusion="rrf", channel_weights={"transcript": 0.5, "lexical": 0.5})) == sorted(
        filmed.scenes
    )
    other = film(house.app, filmed.file.parent, "empty.mp4", ())
    assert ids(video_id=other.video) == []


BAD_QUESTIONS: list[Any] = [
    {}, {"query": ""}, {"query": "   "}, {"query": "x" * 1001}, {"query": 5}, {"query": "x", "limit": 0},
    {"query": "x", "limit": 101}, {"query": "x", "video_id": "abc"}, {"query": "x", "threshold": 2},
    {"query": "x", "fusion": "best"}, {"query": "x", "channel_weights": {"lexical": 2}},
    {"query": "x", "channel_weights": {"lexical": 0}}, {"query": "x", "channel_weights": {"lexical": "1"}},
    {"query": "x", "min_fused_score": -1}, {"query": "x\0"}, {"query": "x", "save_weights": 1}, [],
]  # fmt: skip


def test_questions_that_make_no_sense_are_refused(user: TestClient) -> None:
    for body in BAD_QUESTIONS:
        answer = user.post(SEARCH, json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["cure"]


def test_what_somebody_else_has_is_not_searched(
    as_person: Callable[[Person], TestClient], filmed: Filmed
) -> None:
    eve = as_person(Person("eve", Role.ADMIN, "eve"))
    for place in ({"video_id": filmed.video}, {"library_id": filmed.library.id}):
        assert eve.post(SEARCH, json={"query": "boat", **place}).status_code == 404
    assert eve.post(SEARCH, json={"query": "boat"}).json()["results"] == []
    assert eve.post(SEARCH, json={"query": "person:nobody, boat"}).status_code == 404


def test_a_named_person_is_looked_for(admin: TestClient, filmed: Filmed) -> None:
    ada = admin.post("/api/v1/persons", json={"name": "Ada"}).json()["id"]
    admin.post(f"/api/v1/persons/{ada}/photos", content=picture(1), headers={"Content-Type": "image/jpeg"})
    wait_for(lambda: admin.get(f"/api/v1/persons/{ada}").json()["has_vector"])
    told = admin.post(SEARCH, json={"query": "person:Ada, a red boat"}).json()
    assert (told["persons"], told["rest"]) == ([{"id": ada, "name": "Ada"}], "a red boat")
    assert [result["scene"]["id"] for result in told["results"]] == [filmed.scenes[1]]


def test_how_somebody_likes_to_search_is_kept(user: TestClient, house: House, filmed: Filmed) -> None:
    usual = user.get(PREFERENCES).json()
    assert (usual["saved"], usual["fusion"]) == (False, "minmax")
    assert usual["spec_version"] == house.app.installed.pipeline.version
    put = user.put(PREFERENCES, json={"weights": {"lexical": 0.6, "transcript": 0.6}, "fusion": "rrf"})
    assert put.status_code == 200, put.text
    kept = put.json()
    assert (kept["saved"], kept["fusion"]) == (True, "rrf")
    assert (kept["weights"]["lexical"], kept["weights"]["transcript"]) == (0.5, 0.5)
    assert user.get(PREFERENCES).json() == kept
    assert user.post(SEARCH, json={"query": "boat"}).json()["fusion"] == "rrf"
    assert (
        user.post(SEARCH, json={"query": "boat", "use_saved_preferences": False}).json()["fusion"] == "minmax"
    )
    asked = {"query": "boat", "fusion": "minmax", "channel_weights": {"lexical": 1}, "save_weights": True}
    assert user.post(SEARCH, json=asked).status_code == 200
    assert user.get(PREFERENCES).json()["weights"]["lexical"] == 1.0
    for body in (
        {"weights": {"lexical": -1}},
        {"weights": {"lexical": 0}},
        {"fusion": "rrf"},
        {"weights": 5},
    ):
        assert user.put(PREFERENCES, json=body).status_code == 422, body
    del filmed


def test_when_nothing_can_answer_it_says_so(
    user: TestClient, filmed: Filmed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StoreError("the index is damaged")

    monkeypatch.setattr(SqliteLexicalIndex, "search", broken)
    answer = user.post(SEARCH, json={"query": "boat"})
    assert (answer.status_code, answer.json()["code"]) == (503, "search_down")
    assert "the index is damaged" in answer.json()["message"]
    assert answer.json()["cure"]
    del filmed
