"""What goes into an encoding and what comes out: operations become tasks, results become outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.items import InputState
from reprise.core.ports import Document
from reprise.engine.messages import Task
from reprise.errors import item_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.analysis import Analysis
    from reprise.core.plan import Operation
    from reprise.core.ports import Told
    from reprise.engine.messages import Result
    from reprise.errors import ItemError

STOCK_BYTES = 256 << 20
"""Decoded windows in this process at most: then decoders wait with the next one, however long a track is."""

BYTES_PER_AUDIO_SECOND = 16_000.0
"""128 kbit/s: how long a file may last when its tags do not say."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation: a vector or an error. ``state`` is the content that was read, if any was.

    ``analysis`` is what was heard besides, if the model tells that; ``told``: what it found in the item.
    """

    operation: Operation
    vector: NDArray[np.float32] | None
    error: ItemError | None
    state: InputState | None
    seconds: float
    audio_seconds: float
    analysis: Analysis | None = None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """How much machine a model gets. ``workers`` processes; ``root`` is the library's folder, ``media`` that of pictures.

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
    media: bytes = b""


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
        path = self.effort.root + b"/" + operation.path
        document = self._document(operation, path) if operation.channel else None
        task = Task(operation.item_id, path, state, seconds, document=document)
        self.operations[operation.item_id] = operation
        self.tasks[operation.item_id] = task
        return task

    def _document(self, operation: Operation, path: bytes) -> Document:
        """What an input holds; one without text or file stands for the item's own file."""
        if operation.file:
            return Document(file=self.effort.media + b"/" + operation.file)
        return Document(text=operation.text) if operation.text else Document(file=path)

    def outcome(self, result: Result) -> Outcome:
        """The seconds of a document are those that the item lasts: speed is told in one unit for all models."""
        operation = self.operations.pop(result.key)
        del self.tasks[result.key]
        error = item_error(result.code, result.message) if result.code else None
        lasts = 0.0 if error else operation.duration or 0.0
        return Outcome(
            operation,
            result.array,
            error,
            result.state,
            result.seconds,
            result.audio_seconds or (lasts if operation.channel or result.told else 0.0),
            result.analysis,
            result.told,
        )
