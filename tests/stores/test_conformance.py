"""One suite for every vector store. A new store adds itself to ``kinds``; nothing here knows which one it is.

Where answers are compared, a store that searches approximately is held to the recall that its kind declares.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.errors import StoreError, StoreUnable
from reprise.stores.memory import MemoryStore
from tests.stores.kinds import every_kind, every_trait
from tests.stores.kinds.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.ports import Hit, Vectors, VectorStore

DIMENSION = 24
OWNER, SPACE = "ada", "acoustic-0123456789ab"

STORES = every_kind()
TRAITS = every_trait()


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def traits(kind: str) -> Traits:
    return TRAITS[kind]


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[VectorStore]:
    with STORES[kind](tmp_path) as made:
        yield made


@pytest.fixture
def filled(store: VectorStore) -> VectorStore:
    """200 vectors under the even keys 0 to 398, in the order of no key, flushed."""
    store.create(OWNER, SPACE, DIMENSION)
    order = np.random.default_rng(5).permutation(200)
    store.upsert(OWNER, SPACE, (2 * order).tolist(), unit(200)[order])
    store.flush(OWNER, SPACE)
    return store


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    found = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    rows: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return rows


def brute(keys: NDArray[np.int64], rows: Vectors, query: Vectors, k: int) -> list[tuple[int, float]]:
    wide = rows.astype(np.float64)
    cosines = wide @ query.astype(np.float64) / np.linalg.norm(wide, axis=1) / np.linalg.norm(query)
    order = np.lexsort((keys, -np.round(cosines, 9)))[:k]
    return [(int(keys[i]), float(cosines[i])) for i in order]


def same(found: list[Hit], truth: list[tuple[int, float]], traits: Traits) -> bool:
    """Whether that is the truth; of a store that is not exact, whether the scores are true and enough was found."""
    if traits.exact:
        scores = [hit.score for hit in found]
        return [hit.key for hit in found] == [key for key, _ in truth] and np.allclose(
            scores, [score for _, score in truth], atol=1e-6
        )
    known = dict(truth)
    right = [hit for hit in found if hit.key in known]
    return (
        len(right) >= traits.recall * len(truth)
        and all(abs(hit.score - known[hit.key]) <= traits.score_error for hit in right)
        and all(a.score >= b.score - traits.score_error for a, b in pairwise(found))
    )


def alike(found: list[Hit], other: list[Hit], *traits: Traits) -> bool:
    """Whether two answers are equal; of stores that are not exact, as far as those promise."""
    if all(one.exact for one in traits):
        return found == other
    truth = [(hit.key, hit.score) for hit in other]
    return all(same(found, truth, one) for one in traits if not one.exact)


def skip_unless_exact(traits: Traits) -> None:
    if not traits.exact:
        pytest.skip("this kind of store does not promise an exact order")


# spaces


def test_create_twice_is_fine_and_keeps_the_rows(filled: VectorStore) -> None:
    filled.create(OWNER, SPACE, DIMENSION)
    assert filled.count(OWNER, SPACE) == 200


def test_another_dimension_is_refused(filled: VectorStore) -> None:
    with pytest.raises(StoreError, match="dimension"):
        filled.create(OWNER, SPACE, DIMENSION + 1)
    with pytest.raises(StoreError, match="dimension"):
        filled.create("bob", SPACE, DIMENSION + 1)


@pytest.mark.parametrize("dimension", [0, -1, 10**6])
def test_an_impossible_dimension_is_refused(store: VectorStore, dimension: int) -> None:
    with pytest.raises(StoreError, match="dimension"):
        store.create(OWNER, SPACE, dimension)


def test_vectors_longer_than_the_store_takes_are_refused(store: VectorStore) -> None:
    longest = store.abilities.largest_dimension
    with pytest.raises(StoreError, match="dimension"):
        store.create(OWNER, SPACE, longest + 1)
    store.create(OWNER, SPACE, longest)
    row = unit(1, dimension=longest)
    store.upsert(OWNER, SPACE, [7], row)
    store.flush(OWNER, SPACE)
    assert np.array_equal(store.get(OWNER, SPACE, [7])[7], row[0])
    assert [hit.key for hit in store.search(OWNER, SPACE, row[0], 1)] == [7]


@pytest.mark.parametrize("space", ["", "..", "../x", "a/b", "A", "a b", "x\0", ".hidden", "x" * 200])
def test_a_name_that_is_no_name_of_a_space_is_refused(store: VectorStore, space: str) -> None:
    with pytest.raises(StoreError, match="space"):
        store.create(OWNER, space, DIMENSION)


@pytest.mark.parametrize("owner", ["", "a\0b"])
def test_a_name_that_is_no_owner_is_refused(store: VectorStore, owner: str) -> None:
    with pytest.raises(StoreError, match="owner"):
        store.create(owner, SPACE, DIMENSION)


@pytest.mark.parametrize(
    "owner", ["../../etc", "Zoë / 東京", "a" * 500, "'; DROP TABLE owner; --", ".", "🦊" * 2000]
)
def test_owners_are_any_text(store: VectorStore, owner: str, tmp_path: Path, traits: Traits) -> None:
    store.create(owner, SPACE, DIMENSION)
    store.upsert(owner, SPACE, [1], unit(1))
    store.flush(owner, SPACE)
    assert [hit.key for hit in store.search(owner, SPACE, unit(1)[0], 1)] == [1]
    assert {path.name for path in tmp_path.iterdir()} <= traits.files


def test_an_unknown_space_is_named_in_every_call(filled: VectorStore, tmp_path: Path) -> None:
    def calls(owner: str, space: str) -> list[Callable[[], object]]:
        return [
            lambda: filled.upsert(owner, space, [1], unit(1)),
            lambda: filled.delete(owner, space, [1]),
            lambda: filled.get(owner, space, [1]),
            lambda: filled.count(owner, space),
            lambda: filled.scan(owner, space),
            lambda: filled.search(owner, space, unit(1)[0], 1),
            lambda: filled.flush(owner, space),
            lambda: filled.verify(owner, space),
            lambda: filled.snapshot(owner, space, tmp_path / "none.snapshot"),
        ]

    for call in calls(OWNER, "never-made"):
        with pytest.raises(StoreError, match="never-made"):
            call()
    for call in calls("nobody", SPACE):
        with pytest.raises(StoreError, match="nobody"):
            call()
    assert not list(tmp_path.rglob("*never-made*"))
    assert not (tmp_path / "none.snapshot").exists()


def test_drop_touches_one_owner(filled: VectorStore) -> None:
    filled.create("bob", SPACE, DIMENSION)
    filled.upsert("bob", SPACE, [0, 1], unit(2))
    filled.drop(OWNER, SPACE)
    with pytest.raises(StoreError, match=OWNER):
        filled.count(OWNER, SPACE)
    assert filled.count("bob", SPACE) == 2
    assert [hit.key for hit in filled.search("bob", SPACE, unit(2)[1], 9)] == [1, 0]


def test_drop_of_what_is_not_there_is_fine(store: VectorStore) -> None:
    store.drop(OWNER, "never-made")
    store.create(OWNER, SPACE, DIMENSION)
    store.drop("nobody", SPACE)
    assert store.count(OWNER, SPACE) == 0


def test_after_the_last_drop_a_space_may_begin_anew(filled: VectorStore) -> None:
    filled.drop(OWNER, SPACE)
    filled.create(OWNER, SPACE, 5)
    assert filled.count(OWNER, SPACE) == 0
    filled.upsert(OWNER, SPACE, [2, 4], unit(2, dimension=5))
    filled.flush(OWNER, SPACE)
    assert [hit.key for hit in filled.search(OWNER, SPACE, unit(2, dimension=5)[1], 1)] == [4]


# rows


def test_rows_come_back_bit_by_bit(filled: VectorStore) -> None:
    found = filled.get(OWNER, SPACE, [398, 0, 7])
    assert sorted(found) == [0, 398]
    assert found[0].shape == (DIMENSION,)
    assert found[0].dtype == np.float32
    assert np.array_equal(found[0], unit(200)[0])
    assert np.array_equal(found[398], unit(200)[199])


def test_upsert_overwrites(filled: VectorStore) -> None:
    new = unit(2, seed=9)
    filled.upsert(OWNER, SPACE, [0, 2], new)
    assert filled.count(OWNER, SPACE) == 200
    assert np.array_equal(filled.get(OWNER, SPACE, [2])[2], new[1])
    assert filled.search(OWNER, SPACE, new[1], 1)[0].key == 2


def test_what_was_upserted_is_a_copy(filled: VectorStore) -> None:
    mine = unit(1, seed=9)
    filled.upsert(OWNER, SPACE, [1], mine)
    mine[:] = 0
    assert np.array_equal(filled.get(OWNER, SPACE, [1])[1], unit(1, seed=9)[0])


def test_empty_batches_are_fine(filled: VectorStore) -> None:
    filled.upsert(OWNER, SPACE, [], np.empty((0, DIMENSION), dtype=np.float32))
    assert filled.delete(OWNER, SPACE, []) == 0
    assert filled.get(OWNER, SPACE, []) == {}
    assert filled.count(OWNER, SPACE) == 200


def test_large_keys_and_many_keys(filled: VectorStore) -> None:
    top = 2**63 - 1
    filled.upsert(OWNER, SPACE, [top], unit(1, seed=3))
    assert filled.search(OWNER, SPACE, unit(1, seed=3)[0], 1)[0].key == top
    assert len(filled.get(OWNER, SPACE, range(40_000))) == 200


def test_delete_says_how_many_were_there(filled: VectorStore) -> None:
    assert filled.delete(OWNER, SPACE, [0, 2, 3, 10**9]) == 2
    assert filled.delete(OWNER, SPACE, [0, 2]) == 0
    assert filled.count(OWNER, SPACE) == 198
    assert filled.get(OWNER, SPACE, [0]) == {}
    assert 0 not in {hit.key for hit in filled.search(OWNER, SPACE, unit(200)[0], 200)}


@pytest.mark.parametrize("batch", [1, 7, 200, 1000])
def test_scan_is_in_key_order_and_whole(filled: VectorStore, batch: int) -> None:
    pages = list(filled.scan(OWNER, SPACE, batch))
    assert [len(keys) for keys, _ in pages[:-1]] == [batch] * (len(pages) - 1)
    assert [key for keys, _ in pages for key in keys] == list(range(0, 400, 2))
    assert np.array_equal(np.concatenate([rows for _, rows in pages]), unit(200))


def test_scan_of_an_empty_space(store: VectorStore) -> None:
    store.create(OWNER, SPACE, DIMENSION)
    assert list(store.scan(OWNER, SPACE)) == []


def test_a_scan_left_early_holds_nothing(filled: VectorStore) -> None:
    keys, _ = next(iter(filled.scan(OWNER, SPACE, 3)))
    assert list(keys) == [0, 2, 4]
    filled.drop(OWNER, SPACE)


BAD = {
    "wrong dimension": ([1, 3], unit(2, dimension=DIMENSION + 1)),
    "too few": ([1, 3], unit(1)),
    "flat": ([1], unit(1)[0]),
    "nan": ([1, 3], np.where(np.arange(2 * DIMENSION).reshape(2, -1) == 30, np.nan, unit(2))),
    "infinite": ([1, 3], np.where(np.arange(2 * DIMENSION).reshape(2, -1) == 30, np.inf, unit(2))),
    "zero": ([1, 3], np.zeros((2, DIMENSION), dtype=np.float32)),
    "not of unit length": ([1, 3], 2 * unit(2)),
    "negative key": ([1, -3], unit(2)),
    "huge key": ([1, 2**63], unit(2)),
    "same key twice": ([1, 1], unit(2)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_batches_are_refused_before_anything_is_written(filled: VectorStore, name: str) -> None:
    keys, rows = BAD[name]
    with pytest.raises(StoreError):
        filled.upsert(OWNER, SPACE, keys, rows)
    assert filled.count(OWNER, SPACE) == 200
    assert filled.get(OWNER, SPACE, [1]) == {}


# search


@pytest.mark.parametrize("k", [1, 10, 199, 200, 5000])
def test_search_equals_brute_force(filled: VectorStore, k: int, traits: Traits) -> None:
    keys = np.arange(0, 400, 2)
    for query in unit(20, seed=1):
        assert same(filled.search(OWNER, SPACE, query, k), brute(keys, unit(200), query, k), traits)


def test_more_neighbours_than_the_store_gives_are_refused(filled: VectorStore, traits: Traits) -> None:
    most = filled.abilities.largest_k
    enough = 200 * traits.recall
    if most is None:
        assert len(filled.search(OWNER, SPACE, unit(1)[0], 1_000_000)) >= enough
        return
    assert len(filled.search(OWNER, SPACE, unit(1)[0], most)) >= enough
    with pytest.raises(StoreUnable, match=f"{most}|{most:,}"):
        filled.search(OWNER, SPACE, unit(1)[0], most + 1)


def test_scores_are_cosines_whatever_the_length_of_the_query(filled: VectorStore, traits: Traits) -> None:
    query = unit(200)[3]
    near = max(1e-7, traits.score_error if not traits.exact else 0)
    assert filled.search(OWNER, SPACE, query, 1)[0].score == pytest.approx(1.0, abs=near)
    longer = filled.search(OWNER, SPACE, 100 * query, 20)
    assert same(longer, brute(np.arange(0, 400, 2), unit(200), query, 20), traits)
    assert all(-1 <= hit.score <= 1 for hit in filled.search(OWNER, SPACE, -query, 200))


def test_ties_come_by_key(store: VectorStore, traits: Traits) -> None:
    skip_unless_exact(traits)
    store.create(OWNER, SPACE, DIMENSION)
    twins = np.repeat(unit(3), 20, axis=0)
    order = np.random.default_rng(2).permutation(60)
    store.upsert(OWNER, SPACE, order.tolist(), twins[order])
    store.flush(OWNER, SPACE)
    for k in (5, 19, 20):
        assert [hit.key for hit in store.search(OWNER, SPACE, unit(3)[1], k)] == list(range(20, 20 + k))


def test_a_length_that_is_not_quite_one_moves_nobody(store: VectorStore, traits: Traits) -> None:
    """The 60 lie within 1e-5 of each other as cosines, and within 1e-4 as products."""
    skip_unless_exact(traits)
    query, other = np.linalg.qr(unit(2).astype(np.float64).T)[0].T
    angles = np.linspace(0.001, 0.004, 60)[:, None]
    dice = np.random.default_rng(7)
    rows = (np.cos(angles) * query + np.sin(angles) * other) * dice.uniform(0.99995, 1.00005, (60, 1))
    order = dice.permutation(60)
    store.create(OWNER, SPACE, DIMENSION)
    store.upsert(OWNER, SPACE, order.tolist(), rows[order].astype(np.float32))
    store.flush(OWNER, SPACE)
    found = store.search(OWNER, SPACE, query.astype(np.float32), 10)
    assert [hit.key for hit in found] == list(range(10))


def test_an_excluded_key_never_comes(filled: VectorStore, traits: Traits) -> None:
    query = unit(200)[3]
    ranked = [key for key, _ in brute(np.arange(0, 400, 2), unit(200), query, 200)]
    for barred in ([6], ranked[:50], set(ranked[:190]), [10**9]):
        found = [hit.key for hit in filled.search(OWNER, SPACE, query, 20, exclude=barred)]
        truth = [key for key in ranked if key not in set(barred)][:20]
        assert not set(found) & set(barred)
        assert len(set(found) & set(truth)) >= traits.recall * len(truth)
        assert found == truth or not traits.exact
    assert filled.search(OWNER, SPACE, query, 20, exclude=ranked) == []


def test_search_of_an_empty_space(store: VectorStore) -> None:
    store.create(OWNER, SPACE, DIMENSION)
    store.flush(OWNER, SPACE)
    assert store.search(OWNER, SPACE, unit(1)[0], 5) == []


@pytest.mark.parametrize(
    "query",
    [unit(1)[0][:-1], unit(1), np.zeros(DIMENSION), np.full(DIMENSION, np.nan)],
    ids=["short", "two axes", "zero", "nan"],
)
def test_a_bad_query_is_refused(filled: VectorStore, query: Vectors) -> None:
    with pytest.raises(StoreError, match="query"):
        filled.search(OWNER, SPACE, query, 5)


def test_asking_for_nobody_is_refused(filled: VectorStore) -> None:
    with pytest.raises(StoreError, match="0 neighbours"):
        filled.search(OWNER, SPACE, unit(1)[0], 0)


def test_changes_are_seen_at_once(filled: VectorStore, traits: Traits) -> None:
    new = unit(30, seed=4)
    for place, row in enumerate(new):
        filled.upsert(OWNER, SPACE, [2 * place], row[None])
        assert filled.search(OWNER, SPACE, row, 1)[0].key == 2 * place
    filled.delete(OWNER, SPACE, [0])
    rows = np.concatenate([new, unit(200)[30:]])[1:]
    for query in new[:5]:
        truth = brute(np.arange(2, 400, 2), rows, query, 20)
        assert same(filled.search(OWNER, SPACE, query, 20), truth, traits)


def test_flush_never_changes_an_answer(filled: VectorStore, traits: Traits) -> None:
    """Of one that is not exact: each answer is as near to the truth before as after."""
    filled.upsert(OWNER, SPACE, range(1, 101, 2), unit(50, seed=6))
    filled.delete(OWNER, SPACE, range(0, 100, 4))
    queries = unit(20, seed=1)
    before = [filled.search(OWNER, SPACE, query, 15) for query in queries]
    for _ in range(3):
        filled.flush(OWNER, SPACE)
        after = [filled.search(OWNER, SPACE, query, 15) for query in queries]
        assert all(alike(now, then, traits) for now, then in zip(after, before, strict=True))


# owners


def test_owners_never_see_each_other(filled: VectorStore, traits: Traits) -> None:
    filled.create("bob", SPACE, DIMENSION)
    theirs = unit(200, seed=8)
    filled.upsert("bob", SPACE, range(0, 400, 2), theirs)
    filled.flush("bob", SPACE)
    for owner, rows in ((OWNER, unit(200)), ("bob", theirs)):
        assert np.array_equal(filled.get(owner, SPACE, [6])[6], rows[3])
        found = filled.search(owner, SPACE, theirs[3], 200)
        assert same(found, brute(np.arange(0, 400, 2), rows, theirs[3], 200), traits)
    assert filled.delete("bob", SPACE, [6]) == 1
    assert filled.count(OWNER, SPACE) == 200
    assert np.array_equal(np.concatenate([rows for _, rows in filled.scan(OWNER, SPACE)]), unit(200))


# copies and checks


def test_verify_counts(filled: VectorStore) -> None:
    report = filled.verify(OWNER, SPACE)
    assert (report.count, report.damaged, report.problem) == (200, (), "")


def test_a_snapshot_goes_round(filled: VectorStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.snapshot"
    filled.snapshot(OWNER, SPACE, target)
    filled.upsert(OWNER, SPACE, [0, 1], unit(2, seed=9))
    filled.delete(OWNER, SPACE, [4])
    filled.restore(OWNER, SPACE, target)
    assert np.array_equal(np.concatenate([rows for _, rows in filled.scan(OWNER, SPACE)]), unit(200))
    assert filled.search(OWNER, SPACE, unit(200)[2], 1)[0].key == 4
    assert filled.verify(OWNER, SPACE).problem == ""


def test_a_snapshot_brings_a_dropped_space_back(filled: VectorStore, tmp_path: Path) -> None:
    filled.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    filled.drop(OWNER, SPACE)
    filled.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert filled.count(OWNER, SPACE) == 200


def test_all_stores_share_one_format_of_snapshots(
    filled: VectorStore, traits: Traits, tmp_path: Path
) -> None:
    """What any store wrote the one in memory reads, and the other way round; so each reads every other's."""
    oracle, query = MemoryStore(), unit(1, seed=1)[0]
    filled.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    oracle.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    truth = brute(np.arange(0, 400, 2), unit(200), query, 9)
    assert same(oracle.search(OWNER, SPACE, query, 9), truth, Traits())
    assert np.array_equal(oracle.get(OWNER, SPACE, [6])[6], unit(200)[3])
    oracle.delete(OWNER, SPACE, [0])
    oracle.snapshot(OWNER, SPACE, tmp_path / "back.snapshot")
    filled.drop(OWNER, SPACE)
    filled.restore(OWNER, SPACE, tmp_path / "back.snapshot")
    assert filled.count(OWNER, SPACE) == 199
    assert alike(filled.search(OWNER, SPACE, query, 9), oracle.search(OWNER, SPACE, query, 9), traits)


def test_a_snapshot_overwrites_nothing(filled: VectorStore, tmp_path: Path) -> None:
    target = tmp_path / "holiday.jpg"
    target.write_bytes(b"a picture")
    with pytest.raises(StoreError, match=r"holiday\.jpg"):
        filled.snapshot(OWNER, SPACE, target)
    assert target.read_bytes() == b"a picture"


def test_restore_takes_only_what_belongs_there(filled: VectorStore, tmp_path: Path) -> None:
    target = tmp_path / "copy.snapshot"
    filled.snapshot(OWNER, SPACE, target)
    filled.create("bob", SPACE, DIMENSION)
    filled.create(OWNER, "other-space", DIMENSION)
    for owner, space in (("bob", SPACE), (OWNER, "other-space")):
        with pytest.raises(StoreError, match="nothing was restored"):
            filled.restore(owner, space, target)
        assert filled.count(owner, space) == 0
    filled.drop(OWNER, SPACE)
    filled.drop("bob", SPACE)
    filled.create(OWNER, SPACE, 5)
    with pytest.raises(StoreError, match="dimension"):
        filled.restore(OWNER, SPACE, target)


def _text(path: Path) -> None:
    path.write_text("not a snapshot")


def _flip(path: Path) -> None:
    held = bytearray(path.read_bytes())
    at = held.find(unit(200)[100].tobytes()[:16])
    held[at + 5] ^= 16
    path.write_bytes(bytes(held))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("harm", [_text, _flip, _cut])
def test_a_damaged_snapshot_changes_nothing(
    filled: VectorStore, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    target = tmp_path / "copy.snapshot"
    filled.snapshot(OWNER, SPACE, target)
    filled.upsert(OWNER, SPACE, [0], unit(1, seed=9))
    harm(target)
    with pytest.raises(StoreError, match=r"copy\.snapshot"):
        filled.restore(OWNER, SPACE, target)
    with pytest.raises(StoreError, match=r"missing\.snapshot"):
        filled.restore(OWNER, SPACE, tmp_path / "missing.snapshot")
    assert filled.count(OWNER, SPACE) == 200
    assert np.array_equal(filled.get(OWNER, SPACE, [0])[0], unit(1, seed=9)[0])
