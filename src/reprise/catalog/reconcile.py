"""Planning: what a job is to do, found by comparing what is selected with the ledger; one rule for every kind of item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from reprise.core.items import ItemKind
from reprise.core.plan import PlannedModel, Reason, RowState, Wanted
from reprise.core.spec import TRACKS, Subject
from reprise.errors import RunnerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reprise.catalog.database import Database, Transaction
    from reprise.core.plan import Selection
    from reprise.core.space import Space

OPEN = f"state IN ('{RowState.PENDING}', '{RowState.LEASED}')"
_OPEN_OR_FAILED = f"state IN ('{RowState.PENDING}', '{RowState.LEASED}', '{RowState.FAILED}')"
# A partial index serves only a query that repeats its condition word for word.
PENDING = f"{OPEN} AND state = '{RowState.PENDING}'"
_OF_JOB = f"FROM ledger WHERE job_id = ? AND space_id = ? AND {OPEN}"
_TO_PENDING = (
    f"UPDATE ledger SET state = '{RowState.PENDING}', reason = ?, attempts = 0, job_id = ?, updated_at = ?,"
    " lease_until = NULL, error_code = NULL, error_message = NULL"
)
# Asked for one item after the other. PostgreSQL takes a table that it has not counted yet for empty, and would join it
# whole to each item, though the very statement fills it; a question with an OFFSET it asks as it stands.
_EACH = "LIMIT 1 OFFSET 0"
_OTHER_VECTOR = (
    "EXISTS (SELECT 1 FROM spaces s WHERE s.owner = ? AND s.model = ? AND s.state <> 'dropped'"
    " AND EXISTS (SELECT 1 FROM ledger o"
    f" WHERE o.space_id = s.id AND o.item_id = i.id AND o.has_vector = 1 {_EACH}) {_EACH})"
)
_HAVE_PATHS = {ItemKind.TRACK, ItemKind.VIDEO}
"""Kinds whose path is one on the disk; those of the others are made up."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a model looks at of what is selected: items ``i`` and, if its subject has a channel, their inputs ``n``.

    ``digest`` is the column that tells the content.
    """

    tables: str
    where: str
    values: tuple[Any, ...]
    digest: str

    @property
    def ids(self) -> str:
        return f"SELECT i.id FROM {self.tables} WHERE {self.where}"

    @property
    def known_change(self) -> str:
        return f"{self.digest} IS NOT NULL AND (l.digest IS NULL OR l.digest <> {self.digest})"


def looked_at(selection: Selection, kind: ItemKind, *channels: str) -> Looked:
    """The one selection rule. Of several channels an item is there once for each that it has an input in."""
    where, values = _items_where(selection, kind)
    since = selection.since
    if "" in channels:
        if since is not None:
            where, values = f"{where} AND i.updated_at >= ?", (*values, since)
        return Looked("items i", where, values, "i.digest")
    where, values = f"{where} AND n.channel IN ({', '.join('?' * len(channels))})", (*values, *channels)
    if since is not None:
        where, values = f"{where} AND (i.updated_at >= ? OR n.updated_at >= ?)", (*values, since, since)
    return Looked("items i JOIN inputs n ON n.item_id = i.id", where, values, "n.digest")


def _items_where(selection: Selection, kind: ItemKind) -> tuple[str, tuple[Any, ...]]:
    where = f"i.owner = ? AND i.library_id = ? AND i.missing_since IS NULL AND i.kind = '{kind}'"
    values: tuple[Any, ...] = (selection.owner, selection.library_id)
    if kind is not ItemKind.TRACK:
        where += " AND i.kind <> 'track'"  # word for word the condition of the index of other kinds
    low, high = selection.path_range()
    if kind in _HAVE_PATHS:
        where, values = f"{where} AND i.path >= ? AND i.path < ?", (*values, low, high)
    elif selection.folder:
        videos = "SELECT v.id FROM items v WHERE v.library_id = ? AND v.path >= ? AND v.path < ?"
        where, values = f"{where} AND i.video_id IN ({videos})", (*values, selection.library_id, low, high)
    if selection.item_id is not None:
        where, values = f"{where} AND i.id = ?", (*values, selection.item_id)
    if selection.video_id is not None:
        column = "i.id" if kind is ItemKind.VIDEO else "i.video_id"
        where, values = f"{where} AND {column} = ?", (*values, selection.video_id)
    return where, values


def others_alive(
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


def _preview_reason(looked: Looked) -> str:
    """The same rules as ``reconcile``, as one word per item: what would be done, or why nothing is."""
    return (
        f"CASE WHEN ? = '{Wanted.ALL}' THEN '{Reason.FORCED}'"
        f" WHEN ? = '{Wanted.FAILED}' THEN CASE WHEN l.state = '{RowState.FAILED}' THEN '{Reason.RETRY}' ELSE 'skipped' END"
        f" WHEN l.state IS NULL THEN CASE WHEN {_OTHER_VECTOR} THEN '{Reason.SPEC_CHANGED}' ELSE '{Reason.NEW}' END"
        f" WHEN l.{OPEN} THEN l.reason"
        f" WHEN {looked.known_change} THEN '{Reason.CHANGED}'"
        f" WHEN l.state = '{RowState.FAILED}' AND l.digest IS NULL THEN '{Reason.RETRY}'"
        f" WHEN l.state = '{RowState.FAILED}' THEN 'failed' ELSE 'skipped' END"
    )


def preview(
    database: Database, selection: Selection, model: str, space: str, subject: Subject, others: Sequence[str]
) -> PlannedModel:
    """What planning would find to do in the model's space of that name, without writing anything."""
    looked = looked_at(selection, *subject)
    theirs = f"l.{_OPEN_OR_FAILED} AND NOT {_free(others, 'l.')}"
    taken = f"CASE WHEN {theirs} THEN 'skipped' ELSE {_preview_reason(looked)} END"
    rows = database.query(
        f"SELECT {taken} AS fate, COUNT(*), COALESCE(SUM(i.duration), 0) FROM {looked.tables}"
        " LEFT JOIN ledger l ON l.item_id = i.id AND l.space_id ="
        " (SELECT id FROM spaces WHERE owner = ? AND name = ? AND state <> 'dropped')"
        f" WHERE {looked.where} GROUP BY fate",
        (
            *others,
            selection.wanted,
            selection.wanted,
            selection.owner,
            model,
            selection.owner,
            space,
            *looked.values,
        ),
    )
    found = {reason: (count, seconds) for reason, count, seconds in rows}
    total = sum(count for count, _ in found.values())
    skipped = found.pop("skipped", (0, 0.0))[0]
    failed = found.pop("failed", (0, 0.0))[0]
    reasons = {reason: count for reason, (count, _) in found.items()}
    seconds = sum(seconds for _, seconds in found.values())
    return PlannedModel(total, total - skipped - failed, skipped, failed, reasons, seconds)


class _Found(NamedTuple):
    """So many rows of one kind: ``state`` is ``None`` for items without a row. ``seconds``: how long they last."""

    state: RowState | None
    reason: str
    job_id: str | None
    changed: bool
    unread: bool
    """Nobody took down of which content it is."""
    rows: int
    seconds: float

    @property
    def open(self) -> bool:
        return self.state in {RowState.PENDING, RowState.LEASED}


def plan_space(
    transaction: Transaction,
    selection: Selection,
    job_id: str,
    space: Space,
    at: float,
    others: Sequence[str],
    *,
    resumed: bool,
) -> PlannedModel:
    """Make pending what is to be done and count it. Where nothing is, one look at the ledger tells so."""
    looked = looked_at(selection, *space.subject)
    # What workers commit meanwhile is counted by them after this, on top of what is found here.
    counters = f"SELECT 1 FROM job_models WHERE job_id = ? AND model = ?{transaction.locked}"
    transaction.query(counters, (job_id, space.model))
    found = _survey(transaction, space, looked)
    planning = _Planning(transaction, selection, job_id, space, at, others, looked)
    if planning.reconcile(found, resumed=resumed):
        found = _survey(transaction, space, looked)
    return planning.count(found, resumed=resumed)


def _survey(transaction: Transaction, space: Space, looked: Looked) -> list[_Found]:
    rows = transaction.query(
        f"SELECT l.state, l.reason, l.job_id, {looked.known_change} AS other, l.digest IS NULL AS unread, COUNT(*),"
        f" COALESCE(SUM(i.duration), 0) FROM {looked.tables}"
        f" LEFT JOIN ledger l ON l.item_id = i.id AND l.space_id = ? WHERE {looked.where}"
        " GROUP BY l.state, l.reason, l.job_id, other, unread",
        (space.id, *looked.values),
    )
    return [
        _Found(RowState(state) if state else None, reason, job, bool(other), bool(unread), count, seconds)
        for state, reason, job, other, unread, count, seconds in rows
    ]


@dataclass(frozen=True, slots=True)
class _Planning:
    """One space of one job. What the ``others`` have open stays theirs, and what failed for them a moment ago is not
    tried again by this job."""

    transaction: Transaction
    selection: Selection
    job_id: str
    space: Space
    at: float
    others: Sequence[str]
    looked: Looked

    def reconcile(self, found: Sequence[_Found], *, resumed: bool) -> bool:
        """Wanted against ledger: make pending what is new, changed, asked for again; adopt what dead jobs left open.

        Returns whether anything was written.
        """
        wrote = resumed and self._let_go() > 0
        if any(some.open for some in found):
            wrote |= self._adopt() > 0
        if self.selection.wanted is Wanted.FAILED:
            return (any(some.state is RowState.FAILED for some in found) and self._retry_asked() > 0) or wrote
        if any(some.state is None for some in found):
            wrote |= self._add() > 0
        if any(some.changed and some.state is not None and not some.open for some in found):
            wrote |= self._renew() > 0
        if any(some.state is RowState.FAILED and some.unread for some in found):
            wrote |= self._retry() > 0
        if self.selection.wanted is Wanted.ALL and not resumed:
            wrote |= self._force() > 0
        return wrote

    def count(self, found: Sequence[_Found], *, resumed: bool) -> PlannedModel:
        """Set the job's counters, so that they equal the ledger.

        What is in the hands of the others, or failed there, is counted by them; here it is skipped.
        """
        total = sum(some.rows for some in found if some.state is not None)
        ours = [some for some in found if some.job_id not in self.others]
        pending = [some for some in ours if some.state is RowState.PENDING]
        reasons: dict[str, int] = {}
        for some in pending:
            reasons[some.reason] = reasons.get(some.reason, 0) + some.rows
        to_do = sum(reasons.values())
        failed = sum(some.rows for some in ours if some.state is RowState.FAILED)
        here = [some for some in ours if some.state is RowState.DONE and some.job_id == self.job_id]
        done_here = sum(some.rows for some in here) if resumed else 0
        skipped = total - to_do - failed - done_here
        if failed:
            self._take_over_failures()
        self.transaction.execute(
            "UPDATE job_models SET space_id = ?, total = ?, done = ?, skipped = ?, failed = ?"
            " WHERE job_id = ? AND model = ?",
            (self.space.id, total, done_here, skipped, failed, self.job_id, self.space.model),
        )
        seconds = sum((some.seconds for some in pending), 0.0)
        return PlannedModel(total, to_do, skipped, failed, reasons, seconds)

    @property
    def _in_scope(self) -> str:
        return f"item_id IN ({self.looked.ids})"

    @property
    def _key(self) -> tuple[Any, ...]:
        """Parameters of ``space_id = ? AND {in_scope}``."""
        return (self.space.id, *self.looked.values)

    def _let_go(self) -> int:
        """What this job left open and does not speak of any more (its file is gone) is not its work."""
        return self.transaction.execute(
            f"UPDATE ledger SET state = '{RowState.PENDING}', job_id = NULL, lease_until = NULL"
            f" WHERE space_id = ? AND job_id = ? AND {OPEN} AND NOT {self._in_scope}",
            (self.space.id, self.job_id, *self.looked.values),
        )

    def _adopt(self) -> int:
        return self.transaction.execute(
            f"UPDATE ledger SET state = '{RowState.PENDING}', job_id = ?, lease_until = NULL"
            f" WHERE space_id = ? AND {self._in_scope} AND {OPEN} AND {_free(self.others)}",
            (self.job_id, *self._key, *self.others),
        )

    def _add(self) -> int:
        space, owner = self.space, self.selection.owner
        return self.transaction.execute(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, job_id, updated_at)"
            f" SELECT ?, i.id, ?, '{RowState.PENDING}',"
            f" CASE WHEN {_OTHER_VECTOR} THEN '{Reason.SPEC_CHANGED}' ELSE '{Reason.NEW}' END, 0, 0, ?, ?"
            f" FROM {self.looked.tables} WHERE {self.looked.where}"
            f" AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.space_id = ? AND l.item_id = i.id {_EACH})",
            (space.id, owner, owner, space.model, self.job_id, self.at, *self.looked.values, space.id),
        )

    def _renew(self) -> int:
        looked = self.looked
        changed = (
            f"SELECT i.id FROM {looked.tables} JOIN ledger l ON l.item_id = i.id AND l.space_id = ?"
            f" WHERE {looked.where} AND {looked.known_change}"
        )
        return self.transaction.execute(
            f"{_TO_PENDING} WHERE space_id = ? AND item_id IN ({changed}) AND NOT {OPEN}",
            (Reason.CHANGED, self.job_id, self.at, self.space.id, *self._key),
        )

    def _retry(self) -> int:
        return self.transaction.execute(
            f"{_TO_PENDING} WHERE space_id = ? AND {self._in_scope} AND state = '{RowState.FAILED}'"
            f" AND digest IS NULL AND {_free(self.others)}",
            (Reason.RETRY, self.job_id, self.at, *self._key, *self.others),
        )

    def _retry_asked(self) -> int:
        code = self.selection.error_code
        return self.transaction.execute(
            f"{_TO_PENDING} WHERE space_id = ? AND {self._in_scope} AND state = '{RowState.FAILED}'"
            f" AND (CAST(? AS TEXT) IS NULL OR error_code = ?) AND {_free(self.others)}",
            (Reason.RETRY, self.job_id, self.at, *self._key, code, code, *self.others),
        )

    def _force(self) -> int:
        return self.transaction.execute(
            f"{_TO_PENDING} WHERE space_id = ? AND {self._in_scope} AND NOT {OPEN}",
            (Reason.FORCED, self.job_id, self.at, *self._key),
        )

    def _take_over_failures(self) -> int:
        return self.transaction.execute(
            f"UPDATE ledger SET job_id = ? WHERE space_id = ? AND state = '{RowState.FAILED}'"
            f" AND {self._in_scope} AND {_free(self.others)}",
            (self.job_id, *self._key, *self.others),
        )


def count_items(transaction: Transaction, selection: Selection, job_id: str) -> None:
    """Set how many items the job is about: each once, whatever number of its models look at it."""
    rows = transaction.query(
        "SELECT DISTINCT s.kind, s.channel FROM job_models m JOIN spaces s ON s.id = m.space_id WHERE m.job_id = ?",
        (job_id,),
    )
    channels: dict[ItemKind, set[str]] = {}
    for kind, channel in rows or [TRACKS]:
        channels.setdefault(ItemKind(kind), set()).add(channel)
    items = 0
    for kind, found in channels.items():
        looked = looked_at(selection, kind, *sorted(found))
        sql = f"SELECT COUNT(DISTINCT i.id) FROM {looked.tables} WHERE {looked.where}"
        items += transaction.query(sql, looked.values)[0][0]
    transaction.execute(
        "UPDATE jobs SET planned = 1, items = ? WHERE owner = ? AND id = ?", (items, selection.owner, job_id)
    )


def next_rows(
    transaction: Transaction, job_id: str, space_id: int, limit: int, max_attempts: int
) -> list[int]:
    """Rows that cost no runner yet; only when none is left, one that did, alone, so that blame is sure."""
    of_job = f"FROM ledger WHERE job_id = ? AND space_id = ? AND {PENDING}"
    rows = transaction.query(
        f"SELECT item_id {of_job} AND attempts < ? ORDER BY attempts, item_id LIMIT ?{transaction.skip_locked}",
        (job_id, space_id, max_attempts, limit),
    )
    if rows:
        return [row[0] for row in rows]
    if not transaction.query(f"SELECT 1 {_OF_JOB} LIMIT 1", (job_id, space_id)):
        return []
    # Of those who ask at the same time one gets the row, and the others see it in that one's hands.
    lock_counters(transaction, job_id, space_id)
    # What others are about to lease is pending still, though it was skipped.
    in_hand = f"SELECT 1 {_OF_JOB} AND (state = '{RowState.LEASED}' OR attempts < ?) LIMIT 1"
    if transaction.query(in_hand, (job_id, space_id, max_attempts)):
        return []
    _give_up(transaction, job_id, space_id, 2 * max_attempts)
    rows = transaction.query(
        f"SELECT item_id {of_job} ORDER BY attempts, item_id LIMIT 1", (job_id, space_id)
    )
    return [row[0] for row in rows]


def lapsed_rows(
    transaction: Transaction, job_id: str, space_id: int, limit: int, max_attempts: int, now: float
) -> list[int]:
    """Rows that runners had in hand who were not heard of since; not those that cost as many as make them suspect."""
    rows = transaction.query(
        f"SELECT item_id {_OF_JOB} AND state = '{RowState.LEASED}' AND lease_until < ? AND attempts < ?"
        f" ORDER BY item_id LIMIT ?{transaction.skip_locked}",
        (job_id, space_id, now, max_attempts, limit),
    )
    return [row[0] for row in rows]


def lock_counters(transaction: Transaction, job_id: str, space_id: int) -> None:
    """The job's counters of the space are this transaction's. Who writes both them and rows begins here: of two who
    began at different ends each would wait for the other."""
    transaction.query(
        f"SELECT 1 FROM job_models WHERE job_id = ? AND space_id = ?{transaction.locked}", (job_id, space_id)
    )


def _give_up(transaction: Transaction, job_id: str, space_id: int, most: int) -> None:
    """Rows that cost so many runners have failed."""
    lost = transaction.execute(
        f"UPDATE ledger SET state = '{RowState.FAILED}', error_code = ?, error_message = ?"
        f" WHERE job_id = ? AND space_id = ? AND {PENDING} AND attempts >= ?",
        (RunnerLost.code, "the run died with it each time", job_id, space_id, most),
    )
    if lost:
        transaction.execute(
            "UPDATE job_models SET failed = failed + ? WHERE job_id = ? AND space_id = ?",
            (lost, job_id, space_id),
        )


def orphans(database: Database, owner: str, space: Space) -> list[int]:
    """Items of which the space has a row though nothing is there to look at any more: item or input are gone."""
    kind, channel = space.subject
    if kind is ItemKind.TRACK:
        return []  # a track's rows go with it
    values: tuple[str, ...]
    if channel:
        there, values = "SELECT 1 FROM inputs n WHERE n.item_id = l.item_id AND n.channel = ?", (channel,)
    else:
        there, values = "SELECT 1 FROM items i WHERE i.id = l.item_id", ()
    rows = database.query(
        f"SELECT l.item_id FROM ledger l WHERE l.space_id = ? AND l.owner = ? AND NOT EXISTS ({there})",
        (space.id, owner, *values),
    )
    return [row[0] for row in rows]


def forget_rows(transaction: Transaction, owner: str, space_id: int, item_ids: Iterable[int]) -> None:
    transaction.execute_many(
        "DELETE FROM ledger WHERE space_id = ? AND item_id = ? AND owner = ?",
        [(space_id, item_id, owner) for item_id in item_ids],
    )
