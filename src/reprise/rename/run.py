"""A run along the moves of a session, forth or back: what is to happen is on the disk before it happens."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from reprise.core.events import RenameFinished, RenameNotice, RenameProgress, RenameStarted
from reprise.core.items import display_path
from reprise.core.rename_journal import Move, MoveState, Outcome, SessionState
from reprise.errors import LibraryError
from reprise.rename.carrier import BACK, FORTH, Carrier, DiskGone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from reprise.core.events import Emit
    from reprise.core.rename_journal import Renames, Session
    from reprise.rename.carrier import Way
    from reprise.rename.files import Rename

_TURN = itemgetter(Move._fields.index("turn"))
_IN_DOUBT = (MoveState.MOVING, MoveState.RETURNING)
_OPEN = {False: (MoveState.PLANNED,), True: (MoveState.MOVED, MoveState.STUCK)}
"""What is still to be moved, forth and back."""
_INTENT = {False: MoveState.MOVING, True: MoveState.RETURNING}
TOLD_EVERY = 0.1
"""Seconds, when not each file is told of."""
_UNTOUCHED = {False: MoveState.PLANNED, True: MoveState.MOVED}


@dataclass(slots=True)
class Run:
    """Moves the files of one session. ``batch`` turns are intended at a time.

    ``stop`` says whether somebody wants the run to end, and is asked after each turn. ``digest`` gives the digest of
    the sound of a file. ``each``: every file is told of, as it is renamed; else, besides what went wrong, how far it
    is, ten times a second. A run that dies leaves moves in doubt; the next one, forth or back, looks where their files
    are.
    """

    renames: Renames
    session: Session
    emit: Emit
    stop: Callable[[], bool]
    rename: Rename
    digest: Callable[[bytes], bytes]
    batch: int = 1000
    each: bool = True
    _total: int = 0
    _told: int = 0
    _tell_at: float = 0.0
    _back_before: int = 0
    _gone: bool = False

    def forth(self) -> Session:
        """Move what is planned. Raises ``LibraryError`` when the folder is not there to begin with."""
        counts = self._counts()
        self._total = self.session.total
        self._told = self._total - counts.get(MoveState.PLANNED, 0) - counts.get(MoveState.MOVING, 0)
        return self._run(FORTH, None)

    def back(self, only: Collection[int] | None = None) -> Session:
        """Give files their old names back, in the reverse order; ``only`` the rows of these numbers."""
        states = (*_OPEN[True], *_IN_DOUBT)
        moves = self.renames.stream(self.session.owner, self.session.id)
        self._back_before = self._counts().get(MoveState.BACK, 0)
        self._total = sum(move.state in states and (only is None or move.number in only) for move in moves)
        return self._run(BACK, only)

    def _run(self, way: Way, only: Collection[int] | None) -> Session:
        began = time.monotonic()
        with self._carrier() as carrier:
            self._set_state(SessionState.UNDOING if way.back else SessionState.RUNNING)
            self.emit(RenameStarted(session_id=self.session.id, total=self._total, undo=way.back))
            try:
                self._resolve(carrier, way)
                through = self._batches(carrier, way, only)
            except DiskGone:
                self._gone, through = True, False
        error = f"{display_path(self.session.root)} went away in the middle" if self._gone else ""
        counts = self._counts()
        self._set_state(self._ended(way, counts, through=through), error)
        return self._finished(way, counts, time.monotonic() - began)

    @contextmanager
    def _carrier(self) -> Iterator[Carrier]:
        carrier = Carrier(self.session.id, self.session.root, self.rename, self.digest)
        try:
            carrier.__enter__()
        except DiskGone:
            raise LibraryError(
                f"{display_path(self.session.root)} is not there, or empty",
                cure="mount the disk, then run the same command again; nothing was changed",
            ) from None
        with carrier:
            yield carrier

    def _resolve(self, carrier: Carrier, way: Way) -> None:
        """Moves in doubt since an earlier run was killed: their files are looked for and brought where they belong."""
        doubtful = self._moves(0, self.session.turns, _IN_DOUBT)
        if not doubtful:
            return
        outcomes = []
        for _, turn in groupby(doubtful, key=_TURN):
            outcomes += self._resolved(carrier, list(turn), way)
        carrier.sync()
        self.renames.settle(self.session.owner, self.session.id, MoveState.MOVING, [], outcomes, time.time())
        for outcome in outcomes:
            self._told += 1
            self._tell(outcome)

    def _resolved(self, carrier: Carrier, turn: list[Move], way: Way) -> list[Outcome]:
        names = {move.number: carrier.find(move) for move in turn}
        lost = [move for move in turn if names[move.number] is None]
        found = {number: name for number, name in names.items() if name is not None}
        outcomes = carrier.carry_from([move for move in turn if move.number in found], found, way)
        return outcomes + [
            Outcome(move, way.failed, "vanished", "not found under any of its names") for move in lost
        ]

    def _batches(self, carrier: Carrier, way: Way, only: Collection[int] | None) -> bool:
        """All turns, a batch at a time; whether it came to the end."""
        at = self.session.turns if way.back else 0
        while at > 0 if way.back else at < self.session.turns:
            if self.stop():
                return False
            first, end = (at - self.batch, at) if way.back else (at, at + self.batch)
            try:
                moves = self._moves(first, end, _OPEN[way.back])
            except MemoryError:
                self._shrink()
                continue
            chosen = moves if only is None else [move for move in moves if move.number in only]
            if chosen and not self._carry(carrier, chosen, way, all_of_them=only is None):
                return False
            at = first if way.back else end
        return True

    def _shrink(self) -> None:
        if self.batch == 1:
            raise MemoryError
        self.batch //= 2
        text = f"memory is short: from now on {self.batch:,} files at a time"
        self.emit(RenameNotice(session_id=self.session.id, text=text))

    def _carry(self, carrier: Carrier, moves: list[Move], way: Way, *, all_of_them: bool) -> bool:
        """One batch: intents, then moves, then what became of them. Whether the next one may follow."""
        owner, session_id, intended = self.session.owner, self.session.id, _INTENT[way.back]
        self.renames.intend(owner, session_id, moves, intended, time.time(), all_of_them=all_of_them)
        turns = _turns(moves)
        if way.back:
            turns.reverse()
        arrived: list[Outcome] = []
        others: list[Outcome] = []
        begun = 0
        try:
            for turn in turns:
                if self.stop():
                    break
                begun += 1
                for outcome in carrier.carry(turn, way):
                    (arrived if outcome.state is way.arrived else others).append(outcome)
                    self._told += 1
                    if self.each or outcome.code or self._due():
                        self._tell(outcome)
            carrier.sync()
        except DiskGone:
            self._gone = True  # what was in hand stays in doubt
        others += [Outcome(move, _UNTOUCHED[way.back]) for turn in turns[begun:] for move in turn]
        self.renames.settle(owner, session_id, intended, arrived, others, time.time())
        return begun == len(turns) and not self._gone

    def _due(self) -> bool:
        return self._told == self._total or time.monotonic() >= self._tell_at

    def _tell(self, outcome: Outcome) -> None:
        move, state, code, error = outcome
        self._tell_at = time.monotonic() + TOLD_EVERY
        self.emit(
            RenameProgress(
                session_id=self.session.id,
                done=self._told,
                total=self._total,
                percent=100.0 * self._told / self._total,
                current=_shown(move.new),
                index=move.number,
                result=state.value,
                code=code,
                reason=error,
            )
        )

    def _ended(self, way: Way, counts: dict[str, int], *, through: bool) -> SessionState:
        if way.back:
            left = (*_OPEN[True], *_IN_DOUBT)
            return SessionState.PARTLY_UNDONE if any(map(counts.get, left)) else SessionState.UNDONE
        if self._gone:
            return SessionState.INTERRUPTED
        if not through:
            return SessionState.CANCELLED
        return SessionState.DONE_WITH_ERRORS if counts.get(MoveState.FAILED) else SessionState.DONE

    def _finished(self, way: Way, counts: dict[str, int], seconds: float) -> Session:
        session = self.renames.get(self.session.owner, self.session.id)
        self.emit(
            RenameFinished(
                session_id=session.id,
                state=session.state.value,
                total=self._total,
                done=counts.get(MoveState.BACK, 0) - self._back_before if way.back else session.done,
                failed=counts.get(way.failed, 0),
                seconds=seconds,
                error=session.error,
            )
        )
        return session

    def _moves(self, first: int, end: int, states: Collection[MoveState]) -> list[Move]:
        return self.renames.batch(self.session.owner, self.session.id, first, end, states)

    def _counts(self) -> dict[str, int]:
        return self.renames.counts(self.session.owner, self.session.id)

    def _set_state(self, state: SessionState, error: str = "") -> None:
        self.renames.set_state(self.session.owner, self.session.id, state, time.time(), error)


def _turns(moves: Sequence[Move]) -> list[Sequence[Move]]:
    """Moves in their order, those of one turn together; nearly all are alone in theirs."""
    if len(set(map(_TURN, moves))) == len(moves):
        return [(move,) for move in moves]
    return [tuple(turn) for _, turn in groupby(moves, key=_TURN)]


def _shown(name: bytes) -> str:
    """A name for people; most are plain, and this is asked for each."""
    if name.isascii():
        text = name.decode()
        if text.isprintable():
            return text
    return display_path(name)
