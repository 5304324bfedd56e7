"""Several model processes of one role: feeds them, watches time and memory, replaces those that die."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from reprise.core.batching import AdaptiveBatch, TimedBatch
from reprise.core.gates import check_canaries
from reprise.core.job import never
from reprise.engine.messages import Answers, NotReady, Ready, Result, Role, TooLarge
from reprise.engine.model_process import Command, ModelProcess
from reprise.errors import (
    CanaryFailed,
    ItemError,
    MemoryExceeded,
    ModelError,
    ModelLoadFailed,
    TimedOut,
    WorkerCrashed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.spec import ModelCard
    from reprise.engine.messages import Task
    from reprise.engine.model_process import InHand

MESSAGES_AHEAD = 2
"""A process works on one message while the next one waits in its hands."""
WATCH_SECONDS = 0.25
DEATHS_WITHOUT_BLAME = 5
"""So many processes may die between two answers with nothing in hand before the model is given up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take. ``load_seconds`` bounds loading the model."""

    memory_mb: float
    load_seconds: float


@dataclass(slots=True)
class Pool:
    """``size`` processes of one role that share a queue of tasks."""

    card: ModelCard
    role: Role
    size: int
    command: Command
    limits: Limits
    batch: AdaptiveBatch | TimedBatch
    _processes: list[ModelProcess] = field(default_factory=list)
    _queue: deque[Task] = field(default_factory=deque)
    _lost: list[Result] = field(default_factory=list)
    _deaths: int = 0
    _watched_at: float = 0.0
    _alone: set[int] = field(default_factory=set)
    resized: list[str] = field(default_factory=list)

    def start(self, wish: Callable[[], object] = never) -> Ready:
        """Launch all processes; returns when the first has loaded its model, while the others still load.

        A model may take minutes: as soon as ``wish`` says that somebody wants to stop, nobody waits any longer.
        Raises ``ModelLoadFailed`` or ``CanaryFailed``.
        """
        self._processes = [ModelProcess.start(self.command, self.role) for _ in range(self.size)]
        deadline = time.monotonic() + self.limits.load_seconds
        while time.monotonic() < deadline:
            for process in self._processes:
                if ready := self._greet(process):
                    return ready
            if wish():
                return Ready(seconds=0.0, memory_mb=0.0, canaries=None)
            wait([p.connection for p in self._processes], timeout=WATCH_SECONDS)
        raise ModelLoadFailed(f"{self.card.name} did not load within {self.limits.load_seconds:.0f} s")

    def submit(self, tasks: list[Task]) -> None:
        self._queue.extend(tasks)
        self._feed()

    @property
    def pending(self) -> int:
        """Tasks that are not answered yet."""
        return len(self._queue) + sum(len(process.outstanding) for process in self._processes)

    @property
    def room(self) -> int:
        """How many more tasks keep every process busy; more would only wait."""
        return max(0, self.size * MESSAGES_AHEAD * self.batch.size - self.pending)

    def poll(self, timeout: float) -> list[Result]:
        """Answers that have arrived, waiting up to ``timeout`` seconds for the first.

        Raises ``ModelError`` when the model itself cannot go on.
        """
        wait([process.connection for process in self._processes], timeout=timeout)
        results = [result for process in self._processes for result in self._hear(process)]
        self._watch()
        self._feed()
        results += self._lost
        self._lost = []
        if results:
            self._deaths = 0
        return results

    def close(self) -> None:
        for process in self._processes:
            process.close()
        self._processes = []
        self._queue.clear()

    def _greet(self, process: ModelProcess) -> Ready | None:
        """The process's first message, if it is there; raises what keeps the model from running."""
        if not process.connection.poll():
            if not process.alive:
                raise ModelLoadFailed(
                    f"the process of {self.card.name} ended while loading ({process.exit_text})"
                )
            return None
        try:
            message = process.connection.recv()
        except EOFError:
            raise ModelLoadFailed(f"the process of {self.card.name} ended while loading") from None
        return self._welcome(process, message)

    def _welcome(self, process: ModelProcess, message: Ready | NotReady) -> Ready:
        if isinstance(message, NotReady):
            kind = CanaryFailed if message.code == CanaryFailed.code else ModelLoadFailed
            raise kind(message.message, cure=message.cure)
        if message.canaries is not None:
            check_canaries(message.canaries, self.card.spec.dimension)
        process.ready = True
        return message

    def _hear(self, process: ModelProcess) -> list[Result]:
        results: list[Result] = []
        for message in process.receive():
            if isinstance(message, Answers):
                results += self._answered(process, message)
            elif isinstance(message, TooLarge):
                self._too_large(process)
            else:
                self._welcome(process, message)
        return results

    def _answered(self, process: ModelProcess, answers: Answers) -> list[Result]:
        if self.role is Role.ENCODE:
            return self._batch_answered(process, answers)
        process.take(len(answers.results))
        if answers.last:
            self._message_done(process, answers)
        return answers.results

    def _message_done(self, process: ModelProcess, answers: Answers) -> None:
        tasks = process.messages.popleft()
        if isinstance(self.batch, TimedBatch):
            self.batch.observe(tasks, answers.seconds)

    def _batch_answered(self, process: ModelProcess, answers: Answers) -> list[Result]:
        """A batch that failed as a whole is tried again item by item, so that only the guilty one fails."""
        tasks = process.take_message()
        if len(tasks) > 1 and any(result.code for result in answers.results):
            self._again(tasks, alone=True)
            return []
        if isinstance(self.batch, AdaptiveBatch) and self.batch.succeeded():
            self.resized.append(f"memory suffices again: {self.batch.size} at once")
        return answers.results

    def _too_large(self, process: ModelProcess) -> None:
        tasks = process.take_message()
        if isinstance(self.batch, AdaptiveBatch) and self.batch.too_large(len(tasks)):
            self.resized.append(f"out of memory with {len(tasks)} at once, now {self.batch.size}")
            self._again(tasks, alone=False)
            return
        for task in tasks:
            self._lose(task, MemoryExceeded("it does not fit into memory even alone"))

    def _again(self, tasks: list[Task], *, alone: bool) -> None:
        self._queue.extendleft(reversed(tasks))
        if alone:
            self._alone.update(task.key for task in tasks)

    def _watch(self) -> None:
        now = time.monotonic()
        dead = [process for process in self._processes if not process.alive]
        for process in dead:
            self._bury(process, f"the process ended ({process.exit_text})")
        if now - self._watched_at < WATCH_SECONDS:
            return
        self._watched_at = now
        for process in list(self._processes):
            self._check_limits(process, now)

    def _check_limits(self, process: ModelProcess, now: float) -> None:
        if not process.ready:
            self._check_load(process, now)
            return
        hand = process.in_hand()
        allowed = self._allowed(process, hand) if hand else 0.0
        if hand is not None and now - hand.since > allowed:
            self._end_over(process, hand, TimedOut(f"not finished after {allowed:.0f} s"))
            return
        memory_mb = process.memory_mb()
        if hand is not None and memory_mb > self.limits.memory_mb:
            text = f"took {memory_mb:,.0f} MB of memory, allowed are {self.limits.memory_mb:,.0f}"
            self._end_over(process, hand, MemoryExceeded(text))

    def _allowed(self, process: ModelProcess, hand: InHand) -> float:
        together = process.messages[0] if self.role is Role.ENCODE and process.messages else 1
        return hand.task.seconds_allowed * together

    def _check_load(self, process: ModelProcess, now: float) -> None:
        if now - process.started_at > self.limits.load_seconds:
            raise ModelLoadFailed(f"{self.card.name} did not load within {self.limits.load_seconds:.0f} s")

    def _end_over(self, process: ModelProcess, hand: InHand, error: ItemError) -> None:
        process.kill()
        self._replace(process, hand, error)

    def _bury(self, process: ModelProcess, reason: str) -> None:
        """A process died by itself: hear its last words, then blame what was in its hand."""
        self._lost += self._hear(process)
        if not process.ready:
            raise ModelLoadFailed(f"{self.card.name}: {reason} while loading")
        self._replace(process, process.in_hand(), WorkerCrashed(reason))

    def _replace(self, process: ModelProcess, hand: InHand | None, error: ItemError) -> None:
        tasks = list(process.outstanding)
        process.outstanding.clear()
        process.close()
        self._processes.remove(process)
        self._count_death(hand, error)
        together = process.messages[0] if self.role is Role.ENCODE and process.messages else 1
        guilty = self._guilty(tasks[:together], hand, error)
        self._again([task for task in tasks if task is not guilty], alone=False)
        self._processes.append(ModelProcess.start(self.command, self.role))

    def _guilty(self, tasks: list[Task], hand: InHand | None, error: ItemError) -> Task | None:
        """The one of the message in hand to blame, which is lost; of a whole batch nobody is, each is tried alone."""
        if hand is None:
            return None
        if len(tasks) > 1:
            self._alone.update(task.key for task in tasks)
            return None
        self._lose(hand.task, error, hand)
        return hand.task

    def _lose(self, task: Task, error: ItemError, hand: InHand | None = None) -> None:
        state = hand.state if hand else None
        seconds = time.monotonic() - hand.since if hand else 0.0
        self._lost.append(Result(task.key, None, error.code, error.message, state, seconds, 0.0))

    def _count_death(self, hand: InHand | None, error: ItemError) -> None:
        self._deaths += hand is None
        if self._deaths > DEATHS_WITHOUT_BLAME:
            raise ModelError(f"the processes of {self.card.name} die again and again: {error.message}")

    def _feed(self) -> None:
        """Give each ready process up to two messages, the least busy first."""
        for _ in range(MESSAGES_AHEAD):
            for process in sorted(self._processes, key=lambda p: len(p.messages)):
                if process.ready and self._queue and len(process.messages) < MESSAGES_AHEAD:
                    process.send(self._next_message())

    def _next_message(self) -> list[Task]:
        """A fair share: what is left is spread over the processes rather than sent to one."""
        first = self._queue.popleft()
        message = [first]
        if first.key in self._alone:
            self._alone.discard(first.key)
            return message
        size = self.batch.size if self.role is Role.ENCODE else self._fair_size()
        while self._queue and len(message) < size and self._queue[0].key not in self._alone:
            message.append(self._queue.popleft())
        return message

    def _fair_size(self) -> int:
        return max(1, min(self.batch.size, -(-(len(self._queue) + 1) // self.size)))
