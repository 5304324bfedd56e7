"""Watches over worker processes: starts each anew that dies, and leaves its siblings alone."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

LOOK_SECONDS = 0.1
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
SOUND_SECONDS = 60.0
"""A worker that lived so long was well: its next death is counted as the first."""
STOP_SECONDS = 45.0
"""How long an orderly end may take; then workers are killed, which is safe as well."""
ONCE_DEATHS = 3
"""So often a worker may die that is to end by itself, before it is given up."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """The place of one worker process. ``number``: from 1."""

    number: int
    device: str


def start_worker(
    post: Post, home: Path, variables: Mapping[str, str], *, once: bool
) -> subprocess.Popen[str]:
    """Launch a worker process. It ends by itself when its standard input does; what it logs goes to our standard error.

    It leads a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone. ``variables`` are added to
    the environment.
    """
    command = [
        sys.executable,
        "-m",
        "reprise",
        "worker",
        "--supervised",
        "--device",
        post.device,
        "--home",
        str(home),
    ]
    return subprocess.Popen(
        [*command, "--once"] if once else command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
        start_new_session=True,
    )


@contextmanager
def signals_counted() -> Iterator[Callable[[], int]]:
    """Inside the block SIGINT and SIGTERM end nothing; gives how many have come."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda at, _frame: came.append(at)) for number in numbers]
    try:
        yield lambda: len(came)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@dataclass(slots=True)
class Totals:
    """What the processes of one post did, those that have ended included."""

    starts: int = 0
    beat: dict[str, Any] = field(default_factory=dict)
    """The last that the process of now has told."""
    slices: dict[str, int] = field(default_factory=dict)
    operations: dict[str, list[int]] = field(default_factory=dict)
    """By model: done and failed."""
    busy_seconds: float = 0.0

    def all_slices(self) -> dict[str, int]:
        return _added(self.slices, self.beat.get("slices", {}))

    def all_operations(self) -> dict[str, list[int]]:
        now: Mapping[str, list[int]] = self.beat.get("operations", {})
        nothing = [0, 0]
        return {
            model: [
                a + b
                for a, b in zip(self.operations.get(model, nothing), now.get(model, nothing), strict=True)
            ]
            for model in {**self.operations, **now}
        }

    def all_seconds(self) -> float:
        return self.busy_seconds + float(self.beat.get("busy_seconds", 0.0))

    def close(self) -> None:
        """The process has ended: the next one counts from nothing."""
        self.slices, self.operations = self.all_slices(), self.all_operations()
        self.busy_seconds = self.all_seconds()
        self.beat = {name: fact for name, fact in self.beat.items() if name.startswith("error")}


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


class Worker:
    """One post and the process that holds it now."""

    def __init__(
        self,
        post: Post,
        start: Callable[[Post], subprocess.Popen[str]],
        told: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.post = post
        self.totals = Totals()
        self.process: subprocess.Popen[str] | None = None
        self.code: int | None = None
        self.deaths = 0
        """In a row."""
        self._start = start
        self._told = told
        self._started_at = 0.0
        self._not_before = 0.0
        self._reader: threading.Thread | None = None

    @property
    def up(self) -> bool:
        return self.process is not None

    def launch(self) -> None:
        """Start it, unless its time has not come."""
        if self.process is not None or time.monotonic() < self._not_before:
            return
        process = self._start(self.post)
        self.process, self._started_at = process, time.monotonic()
        self.totals.starts += 1
        self._reader = threading.Thread(target=self._read, args=(process,), name="worker", daemon=True)
        self._reader.start()
        self._tell("worker_started", pid=process.pid)

    def reap(self) -> bool:
        """Whether it has ended since the last look."""
        process = self.process
        if process is None or process.poll() is None:
            return False
        self._let_go(process)
        return True

    def bury(self) -> None:
        """It is to be started again, later with each death in a row."""
        lived = time.monotonic() - self._started_at
        self.deaths = 1 if lived >= SOUND_SECONDS else self.deaths + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self.deaths - 1))
        self._not_before = time.monotonic() + wait
        log.warning("worker %d ended (%s); it is started again in %.0f s", self.post.number, self.how, wait)
        self._tell("worker_ended", how=self.how, again_in=wait)

    @property
    def how(self) -> str:
        """How its last process ended, for people."""
        code = self.code or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def end(self, number: int) -> None:
        """Send it a signal; SIGKILL goes to all that it has started, too."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def _let_go(self, process: subprocess.Popen[str]) -> None:
        if self._reader is not None:
            self._reader.join(timeout=5.0)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self.code = process.wait()
        self.process = None
        self.totals.close()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                facts = json.loads(line)
            except ValueError:
                continue
            if facts.get("event") == "worker_beat":
                self.totals.beat = facts
            else:
                self._told({**facts, "worker": self.post.number})

    def _tell(self, event: str, **facts: Any) -> None:
        self._told({"event": event, "worker": self.post.number, "device": self.post.device, **facts})


class Supervisor:
    """Holds every post until told to stop. ``once``: workers end by themselves when nothing is left to do."""

    def __init__(
        self,
        posts: Sequence[Post],
        start: Callable[[Post], subprocess.Popen[str]],
        told: Callable[[Mapping[str, Any]], None] = lambda _: None,
        *,
        once: bool = False,
    ) -> None:
        self.workers = [Worker(post, start, told) for post in posts]
        self._once = once

    def run(self, asked: Callable[[], int]) -> int:
        """Until every worker has ended; returns the exit code. ``asked``: how often somebody has asked for the end so far.

        Asked once, workers let go of what they have in hand; asked twice, they are killed.
        """
        done: set[Worker] = set()
        try:
            while not asked() and len(done) < len(self.workers):
                for worker in self.workers:
                    if worker not in done and self._look_after(worker):
                        done.add(worker)
                time.sleep(LOOK_SECONDS)
        finally:
            self._end_all(asked)
        failed = [worker for worker in done if worker.code]
        return max((min(2, abs(worker.code or 0)) for worker in failed), default=0)

    def _look_after(self, worker: Worker) -> bool:
        """Whether it is done for good."""
        if worker.reap():
            if self._once and (worker.code is None or worker.code >= 0 or worker.deaths + 1 >= ONCE_DEATHS):
                return True
            worker.bury()
        worker.launch()
        return False

    def _end_all(self, asked: Callable[[], int]) -> None:
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._living() and asked() < 2 and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        for worker in self._living():
            log.warning("worker %d is killed: it has not ended in order", worker.post.number)
        self._signal(signal.SIGKILL)
        while self._living():
            time.sleep(LOOK_SECONDS)

    def _signal(self, number: int) -> None:
        for worker in self._living():
            worker.end(number)

    def _living(self) -> Iterable[Worker]:
        for worker in self.workers:
            worker.reap()
        return [worker for worker in self.workers if worker.up]
