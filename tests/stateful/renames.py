"""Renaming in the house: plan, carry out, take back, each also with a death in the middle."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from reprise.core.rename_journal import MoveState, Session, SessionState
from reprise.core.renaming import RowStatus
from reprise.rename.planfile import PlanReader
from reprise.renaming import Renaming
from tests.stateful.death import Died

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stateful.house import House


class Renamer:
    """Names files by their titles; remembers each session's names and how things were before it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._number = 0
        self.last: tuple[str, str] | None = None
        """Owner and session that may be taken back."""

    def apply(self, owner: str, die: int = 0, *, finish: bool = True) -> bool:
        """Plan and carry out; after a death recover by finishing or by taking back. Whether there was anything to do."""
        house, names = self._house, self._planned(owner)
        if not names:
            return False
        before = dict(house.shelf.tracks)
        session, died = self._survive(die, lambda renaming: renaming.apply(self._plan, _quiet, _never), owner)
        if session is None:
            session = self._recovered(owner, finish=finish)
        if session is None:
            house.shelf.check_is(before)
            return True
        if session.state is SessionState.UNDONE:
            assert died, "it was taken back, and nobody asked"
            house.shelf.check_is(before)
            return True
        assert session.state is SessionState.DONE, session
        after = {names.get(path, path): track for path, track in before.items()}
        house.shelf.check_is(after)
        house.shelf.tracks = after
        house.oracles[owner].renamed(names)
        self.last = (owner, session.id)
        return True

    def undo(self, die: int = 0) -> bool:
        """Take the last session back: a file that is still what it was gets its name, all others stay what they are."""
        if self.last is None:
            return False
        house, (owner, session_id) = self._house, self.last
        self.last = None
        before = dict(house.shelf.tracks)
        moved = self._moves(owner, session_id)
        session, _ = self._survive(die, lambda renaming: renaming.undo(session_id, _quiet, _never), owner)
        if session is None:
            session = Renaming(house.of(owner)).undo(session_id, _quiet, _never)
        after = self._moves(owner, session_id)
        names = {new: old for new, old in moved.items() if new not in after}
        assert session.state is (SessionState.PARTLY_UNDONE if after else SessionState.UNDONE), session
        house.shelf.tracks = {names.get(path, path): track for path, track in before.items()}
        found = house.shelf.on_disk()
        assert Counter(map(str, found.values())) == Counter(map(str, before.values())), "a file is lost"
        house.shelf.check_is(house.shelf.tracks)
        house.oracles[owner].renamed(names)
        return True

    def _planned(self, owner: str) -> dict[str, str]:
        """New paths by old ones, as the preview shows them. All titles differ, so every file gets its title."""
        self._number += 1
        self._plan = self._house.folder / f"plan{self._number}.jsonl"
        house = self._house
        Renaming(house.of(owner)).plan(house.shelf.folder, "{title}", self._plan)
        with PlanReader(self._plan) as plan:
            rows = [row for row in plan.rows() if row.status is RowStatus.RENAME]
        names = {
            os.fsdecode(os.path.join(row.folder, row.old)): os.fsdecode(os.path.join(row.folder, row.new))
            for row in rows
        }
        for path, track in house.shelf.tracks.items():
            folder = path[: path.rfind("/") + 1]
            assert names.get(path, path) == f"{folder}{track.title}.wav", f"{path} becomes {names.get(path)}"
        return names

    def _moves(self, owner: str, session_id: str) -> dict[str, str]:
        """Old paths by new ones, of those files that have their new names."""
        moves = self._house.app.catalogue().renames.stream(owner, session_id)
        there = (MoveState.MOVED, MoveState.STUCK)
        return {
            os.fsdecode(os.path.join(move.folder, move.new)): os.fsdecode(os.path.join(move.folder, move.old))
            for move in moves
            if move.state in there
        }

    def _survive(
        self, die: int, work: Callable[[Renaming], Session], owner: str
    ) -> tuple[Session | None, bool]:
        """Do it, and perhaps die at that step; the session unless it died."""
        house = self._house
        renaming = Renaming(house.of(owner))
        sessions = renaming._sessions
        object.__setattr__(sessions, "rename", house.death.around(sessions.rename))
        house.death.threaten(die)
        try:
            session = work(renaming)
        except Died:
            house.counts["deaths"] += 1
            house.reopen()
            return None, True
        house.death.threaten(0)
        return session, False

    def _recovered(self, owner: str, *, finish: bool) -> Session | None:
        """Bring the session that died to an end; ``None`` if it died before it had begun."""
        renaming = Renaming(self._house.of(owner))
        newest = renaming.sessions(limit=1)[0]
        if not newest or newest[0].options.get("plan") is None:
            return None
        with PlanReader(self._plan) as plan:
            if newest[0].options["plan"] != plan.digest:
                return None
        if not newest[0].state.unfinished:
            return newest[0]
        return renaming.recover(newest[0].id, _quiet, _never, finish=finish)


def _quiet(_event: object) -> None:
    """Nobody listens."""


def _never() -> bool:
    return False
