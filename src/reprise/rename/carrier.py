"""Carrying files to their names, one turn after another, and finding them again where a killed run left them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.items import display_path
from reprise.core.rename_journal import MoveState, Outcome, temporary_name
from reprise.rename.files import INODE_MASK, LOST, Folder, like_file, same_file, sync_folders, trouble
from reprise.rename.order import folded_name, in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reprise.core.rename_journal import Move
    from reprise.rename.files import Rename

MOST_OPEN = 128
"""Folders held open until they are synced; systems allow about a thousand."""


class DiskGone(Exception):
    """The session's root is not there any more, or another one is in its place."""


class _Refused(Exception):
    """One file is not moved."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(slots=True)
class Way:
    """From which name to which, and what it is called when it went well and when not."""

    back: bool
    arrived: MoveState
    failed: MoveState

    def ends(self, move: Move) -> tuple[bytes, bytes]:
        return (move.new, move.old) if self.back else (move.old, move.new)


FORTH = Way(back=False, arrived=MoveState.MOVED, failed=MoveState.FAILED)
BACK = Way(back=True, arrived=MoveState.BACK, failed=MoveState.STUCK)


@dataclass(slots=True)
class Carrier:
    """Moves the files of one session. ``root`` is absolute.

    ``digest`` gives the digest of the sound of a file, for one whose tags were written since it was renamed.
    Raises ``DiskGone``.
    """

    session_id: str
    root: bytes
    rename: Rename
    digest: Callable[[bytes], bytes]
    _folders: dict[bytes, Folder] = field(default_factory=dict)
    _identity: tuple[int, int] = (0, 0)

    def __enter__(self) -> Carrier:
        try:
            status = os.stat(self.root)
            with os.scandir(self.root) as entries:
                if next(entries, None) is None:
                    raise DiskGone
        except OSError:
            raise DiskGone from None
        self._identity = (status.st_dev, status.st_ino)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def carry(self, turn: Sequence[Move], way: Way) -> list[Outcome]:
        """Take one turn: a file, or files that trade places. Each error is an outcome."""
        if len(turn) == 1:
            return [self._carry_one(turn[0], way)]
        return self._carry_several(turn, {move.number: way.ends(move)[0] for move in turn}, way)

    def carry_from(self, turn: Sequence[Move], names: Mapping[int, bytes], way: Way) -> list[Outcome]:
        """The same for files that were found under these ``names``, by number, after a crash."""
        return self._carry_several(turn, names, way)

    def find(self, move: Move) -> bytes | None:
        """The one name under which the file is now; ``None`` when it is not there."""
        try:
            folder = self._folder(move.folder)
            temporary = temporary_name(self.session_id, move.number)
            found = self._alike(folder, move, (move.old, move.new, temporary))
            if len(found) < 2:
                return found[0] if found else None
            return self._of_several(folder, found)
        except OSError as error:
            self._note_loss(error)
            return None

    def sync(self) -> None:
        """What was renamed so far survives a power cut."""
        try:
            sync_folders(list(self._folders.values()))
        except OSError as error:
            self._note_loss(error)
        finally:
            self._close()

    def _close(self) -> None:
        for folder in self._folders.values():
            with suppress(OSError):  # the disk may be gone
                folder.close()
        self._folders.clear()

    def _folder(self, path: bytes) -> Folder:
        folder = self._folders.get(path)
        if folder is None:
            if len(self._folders) >= MOST_OPEN:
                self.sync()
            folder = self._folders[path] = Folder(os.path.join(self.root, path), self.rename)
        return folder

    def _carry_one(self, move: Move, way: Way) -> Outcome:
        source, target = (move.new, move.old) if way.back else (move.old, move.new)
        try:
            folder = self._folders.get(move.folder) or self._folder(move.folder)
            status = folder.status(source)
            if not same_file(status, move.inode, move.size, move.mtime_ns):
                self._check_like(status, move, source, way)
            folder.rename(source, target)
        except _Refused as refusal:
            return Outcome(move, way.failed, refusal.code, refusal.reason)
        except OSError as error:
            return self._in_spite_of(error, move, (source, target), way)
        return Outcome(move, way.arrived)

    def _in_spite_of(self, error: OSError, move: Move, step: tuple[bytes, bytes], way: Way) -> Outcome:
        """The file could not simply be renamed: its disk takes both names for one, it is back already, or it fails."""
        try:
            if isinstance(error, FileExistsError) and _same_entry(folder := self._folder(move.folder), *step):
                self._change_case(folder, temporary_name(self.session_id, move.number), *step)
                return Outcome(move, way.arrived)
        except OSError as further:
            error = further
        self._note_loss(error)
        if way.back and self._is_back(move):
            return Outcome(move, way.arrived)
        return Outcome(move, way.failed, *trouble(error))

    def _is_back(self, move: Move) -> bool:
        """Whether somebody else, or a power cut, has given the file its old name already."""
        try:
            folder = self._folder(move.folder)
            there = same_file(folder.status(move.old), move.inode, move.size, move.mtime_ns)
            return there and not folder.entries([move.new])
        except OSError:
            return False

    def _check(self, folder: Folder, move: Move, name: bytes, way: Way) -> None:
        status = folder.status(name)
        if not same_file(status, move.inode, move.size, move.mtime_ns):
            self._check_like(status, move, name, way)

    def _check_like(self, status: os.stat_result, move: Move, name: bytes, way: Way) -> None:
        """It is not the very file as it was: may it be moved all the same?"""
        if way.back and (like_file(status, move.size, move.mtime_ns) or self._same_sound(move, name)):
            return
        since = "it was renamed" if way.back else "the plan was made"
        raise _Refused("changed", f"another file, or other content, than when {since}")

    def _same_sound(self, move: Move, name: bytes) -> bool:
        """Whether only tags were written since: for that its sound must have been known before."""
        if move.digest is None:
            return False
        return self.digest(os.path.join(self.root, move.folder, name)) == move.digest

    def _change_case(self, folder: Folder, temporary: bytes, source: bytes, target: bytes) -> None:
        """On a disk that takes both names for one, the file steps aside in between."""
        folder.rename(source, temporary)
        try:
            folder.rename(temporary, target)
        except OSError:
            folder.rename(temporary, source)
            raise

    def _carry_several(self, turn: Sequence[Move], names: Mapping[int, bytes], way: Way) -> list[Outcome]:
        outcomes = []
        pairs = [(names[move.number], way.ends(move)[1]) for move in turn]
        for places in in_turns(pairs):
            moves = [turn[place] for place in places]
            steps = [pairs[place] for place in places]
            if len(moves) == 1:
                outcomes.append(self._carry_found(moves[0], steps[0], way))
            else:
                outcomes += self._trade(moves, steps, way)
        return outcomes

    def _carry_found(self, move: Move, step: tuple[bytes, bytes], way: Way) -> Outcome:
        if step[0] == step[1]:
            return Outcome(move, way.arrived)
        if step[0] == way.ends(move)[0]:
            return self._carry_one(move, way)
        try:
            self._folder(move.folder).rename(*step)
        except OSError as error:
            self._note_loss(error)
            return self._bring_home(Outcome(move, way.failed, *trouble(error)), step[0], way)
        return Outcome(move, way.arrived)

    def _bring_home(self, outcome: Outcome, name: bytes, way: Way) -> Outcome:
        """From its temporary name to the one it set out from."""
        move = outcome.move
        try:
            self._folder(move.folder).rename(name, way.ends(move)[0])
        except OSError as error:
            self._note_loss(error)
            return outcome._replace(error=f"{outcome.error}; it is called {display_path(name)} now")
        return outcome

    def _trade(self, moves: Sequence[Move], steps: Sequence[tuple[bytes, bytes]], way: Way) -> list[Outcome]:
        """Files in a circle: the first steps aside, the others go from the last on, and it comes in. All or none."""
        temporary = temporary_name(self.session_id, moves[0].number)
        (source, target), *rest = steps
        walk = [(moves[0], source, temporary)]
        walk += [(move, *step) for move, step in zip(reversed(moves[1:]), reversed(rest), strict=True)]
        walk.append((moves[0], temporary, target))
        gone: list[tuple[Move, bytes, bytes]] = []
        at = moves[0]
        try:
            folder = self._folder(moves[0].folder)
            for at, (name, _) in zip(moves, steps, strict=True):
                self._check(folder, at, name, way)
            for at, before, after in walk:
                folder.rename(before, after)
                gone.append((at, before, after))
        except _Refused as refusal:
            return _none(moves, at, refusal.code, refusal.reason, way)
        except OSError as error:
            self._note_loss(error)
            return self._take_back(gone, _none(moves, at, *trouble(error), way))
        return [Outcome(move, way.arrived) for move in moves]

    def _take_back(self, gone: Sequence[tuple[Move, bytes, bytes]], outcomes: list[Outcome]) -> list[Outcome]:
        left = {}
        for move, before, after in reversed(gone):
            try:
                self._folder(move.folder).rename(after, before)
            except OSError as error:
                self._note_loss(error)
                left[move.number] = display_path(after)
        return [
            outcome._replace(error=f"{outcome.error}; it is called {left[outcome.move.number]} now")
            if outcome.move.number in left
            else outcome
            for outcome in outcomes
        ]

    def _alike(self, folder: Folder, move: Move, names: Sequence[bytes]) -> list[bytes]:
        """Those of the names that the file may have: the very file, or else one like it, or what was made of it."""
        exact, like, numbered = [], [], []
        for name in names:
            with suppress(FileNotFoundError):
                status = folder.status(name)
                if same_file(status, move.inode, move.size, move.mtime_ns):
                    exact.append(name)
                elif like_file(status, move.size, move.mtime_ns):
                    like.append(name)
                elif status.st_ino & INODE_MASK == move.inode:
                    numbered.append(name)
        return exact or like or numbered

    def _of_several(self, folder: Folder, names: Sequence[bytes]) -> bytes | None:
        """One entry with two spellings, or a file that was killed between getting a new name and losing its old one."""
        there = folder.entries(names)
        if len(there) > 1 and _one_file(folder, there):
            for name in there[:-1]:
                folder.drop_second_name(name, there[-1])
            return there[-1]
        return there[0] if len(there) == 1 else None

    def _note_loss(self, error: OSError) -> None:
        """Raises ``DiskGone`` when it is not the file that is lost but all of them."""
        if error.errno not in LOST:
            return
        try:
            status = os.stat(self.root)
        except OSError:
            raise DiskGone from error
        if (status.st_dev, status.st_ino) != self._identity:
            raise DiskGone from error


def _same_entry(folder: Folder, source: bytes, target: bytes) -> bool:
    """Whether the disk takes both names for one: then only one of them is in its list."""
    if folded_name(source) != folded_name(target):
        return False
    one, two = folder.status(source), folder.status(target)
    return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino) and target not in folder.entries([target])


def _one_file(folder: Folder, names: Sequence[bytes]) -> bool:
    return len({folder.status(name).st_ino for name in names}) == 1


def _none(moves: Sequence[Move], guilty: Move, code: str, reason: str, way: Way) -> list[Outcome]:
    """Nobody of a circle has moved, because of one of them."""
    others = f"it trades places with {display_path(way.ends(guilty)[0])}, which could not go"
    return [
        Outcome(move, way.failed, code, reason)
        if move is guilty
        else Outcome(move, way.failed, "partner_failed", others)
        for move in moves
    ]
