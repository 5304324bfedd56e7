"""Moving an embedded installation to PostgreSQL with pgvector, beside plain COPY: ``python -m benchmarks.bench_move``.

``--tracks N`` (100,000), ``--queries N`` (1,000), ``--index`` (build pgvector's indexes too: minutes), ``--json``.

The limit is a binary COPY of the very same rows into tables of the same columns on the same server: first without any
index or constraint, then into tables with the constraints and indexes of the catalogue, and the vectors' primary keys.
Its rows lie ready as bytes, so that it pays for nothing but the server. Without ``--index`` both sides search exactly;
with it building pgvector's indexes counts as well, which COPY has no part in.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from tests.servers.postgres import running_postgres

from benchmarks.big_library import clustered, fill_catalogue, fill_ledger
from benchmarks.measure import Row, report
from reprise.app import App
from reprise.core.moving_places import Asked
from reprise.core.space import SpaceState
from reprise.engine.moving_parts import VectorPart
from reprise.moving import Moving
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reprise.core.moving import MoveFinished
    from reprise.core.space import Space

DIMENSIONS = {"small": 64, "middle": 128, "large": 512}
K = 10
GOAL = 2.0
AGREEMENT = 0.99
COPIED_AT_ONCE = 20_000


def fill(home: Path, tracks: int) -> list[Space]:
    """An embedded installation: a library, three spaces that serve, a ledger that is done."""
    with App(load_settings({"index_from": 10**9}, {}, home)) as app:
        library = fill_catalogue(app, home / "music", tracks)
        spaces = [_space(app, tracks, model, dimension) for model, dimension in DIMENSIONS.items()]
        for space in spaces:
            fill_ledger(app, library, space, tracks)
        return spaces


def _space(app: App, tracks: int, model: str, dimension: int) -> Space:
    spec = replace(app.installed.card("acoustic").spec, model=model, dimension=dimension)
    spaces = app.catalogue().spaces
    space = spaces.ensure(app.owner, spec)
    app.store.create(app.owner, space.name, dimension)
    for start, vectors in clustered(tracks, dimension, seed=dimension):
        app.store.upsert(app.owner, space.name, range(start + 1, start + len(vectors) + 1), vectors)
    for state in (SpaceState.FILLING, SpaceState.VERIFYING):
        spaces.set_state(app.owner, space.id, state)
    spaces.switch(app.owner, model, space.id, time.time())
    return space


def moved(home: Path, url: str, *, index: bool) -> MoveFinished:
    """Without ``index`` the store is not asked to build its own, so that it searches exactly."""
    with ExitStack() as held:
        app = held.enter_context(App(load_settings({"index_from": 10**9}, {}, home)))
        if not index:
            held.enter_context(patch.object(VectorPart, "finish", lambda _part: None))
        moving = Moving(app, Asked(catalogue=url, store="pgvector"), lambda _event: None, lambda: False)
        return moving.run()


class Limit:
    """What COPY alone takes for the rows of a finished move, from ``url`` into another database of its server."""

    def __init__(self, url: str, empty: str) -> None:
        import psycopg

        self._source = psycopg.connect(url, autocommit=True)
        self._target = psycopg.connect(empty, autocommit=True)
        self.bytes = 0

    def close(self) -> None:
        self._source.close()
        self._target.close()

    def seconds(self, *, constrained: bool) -> float:
        """Into new tables, one after the other; only the sending and the server's work are timed."""
        total = 0.0
        self.bytes = 0
        self._target.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for schema, table in self._tables():
            if constrained and schema == "public":
                self._target.execute(f"TRUNCATE {table} CASCADE")
            else:
                self._make(schema, table, constrained=constrained)
            name = f"{schema}.{table}" if constrained and schema == "public" else f"bare.{table}"
            total += self._copied(f"{schema}.{table}", name)
        return total

    def _tables(self) -> list[tuple[str, str]]:
        from reprise.catalog.moving import MOVED

        vectors = self._source.execute("SELECT number FROM reprise_vectors.space ORDER BY number").fetchall()
        return [*(("public", name) for name in MOVED), *(("reprise_vectors", f"v{n}") for (n,) in vectors)]

    def _make(self, schema: str, table: str, *, constrained: bool) -> None:
        columns = self._source.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attstorage FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (f"{schema}.{table}",),
        ).fetchall()
        self._target.execute("CREATE SCHEMA IF NOT EXISTS bare")
        self._target.execute(f"DROP TABLE IF EXISTS bare.{table}")
        key = ", PRIMARY KEY (key)" if constrained else ""
        listed = ", ".join(f'"{name}" {kind}' for name, kind, _ in columns)
        self._target.execute(f"CREATE TABLE bare.{table} ({listed}{key})")
        for name, _, storage in columns:
            how = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}[storage]
            self._target.execute(f'ALTER TABLE bare.{table} ALTER COLUMN "{name}" SET STORAGE {how}')

    def _copied(self, source: str, target: str) -> float:
        columns = self._columns(source)
        with (
            self._source.cursor() as cursor,
            cursor.copy(f"COPY {source} ({columns}) TO STDOUT (FORMAT BINARY)") as out,
        ):
            parts = [bytes(part) for part in out]
        self.bytes += sum(map(len, parts))
        blocks = list(_joined(parts))
        began = time.perf_counter()
        with (
            self._target.cursor() as cursor,
            cursor.copy(f"COPY {target} ({columns}) FROM STDIN (FORMAT BINARY)") as into,
        ):
            for block in blocks:
                into.write(block)
        return time.perf_counter() - began

    def _columns(self, source: str) -> str:
        found = self._source.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' ORDER BY attnum",
            (source,),
        ).fetchall()
        return ", ".join(f'"{name}"' for (name,) in found)


def _joined(parts: Sequence[bytes]) -> Iterator[bytes]:
    for start in range(0, len(parts), COPIED_AT_ONCE):
        yield b"".join(parts[start : start + COPIED_AT_ONCE])


def agreement(home: Path, url: str, spaces: Sequence[Space], queries: int, tracks: int) -> float:
    """The mean share of equal top-10 answers over all spaces."""
    random = np.random.default_rng(7)
    shares = []
    with (
        App(load_settings({"index_from": 10**9}, {}, home)) as here,
        App(load_settings({"catalogue_url": url, "store": "pgvector"}, {}, home)) as there,
    ):
        for space in spaces:
            picked = random.integers(1, tracks + 1, queries // len(spaces) + 1)
            for key in picked:
                vector = here.store.get(here.owner, space.name, [int(key)])[int(key)]
                noisy = (vector + 0.1 * random.standard_normal(len(vector)) / len(vector) ** 0.5).astype(
                    np.float32
                )
                answers = [
                    {hit.key for hit in app.store.search(app.owner, space.name, noisy, K)}
                    for app in (here, there)
                ]
                shares.append(len(answers[0] & answers[1]) / K)
    return float(np.mean(shares))


def measure(chosen: argparse.Namespace, folder: Path) -> list[Row]:
    home = folder / "home"
    home.mkdir()
    spaces = fill(home, chosen.tracks)
    with running_postgres() as server:
        url = server.database()
        finished = moved(home, url, index=chosen.index)
        assert finished.state == "completed", finished
        bare_url, kept_url = server.database(), server.database()
        _made(kept_url)
        limits = [_limit(url, bare_url, constrained=False), _limit(url, kept_url, constrained=True)]
        share = agreement(home, url, spaces, chosen.queries, chosen.tracks)
    return _rows(chosen, finished, limits, share)


def _made(url: str) -> None:
    from reprise.catalog.postgres import open_postgres

    open_postgres(url, timeout=30).close()


def _limit(url: str, empty: str, *, constrained: bool) -> tuple[float, int]:
    limit = Limit(url, empty)
    try:
        return limit.seconds(constrained=constrained), limit.bytes
    finally:
        limit.close()


def _rows(
    chosen: argparse.Namespace, finished: MoveFinished, limits: Sequence[tuple[float, int]], share: float
) -> list[Row]:
    (bare, size), (constrained, _) = limits
    searched = "HNSW beside embedded, exact" if chosen.index else "both exact"
    what = f"{chosen.tracks:,} tracks × {len(DIMENSIONS)} spaces, {size / 1e6:,.0f} MB"
    beside = f"COPY, with them, {constrained:.1f} s"
    made, whole = finished.copy_seconds + finished.finish_seconds, finished.seconds
    return [
        _row(
            f"move {what}: copying alone",
            finished.copy_seconds,
            f"COPY, bare tables, {bare:.1f} s",
            bare,
            None,
        ),
        _row("copied, indexes and constraints made", made, beside, constrained, GOAL),
        _row("the same, and compared row by row", whole, beside, constrained, GOAL),
        Row(
            "top-10 answers agree after the move",
            f"{share:.4f}",
            f"{chosen.queries:,} queries, {searched}",
            share,
            f"≥ {AGREEMENT}",
            share >= AGREEMENT,
        ),
    ]


def _row(promise: str, seconds: float, beside: str, limit: float, goal: float | None) -> Row:
    ratio = seconds / limit
    return Row(
        promise,
        f"{seconds:.1f} s",
        beside,
        ratio,
        f"≤ {goal}" if goal else "–",
        ratio <= goal if goal else None,
    )


def main(arguments: Sequence[str]) -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = measure(chosen, Path(folder))
    report(rows, arguments)
    return rows


if __name__ == "__main__":
    kept: list[Any] = [row for row in main(sys.argv[1:]) if row.kept is False]
    sys.exit(1 if kept else 0)
