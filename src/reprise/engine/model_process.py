"""A model process seen from its parent: started, fed, watched, ended. Ending it is the unload."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from reprise.engine.messages import Slot
from reprise.errors import system_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from reprise.core.items import InputState
    from reprise.engine.messages import Role, Task

QUIET_END_SECONDS = 2.0


class Command(Protocol):
    """Builds the command line of a model process from its role and its two inherited files: connection, slot.

    ``device``: where it is to run, when that is not for the settings to say.
    """

    def __call__(self, role: Role, connection: int, slot: int, *, device: str = "") -> Sequence[str]: ...


@dataclass(slots=True)
class InHand:
    """The task that a process is at, since when (monotonic), and what it had read of its content."""

    task: Task
    since: float
    state: InputState | None


@dataclass(slots=True)
class ModelProcess:
    """One child process. Tasks are answered in the order in which they were sent."""

    process: subprocess.Popen[bytes]
    connection: Connection
    slot: Slot
    started_at: float
    ready: bool = False
    messages: deque[int] = field(default_factory=deque)
    outstanding: deque[Task] = field(default_factory=deque)
    answered: int = 0

    @classmethod
    def start(cls, command: Command, role: Role, device: str = "") -> ModelProcess:
        """Launch without waiting; the first message of the process says whether its model is loaded.

        The process leads a session of its own, so that Ctrl-C in a terminal reaches the parent alone, which then
        pauses in good order. Raises ``DiskFull`` and ``SystemTrouble`` when the system has no room for one more.
        """
        with contextlib.ExitStack() as undo:
            try:
                ours, theirs = Pipe()
                undo.callback(ours.close)
                with theirs, tempfile.TemporaryFile() as shared:
                    shared.truncate(Slot.SIZE)
                    slot = Slot(shared.fileno())
                    undo.callback(slot.close)
                    inherited = (theirs.fileno(), shared.fileno())
                    process = subprocess.Popen(
                        command(role, *inherited, device=device),
                        pass_fds=inherited,
                        stdin=subprocess.DEVNULL,
                        start_new_session=True,
                    )
            except OSError as error:
                raise system_error(error) from error
            undo.pop_all()
        return cls(process, ours, slot, time.monotonic())

    def send(self, tasks: Sequence[Task]) -> None:
        self.messages.append(len(tasks))
        self.outstanding.extend(tasks)
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # its death is noticed at the next look
            self.connection.send(list(tasks))

    def take(self, count: int) -> list[Task]:
        """The oldest ``count`` tasks, now answered."""
        self.answered += count
        return [self.outstanding.popleft() for _ in range(count)]

    def take_message(self) -> list[Task]:
        """All tasks of the oldest message, now answered."""
        return self.take(self.messages.popleft())

    def in_hand(self) -> InHand | None:
        """Which task the process is at; ``None`` between tasks.

        Tasks are counted from the launch on both sides; results that are computed but still on their way make the
        difference.
        """
        started, ended, since, state = self.slot.read()
        place = started - 1 - self.answered
        if started == ended or not 0 <= place < len(self.outstanding):
            return None
        return InHand(self.outstanding[place], since, state)

    def memory_mb(self) -> float:
        try:
            return float(psutil.Process(self.process.pid).memory_info().rss / 2**20)
        except psutil.Error:
            return 0.0

    def receive(self, most: int) -> list[Any]:
        """Messages that have arrived, at most so many; an end, also in the middle of one, is left for ``alive``."""
        arrived: list[Any] = []
        with contextlib.suppress(EOFError, OSError):
            while len(arrived) < most and self.connection.poll():
                arrived.append(self.connection.recv())
        return arrived

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_text(self) -> str:
        code = self.process.poll()
        if code is None:
            return "it runs"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End the process and give back all that belongs to it. It leaves by itself when the connection closes."""
        self.connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(QUIET_END_SECONDS)
        self.kill()
        self.slot.close()
