"""Playlists over HTTP: as files of each kind of path, and sent to a music server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reprise.core.items import Tags
from reprise.server.routes.playlists import attachment
from tests.search.subsonic_server import MusicServer, serving
from tests.server.shelves import shelve, sound

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/playlists"


@pytest.fixture
def ids(home: Home, house: House) -> list[int]:
    sound(home.music / "x" / "one.mp3", 1.0, tags=Tags("One", "Björk"))
    sound(home.music / "two.flac", 2.0, tags=Tags("Two", "Aha"), pitch=330)
    library = shelve(house.app, home.music)
    return house.app.catalogue().libraries.item_ids("default", library.id)


def by_title(house: House, ids: list[int]) -> dict[str, int]:
    return {item.tags.title or "": n for n, item in house.app.catalogue().items.get("default", ids).items()}


def test_a_playlist_of_each_kind(admin: TestClient, home: Home, house: House, ids: list[int]) -> None:
    known = by_title(house, ids)
    order = [known["Two"], known["One"], known["Two"]]
    lines = {}
    for paths in ("relative", "absolute", "stream"):
        answer = admin.post(URL, json={"name": "Mix", "item_ids": order, "format": "m3u8", "paths": paths})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("audio/x-mpegurl")
        assert answer.headers["x-left-out"] == "0"
        assert answer.text.startswith("#EXTM3U\n#EXTINF:2,Aha - Two\n")
        lines[paths] = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert lines["relative"] == ["two.flac", "x/one.mp3", "two.flac"]
    assert lines["absolute"] == [f"{home.music}/{path}" for path in lines["relative"]]
    assert lines["stream"] == [f"{admin.base_url}/api/v1/items/{n}/audio" for n in order]


def test_absolute_paths_are_for_administrators(user: TestClient, ids: list[int]) -> None:
    answer = user.post(URL, json={"name": "Mix", "item_ids": ids, "paths": "absolute"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert user.post(URL, json={"name": "Mix", "item_ids": ids}).status_code == 200


def test_missing_files_are_left_out_and_counted(
    user: TestClient, home: Home, house: House, ids: list[int]
) -> None:
    (home.music / "two.flac").unlink()
    shelve(house.app, home.music)
    answer = user.post(URL, json={"name": "Mix", "item_ids": ids})
    assert answer.headers["x-left-out"] == "1"
    assert "two.flac" not in answer.text


@pytest.mark.parametrize(
    "name", ['a"; filename="evil.exe', "Ä/../../b\\c", "名前 50% €", "..", ".hidden", "a;b,c'd", "x" * 200]
)
def test_no_name_breaks_the_header(user: TestClient, ids: list[int], name: str) -> None:
    answer = user.post(URL, json={"name": name, "item_ids": ids})
    header = answer.headers["content-disposition"]
    assert header == attachment(f"{name}.m3u8")
    plain, _, encoded = header.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    assert plain.isascii()
    assert not set('"\\/\r\n') & set(plain)
    assert not set("\"\\/\r\n;,' ") & set(encoded)
    assert not plain.startswith(".")
    assert plain.endswith(".m3u8") or plain == "m3u8"


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "null", '{"name": "x", "item_ids": []}', '{"name": "", "item_ids": [1]}', '{"name": "  ", "item_ids": [1]}',
     '{"name": "a\\nb", "item_ids": [1]}', '{"name": "a\\u0000b", "item_ids": [1]}', '{"name": "\\ud800", "item_ids": [1]}',
     '{"name": "x", "item_ids": ["1"]}', '{"name": "x", "item_ids": [0]}', '{"name": "x", "item_ids": [1.5]}',
     '{"name": "x", "item_ids": [9223372036854775808]}', '{"name": "x", "item_ids": [true]}',
     '{"name": "x", "item_ids": [1], "format": "pls"}', '{"name": "x", "item_ids": [1], "paths": "../x"}',
     '{"name": "x", "item_ids": [' + ",".join(["1"] * 10_001) + "]}"],
)  # fmt: skip
def test_what_is_no_playlist_is_refused(user: TestClient, ids: list[int], body: str) -> None:
    answer = user.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"]
    assert answer.json()["cure"]


def test_items_of_others_are_not_there(stranger: TestClient, ids: list[int]) -> None:
    for path in (URL, f"{URL}/send"):
        answer = stranger.post(path, json={"name": "Mix", "item_ids": ids})
        assert answer.status_code in {404, 422}
        assert str(ids[0]) in answer.json()["message"] or answer.json()["code"] == "bad_setting"
    assert stranger.post(URL, json={"name": "Mix", "item_ids": ids}).status_code == 404


def test_without_a_music_server_nothing_is_sent(user: TestClient, ids: list[int]) -> None:
    answer = user.post(f"{URL}/send", json={"name": "Mix", "item_ids": ids})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_setting")
    assert answer.json()["cure"]


def test_a_playlist_is_sent(
    user: TestClient, house: House, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP to a Subsonic server that has one of the two tracks."""
    server = MusicServer()
    server.add("One", "Björk", duration=1)
    with serving(server) as address:
        chosen = {"subsonic_url": address, "subsonic_user": "ada", "subsonic_password": server.users["ada"]}
        values = {**house.app.settings.values, **chosen}
        monkeypatch.setattr(house.of("default"), "settings", replace(house.app.settings, values=values))
        answer = user.post(f"{URL}/send", json={"name": "Mix", "item_ids": ids})
    assert answer.status_code == 200, answer.text
    assert [len(playlist.songs) for playlist in server.playlists.values()] == [1]
    assert answer.json() == {"name": "Mix", "sent": 1, "missing": ["Aha - Two"]}
