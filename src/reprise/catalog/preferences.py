"""How owners like their scenes to be searched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reprise.core.video_records import SearchPreferences

if TYPE_CHECKING:
    from reprise.catalog.database import Database


class SqlPreferences:
    """Implements ``core.video_records.Preferences``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, owner: str) -> SearchPreferences | None:
        rows = self._database.query(
            "SELECT weights, fusion FROM search_preferences WHERE owner = ?", (owner,)
        )
        return SearchPreferences(json.loads(rows[0][0]), rows[0][1]) if rows else None

    def put(self, owner: str, preferences: SearchPreferences, at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "INSERT INTO search_preferences (owner, weights, fusion, updated_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (owner) DO UPDATE SET weights = excluded.weights, fusion = excluded.fusion,"
                " updated_at = excluded.updated_at",
                (owner, json.dumps(dict(preferences.weights)), preferences.fusion, at),
            )
