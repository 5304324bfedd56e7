"""The map over HTTP: drawn in the background, told as columns, sent only when it has changed."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.server import maps
from reprise.server.house import House
from reprise.server.maps import Maps
from tests.harness import is_running, wait_for
from tests.search.shelf import Shelf, clustered_rows, random_rows
from tests.server.shelved import served_shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

MAP = "/api/v1/map"


@pytest.fixture
def shelf(tmp_path: Path, plugin_models: dict[str, str]) -> Iterator[Shelf]:
    with served_shelf(tmp_path) as made:
        yield made


@pytest.fixture
def house(shelf: Shelf) -> House:
    return House(shelf.app)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait for a map to rest."""
    monkeypatch.setattr(maps, "LEAST_REST_SECONDS", 0.0)
    monkeypatch.setattr(maps, "REST_TIMES", 0.0)


def embed(shelf: Shelf, count: int = 20) -> None:
    shelf.embed("acoustic", shelf.put_many(count), clustered_rows(2, count // 2, 16))


def drawn(client: TestClient, **parameters: Any) -> dict[str, Any]:
    """The map, once it is there."""

    def ready() -> dict[str, Any] | None:
        answer = client.get(MAP, params=parameters)
        assert answer.status_code in {200, 202}, answer.text
        told: dict[str, Any] = answer.json()
        assert told["problem"] == ""
        return told if told["state"] == "ready" else None

    found: dict[str, Any] = wait_for(ready)
    return found


def test_a_map_is_drawn_when_it_is_asked_for(user: TestClient, shelf: Shelf) -> None:
    embed(shelf)
    first = user.get(MAP)
    assert first.status_code == 202
    assert first.json()["state"] == "computing"
    assert int(first.headers["Retry-After"]) > 0
    told = drawn(user)
    assert told["model"] == "acoustic"
    assert told["space"] == shelf.spaces["acoustic"].name
    assert told["count"] == len(told["ids"]) == len(told["x"]) == len(told["y"]) == len(told["cluster"]) == 20
    assert len(told["genre"]["of"]) == len(told["key"]["of"]) == 20
    assert all(-1 <= place <= 1 for place in told["x"] + told["y"])


def test_a_map_goes_out_packed_and_only_when_it_has_changed(user: TestClient, shelf: Shelf) -> None:
    embed(shelf)
    told = drawn(user)
    packed = user.get(MAP, headers={"Accept-Encoding": "gzip"})
    plain = user.get(MAP, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json() == told
    assert packed.headers["ETag"] != plain.headers["ETag"]
    again = user.get(MAP, headers={"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_what_is_new_comes_onto_the_map_by_itself(user: TestClient, shelf: Shelf) -> None:
    embed(shelf, 40)
    before = drawn(user)
    (new,) = shelf.put("new.mp3")
    shelf.embed("acoustic", [new], random_rows(1, 16), active=False)
    after = wait_for(lambda: (told := drawn(user))["count"] == 41 and told)
    assert new.id in after["ids"]
    assert after["made_at"] == before["made_at"]


def test_an_administrator_has_it_laid_out_anew(admin: TestClient, shelf: Shelf) -> None:
    embed(shelf)
    before = drawn(admin)
    assert admin.post(f"{MAP}/refresh").status_code == 202
    assert wait_for(lambda: drawn(admin)["made_at"] > before["made_at"])


def test_only_administrators_have_it_laid_out_anew(user: TestClient, shelf: Shelf) -> None:
    embed(shelf)
    assert user.post(f"{MAP}/refresh").status_code == 403


def test_a_model_that_is_not_there_and_one_that_has_nothing(user: TestClient, shelf: Shelf) -> None:
    embed(shelf)
    missing = user.get(MAP, params={"model": "nosuch"})
    assert missing.status_code == 404
    assert missing.json()["cure"]
    nothing = user.get(MAP, params={"model": "null"})
    assert (nothing.status_code, nothing.json()["state"]) == (200, "none")


def test_nobody_sees_the_map_of_another_owner(stranger: TestClient, shelf: Shelf, tmp_path: Path) -> None:
    embed(shelf)
    shelf.app.draw_map("acoustic")
    assert stranger.get(MAP).json()["state"] == "none"


def test_nobody_in_particular_sees_no_map(client: TestClient, shelf: Shelf) -> None:
    assert client.get(MAP).status_code == 401
    assert client.post(f"{MAP}/refresh").status_code == 401


def test_a_map_that_cannot_be_drawn_says_why(user: TestClient, house: House, shelf: Shelf) -> None:
    embed(shelf)
    (shelf.app.home / "maps").write_text("in the way")
    told = wait_for(lambda: (found := user.get(MAP).json())["problem"] and found)
    assert told["state"] == "none"
    assert house.service(Maps).trouble() != ""


def drawing() -> list[psutil.Process]:
    """Processes of this server that draw a map."""
    return [each for each in psutil.Process().children() if is_running(each) and "map" in each.cmdline()[-7:]]


def test_a_server_that_stops_leaves_no_process_behind(user: TestClient, house: House, shelf: Shelf) -> None:
    embed(shelf)
    user.get(MAP)
    (child,) = wait_for(drawing)
    house.stop()
    assert not is_running(child)


def test_what_is_kept_is_what_goes_out(user: TestClient, shelf: Shelf) -> None:
    embed(shelf)
    told = drawn(user)
    kept = shelf.app.map_files().answer_path(told["space"])
    assert json.loads(gzip.decompress(kept.read_bytes())) == told
