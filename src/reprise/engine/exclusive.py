"""A heavy model in one process, fed by others that decode ahead of it. Windows of several tracks share a batch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import count
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.batching import AdaptiveBatch, TimedBatch
from reprise.core.job import never
from reprise.core.pooling import pool
from reprise.core.spec import Execution
from reprise.engine.desk import Desk
from reprise.engine.messages import Role, Task
from reprise.engine.pool import Limits, Pool
from reprise.errors import ModelFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort, Outcome
    from reprise.engine.messages import Ready, Result
    from reprise.engine.model_process import Command

TRACKS_AHEAD = 16
"""Tracks in hand at least; decoding is quicker than any heavy model."""


@dataclass(slots=True)
class _Track:
    """One decoding of one track: its windows come in order, and back from the model in any.

    ``lost``: nobody waits for it any more, because one of its windows failed or because it is decoded anew.
    """

    heard: int = 0
    lost: bool = False
    waiting: int = 0
    outputs: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    read: Result | None = None
    failed: Result | None = None
    seconds: float = 0.0

    @property
    def finished(self) -> bool:
        return self.read is not None and not self.waiting


class _Window(NamedTuple):
    """What is in a batch under a number of its own, so that a track that is decoded anew is not mixed with itself."""

    track: _Track
    part: int
    sound: NDArray[np.float32]


class ExclusiveEncoding:
    """``reprise.engine.encoding.Encoding`` for a model whose card says ``EXCLUSIVE`` or ``WINDOWED``."""

    def __init__(self, card: ModelCard, command: Command, effort: Effort) -> None:
        self._card = card
        self._effort = effort
        self._desk = Desk(effort)
        limits = Limits(effort.memory_mb, effort.load_seconds)
        self._decoders = Pool(card, Role.PREPARE, effort.workers, command, limits, TimedBatch(largest=4))
        self._batch = AdaptiveBatch(effort.largest_batch)
        model_limits = Limits(max(effort.memory_mb, 2.0 * card.memory_mb), effort.load_seconds)
        self._model = Pool(card, Role.ENCODE, 1, command, model_limits, self._batch)
        self._tracks: dict[int, _Track] = {}
        self._numbers = count()
        self._stock: deque[Task] = deque()
        self._windows: dict[int, _Window] = {}  # in stock or at the model
        self._bytes = 0

    def start(self, wish: Callable[[], object] = never) -> Ready:
        self._model.launch()
        self._decoders.launch()
        ready = self._model.start(wish)
        self._decoders.start(wish)
        return ready

    def submit(self, operations: list[Operation]) -> None:
        self._tracks.update((operation.item_id, _Track()) for operation in operations)
        self._decoders.submit([self._desk.task(operation) for operation in operations])

    @property
    def room(self) -> int:
        ahead = max(TRACKS_AHEAD, 2 * self._batch.largest)
        return max(0, ahead - len(self._tracks)) if self._listening else 0

    @property
    def in_hand(self) -> list[int]:
        return self._desk.in_hand

    def poll(self, timeout: float) -> list[Outcome]:
        """The model is fed before the tracks that are whole are pooled."""
        listen = self._listening
        wait(self._model.connections + (self._decoders.connections if listen else []), timeout=timeout)
        for result in self._model.poll(0.0):
            self._encoded(result)
        for result in self._decoders.poll(0.0, listen=listen):
            self._decoded(result)
        self._hand_over()
        return [self._close_track(key) for key, track in list(self._tracks.items()) if track.finished]

    def notices(self) -> list[str]:
        notices, self._model.resized = self._model.resized, []
        return notices

    def close(self) -> None:
        self._decoders.close()
        self._model.close()

    @property
    def _listening(self) -> bool:
        return self._bytes < self._effort.stock_bytes

    def _decoded(self, result: Result) -> None:
        """A window, or the last word on a track: how many windows it has, or why it cannot be read."""
        if result.array is not None:
            self._take_in(result.key, result.part, result.array)
            return
        track = self._tracks[result.key]
        track.read = result
        if result.code:
            self._fail(track, result)

    def _take_in(self, key: int, part: int, sound: NDArray[np.float32]) -> None:
        """A track that begins anew may have another content by now: nothing of it so far is kept."""
        track = self._tracks[key]
        if part == 0 and track.heard:  # its decoder died without blame: all begins anew
            track.lost = True
            track = self._tracks[key] = _Track()
        track.heard += 1
        if track.lost:
            return
        track.waiting += 1
        number = next(self._numbers)
        self._windows[number] = _Window(track, part, sound)
        self._bytes += sound.nbytes
        self._stock.append(replace(self._desk.tasks[key], key=number, prepared=sound, part=part))

    def _hand_over(self) -> None:
        """Full batches as long as decoding goes on; the rest when there is nothing left to wait for."""
        while self._stock and self._model.room > 0:
            if len(self._stock) < self._batch.size and self._patient:
                return
            self._model.submit(self._next_batch())

    @property
    def _patient(self) -> bool:
        """Whether more windows may come while the model still has some to work on."""
        return self._decoders.pending > 0 and self._model.pending > 0 and self._listening

    def _next_batch(self) -> list[Task]:
        """Windows in the order of decoding, whatever track they are of, but not of one that is lost already."""
        batch: list[Task] = []
        while self._stock and len(batch) < self._batch.size:
            task = self._stock.popleft()
            if self._windows[task.key].track.lost:
                self._drop(task.key)
            else:
                batch.append(task)
        return batch

    def _drop(self, number: int) -> _Window:
        window = self._windows.pop(number)
        window.track.waiting -= 1
        self._bytes -= window.sound.nbytes
        return window

    def _encoded(self, result: Result) -> None:
        window = self._drop(result.key)
        track = window.track
        track.seconds += result.seconds
        if result.array is None:
            self._fail(track, result)
        else:
            track.outputs[window.part] = result.array

    def _fail(self, track: _Track, result: Result) -> None:
        track.failed = track.failed or result
        track.lost = True

    def _close_track(self, key: int) -> Outcome:
        track = self._tracks.pop(key)
        read = track.read
        if read is None:
            raise RuntimeError(f"item {key} is closed before it was read")
        whole = replace(read, seconds=read.seconds + track.seconds)
        if track.failed is not None:
            return self._desk.outcome(replace(whole, code=track.failed.code, message=track.failed.message))
        try:
            return self._desk.outcome(replace(whole, array=self._vector(track, read.part)))
        except (ModelFailed, ValueError) as error:
            return self._desk.outcome(replace(whole, code=ModelFailed.code, message=str(error)))

    def _vector(self, track: _Track, parts: int) -> NDArray[np.float32]:
        """A track counts only as a whole: a window without an answer is a failure."""
        if len(track.outputs) != parts:
            raise ModelFailed(f"the model answered {len(track.outputs)} of {parts} windows")
        outputs = [track.outputs[part] for part in range(parts)]
        if self._card.execution is Execution.WINDOWED:
            return pool(self._card.spec.pooling, outputs)
        return outputs[0]
