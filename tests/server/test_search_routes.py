"""Search over HTTP: the same answers as on the command line, and nothing waits for a text that is being read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.server.house import House
from reprise.server.routes import search
from tests.harness import wait_for
from tests.search.shelf import Shelf, clustered_rows, ids
from tests.server.shelved import served_shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.core.items import Item

ARTISTS = ["Ada", "Bob", "Cy", None]


@pytest.fixture
def log(tmp_path: Path, plugin_models: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the test models write what they do."""
    path = tmp_path / "models.log"
    path.touch()
    monkeypatch.setenv("PLUGIN_MODELS_LOG", str(path))
    return path


@pytest.fixture
def shelf(tmp_path: Path, log: Path) -> Iterator[Shelf]:
    with served_shelf(tmp_path) as made:
        yield made


@pytest.fixture
def house(shelf: Shelf) -> House:
    return House(shelf.app)


@pytest.fixture
def items(shelf: Shelf) -> list[Item]:
    """Forty tracks that acoustic has embedded, in four clusters of ten; eight of them reader as well."""
    made = shelf.put_many(40, [ARTISTS[n % 4] for n in range(40)])
    shelf.embed("acoustic", made, clustered_rows(4, 10, 16))
    shelf.embed("reader", made[:8], np.eye(8, dtype=np.float32))
    return made


def ask(client: TestClient, path: str, status: int = 200, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{path}", params=parameters)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found_ids(answer: dict[str, Any]) -> list[int]:
    return [item["id"] for item in answer["items"]]


# similar


def test_similar_finds_what_the_use_case_finds(user: TestClient, shelf: Shelf, items: list[Item]) -> None:
    answer = ask(user, "similar", item_id=items[0].id, limit=9)
    found = shelf.find([items[0]], "acoustic", limit=9)
    assert found_ids(answer) == ids(found)
    assert answer["model"] == "acoustic"
    assert answer["space"] == shelf.spaces["acoustic"].name
    assert answer["partial"] is False
    first = answer["items"][0]
    assert first["score"] == first["scores"]["acoustic"] == pytest.approx(found.matches[0].score, abs=1e-6)
    assert first["title"] == found.matches[0].item.tags.title
    assert 0 < answer["store_seconds"] <= answer["seconds"]


def test_several_seeds_models_and_negatives_are_one_question(
    user: TestClient, shelf: Shelf, items: list[Item]
) -> None:
    seeds = [item.id for item in items[:3]]
    parameters: dict[str, Any] = {
        "item_id": seeds,
        "model": ["acoustic", "reader"],
        "merge": "union",
        "limit": 5,
    }
    answer = ask(user, "similar", **parameters, negative_id=[items[7].id], blend="any", diversity=0.3)
    assert answer["model"] == "acoustic,reader"
    assert not set(found_ids(answer)) & {*seeds, items[7].id}
    assert set(answer["items"][0]["scores"]) <= {"acoustic", "reader"}


def test_artists_and_other_libraries_are_left_out(
    user: TestClient, shelf: Shelf, items: list[Item], tmp_path: Path
) -> None:
    answer = ask(user, "similar", item_id=items[0].id, exclude_artist=["BOB", "ada"], limit=39)
    assert {item["artist"] for item in answer["items"]} == {"Cy", None}
    assert "by an excluded artist" in answer["warnings"][0]
    (tmp_path / "more").mkdir()
    more, _ = shelf.app.library_of(tmp_path / "more")
    assert found_ids(ask(user, "similar", item_id=items[0].id, library_id=more.id)) == []
    here = ask(user, "similar", item_id=items[0].id, library_id=shelf.library.id, limit=39)
    assert len(here["items"]) == 39


def test_a_seed_that_is_not_embedded_is_told(user: TestClient, shelf: Shelf, items: list[Item]) -> None:
    (new,) = shelf.put("new.mp3")
    assert "not embedded" in ask(user, "similar", 404, item_id=new.id)["message"]


def test_nothing_of_another_owner_is_found(stranger: TestClient, items: list[Item], shelf: Shelf) -> None:
    ask(stranger, "similar", 404, item_id=items[0].id)
    ask(stranger, "radio", 404, item_id=items[0].id)
    ask(stranger, "path", 404, from_id=items[0].id, to_id=items[1].id)
    assert ask(stranger, "lookup", q="0001")["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"item_id": 0}, {"item_id": 2**63}, {"item_id": "x"}, {"item_id": list(range(1, 30))}, {"limit": 0},
     {"limit": 501}, {"diversity": 1.1}, {"diversity": "nan"}, {"merge": "none"}, {"blend": "x"}, {"agreement": 2},
     {"model": "nosuch"}, {"negative_id": 1}, {"library_id": -1}, {"exclude_artist": ""}],
)  # fmt: skip
def test_what_does_not_fit_is_refused(user: TestClient, items: list[Item], wrong: dict[str, Any]) -> None:
    told = ask(user, "similar", 422, **{"item_id": items[0].id} | wrong)
    assert told["code"]
    assert told["cure"]


def test_nobody_finds_nothing(client: TestClient, items: list[Item]) -> None:
    for path in (
        "similar?item_id=1",
        "search?q=x",
        "lookup?q=x",
        "path?from_id=1&to_id=2",
        "radio?item_id=1",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 401


# texts


def test_a_text_finds_what_its_model_puts_beside_it(user: TestClient, items: list[Item], log: Path) -> None:
    answer = ask(user, "search", q="abc")
    assert answer["model"] == "reader"
    assert found_ids(answer)[0] == items[3].id
    again = ask(user, "search", q="abc", limit=2)
    assert found_ids(again) == found_ids(answer)[:2]
    assert log.read_text().count("load_text reader") == 1


def test_a_model_that_reads_no_text_is_refused_with_those_that_do(
    user: TestClient, items: list[Item]
) -> None:
    told = ask(user, "search", 422, q="abc", model="acoustic")
    assert "acoustic reads no text" in told["message"]
    assert "reader" in told["cure"]


def test_without_a_model_that_reads_text_the_cure_names_some(user: TestClient, shelf: Shelf) -> None:
    shelf.embed("acoustic", shelf.put_many(2), clustered_rows(2, 1, 16))
    assert "reader" in ask(user, "search", 422, q="abc")["cure"]


def test_an_empty_text_is_refused(user: TestClient, items: list[Item]) -> None:
    ask(user, "search", 422, q="")
    assert ask(user, "search", 422, q="  ")["code"] == "usage"
    ask(user, "search", 422, q="x" * 2001)


def test_a_space_of_another_version_is_told_before_anything_is_loaded(
    user: TestClient, shelf: Shelf, log: Path
) -> None:
    made = shelf.put_many(8)
    shelf.embed("reader", made, np.eye(8, dtype=np.float32), epoch=2)
    assert "another version" in ask(user, "search", 422, q="abc")["message"]
    assert "load_text" not in log.read_text()


def test_a_slow_text_keeps_nobody_waiting_and_is_there_when_asked_for_again(
    user: TestClient, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_TEXT_SECONDS", "4")
    monkeypatch.setattr(search, "TEXT_SECONDS", 0.5)
    answers: list[dict[str, Any]] = []
    askers = [
        threading.Thread(target=lambda: answers.append(ask(user, "search", 503, q="abc"))) for _ in range(45)
    ]
    for asker in askers:
        asker.start()
    others = [
        ask(user, "similar", item_id=item.id) for item in items[:5]
    ]  # more askers wait than threads are there
    for asker in askers:
        asker.join()
    assert len(others) == 5
    assert {answer["code"] for answer in answers} == {"model_busy"}
    assert len(answers) == 45
    monkeypatch.setattr(search, "TEXT_SECONDS", 60)
    assert found_ids(ask(user, "search", q="abc"))[0] == items[3].id


def test_a_server_that_stops_does_not_wait_for_a_text(
    user: TestClient, house: House, items: list[Item], monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_TEXT_SECONDS", "600")
    monkeypatch.setattr(search, "TEXT_SECONDS", 0.2)
    ask(user, "search", 503, q="abc")
    wait_for(lambda: "load_text" in log.read_text())
    stopped = threading.Thread(target=house.stop)
    stopped.start()
    stopped.join(60)
    assert not stopped.is_alive()


# the rest


def test_lookup_completes_words(user: TestClient, shelf: Shelf, items: list[Item]) -> None:
    (song,) = shelf.put("a/b.mp3", title="Karma Police", artists=["Radiohead"])
    looked = wait_for(lambda: ask(user, "lookup", q="radio kar", limit=5)["items"])
    assert [item["id"] for item in looked] == [song.id]
    assert ask(user, "lookup", q="  ")["items"] == []
    ask(user, "lookup", 422, q="x", limit=51)


def test_a_path_leads_from_one_to_the_other(user: TestClient, items: list[Item]) -> None:
    answer = ask(user, "path", from_id=items[0].id, to_id=items[39].id, count=4)
    found = found_ids(answer)
    assert (found[0], found[-1], len(set(found))) == (items[0].id, items[39].id, 6)
    assert answer["items"][0]["score"] is None
    assert all(item["scores"]["acoustic"] == item["score"] for item in answer["items"][1:])
    ask(user, "path", 422, from_id=items[0].id, to_id=items[0].id)


def test_a_radio_plays_the_same_list_for_the_same_seed(user: TestClient, items: list[Item]) -> None:
    first, again, other = (
        found_ids(ask(user, "radio", item_id=items[0].id, count=12, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first) - {items[0].id}) == 12
    short = ask(user, "radio", item_id=items[0].id, count=100)
    assert "only 39 other tracks" in short["warnings"][0]


def test_many_ask_at_once_while_vectors_are_written(
    user: TestClient, shelf: Shelf, items: list[Item]
) -> None:
    space, problems = shelf.spaces["acoustic"].name, []
    stop = threading.Event()

    def write() -> None:
        rows = clustered_rows(4, 10, 16, seed=5)
        while not stop.wait(0.01):
            shelf.app.store.upsert("default", space, [item.id for item in items[20:]], rows[20:])

    def read(item: Item) -> None:
        try:
            assert len(ask(user, "similar", item_id=item.id, limit=10)["items"]) == 10
        except AssertionError as error:
            problems.append(error)

    writer = threading.Thread(target=write)
    readers = [threading.Thread(target=read, args=(items[n % 40],)) for n in range(80)]
    for thread in (writer, *readers):
        thread.start()
    for reader in readers:
        reader.join()
    stop.set()
    writer.join()
    assert problems == []
