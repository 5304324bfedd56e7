"""The ledger: one row per owner, item and space; the only truth about work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog import reconcile
from reprise.catalog.analyses import retract_analyses, write_analyses
from reprise.catalog.database import tried_again
from reprise.catalog.failures import count_by_code, failed_models, list_failures, newest_of_job
from reprise.catalog.labels import LABEL_COLUMNS, LABEL_COUNT, LABEL_JOINS, label_of
from reprise.catalog.video_writing import photos_settled, write_told
from reprise.core.items import ItemKind
from reprise.core.job import Counters
from reprise.core.plan import OpenWork, Operation, PlannedModel, Reason, RowState
from reprise.core.records import RowView
from reprise.core.space import Space, SpaceState
from reprise.core.spec import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from reprise.catalog.database import Database, Row, Transaction
    from reprise.core.plan import Selection
    from reprise.core.records import Completed, Failed, Failure

_PART = 500
_IN_HAND = f"{reconcile.OPEN} AND state = '{RowState.LEASED}'"


class SqlLedger:
    """Implements ``core.records.Ledger``. ``holder``: who leases rows here, told apart from all others who do."""

    def __init__(self, database: Database, holder: str = "") -> None:
        self._database = database
        self._holder = holder

    @tried_again
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
            transaction.alone(_plans_of(selection.owner))
            # Asked inside the transaction: a job that planned before this one is seen, and none can plan meanwhile.
            others = reconcile.others_alive(transaction, selection.owner, job_id, alive)
            planned = [
                reconcile.plan_space(transaction, selection, job_id, space, at, others, resumed=resumed)
                for space in spaces
            ]
            reconcile.count_items(transaction, selection, job_id)
        return planned

    @tried_again
    def plan_again(
        self, selection: Selection, job_id: str, space: Space, at: float, alive: Callable[[str], bool]
    ) -> PlannedModel:
        with self._database.transaction() as transaction:
            transaction.alone(_plans_of(selection.owner))
            others = reconcile.others_alive(transaction, selection.owner, job_id, alive)
            planned = reconcile.plan_space(transaction, selection, job_id, space, at, others, resumed=True)
            reconcile.count_items(transaction, selection, job_id)
        return planned

    def preview(
        self,
        selection: Selection,
        spaces: Sequence[tuple[str, str, Subject]],
        alive: Callable[[str], bool],
    ) -> list[PlannedModel]:
        others = reconcile.others_alive(self._database, selection.owner, "", alive)
        return [
            reconcile.preview(self._database, selection, model, name, subject, others)
            for model, name, subject in spaces
        ]

    @tried_again
    def lease(
        self, owner: str, job_id: str, space_id: int, limit: int, seconds: float, max_attempts: int
    ) -> list[Operation]:
        until = self._database.now() + seconds
        with self._database.transaction() as transaction:
            subject = _subject(transaction, space_id)
            while ids := reconcile.next_rows(transaction, job_id, space_id, limit, max_attempts):
                if operations := self._taken(transaction, owner, job_id, space_id, ids, subject, until):
                    return operations
        return []

    @tried_again
    def take_over(
        self, owner: str, job_id: str, space_id: int, limit: int, seconds: float, max_attempts: int
    ) -> list[Operation]:
        now = self._database.now()
        with self._database.transaction() as transaction:
            ids = reconcile.lapsed_rows(transaction, job_id, space_id, limit, max_attempts, now)
            if not ids:
                return []
            subject = _subject(transaction, space_id)
            return self._taken(transaction, owner, job_id, space_id, ids, subject, now + seconds)

    def _taken(
        self,
        transaction: Transaction,
        owner: str,
        job_id: str,
        space_id: int,
        ids: Sequence[int],
        subject: Subject,
        until: float,
    ) -> list[Operation]:
        """These rows are in this process's hand; those whose item is gone are withdrawn."""
        transaction.execute(
            f"UPDATE ledger SET state = '{RowState.LEASED}', attempts = attempts + 1, lease_until = ?, leased_by = ?"
            f" WHERE space_id = ? AND owner = ? AND item_id IN ({', '.join('?' * len(ids))})",
            (until, self._holder, space_id, owner, *ids),
        )
        operations = _operations(transaction, owner, space_id, list(ids), subject)
        if len(operations) < len(ids):
            gone = set(ids) - {operation.item_id for operation in operations}
            _withdraw(transaction, owner, job_id, space_id, gone)
        return operations

    @tried_again
    def renew(self, seconds: float) -> int:
        until = self._database.now() + seconds
        with self._database.transaction() as transaction:
            # What is being committed right now needs no longer lease, and waiting for it would be waiting for us.
            rows = transaction.query(
                f"SELECT space_id, item_id FROM ledger WHERE {_IN_HAND} AND leased_by = ?{transaction.skip_locked}",
                (self._holder,),
            )
            return transaction.execute_many(
                "UPDATE ledger SET lease_until = ? WHERE space_id = ? AND item_id = ?",
                [(until, *row) for row in rows],
            )

    @tried_again
    def reclaim(self, owner: str, job_id: str) -> int:
        with self._database.transaction() as transaction:
            rows = transaction.query(
                f"SELECT space_id, item_id FROM ledger WHERE job_id = ? AND {_IN_HAND} AND owner = ?"
                f" AND lease_until < ?{transaction.skip_locked}",
                (job_id, owner, self._database.now()),
            )
            return transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', lease_until = NULL, leased_by = ''"
                " WHERE space_id = ? AND item_id = ?",
                rows,
            )

    def open_work(self, owner: str, job_id: str, space_id: int) -> OpenWork:
        rows = self._database.query(
            f"SELECT l.state, COUNT(*), COALESCE(SUM(i.duration), 0) FROM ledger l LEFT JOIN items i ON i.id = l.item_id"
            f" WHERE l.job_id = ? AND l.space_id = ? AND l.{reconcile.OPEN} AND l.owner = ? GROUP BY l.state",
            (job_id, space_id, owner),
        )
        counts: dict[str, int] = {state: count for state, count, _ in rows}
        seconds = sum(float(part) for _, _, part in rows)
        return OpenWork(counts.get(RowState.PENDING, 0), counts.get(RowState.LEASED, 0), seconds)

    def waiting(self, owner: str, job_id: str, space_id: int, most: int) -> int:
        rows = self._database.query(
            f"SELECT 1 FROM ledger WHERE job_id = ? AND space_id = ? AND {reconcile.PENDING} AND owner = ? LIMIT ?",
            (job_id, space_id, owner, most),
        )
        return len(rows)

    @tried_again
    def release(self, owner: str, job_id: str, space_id: int, item_ids: Sequence[int]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', attempts = attempts - 1, lease_until = NULL"
                f" WHERE space_id = ? AND item_id = ? AND owner = ? AND job_id = ? AND state = '{RowState.LEASED}'"
                " AND leased_by = ?",
                [(space_id, item_id, owner, job_id, self._holder) for item_id in sorted(item_ids)],
            )

    @tried_again
    def commit(
        self,
        owner: str,
        job_id: str,
        space_id: int,
        done: Sequence[Completed],
        failed: Sequence[Failed],
        at: float,
    ) -> Counters:
        key = f"WHERE space_id = ? AND item_id = ? AND owner = ? AND state = '{RowState.LEASED}' AND leased_by = ?"
        done, failed = sorted(done, key=_item_id), sorted(failed, key=_item_id)
        final = [row for row in failed if not row.again]
        with self._database.transaction() as transaction:
            reconcile.lock_counters(transaction, job_id, space_id)
            version = _spec_version(transaction, owner, job_id)
            done_rows = transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.DONE}', digest = ?, has_vector = ?, lease_until = NULL,"
                f" error_code = NULL, error_message = NULL, updated_at = ?, spec_version = ? {key}",
                [
                    (
                        row.state.digest,
                        0 if row.empty else 1,
                        at,
                        version,
                        space_id,
                        row.item_id,
                        owner,
                        self._holder,
                    )
                    for row in done
                ],
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
                        self._holder,
                    )
                    for row in final
                ],
            )
            transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', error_code = ?, error_message = ?,"
                f" lease_until = NULL, updated_at = ? {key}",
                [
                    (row.code, row.message, at, space_id, row.item_id, owner, self._holder)
                    for row in failed
                    if row.again
                ],
            )
            _keep(transaction, owner, space_id, done, final, at)
            transaction.execute(
                "UPDATE job_models SET done = done + ?, failed = failed + ? WHERE job_id = ? AND space_id = ?",
                (done_rows, failed_rows, job_id, space_id),
            )
            counters = transaction.query(
                "SELECT total, done, skipped, failed FROM job_models WHERE job_id = ? AND space_id = ?",
                (job_id, space_id),
            )
        return Counters(*counters[0])

    @tried_again
    def retract(self, owner: str, job_id: str, space_id: int, item_ids: Collection[int], at: float) -> None:
        with self._database.transaction() as transaction:
            reconcile.lock_counters(transaction, job_id, space_id)
            retracted = transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', has_vector = 0, attempts = 0, digest = NULL,"
                f" updated_at = ? WHERE space_id = ? AND item_id = ? AND owner = ? AND state = '{RowState.DONE}'",
                [(at, space_id, item_id, owner) for item_id in item_ids],
            )
            retract_analyses(transaction, owner, space_id, item_ids)
            if _subject(transaction, space_id).kind is ItemKind.PHOTO:
                worthless = [(item_id, "its vector was worthless") for item_id in item_ids]
                photos_settled(transaction, owner, space_id, [], worthless, at)
            transaction.execute(
                "UPDATE job_models SET done = done - ? WHERE job_id = ? AND space_id = ?",
                (retracted, job_id, space_id),
            )

    @tried_again
    def lost_vectors(self, owner: str, space_id: int, item_ids: Collection[int], at: float) -> int:
        with self._database.transaction() as transaction:
            return transaction.execute_many(
                f"UPDATE ledger SET state = '{RowState.PENDING}', reason = '{Reason.VECTOR_LOST}', has_vector = 0,"
                " attempts = 0, updated_at = ? WHERE space_id = ? AND item_id = ? AND owner = ?",
                [(at, space_id, item_id, owner) for item_id in item_ids],
            )

    def unclaimed(self, owner: str, space_id: int, item_ids: Collection[int], job_id: str) -> list[int]:
        wanted, claimed, now = list(item_ids), set[int](), self._database.now()
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

    def answering(self, owner: str, space_id: int) -> int:
        rows = self._database.query(
            "SELECT COUNT(*) FROM ledger l JOIN items i ON i.id = l.item_id WHERE l.space_id = ? AND l.owner = ?"
            " AND l.has_vector = 1 AND i.missing_since IS NULL",
            (space_id, owner),
        )
        return int(rows[0][0])

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

    @tried_again
    def dismiss(self, owner: str, *, code: str | None = None, item_id: int | None = None) -> int:
        with self._database.transaction() as transaction:
            return transaction.execute(
                f"UPDATE ledger SET state = '{RowState.DISMISSED}' WHERE owner = ? AND state = '{RowState.FAILED}'"
                " AND (CAST(? AS TEXT) IS NULL OR error_code = ?) AND (CAST(? AS BIGINT) IS NULL OR item_id = ?)",
                (owner, code, code, item_id, item_id),
            )

    def rows(self, owner: str, item_id: int) -> list[RowView]:
        rows = self._database.query(
            "SELECT s.id, s.owner, s.name, s.model, s.fingerprint, s.dimension, s.state, s.created_at, s.kind,"
            " s.channel, l.state, l.reason, l.digest, l.has_vector, l.attempts, l.job_id, l.error_code,"
            " l.error_message, l.updated_at, l.spec_version, CASE WHEN s.channel = '' THEN i.digest ELSE n.digest END"
            " FROM spaces s JOIN ledger l ON l.space_id = s.id LEFT JOIN items i ON i.id = l.item_id"
            " LEFT JOIN inputs n ON n.item_id = l.item_id AND n.channel = s.channel"
            " WHERE s.owner = ? AND l.item_id = ? ORDER BY s.id",
            (owner, item_id),
        )
        return [_row_view(row) for row in rows]

    def digests(self, owner: str, space_id: int, item_ids: Collection[int]) -> dict[int, bytes]:
        wanted, found = list(item_ids), dict[int, bytes]()
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            rows = self._database.query(
                "SELECT item_id, digest FROM ledger WHERE space_id = ? AND owner = ? AND digest IS NOT NULL"
                f" AND item_id IN ({', '.join('?' * len(part))})",
                (space_id, owner, *part),
            )
            found.update(rows)
        return found

    def orphans(self, owner: str, space: Space) -> list[int]:
        return reconcile.orphans(self._database, owner, space)

    @tried_again
    def forget(self, owner: str, space_id: int, item_ids: Collection[int]) -> None:
        with self._database.transaction() as transaction:
            reconcile.forget_rows(transaction, owner, space_id, item_ids)

    def forget_space(self, owner: str, space_id: int) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM ledger WHERE space_id = ? AND owner = ?", (space_id, owner))


def _plans_of(owner: str) -> str:
    """The name under which those who plan for the owner wait for each other: what is open is one job's only."""
    return f"plans of {owner}"


def _item_id(row: Completed | Failed) -> int:
    """Those who write the same rows go through them in the same order, so that none waits for one who waits."""
    return row.item_id


def _subject(transaction: Transaction, space_id: int) -> Subject:
    kind, channel = transaction.query("SELECT kind, channel FROM spaces WHERE id = ?", (space_id,))[0]
    return Subject(ItemKind(kind), channel)


def _spec_version(transaction: Transaction, owner: str, job_id: str) -> str | None:
    rows = transaction.query("SELECT spec_version FROM jobs WHERE owner = ? AND id = ?", (owner, job_id))
    return rows[0][0] if rows else None


def _keep(
    transaction: Transaction,
    owner: str,
    space_id: int,
    done: Sequence[Completed],
    failed: Sequence[Failed],
    at: float,
) -> None:
    """What the work told besides: of the content, of what was heard or found in it, of photos."""
    subject = _subject(transaction, space_id)
    heard = [(row.item_id, row.state, row.analysis) for row in done if row.analysis]
    write_analyses(transaction, owner, space_id, heard, at)
    if told := [(row.item_id, row.state, row.told) for row in done if row.told]:
        write_told(transaction, owner, told, at)
    if subject.kind is ItemKind.PHOTO:
        reasons = [(row.item_id, row.message) for row in failed]
        reasons += [(row.item_id, "there is nothing to see in it") for row in done if row.empty]
        ready = [row.item_id for row in done if not row.empty]
        photos_settled(transaction, owner, space_id, ready, reasons, at)
    if subject.channel:
        return  # the state is that of an input, not of the item's file
    learned = [(row.item_id, row.state) for row in done if row.learned]
    learned += [(row.item_id, row.state) for row in failed if row.state and row.state.digest]
    transaction.execute_many(
        "UPDATE items SET size = ?, mtime_ns = ?, digest = ? WHERE id = ? AND owner = ?",
        [
            (state.size, state.mtime_ns, state.digest, item_id, owner)
            for item_id, state in sorted(learned, key=lambda row: row[0])
        ],
    )


def _withdraw(
    transaction: Transaction, owner: str, job_id: str, space_id: int, item_ids: Collection[int]
) -> None:
    """Since the job was planned these lost what was to be looked at: they are not its work any more."""
    reconcile.forget_rows(transaction, owner, space_id, item_ids)
    transaction.execute(
        "UPDATE job_models SET total = total - ? WHERE job_id = ? AND space_id = ?",
        (len(item_ids), job_id, space_id),
    )


def _operations(
    transaction: Transaction, owner: str, space_id: int, ids: Sequence[int], subject: Subject
) -> list[Operation]:
    """Of these rows those that there still is something to look at of."""
    state = "i.size, i.mtime_ns, i.digest, NULL, NULL"
    joins = LABEL_JOINS
    values: tuple[int | str, ...] = (space_id,)
    if subject.channel:
        state = "i.size, i.mtime_ns, n.digest, n.text, n.file"
        joins, values = (
            f" JOIN inputs n ON n.item_id = i.id AND n.channel = ?{joins}",
            (*values, subject.channel),
        )
    rows = transaction.query(
        f"SELECT {LABEL_COLUMNS}, i.id, i.path, {state}, i.duration, l.attempts FROM items i"
        f" JOIN ledger l ON l.item_id = i.id AND l.space_id = ?{joins}"
        f" WHERE i.owner = ? AND i.id IN ({', '.join('?' * len(ids))}) ORDER BY i.id",
        (*values, owner, *ids),
    )
    return [_operation(row, subject.channel) for row in rows]


def _operation(row: Row, channel: str) -> Operation:
    item_id, path, size, mtime_ns, digest, text, file, duration, attempts = row[LABEL_COUNT:]
    return Operation(
        item_id,
        path,
        size,
        mtime_ns,
        digest,
        duration,
        label_of(row[:LABEL_COUNT]),
        attempts,
        channel,
        text or "",
        file or b"",
    )


def _row_view(row: Row) -> RowView:
    space_id, owner, name, model, mark, dimension, space_state, created_at, kind, channel, *rest = row
    subject = Subject(ItemKind(kind), channel)
    space = Space(space_id, owner, name, model, mark, dimension, SpaceState(space_state), created_at, subject)
    state, reason, digest, has_vector, *others = rest
    return RowView(space, state, reason, digest, bool(has_vector), *others)
