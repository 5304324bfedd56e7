"""What Navidrome's plug-in of AudioMuse-AI asks, end to end: its three endpoints answer with the server's own ids.

The music server is a stand-in that says when it has scanned; the rest is real: sound, jobs, HTTP, a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from reprise.core.accounts import Role
from reprise.core.items import Tags
from reprise.server.api import create_api
from reprise.server.house import House
from tests.following.navidrome_stand_in import PASSWORD, USER, StandIn, running
from tests.harness import wait_for
from tests.server.shelves import sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Home

SONGS = {
    "low/one": ("Anna", 220.0),
    "low/two": ("Anna", 225.0),
    "low/three": ("Bela", 230.0),
    "high/one": ("Cleo", 3000.0),
    "high/two": ("Cleo", 3100.0),
}
TONES_SECONDS = 4.0


def song_id(name: str) -> str:
    """In the canonical form: 22 characters that stand for less than 128 bits."""
    return f"0{'ab'[name.startswith('high')]}{name.replace('/', ''):0>20}"


@pytest.fixture
def music(home: Home) -> StandIn:
    stand_in = StandIn(str(home.music))
    for name, (artist, pitch) in SONGS.items():
        put(stand_in, home, name, artist, pitch)
    return stand_in


def put(stand_in: StandIn, home: Home, name: str, artist: str, pitch: float) -> None:
    tags = Tags(title=name.replace("/", " "), artist=artist, album=f"Album of {artist}")
    path = sound(home.music / f"{name}.flac", TONES_SECONDS, tags, pitch)
    stand_in.add(song_id(name), f"{name}.flac", path.stat().st_size)


@pytest.fixture
def asked(home: Home, music: StandIn) -> Iterator[TestClient]:
    """A plug-in with a token, once the stand-in's songs are embedded."""
    with running(music) as address:
        flags = {"watch": True, "watch_delay": 0.2, "scan_models": "acoustic", "allowed_hosts": "testserver",
                 "subsonic_url": address, "subsonic_user": USER, "subsonic_password": PASSWORD}  # fmt: skip
        with home.app(**flags) as app:
            app.catalogue(create=True)
            app.library_of(home.music)
            house = House(app)
            house.accounts.add("plugin", Role.USER, "default", "a password for nobody")
            _, token = house.accounts.make_token("plugin", "Navidrome", None)
            with TestClient(create_api(house), headers={"Authorization": f"Bearer {token}"}) as client:
                wait_for(lambda: len(similar(client, "low/one")) == len(SONGS) - 1)
                yield client


def similar(client: TestClient, name: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/similar_tracks", params={"item_id": song_id(name), "n": 10, **query})
    return list(answer.json()) if answer.status_code == 200 else []


def test_a_song_that_a_scan_of_the_music_server_brings_is_soon_an_answer(
    asked: TestClient, music: StandIn, home: Home
) -> None:
    assert {track["author"] for track in similar(asked, "low/one")[:2]} == {"Anna", "Bela"}
    put(music, home, "low/four", "Dora", 222.0)
    music.scanned()
    found = wait_for(lambda: [track for track in similar(asked, "low/one") if track["author"] == "Dora"])
    assert found[0]["item_id"] == song_id("low/four")
    assert found[0]["album"] == "Album of Dora"
    assert 0 <= found[0]["distance"] < similar(asked, "low/one")[-1]["distance"]


def test_a_path_leads_from_the_first_song_to_the_last(asked: TestClient) -> None:
    ends = {"start_song_id": song_id("low/one"), "end_song_id": song_id("high/two")}
    path = asked.get("/api/find_path", params={**ends, "count": 4}).json()["path"]
    assert len(path) == 4
    assert (path[0]["item_id"], path[-1]["item_id"]) == (ends["start_song_id"], ends["end_song_id"])
    assert path[0]["distance"] == 0
    assert len({track["item_id"] for track in path}) == 4


def test_artists_who_sound_alike_come_with_the_songs_that_say_so(asked: TestClient) -> None:
    found = asked.get(
        "/api/similar_artists", params={"artist": "Anna", "n": 2, "include_component_matches": True}
    )
    artists = found.json()
    assert [artist["artist"] for artist in artists] == ["Bela", "Cleo"]
    match = artists[0]["component_matches"][0]
    assert match["artist2_representative_songs"][0]["item_id"] == song_id("low/three")
    assert match["artist1_representative_songs"][0]["item_id"] in {song_id("low/one"), song_id("low/two")}


def test_what_is_not_known_or_not_allowed_is_said(asked: TestClient) -> None:
    unknown = asked.get("/api/similar_tracks", params={"item_id": "0000000000000000000zzz"})
    assert unknown.status_code == 404
    assert unknown.json()["cure"]
    assert asked.get("/api/similar_tracks", params={"item_id": "x", "n": 0}).status_code == 422
    assert asked.get("/api/similar_artists", params={"artist": "Nobody"}).status_code == 404
    same = {"start_song_id": song_id("low/one"), "end_song_id": song_id("low/one")}
    assert asked.get("/api/find_path", params=same).status_code == 422
    stranger = {"Authorization": "Bearer rpr_wrong"}
    assert asked.get("/api/similar_tracks", params={"item_id": "x"}, headers=stranger).status_code == 401
