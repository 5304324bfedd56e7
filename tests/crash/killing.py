"""Starts commands and kills them: at a named point, at any moment, or one of their model processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import psutil

from tests.crash.truth import OTHER, Fault, progress_of
from tests.harness import is_running, wait_for

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from tests.crash.points import Point

ROOT = Path(__file__).parents[2]
MARK = "CRASH_TEST_MARK"
PATIENCE_SECONDS = 120.0
ORPHAN_SECONDS = 15.0
LOAD_FAILED = 2
"""How a command ends whose model could not be loaded."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of Reprise. ``codes``: with which it may end if it is not killed itself."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    codes: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of a command. ``killed``: whether a process died of it; it may have ended before. ``whole``: whether
    the command came to its end all the same."""

    killed: bool
    whole: bool
    at: str
    output: str
    seconds: float
    faults: tuple[Fault, ...] = ()


class Kill(ABC):
    """One way to kill."""

    @abstractmethod
    def strike(self, command: Command, folder: Path) -> Struck:
        """Run the command, kill, wait until nothing of it is left. ``folder``: for notes and output."""


@dataclass(frozen=True, slots=True)
class AtPoint(Kill):
    """The process ends itself right before or after its nth call."""

    point: Point
    nth: int
    moment: str

    def strike(self, command: Command, folder: Path) -> Struck:
        note = folder / "killed.note"
        note.unlink(missing_ok=True)
        arguments = ["tests.crash.killed_at", self.point.name, str(self.nth), self.moment, str(note)]
        running = _Running(command, arguments, folder)
        running.wait()
        killed = running.code == -signal.SIGKILL and note.exists()
        return running.struck(killed, f"{self.moment} {self.point.name}")


@dataclass(frozen=True, slots=True)
class AtMoment(Kill):
    """Killed from outside, so many seconds after its start."""

    seconds: float

    def strike(self, command: Command, folder: Path) -> Struck:
        running = _Running(command, ["reprise"], folder)
        running.sleep(self.seconds)
        running.process.kill()
        running.wait()
        return running.struck(running.code == -signal.SIGKILL, "any moment")


@dataclass(frozen=True, slots=True)
class OfChild(Kill):
    """One of the model processes is killed; the command goes on and must come to its end.

    One that dies before its model is loaded ends the job as failed, in good order: the same command goes on. ``log``:
    a file to which the models write when they are loaded and at work; the kill comes after that, if it is given.
    """

    seconds: float
    choice: int
    log: Path | None = None

    def strike(self, command: Command, folder: Path) -> Struck:
        codes = command.codes if self.log else (*command.codes, LOAD_FAILED)
        noted = self._noted()
        running = _Running(replace(command, codes=codes), ["reprise"], folder)
        while self._noted() < noted + 2 and running.process.poll() is None and self.log:
            time.sleep(0.01)
        running.sleep(self.seconds)
        children = running.children()
        killed = False
        while running.process.poll() is None and not killed:
            if children:
                killed = _killed(children[self.choice % len(children)])
            else:
                time.sleep(0.01)
            children = running.children()
        running.wait()
        return running.struck(killed, "a model process")

    def _noted(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log else 0


def _killed(child: psutil.Process) -> bool:
    """Whether it lived until now."""
    try:
        if child.status() == psutil.STATUS_ZOMBIE:
            return False
        child.kill()
    except psutil.NoSuchProcess:
        return False
    return True


@dataclass
class _Running:
    """A command at work; all processes that come of it carry a mark in their environment."""

    command: Command
    module: Sequence[str]
    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        # this checkout is what is run, wherever another one is installed
        path = os.pathsep.join([str(ROOT), str(ROOT / "src"), self.command.environment.get("PYTHONPATH", "")])
        self.began = time.monotonic()
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.module, *self.command.arguments],
                env={**self.command.environment, "PYTHONPATH": path, MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
            )

    @property
    def code(self) -> int:
        code: int = self.process.returncode
        return code

    def sleep(self, seconds: float) -> None:
        """Shorter, if it ends before."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def wait(self) -> None:
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def struck(self, killed: bool, at: str) -> Struck:
        seconds = time.monotonic() - self.began
        faults = list(self._orphans())
        output = (self.folder / "stdout").read_text(errors="replace")
        whole = self.code == 0
        if self.code not in self.command.codes and self.code != -signal.SIGKILL:
            told = (self.folder / "stderr").read_text(errors="replace")[-1500:]
            faults.append(
                Fault(OTHER, f"{' '.join(self.command.arguments[:2])} ended with {self.code}: {told}")
            )
        return Struck(killed, whole, at, output, seconds, (*faults, *progress_of(output)))

    def _orphans(self) -> list[Fault]:
        """Processes of a command that is over, after they had time to notice; they are ended here."""
        try:
            wait_for(lambda: not self._left(), ORPHAN_SECONDS)
        except AssertionError:
            left = self._left()
            for process in left:
                process.kill()
            return [Fault(OTHER, f"{len(left)} processes outlived the command")]
        return []

    def _left(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _carries(process, self.mark)]


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return is_running(process) and process.environ().get(MARK) == mark
    except psutil.Error:
        return False


class Work(ABC):
    """One kind of job on an installation of its own, to be killed again and again."""

    name: ClassVar[str]
    has_children: ClassVar[bool] = False

    @abstractmethod
    def command(self, dice: random.Random) -> Command:
        """What is to be run and killed next; there is enough for it to do."""

    def aim(self, point: Point) -> list[Fault]:
        """Bring about that the next command passes the point, if it would not by itself; what does not hold then."""
        del point
        return []

    @abstractmethod
    def look(self, struck: Struck) -> list[Fault]:
        """What does not hold now."""

    @abstractmethod
    def finish(self, *, compare: bool) -> list[Fault]:
        """Let it come to its end; what does not hold. ``compare``: with one that was never killed, too."""

    @property
    def folder(self) -> Path:
        """For notes and output."""
        raise NotImplementedError

    most_again: float = 0.0
    """What one kill of the command had computed again, at most, in batches: of the rows in hand when it died."""


@dataclass
class Tally:
    """What a campaign has seen. ``missed``: commands that ended before they were killed."""

    kills: int = 0
    missed: int = 0
    points: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    most_again: float = 0.0
    ends: int = 0
    """How often work came to its end and was compared."""

    def count(self, kind: str) -> int:
        return sum(fault.kind == kind for fault in self.faults)


def strike(work: Work, kill: Kill, dice: random.Random, tally: Tally) -> Struck:
    """One command, killed; then a look."""
    found = work.aim(kill.point) if isinstance(kill, AtPoint) else []
    struck = kill.strike(work.command(dice), work.folder)
    tally.kills += struck.killed
    tally.missed += not struck.killed
    if struck.killed:
        tally.points[struck.at] += 1
    found += [*struck.faults, *work.look(struck)]
    tally.faults += [Fault(kind, f"{work.name}, {struck.at}: {text}") for kind, text in found]
    tally.most_again = max(tally.most_again, work.most_again)
    return struck


def finish(work: Work, tally: Tally, *, compare: bool = True) -> None:
    """To the end, and compare."""
    found = work.finish(compare=compare)
    tally.faults += [Fault(kind, f"{work.name}, at the end: {text}") for kind, text in found]
    tally.ends += 1


def at_rest(command: Command, folder: Path, module: str = "reprise") -> Struck:
    """The command, not killed."""
    running = _Running(command, [module], folder)
    running.wait()
    return running.struck(killed=False, at="")
