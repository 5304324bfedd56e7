"""What a model gives on this machine: a process loads it, encodes the same windows a few times, and ends."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.core.items import InputState
from reprise.engine.messages import Answers, Ready, Role, Task, TooLarge
from reprise.engine.model_process import ModelProcess
from reprise.errors import ModelError, ModelLoadFailed, model_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.engine.model_process import Command

BATCH_SECONDS = 10.0
"""A batch is as large as fits into about this, and into what the model takes at once."""
TIMES = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """``load_seconds`` from the start of the process to its first answer. ``memory_mb``: the most that was seen."""

    placement: str
    load_seconds: float
    batch: int
    audio_seconds_per_second: float
    memory_mb: float


def measure(
    command: Command,
    windows: Sequence[NDArray[np.float32]],
    *,
    window_seconds: float,
    largest_batch: int,
    patience: float,
) -> Measured:
    """The median of :data:`TIMES` batches after the warm-up. ``patience``: seconds that loading, or a batch, may take.

    Raises ``ModelError`` kinds.
    """
    began = time.monotonic()
    process = ModelProcess.start(command, Role.ENCODE)
    try:
        ready = _answer(process, patience)
        load_seconds = time.monotonic() - began
        bench = _Bench(process, windows, patience)
        batch = bench.fitting_batch(largest_batch)
        seconds = statistics.median(bench.seconds(batch) for _ in range(TIMES))
        speed = batch * window_seconds / max(seconds, 1e-9)
        memory_mb = max(bench.memory_mb, ready.memory_mb)
        return Measured(ready.placement, load_seconds, batch, speed, memory_mb)
    finally:
        process.close()


class _Bench:
    """A process that encodes batches, each for the time that it takes."""

    def __init__(
        self, process: ModelProcess, windows: Sequence[NDArray[np.float32]], patience: float
    ) -> None:
        self._process = process
        self._windows = windows
        self._patience = patience
        self.memory_mb = 0.0

    def fitting_batch(self, largest: int) -> int:
        """By the time of one window, and then by what memory holds."""
        alone = self.seconds(1)
        batch = max(1, min(largest, int(BATCH_SECONDS / max(alone, 1e-9))))
        while batch > 1:
            try:
                self.seconds(batch)
            except MemoryError:
                batch //= 2
            else:
                break
        return batch

    def seconds(self, batch: int) -> float:
        """Of the process's own clock. Raises ``MemoryError`` when the batch is too large for the device."""
        nothing = InputState(0, 0)
        windows = [self._windows[place % len(self._windows)] for place in range(batch)]
        self._process.send(
            [Task(place, b"", nothing, self._patience, window) for place, window in enumerate(windows)]
        )
        answer = _answer(self._process, self._patience)
        self._process.take_message()
        self.memory_mb = max(self.memory_mb, self._process.memory_mb())
        if answer == TooLarge():
            raise MemoryError if batch > 1 else ModelError("one window alone does not fit into memory")
        assert isinstance(answer, Answers)
        failed = next((result for result in answer.results if result.code), None)
        if failed:
            raise ModelError(f"the model fails: {failed.message}")
        return answer.seconds


def _answer(process: ModelProcess, patience: float) -> Any:
    """The next message. Raises what it says, or that there was none."""
    if not process.connection.poll(patience):
        raise ModelLoadFailed(f"no answer within {patience:.0f} s")
    try:
        message = process.connection.recv()
    except (EOFError, OSError):
        process.process.wait()
        raise ModelLoadFailed(f"the process ended ({process.exit_text})") from None
    if isinstance(message, Ready | Answers | TooLarge):
        return message
    raise model_error(message.code, message.message, message.cure)
