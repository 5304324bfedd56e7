"""OpenSearch: what its store and its index of words promise beyond the common suites. Needs the stand-in: a test looks into
it, or lets it do what a server does not do when asked."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.ports import LexicalDocument
from reprise.errors import StoreAway, StoreError
from reprise.stores import snapshots
from reprise.stores.memory import MemoryStore
from reprise.stores.opensearch import OpenSearchLexicalIndex, OpenSearchStore, searching, server
from reprise.stores.opensearch import lexical as lexical_module
from tests.servers.opensearch.indices import Index
from tests.servers.opensearch.node import Node
from tests.servers.opensearch.serving import StandIn, running
from tests.stores.samples import DIMENSION, OWNER, SPACE, oracle, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running() as made:
        yield made
        assert made.refused == []
        assert made.node.points == {}


@pytest.fixture
def store(stand_in: StandIn) -> Iterator[OpenSearchStore]:
    with closing(OpenSearchStore(stand_in.url, timeout=10)) as made:
        made.create(OWNER, SPACE, DIMENSION)
        made.upsert(OWNER, SPACE, range(300), unit(300))
        yield made


@pytest.fixture
def other(stand_in: StandIn) -> Iterator[OpenSearchStore]:
    """Another process's, as it were."""
    with closing(OpenSearchStore(stand_in.url, timeout=10)) as made:
        yield made


@pytest.fixture
def words(stand_in: StandIn) -> Iterator[OpenSearchLexicalIndex]:
    with closing(OpenSearchLexicalIndex(stand_in.url, timeout=10)) as made:
        made.create(OWNER, SPACE)
        yield made


def index_of(stand_in: StandIn) -> Index:
    (index,) = stand_in.node.indices.values()
    return index


def rows_in(stand_in: StandIn) -> list[int]:
    return sorted(row.source["key"] for row in index_of(stand_in).live.values() if "key" in row.source)


# indices and their names


def test_an_alias_stands_before_the_index(stand_in: StandIn, store: OpenSearchStore) -> None:
    index = index_of(stand_in)
    assert (index.name, list(index.aliases)) == (f"reprise.vectors.1.{SPACE}", [f"reprise-vectors-{SPACE}"])
    assert index.mappings["dynamic"] == "strict"
    assert index.mappings["properties"]["vector"] == {
        "type": "knn_vector",
        "dimension": DIMENSION,
        "method": {"name": "hnsw", "space_type": "cosinesimil", "engine": "lucene"},
    }


def test_options_of_the_url_shape_the_index(stand_in: StandIn) -> None:
    url = f"{stand_in.url}/music?engine=faiss&shards=4&replicas=2"
    with closing(OpenSearchStore(url, timeout=10)) as store:
        store.create(OWNER, SPACE, DIMENSION)
    index = index_of(stand_in)
    assert index.name.startswith("music.vectors.1.")
    assert index.settings["number_of_shards"] == 4
    assert index.settings["number_of_replicas"] == 2
    assert index.mappings["properties"]["vector"]["method"]["engine"] == "faiss"


def test_two_installations_share_a_cluster(stand_in: StandIn, store: OpenSearchStore) -> None:
    with closing(OpenSearchStore(f"{stand_in.url}/second", timeout=10)) as second:
        with pytest.raises(StoreError, match="no space"):
            second.count(OWNER, SPACE)
        second.create(OWNER, SPACE, 5)
        second.drop(OWNER, SPACE)
    assert store.count(OWNER, SPACE) == 300


def test_the_last_drop_deletes_the_index_and_no_other(stand_in: StandIn, store: OpenSearchStore) -> None:
    store.create("bob", SPACE, DIMENSION)
    store.drop(OWNER, SPACE)
    assert rows_in(stand_in) == []
    assert index_of(stand_in).settings.get("blocks") == {"write": False}
    store.upsert("bob", SPACE, [1], unit(1))
    store.drop("bob", SPACE)
    assert stand_in.node.indices == {}


def foreign(stand_in: StandIn, alias: str, meta: dict[str, Any]) -> Index:
    """Somebody else's index under the name that ours would have."""
    mappings = {"_meta": meta, "properties": {"page": {"type": "long"}}}
    made = Index("diary", {}, mappings, {alias: {}})
    made.put("1", None, {"page": 7})
    stand_in.node.indices["diary"] = made
    return made


@pytest.mark.parametrize(
    "meta", [{}, {"made_by": "someone"}, {"made_by": "reprise", "kind": "words", "name": SPACE, "format": 1}]
)
def test_an_index_that_is_not_ours_is_refused_and_not_touched(
    stand_in: StandIn, other: OpenSearchStore, meta: dict[str, Any]
) -> None:
    held = foreign(stand_in, f"reprise-vectors-{SPACE}", meta)
    for call in (
        lambda: other.create(OWNER, SPACE, DIMENSION),
        lambda: other.upsert(OWNER, SPACE, [1], unit(1)),
        lambda: other.delete(OWNER, SPACE, [1]),
        lambda: other.search(OWNER, SPACE, unit(1)[0], 1),
        lambda: other.flush(OWNER, SPACE),
    ):
        with pytest.raises(StoreError):
            call()
    with pytest.raises(StoreError, match="something else under the name") as caught:
        other.create(OWNER, SPACE, DIMENSION)
    assert "PREFIX" in caught.value.cure
    other.drop(OWNER, SPACE)
    assert (list(held.live), held.mappings["_meta"], held.settings) == (["1"], meta, {})


def test_words_of_others_are_refused_too(stand_in: StandIn, words: OpenSearchLexicalIndex) -> None:
    (alias,) = index_of(stand_in).aliases
    stand_in.node.indices.clear()
    held = foreign(stand_in, alias, {})
    for call in (
        lambda: words.create(OWNER, SPACE),
        lambda: words.upsert(OWNER, SPACE, []),
        lambda: words.delete(OWNER, SPACE, [1]),
        lambda: words.drop(OWNER, SPACE),
    ):
        with pytest.raises(StoreError, match="something else"):
            call()
    assert list(held.live) == ["1"]


def test_an_index_of_a_later_release_is_refused(stand_in: StandIn, store: OpenSearchStore) -> None:
    index_of(stand_in).mappings["_meta"]["format"] = 2
    with pytest.raises(StoreError, match="another release"):
        store.create(OWNER, SPACE, DIMENSION)


def test_an_alias_of_two_indices_is_refused(stand_in: StandIn, store: OpenSearchStore) -> None:
    index = index_of(stand_in)
    stand_in.node.indices["second"] = Index("second", index.settings, index.mappings, index.aliases)
    with pytest.raises(StoreError):
        store.upsert(OWNER, SPACE, [1], unit(1))


# making and dropping at the same moment


def test_many_make_one_space(stand_in: StandIn) -> None:
    problems: list[BaseException] = []

    def make(owner: str) -> None:
        try:
            with closing(OpenSearchStore(stand_in.url, timeout=10)) as mine:
                mine.create(owner, SPACE, DIMENSION)
                mine.upsert(owner, SPACE, range(20), unit(20))
                mine.create(owner, SPACE, DIMENSION)
        except BaseException as error:  # noqa: BLE001  # the test's own thread tells of it
            problems.append(error)

    owners = ["ada", "bob", "ada", "eve", "bob", "ada"]
    threads = [threading.Thread(target=make, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(stand_in.node.indices) == 1
    with closing(OpenSearchStore(stand_in.url, timeout=10)) as store:
        assert [store.count(owner, SPACE) for owner in ("ada", "bob", "eve")] == [20, 20, 20]


def test_a_drop_that_was_killed_half_way_is_finished_by_who_comes_next(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    """It had shut out writes of an index with no titles any more. The next index has another name: should the first one
    be alive after all, it deletes nothing of it."""
    index = index_of(stand_in)
    index.live = {id_: row for id_, row in index.live.items() if "key" in row.source}
    index.changed = True
    index.settings["blocks"] = {"write": True}
    store.create(OWNER, SPACE, 5)
    assert index_of(stand_in).name == f"reprise.vectors.2.{SPACE}"
    assert store.count(OWNER, SPACE) == 0
    store.upsert(OWNER, SPACE, [1], unit(1, dimension=5))


def test_an_index_that_somebody_shut_against_writes_is_left_so(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    index_of(stand_in).settings["blocks"] = {"write": True}
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.create("bob", SPACE, DIMENSION),
        lambda: store.upsert(OWNER, SPACE, [1], unit(1)),
        lambda: store.drop(OWNER, SPACE),
    )
    for call in calls:
        with pytest.raises(StoreError) as caught:
            call()
        assert "index.blocks.write" in caught.value.cure
    assert index_of(stand_in).settings["blocks"] == {"write": True}
    assert store.count(OWNER, SPACE) == 300


@pytest.mark.parametrize("last", [False, True])
def test_a_batch_whose_space_is_dropped_meanwhile_is_not_said_to_be_kept(
    stand_in: StandIn, store: OpenSearchStore, other: OpenSearchStore, last: bool
) -> None:
    if not last:
        other.create("bob", SPACE, DIMENSION)

    def drop_first(_method: str, path: str) -> None:
        if path.endswith("_bulk"):
            stand_in.fault = None
            other.drop(OWNER, SPACE)

    stand_in.fault = drop_first
    with pytest.raises(StoreError, match="no space"):
        store.upsert(OWNER, SPACE, [1], unit(1))
    other.drop("bob", SPACE)
    assert stand_in.node.indices == {}  # a bulk makes no index by itself


def test_who_comes_while_the_last_owner_leaves_loses_nothing(
    stand_in: StandIn, store: OpenSearchStore, other: OpenSearchStore
) -> None:
    came: list[str] = []

    def come_first(method: str, path: str) -> None:
        if method == "DELETE" and "_doc" not in path and not came:
            came.append(path)
            other.create("bob", SPACE, DIMENSION)
            other.upsert("bob", SPACE, [1], unit(1))

    stand_in.fault = come_first
    store.drop(OWNER, SPACE)
    assert len(came) == 1
    assert other.count("bob", SPACE) == 1
    assert np.array_equal(other.get("bob", SPACE, [1])[1], unit(1)[0])


# who sees what


def test_what_counts_and_scans_sees_what_others_wrote(store: OpenSearchStore, other: OpenSearchStore) -> None:
    assert other.count(OWNER, SPACE) == 300
    store.upsert(OWNER, SPACE, [500], unit(1, seed=3))
    assert [key for keys, _ in other.scan(OWNER, SPACE, 7) for key in keys][-1] == 500
    store.delete(OWNER, SPACE, [500])
    assert other.verify(OWNER, SPACE).count == 300


def test_a_search_sees_what_others_wrote_within_a_second(
    store: OpenSearchStore, other: OpenSearchStore
) -> None:
    query = unit(1, seed=3)[0]
    store.count(OWNER, SPACE)
    store.upsert(OWNER, SPACE, [500], query[None])
    assert store.search(OWNER, SPACE, query, 1)[0].key == 500
    store.upsert(OWNER, SPACE, [501], unit(1, seed=4))
    until = time.monotonic() + 5
    while other.search(OWNER, SPACE, unit(1, seed=4)[0], 1)[0].key != 501:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_search_while_a_batch_is_written_hides_nothing_of_it_afterwards(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    query = unit(1, seed=3)[0]

    def search_first(_method: str, path: str) -> None:
        if path.endswith("_bulk"):
            stand_in.fault = None
            store.search(OWNER, SPACE, query, 1)

    stand_in.fault = search_first
    store.upsert(OWNER, SPACE, [500], query[None])
    assert store.search(OWNER, SPACE, query, 1)[0].key == 500


def test_a_search_after_nothing_was_written_asks_for_no_refresh(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    store.search(OWNER, SPACE, unit(1)[0], 1)
    stand_in.asked.clear()
    store.search(OWNER, SPACE, unit(1)[0], 1)
    assert [path.rpartition("/")[2] for _, path in stand_in.asked[1:]] == ["_count", "_search"]


def test_a_large_batch_goes_in_several_requests(
    stand_in: StandIn, store: OpenSearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BULK_BYTES", 10_000)
    stand_in.asked.clear()
    store.upsert(OWNER, SPACE, range(1000, 1100), unit(100, seed=5))
    requests = [path for _, path in stand_in.asked if path.endswith("_bulk")]
    assert 3 < len(requests) < 50
    assert np.array_equal(np.stack([*store.get(OWNER, SPACE, range(1000, 1100)).values()]), unit(100, seed=5))


def test_many_more_excluded_than_one_filter_takes(
    store: OpenSearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_TERMS", 50)
    found = store.search(OWNER, SPACE, unit(1)[0], 20, exclude=range(290))
    assert sorted(hit.key for hit in found) == list(range(290, 300))


# searches


@pytest.mark.parametrize("version", ["2.11.0", "2.18.0", "2.19.0", "3.1.0"])
@pytest.mark.parametrize("exact", [0, 20_000])
def test_every_version_gives_the_same_answers(version: str, exact: int) -> None:
    """The scoring script gives 1 + cosine before 2.19, and half of it since."""
    memory = oracle()
    with (
        running(Node(version=version)) as stand_in,
        closing(OpenSearchStore(f"{stand_in.url}?exact={exact}", timeout=10)) as store,
    ):
        store.create(OWNER, SPACE, DIMENSION)
        store.upsert(OWNER, SPACE, range(300), unit(300))
        for query in unit(10, seed=77):
            assert store.search(OWNER, SPACE, query, 12) == memory.search(OWNER, SPACE, query, 12)
        assert stand_in.refused == []


def test_more_vectors_than_are_compared_go_through_the_graph(
    stand_in: StandIn, store: OpenSearchStore
) -> None:
    seen: list[str] = []
    answer = stand_in.node.post_search

    def look(params: Any, body: Any, index: str = "") -> Any:
        seen.append(next(iter(body["query"])))
        return answer(params, body, index)

    stand_in.node.post_search = look  # type: ignore[method-assign]
    store.count(OWNER, SPACE)
    with closing(OpenSearchStore(f"{stand_in.url}?exact=299", timeout=10)) as narrow:
        narrow.search(OWNER, SPACE, unit(1)[0], 5)
    store.search(OWNER, SPACE, unit(1)[0], 5)
    assert seen == ["knn", "script_score"]


def test_more_equal_vectors_than_a_page_holds(
    stand_in: StandIn, store: OpenSearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_PAGE", 20)
    monkeypatch.setattr(searching, "_MORE", 2)
    twin = unit(1, seed=9)
    order = np.random.default_rng(1).permutation(100)
    store.upsert(OWNER, SPACE, (1000 + order).tolist(), np.repeat(twin, 100, axis=0))
    for k in (1, 19, 60, 100):
        found = store.search(OWNER, SPACE, twin[0], k)
        assert [hit.key for hit in found] == list(range(1000, 1000 + k))
    memory = oracle()
    memory.upsert(OWNER, SPACE, range(1000, 1100), np.repeat(twin, 100, axis=0))
    for query in unit(5, seed=3):
        assert store.search(OWNER, SPACE, query, 150) == memory.search(OWNER, SPACE, query, 150)


def test_candidates_that_single_precision_cannot_tell_apart_are_all_looked_at(
    stand_in: StandIn, store: OpenSearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lie within 1e-6 of each other; the server orders them by rounding errors."""
    monkeypatch.setattr(searching, "_PAGE", 12)
    monkeypatch.setattr(searching, "_MORE", 2)
    query, other = np.linalg.qr(unit(2, seed=13).astype(np.float64).T)[0].T
    angles = np.linspace(0.0001, 0.001, 60)[:, None]
    dice = np.random.default_rng(7)
    near = (np.cos(angles) * query + np.sin(angles) * other) * dice.uniform(0.99995, 1.00005, (60, 1))
    keys = (1000 + dice.permutation(60)).tolist()
    memory = oracle()
    for one in (store, memory):
        one.upsert(OWNER, SPACE, keys, near.astype(np.float32))
    for k in (5, 10, 30):
        wanted = memory.search(OWNER, SPACE, query.astype(np.float32), k)
        assert store.search(OWNER, SPACE, query.astype(np.float32), k) == wanted


# copies


def test_a_snapshot_is_of_one_moment(
    stand_in: StandIn, store: OpenSearchStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "PAGE_ROWS", 50)
    searches: list[str] = []

    def write_between(_method: str, path: str) -> None:
        searches.append(path)
        if searches.count("/_search") == 2:
            index = index_of(stand_in)
            for id_, row in list(index.live.items()):
                if row.source.get("key", 0) > 200:
                    index.remove(id_, row.routing)
            index.refresh()

    stand_in.fault = write_between
    store.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    stand_in.fault = None
    assert store.count(OWNER, SPACE) < 300
    with closing(MemoryStore()) as memory:
        memory.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
        assert memory.count(OWNER, SPACE) == 300


def test_a_restore_that_ends_half_way_changes_nothing_and_is_cleared_away(
    stand_in: StandIn, store: OpenSearchStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BULK_BYTES", 20_000)
    store.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    store.upsert(OWNER, SPACE, [0], unit(1, seed=8))
    left = iter(range(3))
    stand_in.fault = lambda _method, path: (
        (502, "") if path.endswith("_bulk") and next(left, None) is None else None
    )
    with pytest.raises(StoreAway):
        store.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    stand_in.fault = None
    assert len(rows_in(stand_in)) > 300
    assert store.count(OWNER, SPACE) == 300
    assert np.array_equal(store.get(OWNER, SPACE, [0])[0], unit(1, seed=8)[0])
    store.flush(OWNER, SPACE)
    assert len(rows_in(stand_in)) == 300
    store.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert np.array_equal(store.get(OWNER, SPACE, [0])[0], unit(1)[0])
    assert len(rows_in(stand_in)) == 300


def test_of_two_restores_at_once_one_wins_and_the_other_says_so(
    stand_in: StandIn, store: OpenSearchStore, other: OpenSearchStore, tmp_path: Path
) -> None:
    store.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")

    def restore_first(_method: str, path: str) -> None:
        if path.endswith("_bulk"):
            stand_in.fault = None
            other.restore(OWNER, SPACE, tmp_path / "copy.snapshot")

    stand_in.fault = restore_first
    with pytest.raises(StoreError, match="changed by another program"):
        store.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert store.count(OWNER, SPACE) == 300
    store.flush(OWNER, SPACE)
    assert len(rows_in(stand_in)) == 300


def test_a_batch_whose_space_is_restored_meanwhile_is_not_said_to_be_kept(
    stand_in: StandIn, store: OpenSearchStore, other: OpenSearchStore, tmp_path: Path
) -> None:
    store.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")

    def restore_first(_method: str, path: str) -> None:
        if path.endswith("_bulk"):
            stand_in.fault = None
            other.restore(OWNER, SPACE, tmp_path / "copy.snapshot")

    stand_in.fault = restore_first
    with pytest.raises(StoreError, match="restored meanwhile"):
        store.upsert(OWNER, SPACE, [999], unit(1))
    store.upsert(OWNER, SPACE, [999], unit(1))
    assert store.count(OWNER, SPACE) == 301


# damage


@pytest.mark.parametrize(
    "harm", [{"data": "AAAA"}, {"data": "not base64!"}, {"crc": 1}, {"crc": None}, {"data": None}]
)
def test_a_row_that_is_not_what_was_written_is_told(
    stand_in: StandIn, store: OpenSearchStore, harm: dict[str, Any]
) -> None:
    store.count(OWNER, SPACE)
    (row,) = [row for row in index_of(stand_in).live.values() if row.source.get("key") == 7]
    row.source.update(harm)
    report = store.verify(OWNER, SPACE)
    assert (report.count, report.damaged) == (300, (7,))
    assert "1 rows fail" in report.problem
    for call in (
        lambda: store.get(OWNER, SPACE, [7]),
        lambda: list(store.scan(OWNER, SPACE)),
        lambda: store.search(OWNER, SPACE, unit(300)[7], 1),
    ):
        with pytest.raises(StoreError, match="checksum: keys 7"):
            call()
    store.upsert(OWNER, SPACE, [7], unit(300)[7:8])
    assert store.verify(OWNER, SPACE).problem == ""


# owners


@pytest.mark.parametrize("owner", ["x" * 40_000, "\ud800"])
def test_an_owner_that_no_keyword_holds_is_refused(other: OpenSearchStore, owner: str) -> None:
    with pytest.raises(StoreError, match="owner"):
        other.create(owner, SPACE, DIMENSION)
    with pytest.raises(StoreError, match="no space"):
        other.count(owner, SPACE)


# words


def test_words_are_sent_with_their_weights(stand_in: StandIn, words: OpenSearchLexicalIndex) -> None:
    fields = {"tags": "boat", "transcript": "a boat, boats", "combined": "猫が boat"}
    words.upsert(OWNER, SPACE, [LexicalDocument(5, 2, fields)])
    ((id_, row),) = index_of(stand_in).live.items()
    assert id_ == "5"
    assert row.fields["words"] == {"boat": 4 + 3 + 3 + 1, "a": 3, "猫が": 1, "猫": 1, "が": 1}
    assert row.source == {"owner": OWNER, "key": 5, "video": 2}  # the words themselves are in the catalogue


def test_words_of_any_length_and_queries_of_any_number(words: OpenSearchLexicalIndex) -> None:
    long = "z" * 5000
    words.upsert(
        OWNER, SPACE, [LexicalDocument(1, 1, {"tags": long}), LexicalDocument(2, 1, {"tags": "boat"})]
    )
    assert [hit.key for hit in words.search(OWNER, SPACE, long, 5)] == [1]
    many = " ".join(f"w{number}" for number in range(5000))
    assert words.search(OWNER, SPACE, many, 5) == []
    assert [hit.key for hit in words.search(OWNER, SPACE, f"boat {long}", 5)] == []


def test_more_hits_than_a_page_holds(words: OpenSearchLexicalIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical_module, "_PAGE", 10)
    words.upsert(OWNER, SPACE, [LexicalDocument(key, 1, {"tags": "boat"}) for key in range(45)])
    for k in (5, 10, 11, 45, 100):
        assert [hit.key for hit in words.search(OWNER, SPACE, "boat", k)] == list(range(45))[:k]
    assert list(words.keys(OWNER, SPACE)) == list(range(45))


def test_an_owners_words_have_an_index_of_their_own(stand_in: StandIn, words: OpenSearchLexicalIndex) -> None:
    words.create("bob", SPACE)
    assert len(stand_in.node.indices) == 2
    words.drop(OWNER, SPACE)
    assert [index.mappings["_meta"]["owner"] for index in stand_in.node.indices.values()] == ["bob"]


def test_the_server_reads_the_same_float32(stand_in: StandIn, store: OpenSearchStore) -> None:
    tiny = np.zeros(DIMENSION, np.float32)
    tiny[:4] = 1, 1.4e-45, -3.1e-39, -0.0  # denormal ones among them
    rows = np.concatenate([unit(200, seed=21), tiny[None]])
    store.upsert(OWNER, SPACE, range(201), rows)
    held = {row.source["key"]: row.fields for row in index_of(stand_in).live.values() if "key" in row.source}
    assert all(np.array_equal(held[key]["vector"], rows[key]) for key in range(201))
    assert all(held[key]["data"] == rows[key].tobytes() for key in range(201))
