"""Failures in the ledger, as people look at them: a page at a time, by their kind, by what they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.catalog.labels import LABEL_COLUMNS, LABEL_COUNT, LABEL_JOINS, label_of
from reprise.core.items import display_path
from reprise.core.plan import RowState
from reprise.core.records import Failure

if TYPE_CHECKING:
    from reprise.catalog.database import Database, Row

_SHOWN = (
    "ledger l JOIN items i ON i.id = l.item_id JOIN spaces s ON s.id = l.space_id WHERE l.owner = ?"
    " AND l.state IN ('failed', 'dismissed') AND l.state IN (?, ?) AND i.missing_since IS NULL AND s.state <> 'dropped'"
    " AND (CAST(? AS TEXT) IS NULL OR l.error_code = ?) AND (CAST(? AS TEXT) IS NULL OR s.model = ?)"
)
ALL = 2**62
"""As many rows as there are, as a limit."""
_FAILURE = f"{LABEL_COLUMNS}, i.id, i.path, s.model, l.error_code, l.error_message, l.attempts, l.updated_at, l.state"


def _values(owner: str, code: str | None, model: str | None, *, dismissed: bool) -> tuple[Any, ...]:
    second = RowState.DISMISSED if dismissed else RowState.FAILED
    return owner, RowState.FAILED, second, code, code, model, model


def list_failures(
    database: Database,
    owner: str,
    code: str | None,
    model: str | None,
    *,
    dismissed: bool,
    limit: int = ALL,
    offset: int = 0,
) -> list[Failure]:
    """The newest first; Only the keys of all are sorted: of a page the rest is read."""
    rows = database.query(
        f"SELECT {_FAILURE} FROM (SELECT l.space_id, l.item_id FROM {_SHOWN}"
        " ORDER BY l.updated_at DESC, l.item_id, l.space_id LIMIT ? OFFSET ?) p"
        " JOIN ledger l ON l.space_id = p.space_id AND l.item_id = p.item_id"
        f" JOIN items i ON i.id = l.item_id JOIN spaces s ON s.id = l.space_id{LABEL_JOINS}"
        " ORDER BY l.updated_at DESC, l.item_id, l.space_id",
        (*_values(owner, code, model, dismissed=dismissed), limit, offset),
    )
    return [_failure(row) for row in rows]


def newest_of_job(database: Database, owner: str, job_id: str, limit: int) -> list[Failure]:
    """What the job failed, the newest first."""
    rows = database.query(
        f"SELECT {_FAILURE} FROM (SELECT l.space_id, l.item_id FROM {_SHOWN} AND l.job_id = ?"
        " ORDER BY l.updated_at DESC, i.id DESC LIMIT ?) p"
        " JOIN ledger l ON l.space_id = p.space_id AND l.item_id = p.item_id"
        f" JOIN items i ON i.id = l.item_id JOIN spaces s ON s.id = l.space_id{LABEL_JOINS}"
        " ORDER BY l.updated_at DESC, i.id DESC",
        (*_values(owner, None, None, dismissed=False), job_id, limit),
    )
    return [_failure(row) for row in rows]


def count_by_code(database: Database, owner: str, model: str | None, *, dismissed: bool) -> dict[str, int]:
    """How many failures there are of each kind, the most frequent first."""
    rows = database.query(
        f"SELECT l.error_code, COUNT(*) AS many FROM {_SHOWN} GROUP BY l.error_code ORDER BY many DESC, l.error_code",
        _values(owner, None, model, dismissed=dismissed),
    )
    return dict(rows)


def failed_models(
    database: Database, owner: str, code: str | None, item_id: int | None
) -> dict[int, list[str]]:
    """For each library the models of which it has such failures."""
    rows = database.query(
        f"SELECT DISTINCT i.library_id, s.model FROM {_SHOWN} AND (CAST(? AS BIGINT) IS NULL OR i.id = ?)"
        " ORDER BY i.library_id, s.model",
        (*_values(owner, code, None, dismissed=False), item_id, item_id),
    )
    found: dict[int, list[str]] = {}
    for library_id, model in rows:
        found.setdefault(library_id, []).append(model)
    return found


def _failure(row: Row) -> Failure:
    item_id, path, model, code, message, attempts, at, state = row[LABEL_COUNT:]
    return Failure(
        item_id=item_id,
        path=display_path(path),
        label=label_of(row[:LABEL_COUNT]),
        model=model,
        code=code,
        message=message,
        attempts=attempts,
        at=at,
        dismissed=state == RowState.DISMISSED,
    )
