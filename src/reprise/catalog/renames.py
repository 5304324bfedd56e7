"""The journal of renaming, and the items that go along with their files."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from reprise.catalog.follow import follow
from reprise.core.rename_journal import Move, MoveState, Session, SessionState
from reprise.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reprise.catalog.database import Database, Row, Transaction
    from reprise.core.rename_journal import Outcome

_SESSION = (
    "id, owner, root, state, total, turns, done, failed, created_at, updated_at, finished_at, options, error"
)
_MOVE = ", ".join(Move._fields)
_PLANNED = Move._fields.index("digest")
"""So many of a move's values are known when it is planned."""
_NEW_MOVE = ", ".join(("session_id", *Move._fields[:_PLANNED], "code", "error"))
_MARKS = ", ".join("?" * (_PLANNED + 1))
_THERE = frozenset({MoveState.MOVED, MoveState.RETURNING, MoveState.STUCK})
"""States in which the file has its new name."""
_WRONG = frozenset({MoveState.FAILED, MoveState.STUCK})


class SqlRenames:
    """Implements ``core.rename_journal.Renames``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        owner: str,
        session_id: str,
        root: bytes,
        options: Mapping[str, Any],
        moves: Iterable[Move],
        at: float,
    ) -> Session:
        written = _Counted(session_id, moves)
        with self._database.transaction() as transaction:
            transaction.execute(
                f"INSERT INTO rename_sessions ({_SESSION}) VALUES (?, ?, ?, ?, 0, 0, 0, 0, ?, ?, NULL, ?, '')",
                (session_id, owner, root, SessionState.RUNNING, at, at, json.dumps(options)),
            )
            total = transaction.execute_many(
                f"INSERT INTO rename_moves ({_NEW_MOVE}) VALUES ({_MARKS}, '', '')",
                written,
            )
            transaction.execute(
                "UPDATE rename_sessions SET total = ?, turns = ? WHERE id = ?",
                (total, written.turns, session_id),
            )
        return self.get(owner, session_id)

    def get(self, owner: str, session_id: str) -> Session:
        end = session_id + "\U0010ffff"
        rows = self._database.query(
            f"SELECT {_SESSION} FROM rename_sessions WHERE owner = ? AND id >= ? AND id < ? ORDER BY id LIMIT 2",
            (owner, session_id, end),
        )
        if len(rows) != 1 and not (rows and rows[0][0] == session_id):
            raise NotFound(
                f"there is no one session of renaming {session_id!r}", cure="see: reprise rename list"
            )
        return _session(rows[0])

    def page(self, owner: str, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        rows = self._database.query(
            f"SELECT {_SESSION} FROM rename_sessions WHERE owner = ? ORDER BY created_at DESC, id LIMIT ? OFFSET ?",
            (owner, limit, offset),
        )
        count = self._database.query("SELECT COUNT(*) FROM rename_sessions WHERE owner = ?", (owner,))[0][0]
        return [_session(row) for row in rows], int(count)

    def under_way(self) -> list[Session]:
        rows = self._database.query(
            f"SELECT {_SESSION} FROM rename_sessions WHERE state IN (?, ?) ORDER BY created_at DESC",
            (SessionState.RUNNING, SessionState.UNDOING),
        )
        return [_session(row) for row in rows]

    def batch(
        self, owner: str, session_id: str, first: int, end: int, states: Collection[MoveState]
    ) -> list[Move]:
        marks = ", ".join("?" * len(states))
        rows = self._database.query(
            f"SELECT {_MOVE} FROM rename_moves WHERE session_id = ? AND turn >= ? AND turn < ?"
            f" AND state IN ({marks}) AND {_OWNED} ORDER BY turn, number",
            (session_id, first, end, *states, session_id, owner),
        )
        return list(map(Move._make, rows))

    def intend(
        self,
        owner: str,
        session_id: str,
        moves: Sequence[Move],
        intended: MoveState,
        at: float,
        *,
        all_of_them: bool,
    ) -> None:
        own = (session_id, session_id, owner)
        update = f"UPDATE rename_moves SET state = ? WHERE session_id = ? AND {_OWNED} AND "
        with self._database.transaction(durable=True) as transaction:
            if all_of_them:
                span, states = _span(moves), sorted({move.state for move in moves})
                marks = ", ".join("?" * len(states))
                transaction.execute(
                    f"{update} turn >= ? AND turn <= ? AND state IN ({marks})",
                    (intended, *own, *span, *states),
                )
            else:
                keys = [(move.turn, move.number) for move in moves]
                transaction.execute_many(
                    f"{update} turn = ? AND number = ?", [(intended, *own, *key) for key in keys]
                )
            _touch(transaction, owner, session_id, at)

    def settle(
        self,
        owner: str,
        session_id: str,
        intended: MoveState,
        done: Sequence[Outcome],
        others: Sequence[Outcome],
        at: float,
    ) -> None:
        root = self.get(owner, session_id).root
        with self._database.transaction() as transaction:
            transaction.execute_many(
                "UPDATE rename_moves SET state = ?, code = ?, error = ? WHERE session_id = ? AND turn = ?"
                f" AND number = ? AND {_OWNED}",
                [
                    (state, code, error, session_id, move.turn, move.number, session_id, owner)
                    for move, state, code, error in others
                ],
            )
            if done:
                transaction.execute(
                    "UPDATE rename_moves SET state = ?, code = '', error = '' WHERE session_id = ?"
                    f" AND turn >= ? AND turn <= ? AND state = ? AND {_OWNED}",
                    (
                        done[0].state,
                        session_id,
                        *_span([one.move for one in done]),
                        intended,
                        session_id,
                        owner,
                    ),
                )
            outcomes = [*done, *others]
            digests = follow(transaction, owner, root, _renamed(outcomes))
            transaction.execute_many(
                "UPDATE rename_moves SET digest = ? WHERE session_id = ? AND turn = ? AND number = ?",
                [(digest, session_id, *key) for key, digest in digests],
            )
            _touch(transaction, owner, session_id, at, *_differences(outcomes))

    def set_state(self, owner: str, session_id: str, state: SessionState, at: float, error: str = "") -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE rename_sessions SET state = ?, updated_at = ?, finished_at = ?, error = ?"
                " WHERE owner = ? AND id = ?",
                (state, at, None if state.under_way else at, error, owner, session_id),
            )

    def set_options(self, owner: str, session_id: str, options: Mapping[str, Any]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE rename_sessions SET options = ? WHERE owner = ? AND id = ?",
                (json.dumps(options), owner, session_id),
            )

    def moves(
        self, owner: str, session_id: str, *, state: MoveState | None, limit: int, offset: int
    ) -> tuple[list[Move], int]:
        where = f"session_id = ? AND {_OWNED}" + (" AND state = ?" if state else "")
        values: list[Any] = [session_id, session_id, owner, *([state] if state else [])]
        rows = self._database.query(
            f"SELECT {_MOVE} FROM rename_moves WHERE {where} ORDER BY turn, number LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        count = self._database.query(f"SELECT COUNT(*) FROM rename_moves WHERE {where}", values)[0][0]
        return list(map(Move._make, rows)), int(count)

    def stream(self, owner: str, session_id: str, kind: str | None = None) -> Iterator[Move]:
        where = f"session_id = ? AND {_OWNED}" + (" AND kind = ?" if kind else "")
        rows = self._database.stream(
            f"SELECT {_MOVE} FROM rename_moves WHERE {where} ORDER BY turn, number",
            (session_id, session_id, owner, *([kind] if kind else [])),
        )
        return map(Move._make, rows)

    def counts(self, owner: str, session_id: str) -> dict[str, int]:
        rows = self._database.query(
            f"SELECT state, COUNT(*) FROM rename_moves WHERE session_id = ? AND {_OWNED} GROUP BY state",
            (session_id, session_id, owner),
        )
        return dict(rows)


_OWNED = "EXISTS (SELECT 1 FROM rename_sessions WHERE id = ? AND owner = ?)"
"""Moves have no owner of their own: it is their session's."""


class _Counted:
    """Moves on their way into the journal; ``turns`` of those that have passed."""

    def __init__(self, session_id: str, moves: Iterable[Move]) -> None:
        self._session_id = session_id
        self._moves = moves
        self.turns = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        move = None
        for move in self._moves:
            yield self._session_id, *move[:_PLANNED]
        if move is not None:
            self.turns = move.turn + 1


def _touch(
    transaction: Transaction, owner: str, session_id: str, at: float, done: int = 0, failed: int = 0
) -> None:
    transaction.execute(
        "UPDATE rename_sessions SET updated_at = ?, done = done + ?, failed = failed + ? WHERE owner = ? AND id = ?",
        (at, done, failed, owner, session_id),
    )


def _differences(outcomes: Iterable[Outcome]) -> tuple[int, int]:
    """By how much the session's counts change."""
    done = failed = 0
    changes = Counter([(move.state, state) for move, state, _, _ in outcomes])
    for (before, after), count in changes.items():
        done += count * ((after in _THERE) - (before in _THERE))
        failed += count * ((after in _WRONG) - (before in _WRONG))
    return done, failed


def _span(moves: Sequence[Move]) -> tuple[int, int]:
    """The first turn and the last."""
    turns = (moves[0].turn, moves[-1].turn)
    return min(turns), max(turns)


def _renamed(outcomes: Iterable[Outcome]) -> Iterator[tuple[tuple[int, int], bytes, bytes, bytes]]:
    """Key, folder, the name that the catalogue knows and the one that the file has now."""
    for move, state, _, _ in outcomes:
        if state is MoveState.MOVED and move.state not in _THERE:
            yield (move.turn, move.number), move.folder, move.old, move.new
        elif state is MoveState.BACK and move.state in _THERE:
            yield (move.turn, move.number), move.folder, move.new, move.old


def _session(row: Row) -> Session:
    (
        session_id,
        owner,
        root,
        state,
        total,
        turns,
        done,
        failed,
        created_at,
        updated_at,
        finished_at,
        options,
        error,
    ) = row
    return Session(
        session_id, owner, root, SessionState(state), total, turns, done, failed, created_at, updated_at, finished_at,
        json.loads(options), error,
    )  # fmt: skip
