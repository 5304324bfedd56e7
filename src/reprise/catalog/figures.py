"""Figures over all owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.figures import ModelTotals, SpaceTotals
from reprise.core.items import ItemKind
from reprise.core.space import SpaceState

if TYPE_CHECKING:
    from reprise.catalog.database import Database


class SqlFigures:
    """Implements ``core.figures.Figures``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def active_jobs(self) -> list[tuple[str, str]]:
        rows = self._database.query("SELECT owner, id FROM jobs WHERE active = 1 ORDER BY created_at, id")
        return [(owner, job_id) for owner, job_id in rows]

    def jobs_by_state(self) -> dict[str, int]:
        return dict(self._database.query("SELECT state, COUNT(*) FROM jobs GROUP BY state"))

    def operations(self) -> list[ModelTotals]:
        rows = self._database.query(
            "SELECT model, SUM(done), SUM(skipped), SUM(failed), SUM(seconds), SUM(audio_seconds)"
            " FROM job_models GROUP BY model ORDER BY model"
        )
        return [ModelTotals(*row) for row in rows]

    def items(self) -> tuple[int, int]:
        rows = self._database.query("SELECT COUNT(*), COUNT(missing_since) FROM items WHERE kind = 'track'")
        (total, missing) = rows[0]
        return total - missing, missing

    def video_items(self) -> dict[str, int]:
        rows = self._database.query(
            "SELECT kind, COUNT(*) FROM items WHERE kind <> 'track' AND missing_since IS NULL GROUP BY kind"
        )
        counted = {str(kind): 0 for kind in ItemKind} | dict(rows)
        del counted[ItemKind.TRACK]
        return counted

    def spaces(self) -> list[SpaceTotals]:
        rows = self._database.query(
            "SELECT s.owner, s.name, s.model, s.state,"
            " (SELECT COALESCE(SUM(l.has_vector), 0) FROM ledger l WHERE l.space_id = s.id)"
            " FROM spaces s WHERE s.state <> ? ORDER BY s.owner, s.name",
            (SpaceState.DROPPED,),
        )
        return [SpaceTotals(*row) for row in rows]

    def feed_rows(self) -> int:
        return int(self._database.query("SELECT COUNT(*) FROM feed")[0][0])
