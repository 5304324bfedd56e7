"""Items over HTTP: pages, filters, the warning of long lists, one item, and all as lines."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from reprise.core.items import Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.server.access import Person, Role, person
from reprise.server.api import create_api
from tests.harness import wait_for
from tests.server.shelves import list_all, shelve, sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/items"


def fill(app: App, count: int, root: bytes = b"/nowhere") -> int:
    """A library of many items without files; returns its id."""
    library = app.catalogue().libraries.add(app.owner, "folder", "many", root, ())
    batch = ScanBatch()
    batch.added = [
        (FoundFile(b"%06d.mp3" % n, 1, 1), Tags(f"title {n}", "artist", duration=1.0)) for n in range(count)
    ]
    app.catalogue().items.apply(app.owner, library.id, batch, 1.0)
    while app.catalogue().listing.take_over(50_000):
        pass
    return library.id


@pytest.fixture
def shelf(home: Home, house: House) -> int:
    """Five real files; returns the library's id."""
    sound(home.music / "a" / "one.mp3", tags=Tags("One", "Björk", "Début", genre="Pop", year=1993))
    sound(home.music / "a" / "two.flac", tags=Tags("Two", "björk", genre="pop", year=1997), pitch=330)
    sound(home.music / "b" / "three.ogg", tags=Tags("Three", "Aha"), pitch=220)
    sound(home.music / "b" / "four.wav", pitch=110)
    sound(home.music / "b" / "five.mp3", tags=Tags('Five "<5>"', "東京事変"), pitch=550)
    return shelve(house.app, home.music).id


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["label"] for item in answer.json()["items"]]


def test_a_page_tells_all_of_each_item(user: TestClient, shelf: int) -> None:
    page = user.get(URL, params={"sort": "title", "limit": 2}).json()
    assert (page["total_count"], page["offset"], page["limit"], page["warning"]) == (5, 0, 2, None)
    first = page["items"][0]
    assert first["path"] == "b/five.mp3"
    assert first["artist"] == "東京事変"
    assert first["label"] == '東京事変 - Five "<5>"'
    assert first["library_id"] == shelf
    assert first["missing"] is False
    assert first["models"] == {}
    rest = user.get(URL, params={"sort": "title", "limit": 9, "cursor": page["next_cursor"]}).json()
    assert rest["offset"] == 2
    assert [item["title"] for item in rest["items"]] == ["Three", "Two", None] or rest["items"][-1][
        "title"
    ] is None
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("filters", "count"),
    [({"q": "bjork"}, 2), ({"q": "事変"}, 1), ({"artist": "BJÖRK"}, 2), ({"genre": "Pop"}, 2), ({"folder": "b"}, 3),
     ({"folder": "/b/"}, 3), ({"q": "bjork two"}, 1), ({"q": "nothing"}, 0), ({"model": "null", "state": "none"}, 5),
     ({"model": "null"}, 0), ({"q": "bjork", "folder": "b"}, 0), ({"key": ""}, 0), ({"folder": "b/th"}, 0)],
)  # fmt: skip
def test_filters_narrow_on_the_server(
    user: TestClient, shelf: int, filters: dict[str, str], count: int
) -> None:
    answer = user.get(URL, params={**filters, "library_id": shelf})
    assert len(titles(answer)) == count
    assert answer.json()["total_count"] == count


def test_states_are_those_of_the_ledger(home: Home, house: House, user: TestClient) -> None:
    home.add("good", "broken-one")
    house.app.catalogue()
    home.run_here("null")
    list_all(house.app)
    answer = user.get(URL, params={"model": "null", "state": "done"})
    assert len(titles(answer)) == 2
    assert {str(item["models"]) for item in answer.json()["items"]} == {"{'null': 'done'}"}
    item_id = answer.json()["items"][0]["id"]
    told = user.get(f"{URL}/{item_id}/explain").json()
    verdict = next(one for one in told["models"] if one["model"] == "null")
    assert verdict["state"] == "done"
    assert verdict["up_to_date"]
    assert verdict["reason"].startswith("embedded")


@pytest.mark.parametrize(
    "bad",
    ["limit=0", "limit=1001", "limit=x", "offset=-1", f"offset={10**30}", "sort=size", "order=up", "state=done",
     "model=nosuch", "model=null&state=odd", "library_id=0", f"library_id={2**63}", "cursor=x", "folder=../x",
     "folder=a/../..", "folder=a%00b", "q=" + "x" * 501, "sort=artist&cursor=WyJpZCIsImFzYyIsMSwxLDFd"],
)  # fmt: skip
def test_bad_parameters_are_refused_with_their_cure(user: TestClient, shelf: int, bad: str) -> None:
    for path in (URL, f"{URL}/lines", f"{URL}/facets?field=genre"):
        if path != URL and bad.startswith(("offset", "cursor", "sort=artist&", "limit", "sort", "order")):
            continue
        answer = user.get(path + ("&" if "?" in path else "?") + bad)
        assert answer.status_code == (400 if "%00" in bad else 422), (path, answer.text)
        assert answer.json()["code"]
        assert answer.json()["message"]
        assert answer.json()["cure"]


def test_half_a_surrogate_and_other_odd_bytes_are_never_a_500(user: TestClient, shelf: int) -> None:
    for odd in ("%ED%A0%80", "%FF%FE", "%00", "%22%27%3B", "%F0%9F%8E%B5"):
        for name in ("q", "artist", "genre", "key", "cursor", "model"):
            assert user.get(f"{URL}?{name}={odd}").status_code in {200, 400, 422}, (name, odd)


def test_nothing_of_others_is_to_be_seen(stranger: TestClient, house: House, shelf: int) -> None:
    ids = house.app.catalogue().libraries.item_ids("default", shelf)
    assert stranger.get(URL).json()["total_count"] == 0
    assert stranger.get(f"{URL}/lines").text == ""
    for path in (f"?library_id={shelf}", f"/{ids[0]}", f"/{ids[0]}/explain", f"/{ids[0]}/audio"):
        answer = stranger.get(URL + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_where_a_file_lies_is_for_administrators(
    as_person: Any, home: Home, house: House, shelf: int
) -> None:
    item_id = house.app.catalogue().libraries.item_ids("default", shelf)[0]
    told = as_person(Person("ada", Role.ADMIN, "default")).get(f"{URL}/{item_id}").json()
    assert told["absolute_path"].startswith(str(home.music))
    assert told["library"] == "music"
    assert (
        "absolute_path" not in as_person(Person("bob", Role.USER, "default")).get(f"{URL}/{item_id}").json()
    )


def test_nobody_sees_anything(client: TestClient) -> None:
    for path in (
        URL,
        f"{URL}/lines",
        f"{URL}/facets?field=genre",
        f"{URL}/1",
        f"{URL}/1/audio",
        "/api/v1/libraries",
    ):
        assert client.get(path).status_code == 401


def test_facets_count_what_the_filters_leave(user: TestClient, shelf: int) -> None:
    found = user.get(f"{URL}/facets", params={"field": "artist"}).json()["items"]
    assert found[0] == {"value": "Björk", "count": 2}
    assert user.get(f"{URL}/facets", params={"field": "year", "q": "two"}).json()["items"] == [
        {"value": 1997, "count": 1}
    ]


def test_a_scan_shows_in_the_list_by_itself(home: Home, house: House, user: TestClient) -> None:
    """The service of the server lists what scans find: added, changed and removed."""
    first = sound(home.music / "first.mp3", tags=Tags("First"))
    library, _ = house.app.library_of(home.music)
    house.app.scan(library, lambda _: None)
    wait_for(lambda: titles(user.get(URL)) == ["First"])
    sound(home.music / "second.flac", tags=Tags("Second"), pitch=300)
    shutil.move(first, home.music / "renamed.mp3")
    house.app.scan(library, lambda _: None)
    wait_for(lambda: sorted(titles(user.get(URL))) == ["First", "Second"])
    wait_for(lambda: user.get(URL, params={"q": "renamed"}).json()["total_count"] == 1)


@pytest.mark.parametrize(
    ("count", "level", "rows"),
    [
        (10_000, None, 10_000),
        (10_001, "warning", 10_001),
        (25_000, "warning", 25_000),
        (25_001, "critical", 1_000),
    ],
)
def test_long_lists_warn_at_exactly_their_limits(
    house: House, user: TestClient, count: int, level: str | None, rows: int
) -> None:
    fill(house.app, count)
    whole = user.get(URL).json()
    assert len(whole["items"]) == rows
    assert whole["total_count"] == count
    warning = whole["warning"]
    assert (warning["level"] if warning else None) == level
    if warning:
        assert len(warning["suggestions"]) == (2 if level == "warning" else 3)
        assert warning["truncated"] == (level == "critical")
        assert warning["total_count"] == count
    page = user.get(URL, params={"limit": 5}).json()
    assert len(page["items"]) == 5
    assert (page["warning"]["level"] if page["warning"] else None) == level
    assert not (page["warning"] or {}).get("truncated")


@contextmanager
def real_server(house: House) -> Iterator[int]:
    """The server on a socket; gives the port."""
    api = create_api(house)
    api.dependency_overrides[person] = lambda: Person("bob", Role.USER, "default")
    server = uvicorn.Server(uvicorn.Config(api, log_config=None, timeout_graceful_shutdown=5))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def test_all_rows_as_lines_in_small_reads(house: House, user: TestClient) -> None:
    fill(house.app, 12_345)
    with user.stream("GET", f"{URL}/lines", params={"sort": "title"}) as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        rows = [json.loads(line) for line in answer.iter_lines()]
    assert len({row["id"] for row in rows}) == len(rows) == 12_345
    assert [row["title"] for row in rows] == sorted(row["title"] for row in rows)


def test_lines_end_when_the_client_leaves(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads a little and goes: the server reads no more pages of the list for it."""
    fill(house.app, 100_000)
    pages: list[int] = []
    listing = house.app.catalogue().listing
    page = listing.page

    def counted_page(*facts: Any, **more: Any) -> Any:
        pages.append(1)
        return page(*facts, **more)

    monkeypatch.setattr(listing, "page", counted_page)
    with real_server(house) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /api/v1/items/lines HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        counted = -1
        while counted != len(pages):  # until it has stood still for a while
            counted = len(pages)
            threading.Event().wait(0.5)
    assert 0 < len(pages) < 90
