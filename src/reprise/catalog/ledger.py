"""The ledger: one row per owner, item and space; the only truth about work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.catalog.analyses import retract_analyses, write_analyses
from reprise.catalog.failures import count_by_code, failed_models, list_failures, newest_of_job
from reprise.core.items import label
from reprise.core.job import Counters
from reprise.core.plan import Operation, PlannedModel, Reason, RowState, Wanted
from reprise.core.records import RowView
from reprise.core.space import Space, SpaceState
from reprise.errors import RunnerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from reprise.catalog.database import Database, Row, Transaction
    from reprise.core.plan import Selection
    from reprise.core.records import Completed, Failed, Failure

_OPEN = f"state IN ('{RowState.PENDING}', '{RowState.LEASED}')"
_OPEN_OR_FAILED = f"state IN ('{RowState.PENDING}', '{RowState.LEASED}', '{RowState.FAILED}')"
# A partial index serves only a query that repeats its condition word for word.
_PENDING = f"{_OPEN} AND state = '{RowState.PENDING}'"
_TO_PENDING = (
    f"UPDATE ledger SET state = '{RowState.PENDING}', reason = ?, attempts = 0, job_id = ?, updated_at = ?,"
    " lease_until = NULL, error_code = NULL, error_message = NULL"
)
_PART = 500


class SqlLedger:
    """Implements ``core.records.Ledger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(
        self,
        selection: Selection,
        job_id: str,
        spaces: Sequence[Space],
        at: float,
        *,
        resumed: bool,
        alive: Callable[[str], bool],
    ) -> list[PlannedModel]:
        with self._database.transaction() as transaction:
            # Asked inside the transaction: a job that planned before this one is seen, and none can plan meanwhile.
            others = _others(transaction, selection.owner, job_id, alive)
            planned = []
            for space in spaces:
                _reconcile(transaction, selection, job_id, space, at, others, resumed=resumed)
                planned.append(_count_plan(transaction, selection, job_id, space, others, resumed=resumed))
            where, values = _items_where(selection)
            items = transaction.query(f"SELECT COUNT(*) FROM items i WHERE {where}", values)[0][0]
            transaction.execute(
                "UPDATE jobs SET planned = 1, items = ? WHERE owner = ? AND id = ?",
                (items, selection.owner, job_id),
            )
        return planned

    def preview(
        self, selection: Selection, spaces: Sequence[tuple[str, str]], alive: Callable[[str], bool]
    ) -> list[PlannedModel]:
        others = _others(self._database, selection.owner, "", alive)
        return [self._preview(selection, model, name, others) for model, name in spaces]

    def _preview(
        self, selection: Selection, model: str, space_name: str, others: Sequence[str]
    ) -> PlannedModel:
        where, values = _items_where(selection)
        theirs = f"l.{_OPEN_OR_FAILED} AND NOT {_free(others, 'l.')}"
        taken = f"CASE WHEN {theirs} THEN 'skipped' ELSE {_PREVIEW_REASON} END"
        rows = self._database.query(
            f"SELECT {taken} AS reason, COUNT(*), COALESCE(SUM(i.duration), 0) FROM items i"
            " LEFT JOIN ledger l ON l.item_id = i.id AND l.space_id ="
            " (SELECT id FROM spaces WHERE owner = ? AND name = ? AND state <> 'dropped')"
            f" WHERE {where} GROUP BY reason",
            (
                *others,
                selection.wanted,
                selection.wanted,
                selection.owner,
                model,
                selection.owner,
                space_name,
                *values,
            ),
        )
        found = {reason: (count, seconds) for reason, count, seconds in rows}
        total = sum(count for count, _ in found.values())
        skipped = found.pop("skipped", (0, 0.0))[0]
        failed = found.pop("failed", (0, 0.0))[0]
        reasons = {reason: count for reason, (count, _) in found.items()}
        seconds = sum(seconds for _, seconds in found.values())
        return PlannedModel(total, total - skipped - failed, skipped, failed, reasons, seconds)

    def lease(
        self, owner: str, job_id: str, space_id: int, limit: int, until: float, max_attempts: int
    ) -> list[Operation]:
        with self._database.transaction() as transaction:
            ids = _next_rows(transaction, job_id, space_id, limit, max_attempts)
            if not ids:
                return []
            marks = ", ".join("?" * len(ids))
            transaction.execute(
                f"UPDATE ledger SET state = '{RowState.LEASED}', attempts = attempts + 1, lease_until = ?"
                f" WHERE space_id = ? AND owner = ? AND item_id IN ({marks})",
                (until, space_id, owner, *ids),
            )
            rows = transaction.query(
                "SELECT i.id, i.path, i.size, i.mtime_ns, i.digest, i.duration, i.artist, i.title, l.attempts"
                " FROM items i JOIN ledger l ON l.item_id = i.id AND l.space_id = ?"
                f" WHERE i.owner = ? AND i.id IN ({marks}) ORDER BY i.id",
                (space_id, owner, *ids),
            )
        return [_operation(row) for row in rows]

    def release(self, owner: str, job_id: str, space_id: int, item_ids: Sequence[int]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', attempts = attempts - 1, lease_until = NULL"
                f" WHERE space_id = ? AND item_id = ? AND owner = ? AND job_id = ? AND state = '{RowState.LEASED}'",
                [(space_id, item_id, owner, job_id) for item_id in item_ids],
            )

    def commit(
        self,
        owner: str,
        job_id: str,
        space_id: int,
        done: Sequence[Completed],
        failed: Sequence[Failed],
        at: float,
    ) -> Counters:
        key = f"WHERE space_id = ? AND item_id = ? AND owner = ? AND state = '{RowState.LEASED}'"
        final = [row for row in failed if not row.again]
        with self._database.transaction() as transaction:
            done_rows = transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.DONE}', digest = ?, has_vector = 1, lease_until = NULL,"
                f" error_code = NULL, error_message = NULL, updated_at = ? {key}",
                [(row.state.digest, at, space_id, row.item_id, owner) for row in done],
            )
            failed_rows = transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.FAILED}', digest = ?, error_code = ?, error_message = ?,"
                f" lease_until = NULL, updated_at = ? {key}",
                [
                    (
                        row.state.digest if row.state else None,
                        row.code,
                        row.message,
                        at,
                        space_id,
                        row.item_id,
                        owner,
                    )
                    for row in final
                ],
            )
            transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', error_code = ?, error_message = ?,"
                f" lease_until = NULL, updated_at = ? {key}",
                [(row.code, row.message, at, space_id, row.item_id, owner) for row in failed if row.again],
            )
            heard = [(row.item_id, row.state, row.analysis) for row in done if row.analysis]
            write_analyses(transaction, owner, space_id, heard, at)
            learned = [(row.item_id, row.state) for row in done if row.learned]
            learned += [(row.item_id, row.state) for row in final if row.state and row.state.digest]
            transaction.execute_many(
                "UPDATE items SET size = ?, mtime_ns = ?, digest = ? WHERE id = ? AND owner = ?",
                [(state.size, state.mtime_ns, state.digest, item_id, owner) for item_id, state in learned],
            )
            transaction.execute(
                "UPDATE job_models SET done = done + ?, failed = failed + ? WHERE job_id = ? AND space_id = ?",
                (done_rows, failed_rows, job_id, space_id),
            )
            counters = transaction.query(
                "SELECT total, done, skipped, failed FROM job_models WHERE job_id = ? AND space_id = ?",
                (job_id, space_id),
            )
        return Counters(*counters[0])

    def retract(self, owner: str, job_id: str, space_id: int, item_ids: Collection[int], at: float) -> None:
        with self._database.transaction() as transaction:
            retracted = transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', has_vector = 0, attempts = 0, digest = NULL,"
                f" updated_at = ? WHERE space_id = ? AND item_id = ? AND owner = ? AND state = '{RowState.DONE}'",
                [(at, space_id, item_id, owner) for item_id in item_ids],
            )
            retract_analyses(transaction, owner, space_id, item_ids)
            transaction.execute(
                "UPDATE job_models SET done = done - ? WHERE job_id = ? AND space_id = ?",
                (retracted, job_id, space_id),
            )

    def lost_vectors(self, owner: str, space_id: int, item_ids: Collection[int], at: float) -> int:
        with self._database.transaction() as transaction:
            return transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', reason = '{Reason.VECTOR_LOST}', has_vector = 0,"
                " attempts = 0, updated_at = ? WHERE space_id = ? AND item_id = ? AND owner = ?",
                [(at, space_id, item_id, owner) for item_id in item_ids],
            )

    def unclaimed(
        self, owner: str, space_id: int, item_ids: Collection[int], job_id: str, now: float
    ) -> list[int]:
        wanted, claimed = list(item_ids), set[int]()
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            rows = self._database.query(
                f"SELECT item_id FROM ledger WHERE space_id = ? AND owner = ? AND (has_vector = 1 OR"
                f" (state = '{RowState.LEASED}' AND job_id <> ? AND lease_until > ?))"
                f" AND item_id IN ({', '.join('?' * len(part))})",
                (space_id, owner, job_id, now, *part),
            )
            claimed.update(row[0] for row in rows)
        return [item_id for item_id in wanted if item_id not in claimed]

    def with_vector(self, owner: str, space_id: int) -> Iterator[int]:
        sql = (
            "SELECT item_id FROM ledger WHERE space_id = ? AND owner = ? AND has_vector = 1 ORDER BY item_id"
        )
        return (row[0] for row in self._database.stream(sql, (space_id, owner)))

    def counts(self, owner: str, space_id: int) -> dict[str, int]:
        rows = self._database.query(
            "SELECT l.state, COUNT(*) - COUNT(i.missing_since), COALESCE(SUM(l.has_vector), 0) FROM ledger l"
            " JOIN items i ON i.id = l.item_id WHERE l.space_id = ? AND l.owner = ? GROUP BY l.state",
            (space_id, owner),
        )
        counts = {state: count for state, count, _ in rows}
        return counts | {"vectors": sum(vectors for _, _, vectors in rows)}

    def failed_items(self, owner: str, job_id: str) -> int:
        rows = self._database.query(
            "SELECT COUNT(DISTINCT item_id) FROM ledger WHERE owner = ? AND job_id = ?"
            f" AND state IN ('failed', 'dismissed') AND state = '{RowState.FAILED}'",
            (owner, job_id),
        )
        return int(rows[0][0])

    def failures(self, owner: str, *, code: str | None = None, dismissed: bool = False) -> list[Failure]:
        return list_failures(self._database, owner, code, None, dismissed=dismissed)

    def failure_page(
        self, owner: str, *, code: str | None, model: str | None, dismissed: bool, limit: int, offset: int
    ) -> list[Failure]:
        return list_failures(
            self._database, owner, code, model, dismissed=dismissed, limit=limit, offset=offset
        )

    def newest_failures(self, owner: str, job_id: str, limit: int) -> list[Failure]:
        return newest_of_job(self._database, owner, job_id, limit)

    def failure_codes(self, owner: str, *, model: str | None, dismissed: bool) -> dict[str, int]:
        return count_by_code(self._database, owner, model, dismissed=dismissed)

    def failed_models(self, owner: str, *, code: str | None, item_id: int | None) -> dict[int, list[str]]:
        return failed_models(self._database, owner, code, item_id)

    def dismiss(self, owner: str, *, code: str | None = None, item_id: int | None = None) -> int:
        with self._database.transaction() as transaction:
            return transaction.execute(
                f"UPDATE ledger SET state = '{RowState.DISMISSED}' WHERE owner = ? AND state = '{RowState.FAILED}'"
                " AND (CAST(? AS TEXT) IS NULL OR error_code = ?) AND (CAST(? AS INTEGER) IS NULL OR item_id = ?)",
                (owner, code, code, item_id, item_id),
            )

    def rows(self, owner: str, item_id: int) -> list[RowView]:
        rows = self._database.query(
            "SELECT s.id, s.owner, s.name, s.model, s.fingerprint, s.dimension, s.state, s.created_at, l.state,"
            " l.reason, l.digest, l.has_vector, l.attempts, l.job_id, l.error_code, l.error_message, l.updated_at"
            " FROM spaces s JOIN ledger l ON l.space_id = s.id WHERE s.owner = ? AND l.item_id = ? ORDER BY s.id",
            (owner, item_id),
        )
        return [_row_view(row) for row in rows]

    def forget_space(self, owner: str, space_id: int) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM ledger WHERE space_id = ? AND owner = ?", (space_id, owner))


_KNOWN_CHANGE = "i.digest IS NOT NULL AND (l.digest IS NULL OR l.digest <> i.digest)"
_OTHER_VECTOR = (
    "EXISTS (SELECT 1 FROM ledger o JOIN spaces s ON s.id = o.space_id WHERE s.owner = ? AND s.model = ?"
    " AND o.item_id = i.id AND o.has_vector = 1)"
)
# The same rules as ``_reconcile``, as one word per item: what would be done, or why nothing is.
_PREVIEW_REASON = (
    f"CASE WHEN ? = '{Wanted.ALL}' THEN '{Reason.FORCED}'"
    f" WHEN ? = '{Wanted.FAILED}' THEN CASE WHEN l.state = '{RowState.FAILED}' THEN '{Reason.RETRY}' ELSE 'skipped' END"
    f" WHEN l.state IS NULL THEN CASE WHEN {_OTHER_VECTOR} THEN '{Reason.SPEC_CHANGED}' ELSE '{Reason.NEW}' END"
    f" WHEN l.{_OPEN} THEN l.reason"
    f" WHEN {_KNOWN_CHANGE} THEN '{Reason.CHANGED}'"
    f" WHEN l.state = '{RowState.FAILED}' AND l.digest IS NULL THEN '{Reason.RETRY}'"
    f" WHEN l.state = '{RowState.FAILED}' THEN 'failed' ELSE 'skipped' END"
)


def _items_where(selection: Selection) -> tuple[str, tuple[Any, ...]]:
    """The one selection rule, over items ``i``."""
    low, high = selection.path_range()
    where = "i.owner = ? AND i.library_id = ? AND i.missing_since IS NULL AND i.path >= ? AND i.path < ?"
    values: tuple[Any, ...] = (selection.owner, selection.library_id, low, high)
    if selection.since is not None:
        where, values = f"{where} AND i.updated_at >= ?", (*values, selection.since)
    if selection.item_id is not None:
        where, values = f"{where} AND i.id = ?", (*values, selection.item_id)
    return where, values


def _others(
    reading: Database | Transaction, owner: str, job_id: str, alive: Callable[[str], bool]
) -> list[str]:
    """The owner's other jobs that somebody runs now: what they have open or failed is theirs."""
    rows = reading.query(
        "SELECT id FROM jobs WHERE owner = ? AND active = 1 AND id <> ? ORDER BY id", (owner, job_id)
    )
    return [row[0] for row in rows if alive(row[0])]


def _free(others: Sequence[str], table: str = "") -> str:
    """The condition that a row belongs to none of these jobs; they are its parameters."""
    if not others:
        return "1 = 1"
    marks = ", ".join("?" * len(others))
    return f"({table}job_id IS NULL OR {table}job_id NOT IN ({marks}))"


def _reconcile(
    transaction: Transaction,
    selection: Selection,
    job_id: str,
    space: Space,
    at: float,
    others: Sequence[str],
    *,
    resumed: bool,
) -> None:
    """Wanted against ledger: make pending what is new, changed, asked for again; adopt what dead jobs left open.

    What the ``others`` have open stays theirs, and what failed for them a moment ago is not tried again by this job.
    """
    where, values = _items_where(selection)
    in_scope = f"item_id IN (SELECT i.id FROM items i WHERE {where})"
    mine = f"WHERE space_id = ? AND {in_scope}"
    free = _free(others)
    joined = f"WHERE space_id = ? AND item_id IN (SELECT i.id FROM items i JOIN ledger l ON l.item_id = i.id AND l.space_id = ? WHERE {where}"
    key = (space.id, *values)

    # What this job left open and does not speak of any more (its file is gone) is not its work.
    transaction.execute(
        f"UPDATE ledger SET state = '{RowState.PENDING}', job_id = NULL, lease_until = NULL"
        f" WHERE space_id = ? AND job_id = ? AND {_OPEN} AND NOT {in_scope}",
        (space.id, job_id, *values),
    )
    transaction.execute(
        f"UPDATE ledger SET state = '{RowState.PENDING}', job_id = ?, lease_until = NULL"
        f" {mine} AND {_OPEN} AND {free}",
        (job_id, *key, *others),
    )
    if selection.wanted is Wanted.FAILED:
        code = selection.error_code
        transaction.execute(
            f"{_TO_PENDING} {mine} AND state = '{RowState.FAILED}' AND (CAST(? AS TEXT) IS NULL OR error_code = ?)"
            f" AND {free}",
            (Reason.RETRY, job_id, at, *key, code, code, *others),
        )
        return
    transaction.execute(
        "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, job_id, updated_at)"
        f" SELECT ?, i.id, ?, '{RowState.PENDING}',"
        f" CASE WHEN {_OTHER_VECTOR} THEN '{Reason.SPEC_CHANGED}' ELSE '{Reason.NEW}' END, 0, 0, ?, ?"
        f" FROM items i WHERE {where}"
        " AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.space_id = ? AND l.item_id = i.id)",
        (space.id, selection.owner, selection.owner, space.model, job_id, at, *values, space.id),
    )
    transaction.execute(
        f"{_TO_PENDING} {joined} AND {_KNOWN_CHANGE}) AND NOT {_OPEN}",
        (Reason.CHANGED, job_id, at, space.id, space.id, *values),
    )
    transaction.execute(
        f"{_TO_PENDING} {mine} AND state = '{RowState.FAILED}' AND digest IS NULL AND {free}",
        (Reason.RETRY, job_id, at, *key, *others),
    )
    if selection.wanted is Wanted.ALL and not resumed:
        transaction.execute(f"{_TO_PENDING} {mine} AND NOT {_OPEN}", (Reason.FORCED, job_id, at, *key))


def _count_plan(
    transaction: Transaction,
    selection: Selection,
    job_id: str,
    space: Space,
    others: Sequence[str],
    *,
    resumed: bool,
) -> PlannedModel:
    """Count what reconciling left and set the job's counters from it, so that they equal the ledger.

    What is in the hands of the ``others``, or failed there, is counted by them; here it is skipped.
    """
    where, values = _items_where(selection)
    rows = transaction.query(
        "SELECT l.state, l.reason, l.job_id, COUNT(*), COALESCE(SUM(i.duration), 0) FROM items i"
        f" JOIN ledger l ON l.item_id = i.id AND l.space_id = ? WHERE {where} GROUP BY l.state, l.reason, l.job_id",
        (space.id, *values),
    )
    total = sum(row[3] for row in rows)
    reasons: dict[str, int] = {}
    audio_seconds = 0.0
    done_here = failed = 0
    for state, reason, row_job, count, seconds in rows:
        if row_job in others:
            continue
        if state == RowState.PENDING:
            reasons[reason] = reasons.get(reason, 0) + count
            audio_seconds += seconds
        elif state == RowState.FAILED:
            failed += count
        elif state == RowState.DONE and resumed and row_job == job_id:
            done_here += count
    to_do = sum(reasons.values())
    skipped = total - to_do - failed - done_here
    transaction.execute(
        f"UPDATE ledger SET job_id = ? WHERE space_id = ? AND state = '{RowState.FAILED}' AND item_id IN"
        f" (SELECT i.id FROM items i WHERE {where}) AND {_free(others)}",
        (job_id, space.id, *values, *others),
    )
    transaction.execute(
        "UPDATE job_models SET space_id = ?, total = ?, done = ?, skipped = ?, failed = ?"
        " WHERE job_id = ? AND model = ?",
        (space.id, total, done_here, skipped, failed, job_id, space.model),
    )
    return PlannedModel(total, to_do, skipped, failed, reasons, audio_seconds)


def _next_rows(
    transaction: Transaction, job_id: str, space_id: int, limit: int, max_attempts: int
) -> list[int]:
    """Rows that cost no runner yet; only when none is left, one that did, alone, so that blame is sure."""
    of_job = f"FROM ledger WHERE job_id = ? AND space_id = ? AND {_PENDING}"
    rows = transaction.query(
        f"SELECT item_id {of_job} AND attempts < ? ORDER BY attempts, item_id LIMIT ?",
        (job_id, space_id, max_attempts, limit),
    )
    if rows:
        return [row[0] for row in rows]
    in_hand = f"SELECT 1 FROM ledger WHERE job_id = ? AND space_id = ? AND {_OPEN} AND state = '{RowState.LEASED}' LIMIT 1"
    if transaction.query(in_hand, (job_id, space_id)):
        return []
    lost = transaction.execute(
        f"UPDATE ledger SET state = '{RowState.FAILED}', error_code = ?, error_message = ?"
        f" WHERE job_id = ? AND space_id = ? AND {_PENDING} AND attempts >= ?",
        (RunnerLost.code, "the run died with it each time", job_id, space_id, 2 * max_attempts),
    )
    transaction.execute(
        "UPDATE job_models SET failed = failed + ? WHERE job_id = ? AND space_id = ?",
        (lost, job_id, space_id),
    )
    rows = transaction.query(
        f"SELECT item_id {of_job} ORDER BY attempts, item_id LIMIT 1", (job_id, space_id)
    )
    return [row[0] for row in rows]


def _operation(row: Row) -> Operation:
    item_id, path, size, mtime_ns, digest, duration, artist, title, attempts = row
    return Operation(item_id, path, size, mtime_ns, digest, duration, label(artist, title, path), attempts)


def _row_view(row: Row) -> RowView:
    space_id, owner, name, model, mark, dimension, space_state, created_at, *rest = row
    space = Space(space_id, owner, name, model, mark, dimension, SpaceState(space_state), created_at)
    state, reason, digest, has_vector, *others = rest
    return RowView(space, state, reason, digest, bool(has_vector), *others)
