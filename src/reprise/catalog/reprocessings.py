"""Requests to bring embeddings up to date, and the jobs that carry them out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reprise.catalog.tallies import tallies, untaken
from reprise.core.video_records import Reprocessing, Scope
from reprise.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reprise.catalog.database import Database, Row
    from reprise.core.plan import Selection
    from reprise.core.spec import Subject
    from reprise.core.video_records import Tally

_COLUMNS = "id, scope, owner, video_id, force, since, spec_version, created_at, jobs"


class SqlReprocessings:
    """Implements ``core.video_records.Reprocessings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, reprocessing: Reprocessing) -> None:
        run = reprocessing
        with self._database.transaction() as transaction:
            transaction.execute(
                f"INSERT INTO reprocessings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.id,
                    run.scope,
                    run.owner,
                    run.video_id,
                    int(run.force),
                    run.since,
                    run.spec_version,
                    run.created_at,
                    json.dumps(run.jobs),
                ),
            )

    def get(self, run_id: str) -> Reprocessing:
        rows = self._database.query(f"SELECT {_COLUMNS} FROM reprocessings WHERE id = ?", (run_id,))
        if not rows:
            raise NotFound(
                f"there is no reprocessing {run_id!r}",
                cure="look which there are: GET /api/v1/admin/reprocess-embeddings",
            )
        return _reprocessing(rows[0])

    def newest(self, limit: int) -> list[Reprocessing]:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM reprocessings ORDER BY created_at DESC, id LIMIT ?", (limit,)
        )
        return [_reprocessing(row) for row in rows]

    def tallies(
        self, selection: Selection, job_id: str = "", broken: Collection[Subject] = ()
    ) -> dict[str, Tally]:
        return tallies(self._database, selection, job_id, broken)

    def untaken(self, selection: Selection, limit: int) -> tuple[list[int], int]:
        return untaken(self._database, selection, limit)

    def settle(self, run_id: str, record: Mapping[str, Any]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE reprocessings SET record = ? WHERE id = ? AND record IS NULL",
                (json.dumps(record), run_id),
            )

    def settled(self, run_id: str) -> dict[str, Any] | None:
        rows = self._database.query("SELECT record FROM reprocessings WHERE id = ?", (run_id,))
        found: dict[str, Any] | None = json.loads(rows[0][0]) if rows and rows[0][0] else None
        return found


def _reprocessing(row: Row) -> Reprocessing:
    run_id, scope, owner, video_id, force, since, spec_version, created_at, jobs = row
    pairs = tuple((of, job_id) for of, job_id in json.loads(jobs))
    return Reprocessing(
        run_id, Scope(scope), owner, video_id, bool(force), since, spec_version, created_at, pairs
    )
