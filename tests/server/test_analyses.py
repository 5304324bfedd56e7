"""What was heard of tracks: of one in full, and in short beside every item that a list shows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from reprise.core.items import Tags
from tests.server.heard import listen, track
from tests.server.shelves import list_all, shelve, sound

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home


TEMPO = 130.0
"""BPM, of the middle of the style."""


@pytest.fixture
def ids(home: Home, house: House) -> dict[str, int]:
    """By name: a track that was listened to, and one that came after."""
    track(home.music / "heard.flac", tags=Tags("Heard", "Somebody"))
    listen(house.app, shelve(house.app, home.music))
    sound(home.music / "new.flac", 1.0, tags=Tags("New", "Somebody"))
    library = shelve(house.app, home.music)
    items = house.app.catalogue().items
    known = house.app.catalogue().libraries.item_ids("default", library.id)
    return {item.path.decode().partition(".")[0]: key for key, item in items.get("default", known).items()}


def test_all_that_was_heard_of_one(user: TestClient, ids: dict[str, int]) -> None:
    answer = user.get(f"/api/v1/items/{ids['heard']}/analysis")
    assert answer.status_code == 200, answer.text
    heard = answer.json()
    assert heard["whole"] is True
    assert heard["seconds"] == pytest.approx(12.0, abs=0.1)
    tempos = [heard["tempo"]["bpm"], *(other["bpm"] for other in heard["tempo"]["alternatives"])]
    assert min(abs(tempo - TEMPO) for tempo in tempos) < 10
    assert heard["key"]["camelot"][-1] in "AB"
    assert -60 < heard["loudness"]["integrated"] < 0
    assert "fingerprint" not in answer.text


def test_lists_show_it_in_short(user: TestClient, ids: dict[str, int]) -> None:
    rows = {row["title"]: row["heard"] for row in user.get("/api/v1/items?limit=10").json()["items"]}
    whole = user.get(f"/api/v1/items/{ids['heard']}/analysis").json()
    assert rows["New"] is None
    assert rows["Heard"]["bpm"] == pytest.approx(whole["tempo"]["bpm"], abs=0.01)
    assert (rows["Heard"]["key"], rows["Heard"]["camelot"]) == (whole["key"]["name"], whole["key"]["camelot"])
    assert rows["Heard"]["lufs"] == pytest.approx(whole["loudness"]["integrated"], abs=0.05)
    assert user.get(f"/api/v1/items/{ids['heard']}").json()["heard"] == rows["Heard"]


def test_what_nobody_listened_to_and_what_has_changed_since_is_not_there(
    user: TestClient, home: Home, house: House, ids: dict[str, int]
) -> None:
    answer = user.get(f"/api/v1/items/{ids['new']}/analysis")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "reprise analyze" in answer.json()["cure"]
    track(home.music / "heard.flac", 8.0, tags=Tags("Heard", "Somebody"), seed=5)
    library = shelve(house.app, home.music)
    list_all(house.app)
    assert user.get(f"/api/v1/items/{ids['heard']}/analysis").status_code in {200, 404}
    listen(house.app, library)
    assert user.get(f"/api/v1/items/{ids['heard']}/analysis").json()["seconds"] == pytest.approx(8.0, abs=0.1)


def test_cues_and_beat_grids_for_rekordbox(
    admin: TestClient, home: Home, house: House, ids: dict[str, int]
) -> None:
    [library] = house.app.catalogue().libraries.all("default")
    answer = admin.get("/api/v1/cues/rekordbox", params={"library_id": library.id})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-left-out"] == "0"
    tracks = ElementTree.fromstring(answer.content).findall("COLLECTION/TRACK")
    assert [track.get("Name") for track in tracks] == ["Heard"]
    assert quote(str(home.music)) in (tracks[0].get("Location") or "")
    for folder, status in (("nothing", 404), ("..", 422)):
        where = f"library_id={library.id}&folder={folder}"
        assert admin.get(f"/api/v1/cues/rekordbox?{where}").status_code == status


def test_cues_hold_absolute_paths_so_they_are_for_administrators(
    user: TestClient, house: House, home: Home
) -> None:
    library, _ = house.app.library_of(home.music)
    assert user.get("/api/v1/cues/rekordbox", params={"library_id": library.id}).status_code == 403


def test_what_others_have_is_not_there(stranger: TestClient, client: TestClient, ids: dict[str, int]) -> None:
    assert stranger.get(f"/api/v1/items/{ids['heard']}/analysis").status_code == 404


def test_nobody_sees_it_without_signing_in(client: TestClient, ids: dict[str, int]) -> None:
    assert client.get(f"/api/v1/items/{ids['heard']}/analysis").status_code == 401
    for odd in ("0", "x", "9223372036854775808"):
        assert client.get(f"/api/v1/items/{odd}/analysis").status_code in {401, 422}
