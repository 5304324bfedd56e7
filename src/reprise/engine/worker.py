"""The inside of a model process: loads one model, works on what it is sent, ends with its parent."""

from __future__ import annotations

import os
import queue
import threading
import time
from typing import TYPE_CHECKING, Protocol

import psutil

from reprise.core.items import InputState
from reprise.engine.messages import Answers, NotReady, Ready, Result, Role, TooLarge
from reprise.errors import (
    ItemError,
    MemoryExceeded,
    ModelFailed,
    ModelLoadFailed,
    RepriseError,
    Unreadable,
    Vanished,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Audio, EmbeddingModel
    from reprise.engine.messages import Slot, Task

ANSWER_SECONDS = 0.5
"""Results travel together, at least this often: a message per item would cost more than a cheap model."""


class Reader(Protocol):
    """How a process gets at an item's content."""

    def open_audio(self, path: bytes, sample_rate: int) -> Audio: ...

    def digest(self, path: bytes) -> bytes: ...


class Worker:
    """Serves one connection until it closes."""

    def __init__(
        self, connection: Connection, slot: Slot, model: EmbeddingModel, reader: Reader, role: Role
    ) -> None:
        self._connection = connection
        self._slot = slot
        self._model = model
        self._reader = reader
        self._role = role
        self._inbox: queue.SimpleQueue[list[Task]] = queue.SimpleQueue()
        self._started = 0

    def serve(self) -> None:
        threading.Thread(target=self._receive, daemon=True, name="receive").start()
        if not self._load():
            return
        while True:
            tasks = self._inbox.get()
            if self._role is Role.ENCODE:
                self._encode_together(tasks)
            else:
                self._one_by_one(tasks)

    def _receive(self) -> None:
        """Take messages off the connection while the model works, so that the parent never waits to send.

        Its end means that the parent is done or dead: leave at once, even from the middle of a decoder that hangs.
        """
        while True:
            try:
                self._inbox.put(self._connection.recv())
            except (EOFError, OSError):
                os._exit(0)

    def _send(self, message: Ready | NotReady | Answers | TooLarge) -> None:
        """A parent that is gone is no error worth a traceback in its terminal."""
        try:
            self._connection.send(message)
        except OSError:
            os._exit(0)

    def _load(self) -> bool:
        began = time.monotonic()
        try:
            canaries = self._load_model()
        except Exception as error:  # noqa: BLE001 - whatever a model raises is its parent's to judge and to tell
            self._send(_not_ready(error))
            return False
        memory_mb = psutil.Process().memory_info().rss / 2**20
        self._send(Ready(time.monotonic() - began, memory_mb, canaries))
        return True

    def _load_model(self) -> NDArray[np.float32] | None:
        if self._role is Role.PREPARE:
            return None
        self._model.load()
        return self._model.encode(self._model.canaries())

    def _one_by_one(self, tasks: list[Task]) -> None:
        began = sent = time.monotonic()
        results: list[Result] = []
        for task in tasks:
            results.append(self._one(task))
            now = time.monotonic()
            if now - sent >= ANSWER_SECONDS:
                self._send(Answers(results, last=False, seconds=0.0))
                results, sent = [], now
        self._send(Answers(results, last=True, seconds=time.monotonic() - began))

    def _one(self, task: Task) -> Result:
        self._started += 1
        began = time.monotonic()
        self._slot.begin(self._started, began)
        state: InputState | None = None
        try:
            state = self._read_state(task)
            self._slot.learned(self._started, began, state)
            array, audio_seconds = self._compute(task.path)
            _check_unchanged(task.path, state)
            return Result(task.key, array, "", "", state, time.monotonic() - began, audio_seconds)
        except Exception as error:  # noqa: BLE001 - one item's trouble, of any kind, is its own row
            kind = _item_error(error)
            return Result(task.key, None, kind.code, kind.message, state, time.monotonic() - began, 0.0)
        finally:
            self._slot.end(self._started, time.monotonic())

    def _read_state(self, task: Task) -> InputState:
        stat = _stat(task.path)
        state = InputState(stat.st_size, stat.st_mtime_ns)
        if task.state.digest is not None and state.same_stat(task.state):
            return task.state
        return InputState(state.size, state.mtime_ns, self._reader.digest(task.path))

    def _compute(self, path: bytes) -> tuple[NDArray[np.float32], float]:
        audio = _Metered(self._reader.open_audio(path, self._model.card.spec.sample_rate))
        prepared = self._model.prepare(audio)
        if self._role is Role.PREPARE:
            return prepared, audio.seconds
        return self._model.encode([prepared])[0], audio.seconds

    def _encode_together(self, tasks: list[Task]) -> None:
        self._started += 1
        began = time.monotonic()
        self._slot.begin(self._started, began)
        try:
            answer: Answers | TooLarge = self._encode(tasks, began)
        except MemoryError:
            answer = TooLarge()
        except Exception as error:  # noqa: BLE001 - the model failed on this batch; the parent tries its items alone
            kind = _item_error(error)
            results = [Result(task.key, None, kind.code, kind.message, None, 0.0, 0.0) for task in tasks]
            answer = Answers(results, last=True, seconds=time.monotonic() - began)
        self._started += len(tasks) - 1
        self._slot.end(self._started, time.monotonic())
        self._send(answer)

    def _encode(self, tasks: list[Task], began: float) -> Answers:
        prepared = [task.prepared for task in tasks if task.prepared is not None]
        vectors = self._model.encode(prepared)
        if len(vectors) != len(tasks):
            raise ModelFailed(f"the model gave {len(vectors)} vectors for {len(tasks)} items")
        seconds = time.monotonic() - began
        share = seconds / len(tasks)
        results = [
            Result(task.key, vector, "", "", None, share, 0.0)
            for task, vector in zip(tasks, vectors, strict=True)
        ]
        return Answers(results, last=True, seconds=seconds)


class _Metered:
    """An ``Audio`` that counts what is listened to."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self.sample_rate = audio.sample_rate
        self.seconds = 0.0

    @property
    def declared_seconds(self) -> float | None:
        return self._audio.declared_seconds

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        for block in self._audio.blocks():
            self.seconds += len(block) / self.sample_rate
            yield block


def _stat(path: bytes) -> os.stat_result:
    try:
        return os.stat(path)
    except FileNotFoundError as error:
        raise Vanished("the file is not there any more") from error
    except OSError as error:
        raise Unreadable(f"the file cannot be looked at: {error.strerror}") from error


def _check_unchanged(path: bytes, state: InputState) -> None:
    """What was decoded must be what was digested, or the vector would be filed under another content."""
    stat = _stat(path)
    if not InputState(stat.st_size, stat.st_mtime_ns).same_stat(state):
        raise Unreadable("the file changed while it was read", cure="the next run reads it again")


def _item_error(error: Exception) -> ItemError:
    if isinstance(error, ItemError):
        return error
    if isinstance(error, MemoryError):
        return MemoryExceeded("there was not enough memory for it")
    if isinstance(error, OSError):
        return Unreadable(f"the file cannot be read: {error.strerror or error}")
    return ModelFailed(f"{type(error).__name__}: {error}")


def _not_ready(error: Exception) -> NotReady:
    if isinstance(error, RepriseError):
        return NotReady(error.code, error.message, error.cure)
    return NotReady(ModelLoadFailed.code, f"{type(error).__name__}: {error}", "")
