"""OpenSearch: where it is, and what is told when it is away, refuses, is too old, is full, or is something else."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.ports import LexicalDocument
from reprise.errors import BadSetting, DiskFull, StoreAway, StoreError, StoreRefused
from reprise.stores.opensearch import OpenSearchLexicalIndex, OpenSearchStore
from reprise.stores.opensearch.address import parse
from tests.servers.opensearch.node import Node
from tests.servers.opensearch.serving import StandIn, running
from tests.servers.ports import free_port
from tests.servers.wanted import missing
from tests.stores.samples import DIMENSION, OWNER, SPACE, unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "hush:p@ss/word"
IN_URL = "hush%3Ap%40ss%2Fword"


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running() as made:
        yield made
        assert made.refused == []


@pytest.fixture
def store(stand_in: StandIn) -> Iterator[OpenSearchStore]:
    with closing(OpenSearchStore(stand_in.url, timeout=10)) as made:
        made.create(OWNER, SPACE, DIMENSION)
        made.upsert(OWNER, SPACE, range(10), unit(10))
        yield made


# addresses


def test_everything_stands_in_the_url() -> None:
    found = parse(
        f"https://ada:{IN_URL}@search.example:9201/music?verify=no&ca=/c.pem&engine=faiss&shards=4&replicas=2&exact=7"
    )
    assert (found.host, found.port, found.secure) == ("search.example", 9201, True)
    assert (found.user, found.password, found.prefix) == ("ada", SECRET, "music")
    assert (found.verify, found.ca, found.engine) == (False, "/c.pem", "faiss")
    assert (found.shards, found.replicas, found.exact) == (4, 2, 7)
    assert (found.shown, repr(found)) == (
        "https://search.example:9201",
        "Address(https://search.example:9201)",
    )


def test_what_is_left_out_has_a_default() -> None:
    found = parse("http://[::1]")
    assert (found.shown, found.prefix, found.user, found.verify) == ("http://[::1]:9200", "reprise", "", True)
    assert (found.engine, found.shards, found.replicas) == ("lucene", 1, None)


@pytest.mark.parametrize(
    "rest",
    [
        "@host:port",
        "@host:99999",
        "@[::1",
        "@",
        "@host/Music",
        "@host/a/b",
        "@host?verify=maybe",
        "@host?engine=nmslib",
        "@host?shards=0",
        "@host?exact=-1",
        "@host?replicas=x",
        "@host?colour=red",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(rest: str) -> None:
    with pytest.raises(BadSetting) as caught:
        OpenSearchStore(f"https://ada:{IN_URL}{rest}", timeout=1)
    assert IN_URL not in f"{caught.value.message} {caught.value.cure}"
    assert caught.value.cure


@pytest.mark.parametrize("url", ["", "host:9200", "ftp://host", "postgresql://host/db"])
def test_what_is_no_url_of_opensearch_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="URL of OpenSearch"):
        OpenSearchLexicalIndex(url, timeout=1)


def test_nothing_is_asked_before_it_is_needed() -> None:
    OpenSearchStore("http://127.0.0.1:1", timeout=1).close()


# away


def test_nobody_listens() -> None:
    url = f"http://ada:{IN_URL}@127.0.0.1:{free_port()}"
    with (
        closing(OpenSearchStore(url, timeout=2)) as store,
        pytest.raises(StoreAway, match=r"does not answer: .*refused") as caught,
    ):
        store.count(OWNER, SPACE)
    assert caught.value.retryable
    assert IN_URL not in caught.value.message
    assert SECRET not in caught.value.message


def test_a_name_that_nobody_knows() -> None:
    with (
        closing(OpenSearchStore("http://no-such-host.invalid:9200", timeout=2)) as store,
        pytest.raises(StoreAway, match="does not answer"),
    ):
        store.create(OWNER, SPACE, DIMENSION)


def test_an_answer_that_does_not_come_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with closing(OpenSearchStore(url, timeout=0.3)) as store:
            began = time.monotonic()
            with pytest.raises(StoreAway, match="timed out"):
                store.search(OWNER, SPACE, unit(1)[0], 1)
            assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_busy_or_has_no_shards_is_away_for_now(
    stand_in: StandIn, store: OpenSearchStore, status: int
) -> None:
    error = {"type": "search_phase_execution_exception", "reason": "all shards failed"}
    stand_in.fault = lambda _method, path: (status, {"error": error, "status": status})
    with pytest.raises(StoreAway, match="all shards failed"):
        store.count(OWNER, SPACE)
    stand_in.fault = lambda _method, path: (status, "<html>Bad Gateway</html>")
    with pytest.raises(StoreAway):
        store.upsert(OWNER, SPACE, [1], unit(1))
    stand_in.fault = None
    assert store.count(OWNER, SPACE) == 10


def test_an_answer_of_some_shards_only_is_none(stand_in: StandIn, store: OpenSearchStore) -> None:
    shards = {"total": 3, "successful": 2, "failed": 1}
    answers = {
        "_count": {"count": 7, "_shards": shards},
        "_refresh": {"_shards": shards},
        "_search": {"timed_out": False, "_shards": shards, "hits": {"hits": []}},
    }
    for part, answer in answers.items():
        stand_in.fault = lambda _method, path, part=part, answer=answer: (
            (200, answer) if path.endswith(part) else None
        )
        with pytest.raises(StoreAway, match="1 of 3 shards"):
            next(store.scan(OWNER, SPACE)) if part == "_search" else store.count(OWNER, SPACE)


def test_it_goes_on_after_the_server_was_away(store: OpenSearchStore, stand_in: StandIn) -> None:
    stand_in.fault = lambda _method, _path: (503, "starting")
    with pytest.raises(StoreAway):
        store.count(OWNER, SPACE)
    stand_in.fault = None
    store.upsert(OWNER, SPACE, [99], unit(1))
    assert store.count(OWNER, SPACE) == 11


def test_a_server_that_was_restarted_is_spoken_to_again() -> None:
    node = Node()
    with running(node) as first:
        url, port = first.url, first.port
        with closing(OpenSearchStore(url, timeout=5)) as store:
            store.create(OWNER, SPACE, DIMENSION)
            store.upsert(OWNER, SPACE, range(10), unit(10))
            first.stop()
            with pytest.raises(StoreAway):
                store.count(OWNER, SPACE)
            with running(node, port=port):
                assert store.count(OWNER, SPACE) == 10
                store.upsert(OWNER, SPACE, [10], unit(1))
                assert store.count(OWNER, SPACE) == 11


# refused


def test_a_wrong_password_and_the_right_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running(user="ada", password=SECRET) as stand_in:
        for login in ("", "ada:wrong@", "eve:hush@"):
            url = f"http://{login}127.0.0.1:{stand_in.port}"
            with (
                closing(OpenSearchStore(url, timeout=5)) as store,
                pytest.raises(StoreRefused, match="user") as caught,
            ):
                store.create(OWNER, SPACE, DIMENSION)
            assert "wrong" not in caught.value.message.replace("password is wrong", "")
        with closing(OpenSearchStore(f"http://ada:{IN_URL}@127.0.0.1:{stand_in.port}", timeout=5)) as store:
            store.create(OWNER, SPACE, DIMENSION)
            assert store.count(OWNER, SPACE) == 0
    assert SECRET not in caplog.text
    assert IN_URL not in caplog.text


def test_a_user_who_may_not(stand_in: StandIn, store: OpenSearchStore) -> None:
    error = {"type": "security_exception", "reason": "no permissions for [indices:data/write/bulk]"}
    stand_in.fault = lambda _method, path: (
        (403, {"error": error, "status": 403}) if path.endswith("_bulk") else None
    )
    with pytest.raises(StoreRefused, match="no permissions") as caught:
        store.upsert(OWNER, SPACE, [1], unit(1))
    assert "rights" in caught.value.cure


@pytest.mark.parametrize("version", ["1.3.20", "2.0.0", "2.10.0"])
def test_an_old_server(version: str) -> None:
    with (
        running(Node(version=version)) as stand_in,
        closing(OpenSearchStore(stand_in.url, timeout=5)) as store,
        pytest.raises(StoreRefused, match=r"the oldest that serves is 2\.11"),
    ):
        store.create(OWNER, SPACE, DIMENSION)


def test_faiss_needs_a_server_that_knows_its_cosine() -> None:
    with running(Node(version="2.18.0")) as stand_in:
        with (
            closing(OpenSearchStore(f"{stand_in.url}?engine=faiss", timeout=5)) as store,
            pytest.raises(StoreRefused, match="faiss"),
        ):
            store.create(OWNER, SPACE, DIMENSION)
        with closing(OpenSearchStore(stand_in.url, timeout=5)) as store:
            store.create(OWNER, SPACE, DIMENSION)


def test_elasticsearch_is_none() -> None:
    with (
        running(Node(version="8.15.0", distribution="")) as stand_in,
        closing(OpenSearchLexicalIndex(stand_in.url, timeout=5)) as index,
        pytest.raises(StoreRefused, match="is no OpenSearch"),
    ):
        index.create(OWNER, SPACE)


@pytest.mark.parametrize(
    "answer", ["<html>Welcome to nginx!</html>", {"hello": "world"}, ["a"], {"version": "7"}]
)
def test_another_service_is_none(stand_in: StandIn, answer: Any) -> None:
    stand_in.fault = lambda _method, _path: (200, answer)
    with closing(OpenSearchStore(stand_in.url, timeout=5)) as store, pytest.raises(StoreRefused):
        store.count(OWNER, SPACE)


def test_tls_where_there_is_none(stand_in: StandIn) -> None:
    url = stand_in.url.replace("http:", "https:")
    with (
        closing(OpenSearchStore(url, timeout=5)) as store,
        pytest.raises(StoreRefused, match="secure") as caught,
    ):
        store.count(OWNER, SPACE)
    assert "verify=no" in caught.value.cure


def test_certificates_that_cannot_be_read(stand_in: StandIn) -> None:
    url = stand_in.url.replace("http:", "https:")
    with (
        closing(OpenSearchStore(f"{url}?ca=/nowhere.pem", timeout=5)) as store,
        pytest.raises(StoreRefused, match=r"/nowhere\.pem"),
    ):
        store.count(OWNER, SPACE)


def test_the_plugin_for_vectors_is_missing(stand_in: StandIn) -> None:
    reason = "Failed to parse mapping [_doc]: No handler for type [knn_vector] declared on field [vector]"
    answer = {"error": {"type": "mapper_parsing_exception", "reason": reason}, "status": 400}
    stand_in.fault = lambda method, path: (400, answer) if method == "PUT" else None
    with (
        closing(OpenSearchStore(stand_in.url, timeout=5)) as store,
        pytest.raises(StoreRefused, match="plugin is missing") as caught,
    ):
        store.create(OWNER, SPACE, DIMENSION)
    assert "k-NN plugin" in caught.value.cure


def test_no_more_shards(stand_in: StandIn) -> None:
    reason = "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;"
    answer = {"error": {"type": "validation_exception", "reason": reason}, "status": 400}
    stand_in.fault = lambda method, path: (400, answer) if method == "PUT" else None
    with (
        closing(OpenSearchLexicalIndex(stand_in.url, timeout=5)) as index,
        pytest.raises(StoreError, match="1000") as caught,
    ):
        index.create(OWNER, SPACE)
    assert "max_shards_per_node" in caught.value.cure


# batches that fail


def test_a_full_disk(stand_in: StandIn, store: OpenSearchStore) -> None:
    store.create("bob", SPACE, DIMENSION)
    (index,) = stand_in.node.indices.values()
    index.full = True
    for call in (
        lambda: store.upsert(OWNER, SPACE, [1], unit(1)),
        lambda: store.delete(OWNER, SPACE, [1]),
        lambda: store.create("eve", SPACE, DIMENSION),
        lambda: store.drop("bob", SPACE),
    ):
        with pytest.raises(DiskFull, match="no disk space") as caught:
            call()
        assert "disk space on OpenSearch's nodes" in caught.value.cure
    assert len(store.search(OWNER, SPACE, unit(1)[0], 5)) == 5
    index.full = False
    store.upsert(OWNER, SPACE, [1], unit(1))


def test_the_last_owner_of_a_space_can_drop_it_from_a_full_disk(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    (index,) = stand_in.node.indices.values()
    index.full = True
    store.drop(OWNER, SPACE)
    assert stand_in.node.indices == {}


def test_a_full_disk_under_the_words(stand_in: StandIn) -> None:
    with closing(OpenSearchLexicalIndex(stand_in.url, timeout=5)) as index:
        index.create(OWNER, SPACE)
        (held,) = stand_in.node.indices.values()
        held.full = True
        with pytest.raises(DiskFull):
            index.upsert(OWNER, SPACE, [LexicalDocument(1, 1, {"tags": "boat"})])


def test_a_batch_of_which_some_failed_names_the_first_and_how_many(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    ids = {document.source["key"]: id_ for id_, document in _rows(stand_in).items()}
    broken = (400, {"type": "mapper_parsing_exception", "reason": "failed to parse field [crc]"})
    stand_in.node.hurt = {ids[4]: broken, ids[7]: broken}
    with pytest.raises(
        StoreError, match=rf"failed to parse .*{ids[4]}, the first of 2 that failed of 10"
    ) as caught:
        store.upsert(OWNER, SPACE, range(10), unit(10))
    assert not isinstance(caught.value, StoreAway)
    busy = (
        429,
        {"type": "rejected_execution_exception", "reason": "rejected execution of coordinating operation"},
    )
    stand_in.node.hurt = {ids[9]: busy}
    with pytest.raises(StoreAway, match="the first of 1 that failed of 10"):
        store.upsert(OWNER, SPACE, range(10), unit(10))
    stand_in.node.hurt = {}
    store.upsert(OWNER, SPACE, range(10), unit(10))
    assert store.count(OWNER, SPACE) == 10


def test_a_batch_that_is_too_large_for_the_server(stand_in: StandIn, store: OpenSearchStore) -> None:
    stand_in.fault = lambda _method, path: (413, "") if path.endswith("_bulk") else None
    with pytest.raises(StoreError, match="too large") as caught:
        store.upsert(OWNER, SPACE, [1], unit(1))
    assert "max_content_length" in caught.value.cure


def test_a_server_that_dies_in_the_middle_loses_nothing_that_was_acknowledged(stand_in: StandIn) -> None:
    with closing(OpenSearchStore(stand_in.url, timeout=5)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        left = iter(range(30))
        stand_in.fault = lambda _method, _path: (502, "") if next(left, None) is None else None
        done: list[int] = []

        def write() -> None:
            for key in range(1000):
                store.upsert(OWNER, SPACE, [key], unit(1, seed=key))
                done.append(key)

        with pytest.raises(StoreAway):
            write()
        stand_in.fault = None
        assert len(done) > 5
        assert store.count(OWNER, SPACE) in (len(done), len(done) + 1)
        assert set(store.get(OWNER, SPACE, done)) == set(done)


# a connection that is secured


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One that nobody but its file vouches for, and its key beside it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("there is no openssl to make a certificate with")
    path = tmp_path / "own.pem"
    names = ["-subj", "/CN=stand-in", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *names]
    subprocess.run(
        [*made, "-days", "2", "-keyout", tmp_path / "own.key", "-out", path], check=True, capture_output=True
    )
    return path


def test_certificates_are_verified_unless_told_otherwise(certificate: Path) -> None:
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(certificate, certificate.with_suffix(".key"))
    with running(secured=secured) as stand_in:
        url = stand_in.url.replace("http:", "https:")
        with (
            closing(OpenSearchStore(url, timeout=5)) as store,
            pytest.raises(StoreRefused, match="certificate") as caught,
        ):
            store.create(OWNER, SPACE, DIMENSION)
        assert "?ca=FILE" in caught.value.cure
        for option in (f"ca={certificate}", "verify=no"):
            with closing(OpenSearchStore(f"{url}?{option}", timeout=5)) as store:
                store.create(OWNER, SPACE, DIMENSION)
                assert store.count(OWNER, SPACE) == 0


def _rows(stand_in: StandIn) -> dict[str, Any]:
    (index,) = stand_in.node.indices.values()
    return {id_: document for id_, document in index.live.items() if "key" in document.source}
