"""pgvector as a store, beside plain COPY and numpy, in one run: ``python -m benchmarks.bench_pgvector --json``.

The vectors are those of ``bench_store``: uneven clusters. COPY writes the same batches of the same bytes, a transaction
each, into a table of the same columns on the same server, in turn with the store. Times of questions are medians.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from tests.servers.postgres import running_postgres

from benchmarks.bench_store import OWNER, SPACE, K, by_numpy, clustered, median_ms, recall, seconds
from reprise.stores.pgvector import PgvectorStore, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.ports import Vectors
    from reprise.stores.pgvector.connections import Connection

QUESTIONS = 100
TABLE = "public.plain"


def measure(url: str, vectors: Vectors, batch: int) -> dict[str, object]:
    """All figures of one owner with these vectors, shape (n, dimension)."""
    picked = np.random.default_rng(1).integers(0, len(vectors), QUESTIONS)
    noise = np.random.default_rng(2).normal(size=(QUESTIONS, vectors.shape[1])).astype(np.float32)
    queries = vectors[picked] + 0.01 * noise
    out: dict[str, object] = {"vectors": len(vectors), "dimension": vectors.shape[1], "batch": batch}
    with (
        closing(PgvectorStore(url, timeout=3600, index_from=1)) as store,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        store.create(OWNER, SPACE, vectors.shape[1])
        out |= _written(store, connection, vectors, batch)
        out["scan_s"] = seconds(lambda: sum(len(keys) for keys, _ in store.scan(OWNER, SPACE, 5000)))
        out["verify_s"] = seconds(lambda: store.verify(OWNER, SPACE))
        out["numpy_ms"] = median_ms(lambda query: by_numpy(vectors, query), queries)
        truth = [store.search(OWNER, SPACE, query, K) for query in queries]
        out["exact_ms"] = median_ms(lambda query: store.search(OWNER, SPACE, query, K), queries)
        out["build_s"] = seconds(lambda: store.flush(OWNER, SPACE))
        found = [store.search(OWNER, SPACE, query, K) for query in queries]
        out["index_ms"] = median_ms(lambda query: store.search(OWNER, SPACE, query, K), queries)
        out["recall"] = recall(found, truth)
        out["whole_answers"] = sum(one == other for one, other in zip(found, truth, strict=True)) / QUESTIONS
        again = vectors[: min(1000, len(vectors))]
        out["upsert_1000_indexed_s"] = seconds(lambda: store.upsert(OWNER, SPACE, range(len(again)), again))
    return out


def _written(store: PgvectorStore, connection: Connection, vectors: Vectors, batch: int) -> dict[str, float]:
    connection.execute(
        f"CREATE TABLE {TABLE} (key bigint PRIMARY KEY, crc bigint NOT NULL,"
        f" vector vector({vectors.shape[1]}) NOT NULL)".encode()
    )
    connection.execute(f"ALTER TABLE {TABLE} ALTER COLUMN vector SET STORAGE PLAIN".encode())
    by_copy = by_store = 0.0
    for start in range(0, len(vectors), batch):
        part = vectors[start : start + batch]
        keys = list(range(start, start + len(part)))

        def copied(keys: list[int] = keys, part: Vectors = part) -> None:
            with connection.transaction():
                rows.write(connection, TABLE, keys, part)

        def stored(keys: list[int] = keys, part: Vectors = part) -> None:
            store.upsert(OWNER, SPACE, keys, part)

        by_copy += seconds(copied)
        by_store += seconds(stored)
    return {"copy_s": by_copy, "write_s": by_store, "write_beside_copy": by_store / by_copy}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    with running_postgres() as server:
        for count in chosen.vectors:
            found = measure(server.database(), clustered(count, chosen.dimension), chosen.batch)
            if chosen.json:
                print(json.dumps(found), flush=True)
            else:
                print("\n".join(f"{name:24} {value}" for name, value in found.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
