"""The feed of events as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.feed import KEPT_ROWS, FeedRow

if TYPE_CHECKING:
    from collections.abc import Collection

    from reprise.catalog.database import Database

_ROW = "seq, owner, job_id, at, name, data"
_MANY = ("progress", "scan_progress", "item_failed")
"""Names of which one job writes many rows."""
_UNTOLD_AT_ONCE = 100


class SqlFeed:
    """Implements ``core.feed.Feed``. One writer at a time and numbers that only grow: rows appear in the order of ``seq``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: str, job_id: str | None, name: str, data: str, at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.alone("feed")
            transaction.execute(
                "INSERT INTO feed (owner, job_id, at, name, data) VALUES (?, ?, ?, ?, ?)",
                (owner, job_id, at, name, data),
            )

    def newest(self) -> int:
        rows = self._database.query("SELECT COALESCE(MAX(seq), 0) FROM feed")
        return int(rows[0][0])

    def after(self, owner: str | None, seq: int, limit: int) -> list[FeedRow]:
        mine, values = ("", ()) if owner is None else (" AND owner = ?", (owner,))
        rows = self._database.query(
            f"SELECT {_ROW} FROM feed WHERE seq > ?{mine} ORDER BY seq LIMIT ?", (seq, *values, limit)
        )
        return [FeedRow(*row) for row in rows]

    def of_job(self, owner: str, job_id: str, seq: int, limit: int) -> list[FeedRow]:
        rows = self._database.query(
            f"SELECT {_ROW} FROM feed WHERE job_id = ? AND seq > ? AND owner = ? ORDER BY seq LIMIT ?",
            (job_id, seq, owner, limit),
        )
        return [FeedRow(*row) for row in rows]

    def latest(self, owner: str, job_id: str, names: Collection[str]) -> FeedRow | None:
        rows = self._database.query(
            f"SELECT {_ROW} FROM feed WHERE job_id = ? AND owner = ? AND name IN ({', '.join('?' * len(names))})"
            " ORDER BY seq DESC LIMIT 1",
            (job_id, owner, *names),
        )
        return FeedRow(*rows[0]) if rows else None

    def untold(self, name: str, told: str) -> list[FeedRow]:
        rows = self._database.query(
            f"SELECT {_ROW} FROM feed f WHERE f.name = ? AND NOT EXISTS"
            " (SELECT 1 FROM feed t WHERE t.job_id = f.job_id AND t.seq > f.seq AND t.name = ?)"
            " ORDER BY f.seq LIMIT ?",
            (name, told, _UNTOLD_AT_ONCE),
        )
        return [FeedRow(*row) for row in rows]

    def prune(self, keep: int = KEPT_ROWS) -> int:
        many = ", ".join("?" * len(_MANY))
        with self._database.transaction() as transaction:
            return transaction.execute(
                "DELETE FROM feed WHERE seq <= (SELECT MAX(seq) FROM feed) - ? AND (job_id IS NULL OR"
                f" name IN ({many}) OR job_id NOT IN (SELECT id FROM jobs WHERE active = 1))",
                (keep, *_MANY),
            )
