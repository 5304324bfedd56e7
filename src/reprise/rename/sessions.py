"""Sessions of renaming: a plan is applied, undone, recovered; one at a time below a root, while no scan looks.

Locks are taken in this order: first the one of renaming below the root, then the scan locks of the owner's libraries
there, by id. A scan holds one lock only, so nobody waits in a circle.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from reprise.core.events import RenameNotice
from reprise.core.items import display_path
from reprise.core.rename_journal import SessionState
from reprise.core.renaming import FileKind
from reprise.errors import NotFound, RenameConflict, UsageError
from reprise.rename.files import exclusive_rename
from reprise.rename.moves import planned_moves
from reprise.rename.references import Places, rewrite_sheet
from reprise.rename.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from reprise.core.events import Emit
    from reprise.core.rename_journal import Renames, Session
    from reprise.rename.files import Rename
    from reprise.rename.planfile import PlanReader

    Stop = Callable[[], bool]

_LATEST = 1000


class Locks(Protocol):
    """Locks that end with the process that holds them."""

    def try_lock(self, name: str) -> AbstractContextManager[bool]: ...

    def held(self, name: str) -> bool: ...


def rename_lock(root: bytes) -> str:
    """The lock that whoever renames below the root holds, by whatever way the root is reached."""
    return f"rename-{hashlib.sha256(os.path.realpath(root)).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Sessions:
    """What one owner does with plans. ``quiet`` keeps scans away from a root; ``digest`` gives that of a file's sound.

    ``each``: every file is told of, see :class:`~reprise.rename.run.Run`. ``stop`` of each method says whether somebody
    wants it to end; the file in hand is brought to its end.
    """

    renames: Renames
    owner: str
    locks: Locks
    quiet: Callable[[bytes, Stop], AbstractContextManager[None]]
    digest: Callable[[bytes], bytes]
    batch: int
    rename: Rename = field(default_factory=exclusive_rename)
    each: bool = True

    def apply(
        self,
        plan: PlanReader,
        emit: Emit,
        stop: Stop,
        *,
        only: Collection[int] | None = None,
        sidecars: bool = True,
    ) -> Session:
        """Rename what the plan says, or go on with it where it was left.

        Raises ``RenameConflict`` when another one is in the way, ``BadPlan`` for a damaged plan or unknown rows,
        ``LibraryError`` when the folder is not there.
        """
        chosen = None if only is None else sorted(set(only))
        for number in (chosen or [])[-1:] + (chosen or [])[:1]:
            plan.row(number)
        options = {
            "plan": plan.digest,
            "template": plan.header.template,
            "folder": display_path(plan.header.folder),
            "only": chosen,
            "sidecars": sidecars,
        }
        known = self._known(options)
        root = plan.header.root
        with self._alone(root, stop, known):
            session = known
            if session is None:
                moves = planned_moves(plan.renames(), only, sidecars=sidecars)
                session = self.renames.begin(
                    self.owner, secrets.token_hex(4), root, options, moves, time.time()
                )
            else:
                _tell(emit, session, f"goes on with session {session.id}")
            return self._forth(session, emit, stop)

    def undo(
        self, session: Session, emit: Emit, stop: Stop, *, only: Collection[int] | None = None
    ) -> Session:
        """Give all files their old names back, or those of some rows, where that can be done without harm.

        Raises ``RenameConflict`` and ``LibraryError`` as ``apply`` does.
        """
        with self._alone(session.root, stop, session):
            current = self.renames.get(self.owner, session.id)
            if current.state.under_way:
                _tell(
                    emit, current, f"session {current.id} was killed in the middle: looks where its files are"
                )
            options = {**current.options, "undoing": None if only is None else sorted(set(only))}
            self.renames.set_options(self.owner, session.id, options)
            self._mend_sheets(current, emit, before_undo=True)
            return self._run(current, emit, stop).back(only)

    def recover(self, session: Session, emit: Emit, stop: Stop, *, finish: bool) -> Session:
        """Bring a session that was killed, cancelled or interrupted to its end, or take all of it back.

        One that was killed while it was undone is undone either way. Raises ``UsageError`` when it has ended.
        """
        if session.state is SessionState.UNDOING:
            return self.undo(session, emit, stop, only=session.options.get("undoing") if finish else None)
        if not session.state.unfinished:
            raise UsageError(
                f"session {session.id} is {session.state.value.replace('_', ' ')}: there is nothing to recover",
                cure=f"take it back with: reprise rename undo {session.id}",
            )
        if not finish:
            return self.undo(session, emit, stop)
        with self._alone(session.root, stop, session):
            return self._forth(self.renames.get(self.owner, session.id), emit, stop)

    def find(self, session_id: str) -> Session:
        """Raises ``NotFound``; a unique beginning of the id is enough."""
        return self.renames.get(self.owner, session_id)

    def latest(self, wanted: Callable[[Session], bool], what: str) -> Session:
        """The newest session of that kind. Raises ``NotFound``, with ``what`` it is that is not there."""
        found = next(filter(wanted, self.renames.page(self.owner, _LATEST)[0]), None)
        if found is None:
            raise NotFound(f"there is no session of renaming {what}", cure="see: reprise rename list")
        return found

    def died(self, session: Session) -> bool:
        """Whether it is neither ended nor in the hands of a living process."""
        return session.state.under_way and not self.locks.held(rename_lock(session.root))

    def _known(self, options: dict[str, Any]) -> Session | None:
        """The session that has applied this very plan in part. Raises ``RenameConflict`` when one has done all of it."""
        for session in self.renames.page(self.owner, _LATEST)[0]:
            if any(session.options.get(key) != options[key] for key in options):
                continue
            if session.state in (SessionState.DONE, SessionState.DONE_WITH_ERRORS):
                raise RenameConflict(
                    f"session {session.id} has carried out this plan already",
                    cure=f"plan anew for what is left, or take it back with: reprise rename undo {session.id}",
                )
            return session if session.state.unfinished else None
        return None

    @contextmanager
    def _alone(self, root: bytes, stop: Stop, mine: Session | None) -> Iterator[None]:
        with self.locks.try_lock(rename_lock(root)) as ours:
            if not ours:
                raise self._busy(root)
            self._refuse_dead(root, mine)
            with self.quiet(root, stop):
                yield

    def _busy(self, root: bytes) -> RenameConflict:
        running = [one.id for one in self._under_way(root)]
        name = f"session {running[0]}" if running else "another session"
        return RenameConflict(
            f"{name} renames files in {display_path(root)} in another process now",
            cure="wait for it, or look at it with: reprise rename list",
        )

    def _refuse_dead(self, root: bytes, mine: Session | None) -> None:
        """Files may wait under temporary names: first it must be said what is to become of them."""
        for session in self._under_way(root):
            if mine is None or session.id != mine.id:
                raise RenameConflict(
                    f"session {session.id} was killed in the middle, with {session.done:,} of"
                    f" {session.total:,} files renamed for sure",
                    cure=f"reprise rename recover {session.id} --finish, or --roll-back",
                )

    def _under_way(self, root: bytes) -> list[Session]:
        return [one for one in self.renames.under_way() if one.owner == self.owner and one.root == root]

    def _forth(self, session: Session, emit: Emit, stop: Stop) -> Session:
        ended = self._run(session, emit, stop).forth()
        self._mend_sheets(ended, emit, before_undo=False)
        return ended

    def _mend_sheets(self, session: Session, emit: Emit, *, before_undo: bool) -> None:
        """Cue sheets that went along name their files as they are called now, or will be when all is undone.

        Otherwise the next scan would find no tracks in those files any more.
        """
        sidecars = self.renames.stream(self.owner, session.id, FileKind.SIDECAR)
        sheets = [move for move in sidecars if move.name == move.new and move.new.lower().endswith(b".cue")]
        if not sheets:
            return
        moves = self.renames.stream(self.owner, session.id)
        places = Places(session.root, moves, before_undo=before_undo)
        for sheet in sheets:
            try:
                rewrite_sheet(os.path.join(session.root, sheet.folder, sheet.new), places)
            except OSError as error:
                text = f"{display_path(sheet.new)} could not be rewritten: {error.strerror}"
                emit(RenameNotice(session_id=session.id, text=text))

    def _run(self, session: Session, emit: Emit, stop: Stop) -> Run:
        return Run(self.renames, session, emit, stop, self.rename, self.digest, self.batch, self.each)


def _tell(emit: Emit, session: Session, text: str) -> None:
    so_far = f"{text}; {session.done:,} of {session.total:,} files are renamed so far"
    emit(RenameNotice(session_id=session.id, text=so_far))
