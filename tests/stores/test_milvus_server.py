"""Milvus as a server: refusals, absence, writers that are killed, owners, the index, other processes."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.errors import StoreAway, StoreError, StoreRefused, StoreUnable
from reprise.stores.memory import MemoryStore
from reprise.stores.milvus import MilvusStore, indexing, layout
from tests.servers.milvus import PASSWORD, USER, running_milvus
from tests.servers.ports import free_port
from tests.stores.kinds.milvus import empty_own, own_url, server
from tests.stores.milvus_writer import killed_writer
from tests.stores.samples import DIMENSION, OWNER, SPACE, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reprise.core.ports import Vectors
    from tests.servers.milvus import Milvus

OWNERS = (OWNER, 'bob "; drop\\', "Zoë / 東京" * 50)


@pytest.fixture
def url() -> Iterator[str]:
    yield own_url()
    empty_own()


@pytest.fixture
def store(url: str) -> Iterator[MilvusStore]:
    with closing(MilvusStore(url, timeout=30)) as made:
        yield made


@pytest.fixture
def filled(store: MilvusStore) -> MilvusStore:
    store.create(OWNER, SPACE, DIMENSION)
    store.upsert(OWNER, SPACE, range(300), unit(300))
    return store


def clustered(count: int, seed: int) -> Vectors:
    """Around 30 centres that are the same for every seed."""
    dice = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(30, DIMENSION))
    rows = centres[dice.integers(0, 30, count)] + 0.5 * dice.normal(size=(count, DIMENSION))
    found: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


# refusals


def test_a_wrong_password_is_refused_and_never_shown() -> None:
    address = server().url(password="very-wrong-secret")
    with closing(MilvusStore(address, timeout=10)) as store, pytest.raises(StoreRefused) as caught:
        store.count(OWNER, SPACE)
    told = f"{caught.value.message} {caught.value.cure} {caught.value!r} {caught.value.__cause__!r}"
    assert "password" in caught.value.cure
    assert "very-wrong-secret" not in told


def test_a_database_that_is_not_there_is_named() -> None:
    address = server().url("nowhere")
    with (
        closing(MilvusStore(address, timeout=10)) as store,
        pytest.raises(StoreRefused, match="nowhere") as caught,
    ):
        store.create(OWNER, SPACE, DIMENSION)
    assert "database" in caught.value.cure
    assert PASSWORD not in caught.value.message.replace("the Milvus server", "")


def test_nobody_at_the_address_is_away(tmp_path: Path) -> None:
    address = f"http://{USER}:very-secret@127.0.0.1:{free_port()}"
    with closing(MilvusStore(address, timeout=1)) as store:
        began = time.monotonic()
        with pytest.raises(StoreAway) as caught:
            store.count(OWNER, SPACE)
        assert time.monotonic() - began < 10
    assert caught.value.retryable
    assert "very-secret" not in caught.value.message


def test_a_server_of_an_old_release_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymilvus import MilvusClient

    monkeypatch.setattr(MilvusClient, "get_server_version", lambda *_, **__: "v2.2.16")
    with (
        closing(MilvusStore(url, timeout=10)) as store,
        pytest.raises(StoreRefused, match=r"v2\.2\.16") as caught,
    ):
        store.count(OWNER, SPACE)
    assert "2.3.5" in caught.value.cure


def test_a_server_that_goes_while_we_connect_is_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    def leaving(*_: object, **__: object) -> str:
        raise MilvusException(message="Retry timeout: 1s")

    with closing(MilvusStore(url, timeout=10)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(MilvusClient, "get_server_version", leaving)
            with pytest.raises(StoreAway):
                store.count(OWNER, SPACE)
        store.create(OWNER, SPACE, DIMENSION)
        assert store.count(OWNER, SPACE) == 0


def test_the_collection_of_somebody_else_is_left_alone(url: str, store: MilvusStore) -> None:
    from pymilvus import MilvusClient

    from reprise.stores.milvus.address import parsed

    address = parsed(url)
    theirs = layout.collection_of("theirs")
    client = MilvusClient(
        address.uri, token=address.token, db_name=address.database, timeout=30, dedicated=True
    )
    client.create_collection(theirs, dimension=DIMENSION)
    with pytest.raises(StoreError, match="not made by"):
        store.create(OWNER, "theirs", DIMENSION)
    with pytest.raises(StoreError, match="not made by"):
        store.drop(OWNER, "theirs")
    assert client.has_collection(theirs)
    client.drop_collection(theirs)
    client.close()


def test_what_the_server_cannot_answer_is_refused_with_its_cure(filled: MilvusStore) -> None:
    with pytest.raises(StoreUnable, match="16385 neighbours") as many:
        filled.search(OWNER, SPACE, unit(1)[0], 16_385)
    with pytest.raises(StoreUnable, match="dimension 2 to 32768") as long:
        filled.create(OWNER, "longer", 32_769)
    assert many.value.cure
    assert long.value.cure


# messages


def test_long_batches_and_answers_go_in_parts(filled: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = watched(filled, monkeypatch)
    monkeypatch.setattr(layout, "MESSAGE_BYTES", 10 * (4 * DIMENSION + layout.ROW_BYTES))
    rows = unit(55, seed=5)
    filled.upsert(OWNER, SPACE, range(1000, 1055), rows)
    assert sent.count("upsert") == 6
    found = filled.get(OWNER, SPACE, range(1000, 1055))
    assert all(np.array_equal(found[1000 + place], row) for place, row in enumerate(rows))
    memory = MemoryStore()
    memory.create(OWNER, SPACE, DIMENSION)
    memory.upsert(OWNER, SPACE, range(300), unit(300))
    memory.upsert(OWNER, SPACE, range(1000, 1055), rows)
    for query in unit(3, seed=77):
        assert filled.search(OWNER, SPACE, query, 40) == memory.search(OWNER, SPACE, query, 40)
    assert sum(len(keys) for keys, _ in filled.scan(OWNER, SPACE)) == 355


def watched(store: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all calls from now on."""
    calls: list[str] = []
    call = store._server.call

    def noted(name: str, *arguments: object, **named: object) -> object:
        calls.append(name)
        return call(name, *arguments, **named)

    monkeypatch.setattr(store._server, "call", noted)
    return calls


def test_many_excluded_keys(filled: MilvusStore) -> None:
    barred = [*range(100, 20_000)]
    found = [hit.key for hit in filled.search(OWNER, SPACE, unit(1)[0], 300, exclude=barred)]
    assert sorted(found) == list(range(100))


# other processes


def test_a_restore_or_drop_by_another_process_is_noticed(
    filled: MilvusStore, url: str, tmp_path: Path
) -> None:
    filled.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    with closing(MilvusStore(url, timeout=30)) as other:
        assert other.count(OWNER, SPACE) == 300
        filled.delete(OWNER, SPACE, range(100))
        filled.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
        assert other.count(OWNER, SPACE) == 300
        assert other.search(OWNER, SPACE, unit(300)[7], 1)[0].key == 7
        filled.drop(OWNER, SPACE)
        with pytest.raises(StoreError, match=SPACE):
            other.count(OWNER, SPACE)
        filled.create(OWNER, SPACE, DIMENSION)
        assert other.count(OWNER, SPACE) == 0
        filled.upsert(OWNER, SPACE, [5], unit(1))
        assert sorted(other.get(OWNER, SPACE, [5])) == [5]


def test_creating_at_the_same_time_loses_no_row(url: str) -> None:
    stores = [MilvusStore(url, timeout=30) for _ in range(3)]
    failures: list[BaseException] = []

    def work(store: MilvusStore, start: int) -> None:
        try:
            store.create(OWNER, SPACE, DIMENSION)
            store.upsert(OWNER, SPACE, range(start, start + 50), unit(50, seed=start))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(store, 100 * place)) for place, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert stores[0].count(OWNER, SPACE) == 150
    for store in stores:
        store.close()


def test_a_restore_that_is_cut_short_changes_nothing(
    filled: MilvusStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    changed = unit(1, seed=9)
    filled.upsert(OWNER, SPACE, [7], changed)
    with monkeypatch.context() as patch:
        patch.setattr(filled, "_put_marker", gone)
        with pytest.raises(StoreAway):
            filled.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert filled.count(OWNER, SPACE) == 300
    assert np.array_equal(filled.get(OWNER, SPACE, [7])[7], changed[0])
    assert sum(len(keys) for keys, _ in filled.scan(OWNER, SPACE)) == 300
    filled.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert np.array_equal(filled.get(OWNER, SPACE, [7])[7], unit(300)[7])
    everything = filled._query(layout.collection_of(SPACE), "generation != 0", ["pk"], limit=16_384)
    assert len(everything) == 301  # with the marker: nothing of the earlier rows is left


def gone(*_: object) -> None:
    raise StoreAway("gone")


def test_a_drop_that_is_cut_short_is_finished_by_the_next(
    filled: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.create("bob", SPACE, DIMENSION)
    with monkeypatch.context() as patch:
        patch.setattr(filled, "_erase", gone)
        with pytest.raises(StoreAway):
            filled.drop(OWNER, SPACE)
    with pytest.raises(StoreError, match=SPACE):
        filled.count(OWNER, SPACE)
    filled.create(OWNER, SPACE, DIMENSION)
    assert filled.count(OWNER, SPACE) == 0
    filled.drop(OWNER, SPACE)
    assert len(filled._query(layout.collection_of(SPACE), "generation > 0", ["pk"], limit=1000)) == 0


# the index


@pytest.fixture
def crowded(url: str) -> Iterator[tuple[MilvusStore, MemoryStore]]:
    """Three owners with 1,500 vectors each, and the same in the oracle."""
    memory = MemoryStore()
    with closing(MilvusStore(url, timeout=30, index_from=4000)) as store:
        for place, owner in enumerate(OWNERS):
            rows = clustered(1500, seed=1 + place)
            for made in (store, memory):
                made.create(owner, SPACE, DIMENSION)
                made.upsert(owner, SPACE, range(1500), rows)
        yield store, memory
        store._server.call(
            "drop_collection", layout.collection_of(SPACE)
        )  # its index is not what others expect


def recall(store: MilvusStore, memory: MemoryStore, owner: str) -> float:
    shares = []
    for query in clustered(40, seed=99):
        truth = {hit.key for hit in memory.search(owner, SPACE, query, 10)}
        shares.append(len(truth & {hit.key for hit in store.search(owner, SPACE, query, 10)}) / 10)
    return float(np.mean(shares))


def test_below_the_size_every_owner_is_answered_exactly(crowded: tuple[MilvusStore, MemoryStore]) -> None:
    store, memory = crowded
    assert store.verify(OWNER, SPACE).index == "exact"
    for owner in OWNERS:
        for query in clustered(10, seed=99):
            assert store.search(owner, SPACE, query, 10) == memory.search(owner, SPACE, query, 10)


def test_an_index_is_built_while_questions_go_on_and_finds_enough(
    crowded: tuple[MilvusStore, MemoryStore],
) -> None:
    store, memory = crowded
    got: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                got.append(
                    (store.count(OWNER, SPACE), len(store.search(OWNER, SPACE, clustered(1, seed=5)[0], 10)))
                )
            except StoreError as error:
                got.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        store.flush(OWNER, SPACE)
        until(lambda: indexed(store) >= 4500)
    finally:
        stop.set()
        asking.join()
    assert got
    assert set(got) == {(1500, 10)}
    assert store.verify(OWNER, SPACE).index.startswith("HNSW: ")
    assert store.verify(OWNER, SPACE).problem == ""
    for owner in OWNERS:
        assert store.count(owner, SPACE) == 1500
        assert recall(store, memory, owner) >= 0.98
    row = clustered(1, seed=1234)
    store.upsert(OWNER, SPACE, [3], row)
    store.delete(OWNER, SPACE, [4])
    assert store.search(OWNER, SPACE, row[0], 1)[0].key == 3
    assert 4 not in {hit.key for hit in store.search(OWNER, SPACE, clustered(1500, seed=1)[4], 50)}


def indexed(store: MilvusStore) -> int:
    return int(indexing.described(store._server, layout.collection_of(SPACE)).get("indexed_rows", 0))


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# kills and restarts


def test_a_writer_that_is_killed_loses_no_acknowledged_row(url: str, store: MilvusStore) -> None:
    acknowledged = killed_writer(url, after=4)
    found = store.get(OWNER, SPACE, acknowledged)
    truth = unit(len(acknowledged), seed=3)
    assert sorted(found) == acknowledged
    assert all(np.array_equal(found[key], truth[key]) for key in acknowledged)
    assert store.verify(OWNER, SPACE).problem == ""


@pytest.fixture
def mortal() -> Iterator[Milvus]:
    """A server that may be killed."""
    server()  # or the reason why there is none
    with running_milvus() as made:
        yield made


def test_a_server_that_is_killed_comes_back_with_every_acknowledged_row(mortal: Milvus) -> None:
    with closing(MilvusStore(mortal.url(), timeout=2)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        store.upsert(OWNER, SPACE, range(300), unit(300))
        mortal.stop()
        for _ in range(2):
            with pytest.raises(StoreAway):
                store.search(OWNER, SPACE, unit(1)[0], 5)
            with pytest.raises(StoreAway):
                store.upsert(OWNER, SPACE, [300], unit(1))
        mortal.start()
        until(lambda: answers(store))
        assert store.count(OWNER, SPACE) == 300
        store.upsert(OWNER, SPACE, [300], unit(1, seed=4))
        assert store.search(OWNER, SPACE, unit(1, seed=4)[0], 1)[0].key == 300
        assert sum(len(keys) for keys, _ in store.scan(OWNER, SPACE)) == 301


def answers(store: MilvusStore) -> bool:
    try:
        store.count(OWNER, SPACE)
    except StoreAway:
        return False
    return True
