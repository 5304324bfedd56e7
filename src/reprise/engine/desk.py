"""What goes into an encoding and what comes out: operations become tasks, results become outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.items import InputState
from reprise.engine.messages import Task
from reprise.errors import item_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.analysis import Analysis
    from reprise.core.plan import Operation
    from reprise.engine.messages import Result
    from reprise.errors import ItemError

STOCK_BYTES = 256 << 20
"""Decoded windows in this process at most: then decoders wait with the next one, however long a track is."""

BYTES_PER_AUDIO_SECOND = 16_000.0
"""128 kbit/s: how long a file may last when its tags do not say."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation: a vector or an error. ``state`` is the content that was read, if any was.

    ``analysis`` is what was heard besides, if the model tells that.
    """

    operation: Operation
    vector: NDArray[np.float32] | None
    error: ItemError | None
    state: InputState | None
    seconds: float
    audio_seconds: float
    analysis: Analysis | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """How much machine a model gets. ``workers`` processes; ``root`` is the library's folder.

    One item may take ``item_timeout`` seconds and ``timeout_per_audio_second`` for each second it lasts. A heavy
    model's windows that are decoded and not yet encoded take ``stock_bytes``, and a few windows more.
    """

    workers: int
    root: bytes
    item_timeout: float
    timeout_per_audio_second: float
    memory_mb: float
    load_seconds: float
    largest_batch: int
    stock_bytes: int = STOCK_BYTES


@dataclass(slots=True)
class Desk:
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
        return Outcome(
            operation,
            result.array,
            error,
            result.state,
            result.seconds,
            result.audio_seconds,
            result.analysis,
        )
