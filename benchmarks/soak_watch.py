"""What processes take while they work: memory, open files, threads, processor time, and the files they write."""

from __future__ import annotations

import hashlib
import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 2**20
YARDSTICK_NUMBERS = 100_000
LEAST_SAMPLES = 5
"""Of a process that was seen less often, a first and a last tenth say nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one process. Memory in bytes; ``cpu`` in seconds, with that of children that have ended."""

    at: float
    resident: int
    shared_out: int
    """Proportional: what several processes share is divided among them."""
    handles: int
    threads: int
    cpu: float


@dataclass
class Seen:
    """One process through its life."""

    pid: int
    role: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """For how long it was seen."""
        return self.samples[-1].at - self.samples[0].at

    def after(self, moment: float) -> Seen:
        """The same from a moment of the monotonic clock on."""
        return Seen(self.pid, self.role, [sample for sample in self.samples if sample.at >= moment])

    def curve(self) -> list[int]:
        """Resident memory in MiB in the middle of each tenth of the samples."""
        count = len(self.samples)
        return [round(self.samples[(2 * n + 1) * count // 20].resident / MIB) for n in range(10)]

    def tenths(self, value: Callable[[Sample], float]) -> tuple[float, float] | None:
        """The median of the first and of the last tenth of the samples."""
        if len(self.samples) < LEAST_SAMPLES:
            return None
        size = max(1, len(self.samples) // 10)
        # The last look may fall into the leaving, and the first into the starting.
        values = [value(sample) for sample in self.samples[1:-1]]
        return statistics.median(values[:size]), statistics.median(values[-size:])


@dataclass(frozen=True, slots=True)
class Files:
    """One look at the state folder, in bytes."""

    at: float
    log: int
    write_ahead: int
    state: int


@dataclass(frozen=True, slots=True)
class Pace:
    """One look at a job: operations done, and processor seconds of its process and of all under it so far.

    ``yardstick``: processor seconds that a fixed piece of work took just then. A busy machine makes all work dearer.
    """

    at: float
    job: str
    done: int
    cpu: float
    yardstick: float


class Watch:
    """Looks every ``seconds`` at a server and all below it, in a thread of its own, until closed.

    ``done``: the running job's id and its operations, if there is one.
    """

    def __init__(
        self,
        pid: int,
        home: Path,
        log: Path,
        seconds: float,
        done: Callable[[], tuple[str, int] | None],
    ) -> None:
        self._server = psutil.Process(pid)
        self._home, self._log, self._seconds, self._done = home, log, seconds, done
        self.processes: dict[int, Seen] = {}
        self.files: list[Files] = []
        self.paces: list[Pace] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.look()

    def look(self) -> None:
        """One look at everything."""
        for process in [self._server, *_children(self._server)]:
            try:
                self._note(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess, ProcessLookupError):
                continue  # it has just ended
        self.files.append(
            Files(time.monotonic(), _size(self._log), _size_of(self._home, "-wal"), _size_of(self._home, ""))
        )
        if found := self._done():
            self._note_pace(*found)

    def _note(self, process: psutil.Process) -> None:
        memory = process.memory_full_info()
        cpu = process.cpu_times()
        sample = Sample(
            time.monotonic(),
            memory.rss,
            memory.pss,
            process.num_fds(),
            process.num_threads(),
            cpu.user + cpu.system + cpu.children_user + cpu.children_system,
        )
        if process.pid not in self.processes:
            self.processes[process.pid] = Seen(process.pid, _role(process))
        self.processes[process.pid].samples.append(sample)

    def _note_pace(self, job: str, done: int) -> None:
        whole = 0.0
        for process in _children(self._server):
            try:
                if _role(process) != "job" or job not in process.cmdline():
                    continue
                mine = process.cpu_times()
                whole = mine.user + mine.system + mine.children_user + mine.children_system
                whole += sum(sum(child.cpu_times()[:2]) for child in process.children(recursive=True))
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue  # it has just ended
        if whole:
            self.paces.append(Pace(time.monotonic(), job, done, whole, _yardstick()))


def _yardstick() -> float:
    began = time.thread_time()
    random = np.random.default_rng(1)
    hashlib.blake2b(np.sort(random.standard_normal(YARDSTICK_NUMBERS)).tobytes()).digest()
    return time.thread_time() - began


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _role(process: psutil.Process) -> str:
    words = process.cmdline()
    if "serve" in words:
        return "server"
    if "--hosted" in words:
        return "job"
    return "model process" if "reprise.child" in words else "helper"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _size_of(folder: Path, ending: str) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(ending):
                try:
                    total += os.stat(os.path.join(parent, name)).st_size
                except FileNotFoundError:
                    continue  # it has just been put away
    return total
