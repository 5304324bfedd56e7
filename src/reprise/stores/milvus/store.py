"""The port ``VectorStore`` over Milvus."""

from __future__ import annotations

import threading
import time
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from reprise.core.ports import StoreReport
from reprise.errors import StoreError
from reprise.stores import snapshots
from reprise.stores.checks import (
    check_batch,
    check_dimension,
    check_k,
    check_keys,
    check_names,
    check_query,
    check_same_dimension,
    unknown_space,
)
from reprise.stores.milvus import indexing, layout
from reprise.stores.milvus.abilities import INDEX_FROM, MAX_NEIGHBOURS, MILVUS, MILVUS_LITE
from reprise.stores.milvus.address import parsed
from reprise.stores.milvus.connection import Connection, NoCollection
from reprise.stores.milvus.layout import Held
from reprise.stores.rowbytes import checksum, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reprise.core.ports import Hit, Vectors
    from reprise.core.store_abilities import StoreAbilities

    T = TypeVar("T")

TRUSTED_SECONDS = 1.0
"""For how long a marker that was read is good enough to write by. Restoring and dropping are done under the engine's
locks, with no writer at work; this bounds what a writer without them could lose."""

NAMES_AT_ONCE = 4000
"""Keys in one expression: 300 KB of text."""

SCAN_ROWS = 4000
"""Rows that a scan fetches at once, if the message may be that long: every question waits for the server's clock."""

SLACK = 32
"""Neighbours asked for beyond ``k``: the server rounds to float32, and knows no order among equals."""

ROW_FIELDS = ["key", "crc", "vector"]


class MilvusStore:
    """Vectors in Milvus. ``url`` as in the setting ``store_url``; ``timeout`` in seconds for a call.

    All reading is strongly consistent: what any process wrote or deleted before a question is in its answer. A batch of
    more than 32 MiB is written in several messages, so a writer that is killed may leave a part of it.
    """

    def __init__(self, url: str, *, timeout: float, index_from: int = INDEX_FROM) -> None:
        self._server = Connection(parsed(url), timeout)
        self._index_from = index_from
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[Held, float]] = {}

    @property
    def abilities(self) -> StoreAbilities:
        return MILVUS_LITE if self._server.lite else MILVUS

    def close(self) -> None:
        self._server.close()

    # markers

    def _marker(self, collection: str, digest: str) -> tuple[int, bool] | None:
        """The owner's last generation, and whether it is alive; ``None`` for an owner who was never there."""
        found = self._query(collection, layout.in_list("pk", [digest]), ["generation", "key"])
        return (-int(found[0]["generation"]), found[0]["key"] == layout.ALIVE) if found else None

    def _read_held(self, owner: str, space: str) -> Held:
        with self._lock:
            self._known.pop((owner, space), None)
        collection, digest = layout.collection_of(space), layout.digest_of(owner)
        try:
            dimension = layout.dimension_of(space, self._server.call("describe_collection", collection))
            marker = self._marker(collection, digest)
        except NoCollection:
            raise unknown_space(owner, space) from None
        if marker is None or not marker[1]:
            raise unknown_space(owner, space)
        held = Held(collection, digest, marker[0], dimension)
        with self._lock:
            self._known[owner, space] = held, time.monotonic()
        return held

    def _held(self, owner: str, space: str, trusted: float = float("inf")) -> tuple[Held, bool]:
        """What the owner has of the space, and whether it was read just now."""
        check_names(owner, space)
        with self._lock:
            known = self._known.get((owner, space))
        if known is not None and time.monotonic() - known[1] <= trusted:
            return known[0], False
        return self._read_held(owner, space), True

    def _reading(self, owner: str, space: str, body: Callable[[Held], T]) -> T:
        """What ``body`` finds. Nothing found may mean that another process has dropped or restored the space."""
        held, fresh = self._held(owner, space)
        try:
            found = body(held)
        except NoCollection:
            return body(self._read_held(owner, space))
        if not found and not fresh:
            again = self._read_held(owner, space)
            if again != held:
                return body(again)
        return found

    # spaces

    def create(self, owner: str, space: str, dimension: int) -> None:
        check_names(owner, space)
        check_dimension(dimension)
        layout.check_limits(dimension)
        self._need_collection(space, dimension)
        held, alive = self._next(owner, space, dimension)
        if not alive:
            self._put_marker(held, layout.ALIVE)

    def _need_collection(self, space: str, dimension: int) -> None:
        """One that nobody has a part in (its maker was stopped) may have any dimension: it is made anew."""
        collection = layout.collection_of(space)
        if self._server.call("has_collection", collection):
            have = layout.dimension_of(space, self._server.call("describe_collection", collection))
            if have == dimension:
                return
            if self._owned(collection):
                check_same_dimension(space, have, dimension)
            self._server.call("drop_collection", collection)
        partitioned = self._server.partition_keys
        self._server.call(
            "create_collection",
            collection,
            schema=layout.schema(dimension, partitioned=partitioned),
            consistency_level="Strong",
            num_shards=1,
            **({"num_partitions": layout.PARTITIONS} if partitioned else {}),
        )
        self._server.call("create_index", collection, indexing.index_params(indexing.EXACT), sync=False)
        self._server.slow("load_collection", collection)

    def _next(self, owner: str, space: str, dimension: int) -> tuple[Held, bool]:
        """The part that the owner would have next, and whether there is one now.

        Processes that create at the same time reach the same number.
        """
        collection, digest = layout.collection_of(space), layout.digest_of(owner)
        last, alive = self._marker(collection, digest) or (0, False)
        return Held(collection, digest, last + 1, dimension), alive

    def _put_marker(self, held: Held, state: int) -> None:
        self._server.call("upsert", held.collection, [layout.marker(held, state)])

    def _owned(self, collection: str) -> bool:
        """Whether anybody has a part of it."""
        return bool(self._query(collection, f"generation < 0 and key == {layout.ALIVE}", ["key"], limit=1))

    def drop(self, owner: str, space: str) -> None:
        """One that was cut short is taken to its end. The last owner's leaving takes the collection away."""
        check_names(owner, space)
        with self._lock:
            self._known.pop((owner, space), None)
        collection, digest = layout.collection_of(space), layout.digest_of(owner)
        try:
            dimension = layout.dimension_of(space, self._server.call("describe_collection", collection))
            marker = self._marker(collection, digest)
        except NoCollection:
            return
        if marker is None:
            return
        held = Held(collection, digest, marker[0], dimension)
        self._put_marker(held, layout.DROPPED)
        if not self._drop_if_unowned(collection):
            self._erase(collection, held.rows)
            self._erase(collection, held.leftovers)

    def _drop_if_unowned(self, collection: str) -> bool:
        if self._owned(collection):
            return False
        self._server.call("drop_collection", collection)
        return True

    def _erase(self, collection: str, rows: str) -> None:
        """In parts: one message cannot name millions of rows."""
        while found := self._query(collection, rows, ["pk"], limit=NAMES_AT_ONCE):
            self._server.call("delete", collection, ids=[row["pk"] for row in found])

    # rows

    def _query(self, collection: str, rows: str, fields: list[str], **more: Any) -> list[dict[str, Any]]:
        asked = {"consistency_level": "Strong", **more}
        found = self._server.loaded("query", collection, filter=rows, output_fields=fields, **asked)
        return list(found)

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        held, _ = self._held(owner, space, TRUSTED_SECONDS)
        plain, wide = check_batch(keys, vectors, held.dimension)
        try:
            self._put(held, plain, wide)
        except NoCollection:
            self._put(self._read_held(owner, space), plain, wide)

    def _put(self, held: Held, keys: Sequence[int], vectors: Vectors) -> None:
        step = layout.rows_per_message(held.dimension)
        for start in range(0, len(keys), step):
            part = layout.rows(held, keys[start : start + step], vectors[start : start + step])
            self._server.call("upsert", held.collection, part)

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        plain = list(dict.fromkeys(check_keys(keys)))
        return self._reading(owner, space, lambda held: sum(self._delete(held, plain)))

    def _delete(self, held: Held, keys: list[int]) -> Iterator[int]:
        for part in _parts(keys, NAMES_AT_ONCE):
            found = [row["pk"] for row in self._query(held.collection, held.named(part), ["pk"])]
            if found:
                self._server.call("delete", held.collection, ids=found)
            yield len(found)

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        plain = list(dict.fromkeys(check_keys(keys)))

        def read(held: Held) -> dict[int, Vectors]:
            found: dict[int, Vectors] = {}
            for part in _parts(plain, min(NAMES_AT_ONCE, layout.rows_per_message(held.dimension))):
                rows = self._query(held.collection, held.named(part), ROW_FIELDS)
                found.update(zip(*_checked(rows, held, space), strict=True))
            return found

        return self._reading(owner, space, read)

    def count(self, owner: str, space: str) -> int:
        return self._reading(owner, space, self._count)

    def _count(self, held: Held) -> int:
        return int(self._query(held.collection, held.rows, ["count(*)"])[0]["count(*)"])

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        """Every page is a question of its own: a slow reader holds nothing open, and sees later writes behind it."""
        held, _ = self._held(owner, space)
        return self._batches(held, space, batch)

    def _batches(self, held: Held, space: str, batch: int) -> Iterator[tuple[Sequence[int], Vectors]]:
        import numpy as np

        waiting: list[tuple[list[int], Vectors]] = []
        for page in self._pages(held, space, max(batch, SCAN_ROWS)):
            waiting.append(page)
            keys = [key for part, _ in waiting for key in part]
            rows = np.concatenate([part for _, part in waiting])
            whole = len(keys) - len(keys) % batch
            for start in range(0, whole, batch):
                yield keys[start : start + batch], rows[start : start + batch]
            waiting = [(keys[whole:], rows[whole:])] if whole < len(keys) else []
        yield from waiting

    def _pages(self, held: Held, space: str, rows: int) -> Iterator[tuple[list[int], Vectors]]:
        return (_checked(page, held, space) for page in self._raw(held, space, rows))

    def _raw(self, held: Held, space: str, rows: int) -> Iterator[list[dict[str, Any]]]:
        """In key order, which is the order of ``pk``: what the client's own iterator relies on, asked for as it asks."""
        most = layout.rows_per_message(held.dimension)
        limit, after = (
            most if self._server.lite else min(rows, most),
            -1,
        )  # Lite reads all that follow for each page
        while found := self._query(
            held.collection,
            held.after(after),
            ROW_FIELDS,
            limit=limit,
            iterator="True",
            reduce_stop_for_best="True",
        ):
            keys = [after, *(int(row["key"]) for row in found)]
            if any(low >= high for low, high in pairwise(keys)):
                raise StoreError(
                    f"the server gave rows of space {space!r} in the wrong order", cure="try again"
                )
            yield found
            after = keys[-1]

    # search

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        check_k(k)
        layout.check_neighbours(k)
        barred = sorted(set(check_keys(exclude)))

        def find(held: Held) -> list[Hit]:
            query = check_query(vector, held.dimension)
            rows = held.rows if not barred else f"{held.rows} and key not in {barred}"
            return self._nearest(held, rows, query, k)

        return self._reading(owner, space, find)

    def _nearest(self, held: Held, rows: str, query: Vectors, k: int) -> list[Hit]:
        """Scored anew from the rows, in float64. While the last candidate could still be among the best, more are
        fetched, up to the server's limit: among more equals than that, some are left out."""
        import numpy as np

        from reprise.stores.exact import ROUGH_MARGIN, best, scores

        limit = min(k + SLACK, MAX_NEIGHBOURS)
        while True:
            found = self._candidates(held, rows, query, limit)
            if not found:
                return []
            rough = np.array([hit["distance"] for hit in found])
            done = len(found) < limit or limit == MAX_NEIGHBOURS or rough[-1] < rough[k - 1] - ROUGH_MARGIN
            if done:
                keys = np.array([hit["key"] for hit in found], dtype=np.int64)
                return best(keys, scores(_matrix(found), query), k)
            limit = min(4 * limit, MAX_NEIGHBOURS)

    def _candidates(self, held: Held, rows: str, query: Vectors, limit: int) -> list[dict[str, Any]]:
        """With their vectors, which a server is asked for apart: older ones would wait for their clock twice."""
        found = self._server.loaded(
            "search",
            held.collection,
            data=[query],
            filter=rows,
            limit=limit,
            output_fields=["key", "vector"] if self._server.lite else ["key"],
            search_params=indexing.search_params(limit),
            anns_field="vector",
            consistency_level="Strong",
        )[0]
        hits = [{"distance": hit["distance"], **hit["entity"]} for hit in found]
        return hits if self._server.lite else self._with_vectors(held, query, hits)

    def _with_vectors(self, held: Held, query: Vectors, hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The hits that are still there. What a replica has at hand will do when it gives the distances that the search
        gave; one that lags behind is asked again, for what holds now."""
        import numpy as np

        from reprise.stores.exact import ROUGH_MARGIN

        keys = [hit["key"] for hit in hits]
        vectors = self._vectors(held, keys, "Eventually")
        known = all(key in vectors for key in keys)
        if known and hits:
            products = np.array([vectors[key] for key in keys], dtype=np.float32) @ query
            known = bool(np.all(np.abs(products - [hit["distance"] for hit in hits]) <= ROUGH_MARGIN))
        if not known:
            vectors = self._vectors(held, keys, "Strong")
        return [{**hit, "vector": vectors[hit["key"]]} for hit in hits if hit["key"] in vectors]

    def _vectors(self, held: Held, keys: list[int], consistency: str) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for part in _parts(keys, min(NAMES_AT_ONCE, layout.rows_per_message(held.dimension))):
            rows = self._query(
                held.collection, held.named(part), ["key", "vector"], consistency_level=consistency
            )
            found.update((row["key"], row["vector"]) for row in rows)
        return found

    def flush(self, owner: str, space: str) -> None:
        held, _ = self._held(owner, space)
        if self._server.lite:  # its HNSW misses a quarter of the neighbours when it also filters by owner
            self._server.slow("flush", held.collection)
            return
        everybody = self._query(held.collection, "generation > 0", ["count(*)"])
        if int(everybody[0]["count(*)"]) >= self._index_from:
            indexing.bring_up(self._server, held.collection)

    def verify(self, owner: str, space: str) -> StoreReport:
        """Reads every row. Counts them twice: what a scan finds is what the server says it has, or there is a problem."""
        held = self._read_held(owner, space)
        found, damaged = 0, list[int]()
        for page in self._raw(held, space, SCAN_ROWS):
            found += len(page)
            damaged += _damaged_keys(page, _matrix(page))
        count = self._count(held)
        problem = "" if count == found else f"the server counts {count} vectors and gives {found}"
        index = indexing.told(indexing.described(self._server, held.collection))
        return StoreReport(count, tuple(damaged), index, problem)

    # copies

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        held, _ = self._held(owner, space)

        def rows() -> Iterator[tuple[int, bytes]]:
            for keys, vectors in self._pages(held, space, SCAN_ROWS):
                for key, vector in zip(keys, vectors, strict=True):
                    yield key, vector.tobytes()

        snapshots.write(target, snapshots.Title(owner, space, held.dimension), rows())

    def restore(self, owner: str, space: str, source: Path) -> None:
        """Makes the space when it is not there. Refused: another space's or owner's snapshot, a damaged one,
        one of another dimension than the space has."""
        check_names(owner, space)
        with snapshots.opened(source, owner, space) as snapshot:
            dimension = snapshot.title.dimension
            layout.check_limits(dimension)
            self._need_collection(space, dimension)
            new, _ = self._next(owner, space, dimension)
            self._erase(new.collection, new.rows)  # of a restore that was cut short
            for keys, vectors in _read_pages(snapshot):
                self._put(new, keys, vectors)
        self._put_marker(new, layout.ALIVE)
        with self._lock:
            self._known.pop((owner, space), None)
        self._erase(new.collection, new.leftovers)


def _parts(whole: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    return (whole[start : start + length] for start in range(0, len(whole), length))


def _matrix(rows: Iterable[Mapping[str, Any]]) -> Vectors:
    import numpy as np

    return np.array([row["vector"] for row in rows], dtype=np.float32)


def _damaged_keys(rows: Sequence[Mapping[str, Any]], vectors: Vectors) -> list[int]:
    return [
        int(row["key"])
        for row, vector in zip(rows, vectors, strict=True)
        if checksum(row["key"], vector.tobytes()) != row["crc"]
    ]


def _checked(rows: Sequence[Mapping[str, Any]], held: Held, space: str) -> tuple[list[int], Vectors]:
    """Keys and vectors, or ``StoreError`` naming the rows whose bytes are not those that were written."""
    vectors = _matrix(rows).reshape(len(rows), held.dimension)
    if damaged := _damaged_keys(rows, vectors):
        named = ", ".join(map(str, damaged[:10]))
        raise StoreError(
            f"{len(damaged)} vectors of space {space!r} fail their checksum: keys {named}",
            cure="embed these items again with --force; or restore the server's data from a backup",
        )
    return [int(row["key"]) for row in rows], vectors


def _read_pages(snapshot: snapshots.Snapshot) -> Iterator[tuple[list[int], Vectors]]:
    rows = snapshot.rows()
    while page := list(islice(rows, snapshots.PAGE_ROWS)):
        yield [key for key, _ in page], stack([blob for _, blob in page], snapshot.title.dimension)
