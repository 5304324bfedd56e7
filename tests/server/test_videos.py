"""Videos over HTTP: pages, one, its scenes, its words, its file."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.video import TextSource
from reprise.server.access import Person, Role
from tests.server.filmed import Filmed, film, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House

URL = "/api/v1/videos"


@pytest.fixture
def filmed(house: House, tmp_path: Path) -> Filmed:
    return film(house.app, tmp_path / "films")


@pytest.fixture
def version(house: House) -> str:
    return house.app.installed.pipeline.version


def test_videos_come_in_pages_by_path(user: TestClient, house: House, filmed: Filmed, version: str) -> None:
    folder = filmed.file.parent
    others = [film(house.app, folder, f"z{number}.mp4", ()).video for number in range(3)]
    page = user.get(URL).json()
    assert (page["total_count"], page["spec_version"]) == (4, version)
    assert [video["id"] for video in page["items"]] == [filmed.video, *others]
    first = page["items"][0]
    assert (first["name"], first["path"], first["scenes"], first["state"]) == (
        "party.mp4",
        "party.mp4",
        2,
        "pending",
    )
    rest = user.get(URL, params={"limit": 2, "offset": 2}).json()
    assert [video["id"] for video in rest["items"]] == others[1:]
    assert rest["total_count"] == 4
    assert [video["id"] for video in user.get(URL, params={"q": "boat"}).json()["items"]] == [filmed.video]
    assert user.get(URL, params={"q": "z1"}).json()["total_count"] == 1
    here = user.get(URL, params={"library_id": filmed.library.id}).json()
    assert here["total_count"] == 4
    assert user.get(URL, params={"library_id": 999}).status_code == 404  # fmt: skip


def test_one_video_tells_how_far_each_step_is(user: TestClient, filmed: Filmed, version: str) -> None:
    told = user.get(f"{URL}/{filmed.video}").json()
    assert (told["spec_version"], told["scenes"], told["missing"], told["error"]) == (version, 2, False, "")
    steps = {step["step"]: step for step in told["steps"]}
    assert list(steps) == ["video-scenes", "video-transcript", "scene-description", "scene_text", "scene_image",
                           "scene_persons", "lexical_index",
]  # fmt: skip
    assert steps["scene_text"]["enabled"] is False
    assert "text_model" in steps["scene_text"]["disabled"]
    assert steps["lexical_index"]["enabled"] is True
    assert steps["lexical_index"]["done"] == 0


def test_scenes_come_in_order_with_their_words(user: TestClient, filmed: Filmed, version: str) -> None:
    told = user.get(f"{URL}/{filmed.video}/scenes").json()
    assert told["spec_version"] == version
    assert [scene["id"] for scene in told["items"]] == list(filmed.scenes)
    second = told["items"][1]
    assert (second["index"], second["start"], second["end"]) == (1, 10.0, 20.0)
    assert (second["description"], second["tags"]) == ("A red boat.", ["sea"])
    assert "A red boat." in second["transcript"]
    assert (second["thumbnail"], second["embedded"]) == (None, {})


def test_a_video_is_given_whole_and_in_parts(user: TestClient, filmed: Filmed, version: str) -> None:
    content, place = filmed.file.read_bytes(), f"{URL}/{filmed.video}/file"
    whole = user.get(place)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, content, "video/mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["reprise-spec-version"] == version
    part = user.get(place, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(content)}"
    assert user.get(place, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    assert user.get(place, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    head = user.head(place)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))


def test_a_video_whose_file_is_gone_says_so(user: TestClient, filmed: Filmed) -> None:
    filmed.file.unlink()
    answer = user.get(f"{URL}/{filmed.video}/file")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "party.mp4 cannot be opened: No such file" in answer.json()["message"]
    assert answer.json()["cure"]


def test_what_lies_outside_of_the_library_is_not_given(
    user: TestClient, filmed: Filmed, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "x.mp4").write_text("secret")
    folder = filmed.file.parent
    filmed.file.unlink()
    folder.rename(tmp_path / "moved")
    folder.symlink_to(secret)  # the root itself may be a link: whoever can change it owns the library
    assert user.get(f"{URL}/{filmed.video}/file").status_code == 404


def test_scenes_and_persons_are_no_videos(user: TestClient, house: House, filmed: Filmed) -> None:
    person = house.app.catalogue().persons.add("default", "Ada", time.time())
    for number in (*filmed.scenes, person.id):
        for place in ("", "/scenes", "/file", "/transcript"):
            assert user.get(f"{URL}/{number}{place}").status_code == 404, place
        assert user.put(f"{URL}/{number}/transcript", json={"segments": []}).status_code == 404


NO_IDS: list[Any] = ["0", "-1", "x", "1.5", "9" * 30, "%2e%2e%2fetc", "\u0661"]


def test_malformed_ids_are_refused(user: TestClient) -> None:
    for number in NO_IDS:
        for place in (
            f"{URL}/{number}",
            f"{URL}/{number}/scenes",
            f"{URL}/{number}/file",
            f"/api/v1/scenes/{number}",
        ):
            answer = user.get(place)
            assert answer.status_code in {422, 404}, place
            assert answer.json()["code"] in {"unfit", "not_found"}


def test_words_are_given_and_kept(user: TestClient, house: House, filmed: Filmed, version: str) -> None:
    place = f"{URL}/{filmed.video}/transcript"
    nothing = user.get(place).json()
    assert (nothing["source"], nothing["segments"]) == ("", [])
    segments = [
        {"start": 12.0, "end": 14.0, "text": "Look, a whale!"},
        {"start": 0, "end": 2.5, "text": "Hello."},
    ]
    put = user.put(place, json={"language": "EN", "segments": segments})
    assert put.status_code == 200, put.text
    assert (put.json()["spec_version"], put.json()["source"], put.json()["language"]) == (
        version,
        "imported",
        "en",
    )
    assert [one["text"] for one in user.get(place).json()["segments"]] == ["Hello.", "Look, a whale!"]
    kept = house.app.catalogue().videos.transcript("default", filmed.video)
    assert kept
    assert kept.source is TextSource.IMPORTED
    assert user.get(f"{URL}/{filmed.video}").json()["transcript"] == "imported"


BAD_SEGMENTS: list[Any] = [
    {"start": 5, "end": 4, "text": "x"}, {"start": -1, "end": 4, "text": "x"}, {"start": "0", "end": 4, "text": "x"},
    {"start": 0, "end": 4}, {"start": 0, "end": 4, "text": "x\0y"}, {"start": 0, "end": 1e300, "text": "x"},
    {"start": 0, "end": 4, "text": "x" * 5001}, {"start": True, "end": 4, "text": "x"}, 5,
]  # fmt: skip


def test_words_that_make_no_sense_are_refused(user: TestClient, filmed: Filmed) -> None:
    for segment in BAD_SEGMENTS:
        answer = user.put(f"{URL}/{filmed.video}/transcript", json={"segments": [segment]})
        assert (answer.status_code, answer.json()["code"]) == (422, "unfit")
        assert user.get(f"{URL}/{filmed.video}/transcript").json()["segments"] == []


def test_hours_of_words_fit(user: TestClient, filmed: Filmed) -> None:
    segments = [{"start": 2.0 * n, "end": 2.0 * n + 2, "text": f"{n} " + "word " * 20} for n in range(14_400)]
    answer = user.put(f"{URL}/{filmed.video}/transcript", json={"segments": segments})  # eight hours, 2 MB
    assert answer.status_code == 200, answer.text[:500]
    assert len(user.get(f"{URL}/{filmed.video}/transcript").json()["segments"]) == 14_400


def test_all_moves_out_and_in_again(
    as_person: Callable[[Person], TestClient], house: House, filmed: Filmed, tmp_path: Path, version: str
) -> None:
    """Into the catalogue of somebody else who has the same files."""
    bob = as_person(Person("bob", Role.USER, "default"))
    ada = bob.post("/api/v1/persons", json={"name": "Ada"}).json()["id"]
    bob.post(f"/api/v1/persons/{ada}/photos", content=picture(1), headers={"Content-Type": "image/jpeg"})
    out = bob.get(f"{URL}/export")
    assert (out.status_code, out.headers["content-type"]) == (200, "application/x-ndjson")
    assert out.headers["reprise-spec-version"] == version
    lines = [json.loads(line) for line in out.text.splitlines()]
    assert [line["type"] for line in lines] == ["video", "scene", "scene", "person", "photo"]
    only = bob.get(f"{URL}/export", params={"library_id": filmed.library.id})
    assert [json.loads(line)["type"] for line in only.text.splitlines()] == ["video", "scene", "scene"]
    theirs = film(house.of("eve"), tmp_path / "copy", words=())
    eve = as_person(Person("eve", Role.USER, "eve"))
    assert eve.get(f"{URL}/export", params={"library_id": filmed.library.id}).status_code == 404
    wrong = b'{"type": "scene", "video": "party.mp4", "index": -1}\nno json\n{"type": "video", "video": "lost.mp4"}\n'
    for _ in range(2):
        done = eve.post(f"{URL}/import", content=out.content + wrong)
        assert done.status_code == 200, done.text
        told = done.json()
        counts = {
            name: told[name]
            for name in ("videos", "scenes", "persons", "photos", "unknown_videos", "refused")
        }
        assert list(counts.values()) == [1, 2, 1, 1, 1, 2]
        assert (told["spec_version"], [one["line"] for one in told["problems"]]) == (version, [6, 7, 8])
        scenes = eve.get(f"{URL}/{theirs.video}/scenes").json()["items"]
        assert [scene["summary"] for scene in scenes] == ["In short: Good morning.", "In short: A red boat."]
    assert len(eve.get("/api/v1/persons").json()["items"]) == 1
    assert len(house.app.catalogue().persons.all("default")) == 1


def test_an_import_has_its_bounds(user: TestClient, filmed: Filmed) -> None:
    assert user.post(f"{URL}/import", params={"library_id": 999}, content=b"").status_code == 404
    assert user.post(f"{URL}/import", params={"library_id": "x"}, content=b"").status_code == 422
    assert user.post(f"{URL}/import", content=b"").json()["refused"] == 0
    beside = b'{"type": "person", "name": "Ada"}\n{"type": "photo", "person": "Ada", "file": "/etc/passwd"}\n'
    told = user.post(f"{URL}/import", content=beside).json()
    assert (told["persons"], told["photos"], told["refused"]) == (1, 0, 1)  # a request names no path of ours
    large = user.post(f"{URL}/import", content=(b"x" * 2**20 for _ in range(70)))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    del filmed


def test_videos_are_counted_and_are_no_music(user: TestClient, house: House, filmed: Filmed) -> None:
    library = user.get(f"/api/v1/libraries/{filmed.library.id}").json()
    assert (library["kind"], library["items"], library["bytes"]) == ("video", 1, filmed.file.stat().st_size)
    assert user.get("/api/v1/items").json()["total_count"] == 0
    person = house.app.catalogue().persons.add("default", "Ada", time.time())
    for number in (filmed.video, filmed.scenes[0], person.id):
        for place in (f"items/{number}", f"items/{number}/audio", f"similar?item_id={number}"):
            assert user.get(f"/api/v1/{place}").status_code == 404, place
        assert user.post("/api/v1/playlists", json={"name": "x", "item_ids": [number]}).status_code == 404
    explained = user.get(f"/api/v1/items/{filmed.scenes[0]}/explain").json()
    assert explained["path"] == f"video {filmed.video}, scene 1"


def test_others_see_no_video(as_person: Callable[[Person], TestClient], filmed: Filmed) -> None:
    eve = as_person(Person("eve", Role.ADMIN, "eve"))
    assert eve.get(URL).json()["items"] == []
    assert eve.get(URL, params={"library_id": filmed.library.id}).status_code == 404
    assert eve.get(f"{URL}/{filmed.video}").status_code == 404
