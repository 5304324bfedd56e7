"""What was heard of the items: one row each, written with the ledger's commit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reprise.core.analysis import Analysis
from reprise.core.plan import below

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reprise.catalog.database import Database, Transaction
    from reprise.core.items import InputState

_MARKS = 500
"""Ids in one IN list: databases limit how many parameters a statement takes."""

# Content that has changed since was never heard: its row waits for the next run, unseen.
_CURRENT = (
    "analyses a JOIN items i ON i.id = a.item_id AND i.digest = a.digest WHERE a.owner = ? AND i.owner = ?"
)
_PRESENT = f"{_CURRENT} AND i.missing_since IS NULL"


class SqlAnalyses:
    """Implements ``core.records.Analyses``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, owner: str, item_id: int) -> Analysis | None:
        rows = self._database.query(
            f"SELECT a.facts, a.fingerprint FROM {_CURRENT} AND a.item_id = ?", (owner, owner, item_id)
        )
        return _analysis(*rows[0]) if rows else None

    def many(self, owner: str, item_ids: Collection[int]) -> dict[int, Analysis]:
        wanted, found = list(item_ids), dict[int, Analysis]()
        for start in range(0, len(wanted), _MARKS):
            part = wanted[start : start + _MARKS]
            marks = ", ".join("?" * len(part))
            rows = self._database.query(
                f"SELECT a.item_id, a.facts FROM {_CURRENT} AND a.item_id IN ({marks})",
                (owner, owner, *part),
            )
            found.update((item_id, _analysis(facts)) for item_id, facts in rows)
        return found

    def of_files(
        self, owner: str, library_id: int, folder: bytes = b""
    ) -> Iterator[tuple[bytes, int, int, Analysis]]:
        where, values = "AND i.library_id = ?", [owner, owner, library_id]
        if folder:
            where += " AND i.path >= ? AND i.path < ?"
        rows = self._database.stream(
            f"SELECT i.path, i.size, i.mtime_ns, a.facts FROM {_PRESENT} {where} ORDER BY i.path",
            (*values, *(below(folder) if folder else ())),
        )
        return ((path, size, mtime_ns, _analysis(facts)) for path, size, mtime_ns, facts in rows)

    def of_paths(
        self, owner: str, library_id: int, paths: Collection[bytes]
    ) -> Iterator[tuple[bytes, int, int, Analysis]]:
        wanted = list(paths)
        for start in range(0, len(wanted), _MARKS):
            part = wanted[start : start + _MARKS]
            marks = ", ".join("?" * len(part))
            rows = self._database.query(
                f"SELECT i.path, i.size, i.mtime_ns, a.facts FROM {_PRESENT}"
                f" AND i.library_id = ? AND i.path IN ({marks})",
                (owner, owner, library_id, *part),
            )
            yield from ((path, size, mtime_ns, _analysis(facts)) for path, size, mtime_ns, facts in rows)

    def fingerprints(
        self, owner: str, library_id: int | None = None
    ) -> Iterator[tuple[int, float | None, bytes]]:
        rows = self._database.stream(
            f"SELECT a.item_id, a.facts, a.fingerprint FROM {_PRESENT}"
            " AND (CAST(? AS BIGINT) IS NULL OR i.library_id = ?) ORDER BY a.item_id",
            (owner, owner, library_id, library_id),
        )
        return ((item_id, json.loads(facts)["seconds"], mark) for item_id, facts, mark in rows)

    def count(self, owner: str) -> int:
        return int(self._database.query(f"SELECT COUNT(*) FROM {_PRESENT}", (owner, owner))[0][0])


def write_analyses(
    transaction: Transaction,
    owner: str,
    space_id: int,
    heard: Sequence[tuple[int, InputState, Analysis]],
    at: float,
) -> None:
    """Part of a commit: what was heard of (item, content), by the spec of the space.

    An item that was forgotten meanwhile gets no row. A part never takes the place of the whole of the same content.
    """
    if not heard:
        return
    transaction.execute_many(
        "INSERT INTO analyses (item_id, owner, spec, digest, at, whole, bpm, camelot, loudness, facts, fingerprint)"
        " SELECT i.id, i.owner, s.fingerprint, ?, ?, ?, ?, ?, ?, ?, ? FROM items i, spaces s"
        " WHERE i.id = ? AND i.owner = ? AND s.id = ? AND s.owner = ?"
        " ON CONFLICT (item_id) DO UPDATE SET spec = excluded.spec, digest = excluded.digest, at = excluded.at,"
        " whole = excluded.whole, bpm = excluded.bpm, camelot = excluded.camelot, loudness = excluded.loudness,"
        " facts = excluded.facts, fingerprint = excluded.fingerprint"
        " WHERE excluded.whole >= analyses.whole OR excluded.digest <> analyses.digest",
        [
            (state.digest, at, *_columns(analysis), item_id, owner, space_id, owner)
            for item_id, state, analysis in heard
        ],
    )


def retract_analyses(transaction: Transaction, owner: str, space_id: int, item_ids: Collection[int]) -> None:
    """What was heard by the spec of the space turned out to be worthless."""
    transaction.execute_many(
        "DELETE FROM analyses WHERE owner = ? AND item_id = ?"
        " AND spec = (SELECT fingerprint FROM spaces WHERE id = ? AND owner = ?)",
        [(owner, item_id, space_id, owner) for item_id in item_ids],
    )


def _columns(analysis: Analysis) -> tuple[Any, ...]:
    """Some facts stand in columns of their own, to be sorted and filtered by."""
    tempo, key, loudness = analysis.tempo, analysis.key, analysis.loudness
    return (
        int(analysis.whole),
        tempo.bpm if tempo else None,
        key.key.camelot if key else None,
        loudness.integrated if loudness else None,
        json.dumps(analysis.as_dict(), separators=(",", ":")),
        analysis.fingerprint,
    )


def _analysis(facts: str, fingerprint: bytes = b"") -> Analysis:
    return Analysis.from_dict(json.loads(facts), fingerprint)
