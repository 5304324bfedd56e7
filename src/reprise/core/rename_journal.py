"""The journal of renaming: what is meant to happen is on the disk before it happens, so that nothing is ever in doubt.

A *session* is one plan that is carried out. Its *moves* are grouped into *turns*, which are taken in ascending order
and taken back in descending order: a chain of names goes from its free end on, and files that trade places share a
turn. What became of a file after a crash is told by the folder itself: it has its old name, its new one, or the
temporary one that follows from session and number (:func:`temporary_name`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reprise.core.items import display_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_TEMPORARY = b".reprise-rename-"


class SessionState(StrEnum):
    """``RUNNING`` and ``UNDOING`` without a living process: it was killed, and the journal is to be looked through."""

    RUNNING = "running"
    DONE = "done"
    DONE_WITH_ERRORS = "done_with_errors"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    UNDOING = "undoing"
    UNDONE = "undone"
    PARTLY_UNDONE = "partly_undone"

    @property
    def under_way(self) -> bool:
        return self in (SessionState.RUNNING, SessionState.UNDOING)

    @property
    def unfinished(self) -> bool:
        """Whether some of it may still be done."""
        return self in (SessionState.RUNNING, SessionState.CANCELLED, SessionState.INTERRUPTED)


class MoveState(StrEnum):
    """``MOVING`` and ``RETURNING``: intended; the folder tells whether it has happened. ``STUCK``: not taken back."""

    PLANNED = "planned"
    MOVING = "moving"
    MOVED = "moved"
    FAILED = "failed"
    RETURNING = "returning"
    BACK = "back"
    STUCK = "stuck"


class Move(NamedTuple):
    """One file of a session: ``number`` as in its plan, names in the file system's bytes, identity as it was planned.

    ``folder`` is relative to the session's root. ``digest`` is that of its sound, if the catalogue knew it. ``code``
    and ``error`` say why it failed or is stuck. A tuple: there may be a million of them.
    """

    turn: int
    number: int
    folder: bytes
    old: bytes
    new: bytes
    kind: str
    state: str
    inode: int
    size: int
    mtime_ns: int
    digest: bytes | None = None
    code: str = ""
    error: str = ""

    @property
    def name(self) -> bytes:
        """The name that the file has now, as far as the journal knows."""
        there = (MoveState.MOVED, MoveState.RETURNING, MoveState.STUCK)
        return self.new if self.state in there else self.old

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values for people and scripts."""
        return {
            "number": self.number,
            "folder": display_path(self.folder),
            "old": display_path(self.old),
            "new": display_path(self.new),
            "kind": self.kind,
            "state": self.state,
            "code": self.code,
            "reason": self.error,
        }


class Outcome(NamedTuple):
    """What became of one move. ``code`` and ``error`` are empty when nothing was wrong."""

    move: Move
    state: MoveState
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One plan as it was carried out. ``root`` is absolute; times are seconds since the epoch.

    ``done`` counts files that have their new name now, ``failed`` those that could not get it, or not their old one
    back. ``turns``: how many there are. ``options``: the plan and what was asked with it.
    """

    id: str
    owner: str
    root: bytes
    state: SessionState
    total: int
    turns: int
    done: int
    failed: int
    created_at: float
    updated_at: float
    finished_at: float | None
    options: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "session_id": self.id,
            "root": display_path(self.root),
            "state": self.state.value,
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "finished_at": self.finished_at,
            "options": dict(self.options),
            "error": self.error,
        }


def temporary_name(session_id: str, number: int) -> bytes:
    """The name that a file bears while others trade places with it. Scans leave out what begins with a dot."""
    return b"%s%s-%d" % (_TEMPORARY, session_id.encode(), number)


class Renames(Protocol):
    """The journal. Whatever belongs to an owner names the owner first."""

    def begin(
        self,
        owner: str,
        session_id: str,
        root: bytes,
        options: Mapping[str, Any],
        moves: Iterable[Move],
        at: float,
    ) -> Session:
        """Write a session with all its moves, wholly or, when ``moves`` raises, not at all."""

    def get(self, owner: str, session_id: str) -> Session:
        """Raises ``NotFound``; a unique beginning of the id is enough."""

    def page(self, owner: str, limit: int, offset: int = 0) -> tuple[list[Session], int]:
        """Sessions, the newest first, and how many there are."""

    def under_way(self) -> list[Session]:
        """Of all owners: those that run, or ran when their process was killed."""

    def batch(
        self, owner: str, session_id: str, first: int, end: int, states: Collection[MoveState]
    ) -> list[Move]:
        """The moves of these turns, ``first`` up to but without ``end``, that are in one of the states, by turn."""

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
        """From now on it may happen to these moves, which are in order. On the disk when this returns.

        ``all_of_them``: no other move of their turns is in the state of one of these.
        """

    def settle(
        self,
        owner: str,
        session_id: str,
        intended: MoveState,
        done: Sequence[Outcome],
        others: Sequence[Outcome],
        at: float,
    ) -> None:
        """What became of a batch, with the session's counts, and items whose file got another name, all at once.

        ``done`` are all of one state, and no other move of their turns is intended. Items of the owner, and tracks
        that lie inside such a file, go along.
        """

    def set_state(
        self, owner: str, session_id: str, state: SessionState, at: float, error: str = ""
    ) -> None: ...

    def set_options(self, owner: str, session_id: str, options: Mapping[str, Any]) -> None: ...

    def moves(
        self, owner: str, session_id: str, *, state: MoveState | None, limit: int, offset: int
    ) -> tuple[list[Move], int]:
        """A page of a session's moves, in the order of their turns, and how many there are."""

    def stream(self, owner: str, session_id: str, kind: str | None = None) -> Iterator[Move]:
        """All moves of a session by turn, or those of one kind, in constant memory."""

    def counts(self, owner: str, session_id: str) -> dict[str, int]:
        """Moves by state."""
