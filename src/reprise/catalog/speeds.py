"""How fast each model was on each machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.records import Speed

if TYPE_CHECKING:
    from reprise.catalog.database import Database


class SqlSpeeds:
    """Implements ``core.records.Speeds``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, fingerprint: str, machine: str) -> Speed | None:
        rows = self._database.query(
            "SELECT audio_seconds_per_second, operations_per_second FROM speeds"
            " WHERE fingerprint = ? AND machine = ?",
            (fingerprint, machine),
        )
        return Speed(*rows[0]) if rows else None

    def put(self, fingerprint: str, machine: str, speed: Speed, at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "INSERT INTO speeds (fingerprint, machine, audio_seconds_per_second, operations_per_second,"
                " measured_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (fingerprint, machine) DO UPDATE SET"
                " audio_seconds_per_second = excluded.audio_seconds_per_second,"
                " operations_per_second = excluded.operations_per_second, measured_at = excluded.measured_at",
                (fingerprint, machine, speed.audio_seconds_per_second, speed.operations_per_second, at),
            )
