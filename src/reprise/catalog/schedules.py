"""Schedules: jobs that start by the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reprise.core.schedules import Schedule
from reprise.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Database, Row

_COLUMNS = "id, owner, library_id, models, cron, enabled, created_at, ran_at, outcome"


class SqlSchedules:
    """Implements ``core.schedules.Schedules``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: str, library_id: int, models: Sequence[str], cron: str, at: float) -> Schedule:
        with self._database.transaction() as transaction:
            transaction.alone(f"schedules of {owner}")
            transaction.execute(
                "INSERT INTO schedules (owner, library_id, models, cron, enabled, created_at) VALUES (?, ?, ?, ?, 1, ?)",
                (owner, library_id, json.dumps(list(models)), cron, at),
            )
            rows = transaction.query(
                f"SELECT {_COLUMNS} FROM schedules WHERE owner = ? ORDER BY id DESC LIMIT 1", (owner,)
            )
        return _schedule(rows[0])

    def all(self, owner: str) -> list[Schedule]:
        rows = self._database.query(f"SELECT {_COLUMNS} FROM schedules WHERE owner = ? ORDER BY id", (owner,))
        return [_schedule(row) for row in rows]

    def of_everybody(self) -> list[Schedule]:
        return [
            _schedule(row) for row in self._database.query(f"SELECT {_COLUMNS} FROM schedules ORDER BY id")
        ]

    def get(self, owner: str, schedule_id: int) -> Schedule:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM schedules WHERE owner = ? AND id = ?", (owner, schedule_id)
        )
        if not rows:
            raise _unknown(schedule_id)
        return _schedule(rows[0])

    def change(
        self, owner: str, schedule_id: int, models: Sequence[str], cron: str, *, enabled: bool
    ) -> Schedule:
        self._write(
            "UPDATE schedules SET models = ?, cron = ?, enabled = ? WHERE owner = ? AND id = ?",
            (json.dumps(list(models)), cron, int(enabled), owner, schedule_id),
            schedule_id,
        )
        return self.get(owner, schedule_id)

    def ran(self, owner: str, schedule_id: int, at: float, outcome: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE schedules SET ran_at = ?, outcome = ? WHERE owner = ? AND id = ?",
                (at, outcome, owner, schedule_id),
            )

    def remove(self, owner: str, schedule_id: int) -> None:
        self._write("DELETE FROM schedules WHERE owner = ? AND id = ?", (owner, schedule_id), schedule_id)

    def _write(self, sql: str, parameters: tuple[object, ...], schedule_id: int) -> None:
        with self._database.transaction() as transaction:
            if not transaction.execute(sql, parameters):
                raise _unknown(schedule_id)


def _unknown(schedule_id: int) -> NotFound:
    return NotFound(f"there is no schedule {schedule_id}", cure="look at the list of schedules")


def _schedule(row: Row) -> Schedule:
    schedule_id, owner, library_id, models, cron, enabled, created_at, ran_at, outcome = row
    names = tuple(json.loads(models))
    return Schedule(schedule_id, owner, library_id, names, cron, bool(enabled), created_at, ran_at, outcome)
