"""Turning items into vectors, with decoding, encoding and the caller's writing overlapped by bounded queues."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from reprise.core.batching import AdaptiveBatch, TimedBatch
from reprise.core.items import InputState
from reprise.core.job import never
from reprise.core.spec import Execution
from reprise.engine.messages import Result, Role, Task
from reprise.engine.pool import Limits, Pool
from reprise.errors import item_error

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.spec import ModelCard
    from reprise.engine.messages import Ready
    from reprise.engine.model_process import Command
    from reprise.errors import ItemError

PREPARED_AHEAD = 16
"""Decoded items that wait for a heavy model at most; decoding is quicker than any such model."""


BYTES_PER_AUDIO_SECOND = 16_000.0
"""128 kbit/s: how long a file may last when its tags do not say."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation: a vector or an error. ``state`` is the content that was read, if any was."""

    operation: Operation
    vector: NDArray[np.float32] | None
    error: ItemError | None
    state: InputState | None
    seconds: float
    audio_seconds: float


@dataclass(frozen=True, slots=True)
class Effort:
    """How much machine a model gets. ``workers`` processes; ``root`` is the library's folder.

    One item may take ``item_timeout`` seconds and ``timeout_per_audio_second`` for each second it lasts.
    """

    workers: int
    root: bytes
    item_timeout: float
    timeout_per_audio_second: float
    memory_mb: float
    load_seconds: float
    largest_batch: int


class Encoding(Protocol):
    """One model at work. Operations go in, outcomes come out, in any order."""

    def start(self, wish: Callable[[], object] = never) -> Ready:
        """Raises ``ModelError`` kinds. Loading ends early, with an empty answer, when there is a wish to stop."""

    def submit(self, operations: list[Operation]) -> None: ...

    @property
    def room(self) -> int: ...

    @property
    def in_hand(self) -> list[int]:
        """Ids of items that went in and did not come out."""

    def poll(self, timeout: float) -> list[Outcome]: ...

    def notices(self) -> list[str]:
        """What happened to the batch size since the last call."""

    def close(self) -> None: ...


def make_encoding(card: ModelCard, command: Command, effort: Effort) -> Encoding:
    """The way of running that the model's card asks for."""
    if card.execution is Execution.PER_CORE:
        return PerCoreEncoding(card, command, effort)
    return ExclusiveEncoding(card, command, effort)


class PerCoreEncoding:
    """A light model: each process decodes and encodes whole items."""

    def __init__(self, card: ModelCard, command: Command, effort: Effort) -> None:
        self._desk = _Desk(effort)
        limits = Limits(effort.memory_mb, effort.load_seconds)
        self._pool = Pool(card, Role.EMBED, effort.workers, command, limits, TimedBatch())

    def start(self, wish: Callable[[], object] = never) -> Ready:
        return self._pool.start(wish)

    def submit(self, operations: list[Operation]) -> None:
        self._pool.submit([self._desk.task(operation) for operation in operations])

    @property
    def room(self) -> int:
        return self._pool.room

    @property
    def in_hand(self) -> list[int]:
        return self._desk.in_hand

    def poll(self, timeout: float) -> list[Outcome]:
        return [self._desk.outcome(result) for result in self._pool.poll(timeout)]

    def notices(self) -> list[str]:
        return []

    def close(self) -> None:
        self._pool.close()


class ExclusiveEncoding:
    """A heavy model in one process; others decode ahead of it into a bounded store of prepared items."""

    def __init__(self, card: ModelCard, command: Command, effort: Effort) -> None:
        self._desk = _Desk(effort)
        limits = Limits(effort.memory_mb, effort.load_seconds)
        self._decoders = Pool(card, Role.PREPARE, effort.workers, command, limits, TimedBatch(largest=4))
        self._batch = AdaptiveBatch(effort.largest_batch)
        self._model = Pool(card, Role.ENCODE, 1, command, limits, self._batch)
        self._prepared: deque[Task] = deque()
        self._read: dict[int, Result] = {}

    def start(self, wish: Callable[[], object] = never) -> Ready:
        ready = self._model.start(wish)
        self._decoders.start(wish)
        return ready

    def submit(self, operations: list[Operation]) -> None:
        self._decoders.submit([self._desk.task(operation) for operation in operations])

    @property
    def room(self) -> int:
        ahead = max(PREPARED_AHEAD, 2 * self._batch.largest)
        return max(0, ahead - self._decoders.pending - len(self._prepared) - self._model.pending)

    @property
    def in_hand(self) -> list[int]:
        return self._desk.in_hand

    def poll(self, timeout: float) -> list[Outcome]:
        outcomes = [self._desk.outcome(result) for result in self._prepare(timeout / 2)]
        self._hand_over()
        outcomes += [self._finished(result) for result in self._model.poll(timeout / 2)]
        return outcomes

    def notices(self) -> list[str]:
        notices, self._model.resized = self._model.resized, []
        return notices

    def close(self) -> None:
        self._decoders.close()
        self._model.close()

    def _prepare(self, timeout: float) -> list[Result]:
        """Collect what was decoded; returns what failed at it."""
        failed = []
        for result in self._decoders.poll(timeout):
            if result.array is None:
                failed.append(result)
                continue
            self._read[result.key] = replace(result, array=None)
            task = self._desk.tasks[result.key]
            self._prepared.append(replace(task, prepared=result.array))
        return failed

    def _hand_over(self) -> None:
        """Full batches as long as decoding goes on; the rest when it has nothing left to wait for."""
        waiting = self._decoders.pending > 0 and self._model.pending > 0
        while self._prepared and self._model.room > 0:
            if waiting and len(self._prepared) < self._batch.size:
                return
            count = min(self._batch.size, len(self._prepared))
            self._model.submit([self._prepared.popleft() for _ in range(count)])

    def _finished(self, result: Result) -> Outcome:
        read = self._read.pop(result.key)
        whole = replace(
            result,
            state=read.state,
            seconds=result.seconds + read.seconds,
            audio_seconds=read.audio_seconds,
        )
        return self._desk.outcome(whole)


@dataclass(slots=True)
class _Desk:
    """Remembers which operation each task stands for."""

    effort: Effort
    operations: dict[int, Operation] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)

    @property
    def in_hand(self) -> list[int]:
        return list(self.operations)

    def task(self, operation: Operation) -> Task:
        duration = operation.duration or operation.size / BYTES_PER_AUDIO_SECOND
        seconds = self.effort.item_timeout + self.effort.timeout_per_audio_second * duration
        state = InputState(operation.size, operation.mtime_ns, operation.digest)
        task = Task(operation.item_id, self.effort.root + b"/" + operation.path, state, seconds)
        self.operations[operation.item_id] = operation
        self.tasks[operation.item_id] = task
        return task

    def outcome(self, result: Result) -> Outcome:
        operation = self.operations.pop(result.key)
        del self.tasks[result.key]
        error = item_error(result.code, result.message) if result.code else None
        return Outcome(operation, result.array, error, result.state, result.seconds, result.audio_seconds)
