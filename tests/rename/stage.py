"""A folder of files, a catalogue, and plans made by hand: what carries plans out, without what makes them."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.catalog.catalogue import SqlCatalogue
from reprise.catalog.sqlite import open_sqlite
from reprise.core.renaming import FileIdentity, FileKind, PlanHeader, PlanRow, RowStatus
from reprise.media.essence import essence_digest
from reprise.rename.files import exclusive_rename
from reprise.rename.planfile import PlanReader, PlanWriter
from reprise.rename.sessions import Sessions
from reprise.runners.locks import FileLocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reprise.core.events import Event
    from reprise.core.rename_journal import Session


def identity_of(path: Path) -> FileIdentity:
    status = path.lstat()
    return FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def contents(root: Path) -> dict[str, bytes]:
    """All files below the root by their relative paths; nothing hidden is left out."""
    return {
        os.path.relpath(os.path.join(folder, name), root): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(root)
        for name in names
    }


@contextmanager
def _no_scans(_root: bytes, _stop: Callable[[], bool]) -> Iterator[None]:
    yield


class _Steps:
    """Counts what may be the last thing that a process does, before and after it, and makes one of them that."""

    def __init__(self, kill_at: int) -> None:
        self._kill_at = kill_at
        self.taken = 0

    def step(self) -> None:
        self.taken += 1
        if self.taken == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step()
            result = function(*arguments, **named)
            self.step()
            return result

        return call


class _Perilous:
    """A journal at each of whose entries the process may be killed."""

    def __init__(self, renames: Any, steps: _Steps) -> None:
        self._renames = renames
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._renames, name)
        return self._steps.around(found) if name in ("begin", "intend", "settle", "set_state") else found


@dataclass
class Stage:
    """``base`` holds the music and the state folder. Plans map old paths, relative to the music, to new names."""

    base: Path
    owner: str = "default"
    batch: int = 1000
    blank: Path | None = None
    """An empty catalogue to begin with: making one takes longer than most tests."""
    events: list[Event] = field(default_factory=list)
    perils: _Steps | None = None
    each: bool = True

    def __post_init__(self) -> None:
        self.music = self.base / "music"
        self.music.mkdir(exist_ok=True)
        self.plan_path = self.base / "plan.jsonl"
        self._catalogue: SqlCatalogue | None = None

    @property
    def catalogue(self) -> SqlCatalogue:
        if self._catalogue is None:
            path = self.base / "catalogue.sqlite"
            if self.blank is not None and not path.exists():
                shutil.copyfile(self.blank, path)
            self._catalogue = SqlCatalogue(open_sqlite(path, create=True))
        return self._catalogue

    def close(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    @property
    def sessions(self) -> Sessions:
        renames: Any = self.catalogue.renames
        rename = exclusive_rename()
        if self.perils is not None:
            renames, rename = _Perilous(renames, self.perils), self.perils.around(rename)
        return Sessions(
            renames, self.owner, FileLocks(self.base / "locks"), _no_scans, essence_digest, self.batch, rename,
            self.each,
        )  # fmt: skip

    def run_until(self, work: Callable[[Stage], object], kill_at: int) -> bool:
        """Do it in a process of its own that is killed at that step; whether it was, or came to its end before."""
        self.close()
        child = os.fork()
        if not child:
            code = 1
            try:
                steps = _Steps(kill_at)
                self.perils = steps
                work(self)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return True
        assert os.WEXITSTATUS(status) == 0
        return False

    def steps_of(self, work: Callable[[Stage], object]) -> int:
        """How many steps the work takes from here; it is done."""
        self.perils = steps = _Steps(0)
        work(self)
        self.perils = None
        return steps.taken

    def add(self, *names: str) -> None:
        """Files whose content is their name."""
        for name in names:
            path = self.music / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"content of " + os.fsencode(name))

    def plan(self, names: Mapping[str, str], kinds: Mapping[str, FileKind] | None = None) -> Path:
        paths = sorted(names, key=os.fsencode)
        header = PlanHeader(os.fsencode(self.music), b"", True, "{artist}", 0.0)
        with PlanWriter(self.plan_path, header) as plan:
            for number, path in enumerate(paths):
                folder, old = os.path.split(os.fsencode(path))
                row = PlanRow(
                    number, folder, old, os.fsencode(names[path]), RowStatus.RENAME,
                    identity_of(self.music / path), (kinds or {}).get(path, FileKind.TRACK),
                )  # fmt: skip
                plan.add(row)
        return self.plan_path

    def apply(
        self, names: Mapping[str, str] | None = None, stop: Callable[[], bool] = lambda: False, **options: Any
    ) -> Session:
        if names is not None:
            self.plan(names)
        with PlanReader(self.plan_path) as plan:
            return self.sessions.apply(plan, self.events.append, stop, **options)

    def undo(self, session: Session, stop: Callable[[], bool] = lambda: False, **options: Any) -> Session:
        return self.sessions.undo(session, self.events.append, stop, **options)

    def results(self, session: Session) -> dict[int, tuple[str, str]]:
        """State and code of each row by its number."""
        moves = self.catalogue.renames.stream(self.owner, session.id)
        return {move.number: (move.state, move.code) for move in moves}
