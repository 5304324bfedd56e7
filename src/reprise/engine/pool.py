"""Several model processes of one role: feeds them, watches time and memory, replaces those that die."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from reprise.core.batching import AdaptiveBatch, TimedBatch
from reprise.core.gates import check_canaries
from reprise.core.job import never
from reprise.engine.messages import Answers, ModelLost, NotReady, Ready, Result, Role, TooLarge
from reprise.engine.model_process import Command, ModelProcess
from reprise.errors import (
    ItemError,
    MemoryExceeded,
    ModelError,
    ModelLoadFailed,
    TimedOut,
    WorkerCrashed,
    model_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from reprise.core.spec import ModelCard
    from reprise.engine.messages import Task
    from reprise.engine.model_process import InHand

MESSAGES_AHEAD = {Role.EMBED: 2, Role.PREPARE: 1, Role.ENCODE: 2, Role.QUERY: 1}
"""A process works on one message while the next one waits in its hands. Decoders have one only: they are ahead of
their model anyway, and no track shall wait behind a long one."""
WATCH_SECONDS = 0.25
CPU = "cpu"
DEATHS_WITHOUT_BLAME = 5
"""So many processes may die between two answers with nothing in hand before the model is given up."""
MESSAGES_AT_ONCE = 4
"""So many are taken from one process before the others, and the stock they fill, are looked at again."""
SLOWEST_TIMES = 20.0
"""A batch hangs when it takes so many times what its items took in the slowest batch so far."""


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
    _slowest: float = 0.0
    resized: list[str] = field(default_factory=list)
    _device: str = ""
    _placement: str = ""
    _loaded_mb: float = 0.0

    def launch(self) -> None:
        """Begin to load, without waiting for it."""
        if not self._processes:
            for _ in range(self.size):
                self._processes.append(
                    self._launch()
                )  # those before one that cannot start are closed with the others

    def start(self, wish: Callable[[], object] = never) -> Ready:
        """Launch all processes; returns when the first has loaded its model, while the others still load.

        A model may take minutes: as soon as ``wish`` says that somebody wants to stop, nobody waits any longer.
        Raises ``ModelLoadFailed`` or ``CanaryFailed``.
        """
        self.launch()
        while not wish():
            for process in list(self._processes):
                if ready := self._greet(process):
                    return ready
            for process in self._processes:
                self._check_load(process, time.monotonic())
            wait(self.connections, timeout=WATCH_SECONDS)
        return Ready(seconds=0.0, memory_mb=0.0, canaries=None)

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
        return max(0, self.size * MESSAGES_AHEAD[self.role] * self.batch.size - self.pending)

    @property
    def connections(self) -> list[Connection]:
        """What becomes readable when a process has something to say."""
        return [process.connection for process in self._processes]

    def poll(self, timeout: float, *, listen: bool = True) -> list[Result]:
        """Answers that have arrived, waiting up to ``timeout`` seconds for the first.

        Without ``listen`` nothing is taken off the connections, so that processes wait with what they have made.
        Raises ``ModelError`` when the model itself cannot go on.
        """
        results: list[Result] = []
        if listen:
            wait(self.connections, timeout=timeout)
            results = [result for process in list(self._processes) for result in self._hear(process)]
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

    def _welcome(self, process: ModelProcess, message: Ready | NotReady) -> Ready | None:
        if isinstance(message, NotReady):
            self._not_ready(process, message)
            return None
        if message.canaries is not None:
            check_canaries(message.canaries, self.card.spec.dimension)
        process.ready = True
        self._placement = message.placement
        self._loaded_mb = message.memory_mb
        return message

    def _not_ready(self, process: ModelProcess, message: NotReady) -> None:
        """What does not fit into an accelerator's memory may fit into the machine's; all else ends the model."""
        if message.code != MemoryExceeded.code or self.role is not Role.ENCODE or self._device == CPU:
            raise model_error(message.code, message.message, message.cure)
        self._move_to_cpu(process, "out of memory while loading")

    def _hear(self, process: ModelProcess, most: int = MESSAGES_AT_ONCE) -> list[Result]:
        results: list[Result] = []
        for message in process.receive(most):
            if isinstance(message, Answers):
                results += self._answered(process, message)
            elif isinstance(message, TooLarge):
                if self._too_large(process):
                    break
            elif isinstance(message, ModelLost):
                raise model_error(message.code, message.message, message.cure)
            else:
                self._welcome(process, message)
        return results

    def _answered(self, process: ModelProcess, answers: Answers) -> list[Result]:
        if self.role is Role.ENCODE:
            return self._batch_answered(process, answers)
        process.take(sum(result.last for result in answers.results))
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
        self._slowest = max(self._slowest, answers.seconds / len(tasks))
        if isinstance(self.batch, AdaptiveBatch) and self.batch.succeeded():
            self.resized.append(f"memory suffices again: {self.batch.size} at once")
        return answers.results

    def _too_large(self, process: ModelProcess) -> bool:
        """Returns whether the process was given up for one on the CPU."""
        tasks = process.take_message()
        if self._halve(len(tasks)):
            self._again(tasks, alone=False)
            return False
        if self._on_accelerator:
            self._again(tasks, alone=False)
            self._move_to_cpu(process, f"out of memory with 1 at once on {self._placement}")
            return True
        for task in tasks:
            self._lose(task, MemoryExceeded("it does not fit into memory even alone"))
        return False

    def _halve(self, items: int, reason: str = "out of memory") -> bool:
        if not isinstance(self.batch, AdaptiveBatch) or not self.batch.too_large(items):
            return False
        self.resized.append(f"{reason} with {items} at once, now {self.batch.size}")
        return True

    @property
    def _on_accelerator(self) -> bool:
        return bool(self._placement) and not self._placement.startswith(CPU)

    def _move_to_cpu(self, process: ModelProcess, reason: str) -> None:
        """The last step when an accelerator's memory does not hold a single window."""
        self.resized.append(f"{reason}: going on with the CPU")
        self._device = CPU
        self._slowest = 0.0
        self._again(list(process.outstanding), alone=False)
        process.close()
        self._processes.remove(process)
        self._processes.append(self._launch())

    def _launch(self) -> ModelProcess:
        return ModelProcess.start(self.command, self.role, self._device)

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
        memory_mb = process.memory_mb() if hand else 0.0
        if hand is not None and memory_mb > self._allowed_mb:
            text = f"took {memory_mb:,.0f} MB of memory, allowed are {self._allowed_mb:,.0f}"
            self._end_over(process, hand, MemoryExceeded(text))

    @property
    def _allowed_mb(self) -> float:
        """An encoding process may take twice what it did once loaded: an accelerator's libraries alone take GBs."""
        return max(self.limits.memory_mb, 2 * self._loaded_mb if self.role is Role.ENCODE else 0.0)

    def _allowed(self, process: ModelProcess, hand: InHand) -> float:
        """Of a batch: each item's own time, until it is known what a batch takes on this machine."""
        together = self._together(process)
        if not self._slowest:
            return hand.task.seconds_allowed * together
        return hand.task.seconds_allowed + SLOWEST_TIMES * self._slowest * together

    def _together(self, process: ModelProcess) -> int:
        """How many tasks the process is at: one, or a whole message."""
        return process.messages[0] if self.role is Role.ENCODE and process.messages else 1

    def _check_load(self, process: ModelProcess, now: float) -> None:
        if process.connection.poll():  # it has said something that nobody listened to yet
            return
        if now - process.started_at > self.limits.load_seconds:
            raise ModelLoadFailed(f"{self.card.name} did not load within {self.limits.load_seconds:.0f} s")

    def _end_over(self, process: ModelProcess, hand: InHand, error: ItemError) -> None:
        process.kill()
        self._replace(process, hand, error)

    def _bury(self, process: ModelProcess, reason: str) -> None:
        """A process died by itself: hear its last words, then blame what was in its hand."""
        self._lost += self._hear(process, sys.maxsize)
        if process not in self._processes:
            return
        if not process.ready:
            raise ModelLoadFailed(f"{self.card.name}: {reason} while loading")
        hand = process.in_hand()
        if process.process.returncode == -signal.SIGKILL and self._together(process) > 1:
            self._replace(process, hand, MemoryExceeded("killed, as the system does when memory is short"))
        else:
            self._replace(process, hand, WorkerCrashed(reason))

    def _replace(self, process: ModelProcess, hand: InHand | None, error: ItemError) -> None:
        tasks = list(process.outstanding)
        process.close()
        self._processes.remove(process)
        self._count_death(hand, error)
        guilty = self._guilty(tasks[: self._together(process)], hand, error)
        self._again([task for task in tasks if task is not guilty], alone=False)
        self._processes.append(self._launch())

    def _guilty(self, tasks: list[Task], hand: InHand | None, error: ItemError) -> Task | None:
        """The one of the message in hand to blame, which is lost.

        Of a whole batch nobody is: each is tried alone, or in a smaller batch from now on if memory was the reason.
        """
        if hand is None:
            return None
        if len(tasks) == 1:
            self._lose(hand.task, error, hand)
            return hand.task
        if isinstance(error, MemoryExceeded) and self._halve(len(tasks), error.message):
            self._keep_batch_small()
        else:
            self._alone.update(task.key for task in tasks)
        return None

    def _keep_batch_small(self) -> None:
        """Where a batch costs the process, growing back would cost a loading of the model each time."""
        if isinstance(self.batch, AdaptiveBatch):
            self.batch.largest = self.batch.size

    def _lose(self, task: Task, error: ItemError, hand: InHand | None = None) -> None:
        state = hand.state if hand else None
        seconds = time.monotonic() - hand.since if hand else 0.0
        self._lost.append(Result(task.key, None, error.code, error.message, state, seconds, 0.0, task.part))

    def _count_death(self, hand: InHand | None, error: ItemError) -> None:
        self._deaths += hand is None
        if self._deaths > DEATHS_WITHOUT_BLAME:
            raise ModelError(f"the processes of {self.card.name} die again and again: {error.message}")

    def _feed(self) -> None:
        """Give each ready process as many messages as it may have, the least busy first."""
        for _ in range(MESSAGES_AHEAD[self.role]):
            for process in sorted(self._processes, key=lambda p: len(p.messages)):
                if self._queue and self._takes_more(process):
                    process.send(self._next_message())

    def _takes_more(self, process: ModelProcess) -> bool:
        """Nothing waits behind a track that may take twice as long: another process may be free sooner."""
        if not process.ready or len(process.messages) >= MESSAGES_AHEAD[self.role]:
            return False
        if self.role is Role.ENCODE or not process.messages:
            return True
        return process.outstanding[-1].seconds_allowed <= 2 * self._queue[0].seconds_allowed

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
