"""Milvus Lite: a folder that one process holds, what is left of it after a kill, and what damage looks like."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.errors import StoreError, StoreRefused, StoreUnable
from reprise.stores.milvus import MilvusStore
from reprise.stores.milvus.address import parsed
from reprise.stores.milvus.layout import collection_of, space_of
from tests.stores.kinds.milvus import need
from tests.stores.milvus_writer import killed_writer
from tests.stores.samples import DIMENSION, OWNER, SPACE, oracle, unit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    need("pymilvus", "milvus_lite")
    return tmp_path / "house.db"


def opened(folder: Path) -> closing[MilvusStore]:
    return closing(MilvusStore(str(folder), timeout=30))


def fill(folder: Path, count: int = 300) -> None:
    with opened(folder) as store:
        store.create(OWNER, SPACE, DIMENSION)
        store.upsert(OWNER, SPACE, range(count), unit(count))
        store.flush(OWNER, SPACE)


def test_what_was_stored_is_there_when_it_is_opened_again(folder: Path) -> None:
    fill(folder)
    memory = oracle()
    with opened(folder) as store:
        assert store.count(OWNER, SPACE) == 300
        for query in unit(5, seed=77):
            assert store.search(OWNER, SPACE, query, 12) == memory.search(OWNER, SPACE, query, 12)
        report = store.verify(OWNER, SPACE)
    assert (report.count, report.damaged, report.problem, report.index) == (300, (), "", "exact")


def test_a_second_opener_is_told_who_is_in_the_way(folder: Path) -> None:
    with opened(folder) as first:
        first.create(OWNER, SPACE, DIMENSION)
        with opened(folder) as second, pytest.raises(StoreError, match="another process") as caught:
            second.count(OWNER, SPACE)
    assert "Milvus server" in caught.value.cure
    with opened(folder) as third:
        assert third.count(OWNER, SPACE) == 0


def test_closing_leaves_no_thread_behind(folder: Path) -> None:
    before = set(threading.enumerate())
    fill(folder)
    left = [thread for thread in set(threading.enumerate()) - before if not thread.daemon]
    for thread in left:
        thread.join(5)
    assert not [thread.name for thread in left if thread.is_alive()]


def test_a_file_in_the_folders_place_is_left_alone(folder: Path) -> None:
    folder.write_bytes(b"SQLite format 3\0")
    with opened(folder) as store, pytest.raises(StoreError, match="is a file"):
        store.create(OWNER, SPACE, DIMENSION)
    assert folder.read_bytes() == b"SQLite format 3\0"


def test_a_kill_in_the_middle_loses_no_acknowledged_row(folder: Path) -> None:
    acknowledged = killed_writer(str(folder), after=4)
    with opened(folder) as store:
        found = store.get(OWNER, SPACE, acknowledged)
        assert sorted(found) == acknowledged
        truth = unit(len(acknowledged), seed=3)
        assert all(np.array_equal(found[key], truth[key]) for key in acknowledged)
        assert store.verify(OWNER, SPACE).problem == ""
        store.upsert(OWNER, SPACE, [10**6], unit(1))
        assert store.search(OWNER, SPACE, unit(1)[0], 1)[0].key == 10**6


def _data_files(folder: Path) -> list[Path]:
    return sorted(found for found in folder.rglob("*.parquet") if found.stat().st_size > 0)


def test_a_data_file_that_is_gone_shows_in_the_count(folder: Path) -> None:
    """The engine opens what is left without a word; the count is what the ledger is compared with."""
    fill(folder)
    before = set(_data_files(folder))
    with opened(folder) as store:
        store.upsert(OWNER, SPACE, range(300, 500), unit(200, seed=2))
        store.flush(OWNER, SPACE)
        assert store.count(OWNER, SPACE) == 500
    later = set(_data_files(folder)) - before
    assert later
    for file in later:
        file.unlink()
    with opened(folder) as store:
        assert store.count(OWNER, SPACE) == 300
        assert (
            store.verify(OWNER, SPACE).count == sum(len(keys) for keys, _ in store.scan(OWNER, SPACE)) == 300
        )
    for file in before:
        file.unlink()
    with opened(folder) as store, pytest.raises(StoreError, match=f"no space '{SPACE}'"):
        store.count(OWNER, SPACE)


def test_a_data_file_cut_short_is_an_error_and_no_empty_answer(folder: Path) -> None:
    fill(folder)
    for file in _data_files(folder):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with opened(folder) as store, pytest.raises(StoreError) as caught:
        store.count(OWNER, SPACE)
    assert caught.value.message


def test_the_import_brings_no_client(tmp_path: Path) -> None:
    code = "import sys; import reprise.stores.milvus; print({'pymilvus', 'grpc', 'milvus_lite'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "set()"


def test_vectors_of_one_number_are_refused_with_their_cure(folder: Path) -> None:
    with opened(folder) as store, pytest.raises(StoreUnable, match="dimension 2 to 32768, not 1") as caught:
        store.create(OWNER, SPACE, 1)
    assert caught.value.cure
    assert not folder.exists()


# names


@pytest.mark.parametrize(
    "space", ["acoustic-0123", "a_b", "a-b", "a.b", "a_m_d__b", "_", "-" * 1, "x" * 120, "_-." * 40]
)
def test_names_of_collections_can_be_read_back(space: str) -> None:
    name = collection_of(space)
    assert space_of(name) == space
    assert name.isascii()
    assert name.replace("_", "").isalnum()
    assert len(name) <= 255


def test_different_spaces_are_different_collections() -> None:
    spaces = ["a-b", "a_b", "a.b", "a_mb", "a__b", "a_db", "a-_b", "a_-b"]
    assert len({collection_of(space) for space in spaces}) == len(spaces)
    assert space_of("somebody_elses") == ""


# addresses

ADDRESSES = {
    "http://milvus:19530": ("http://milvus:19530", "", ""),
    "http://milvus": ("http://milvus:19530", "", ""),
    "https://milvus.example/music": ("https://milvus.example:443", "", "music"),
    "http://ada:l%C3%B6ng%2F%40%3A100%25@milvus:1/music": ("http://milvus:1", "ada:löng/@:100%", "music"),
    "https://tok%3Aen@milvus.example": ("https://milvus.example:443", "tok:en", ""),
    "http://[::1]:19530/x": ("http://[::1]:19530", "", "x"),
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses_of_servers(url: str) -> None:
    found = parsed(url)
    assert (found.uri, found.token, found.database) == ADDRESSES[url]
    assert found.folder is None


@pytest.mark.parametrize(
    "url", ["", "milvus", "ftp://ada:secret@host/x", "http://ada:secret@host:port/x", "http://ada:secret@"]
)
def test_what_is_no_address_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(StoreRefused) as caught:
        MilvusStore(url, timeout=1)
    assert "store_url" in caught.value.cure
    assert "secret" not in f"{caught.value!r} {caught.value.cure}"


def test_an_address_shows_no_secret() -> None:
    found = parsed("http://ada:very-secret@milvus:1/music")
    assert "secret" not in repr(found)
    assert found.without_secrets("token ada:very-secret, password very-secret") == "token …, password …"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with opened(folder) as store, pytest.raises(Exception, match="not installed") as caught:
        store.count(OWNER, SPACE)
    assert "pip install" in getattr(caught.value, "cure", "")
