"""The inside of a model process: loads one model, works on what it is sent, ends with its parent."""

from __future__ import annotations

import os
import queue
import threading
import time
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import psutil

from reprise.core.cuts import split_path
from reprise.core.items import InputState
from reprise.core.pooling import pool
from reprise.core.ports import (
    Described,
    Document,
    ListeningModel,
    NativeAudio,
    ReadingModel,
    SeekableAudio,
    TellingModel,
    TextModel,
    WindowedModel,
)
from reprise.core.spec import TRACKS, Execution
from reprise.engine.messages import Answers, ModelLost, NotReady, Ready, Result, Role, TooLarge
from reprise.errors import (
    ItemError,
    MemoryExceeded,
    ModelError,
    ModelFailed,
    ModelLoadFailed,
    RepriseError,
    Unreadable,
    Vanished,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from reprise.core.ports import Audio, EmbeddingModel, Tap, Vectors
    from reprise.core.spec import Subject
    from reprise.engine.messages import Slot, Task

ANSWER_SECONDS = 0.5
"""Results travel together, at least this often: a message per item would cost more than a cheap model."""


class Reader(Protocol):
    """How a process gets at an item's content."""

    def open_audio(self, path: bytes, sample_rate: int) -> Audio: ...

    def digest(self, path: bytes) -> bytes: ...

    def video_digest(self, path: bytes) -> bytes: ...


class Worker:
    """Serves one connection until it closes."""

    def __init__(
        self,
        connection: Connection,
        slot: Slot,
        model: EmbeddingModel | WindowedModel | TellingModel,
        reader: Reader,
        role: Role,
    ) -> None:
        self._connection = connection
        self._slot = slot
        self._model = model
        self._windowed = model if isinstance(model, WindowedModel) else None
        self._telling = model if isinstance(model, TellingModel) else None
        self._card = model.card
        self._reader = reader
        self._role = role
        self._inbox: queue.SimpleQueue[list[Task]] = queue.SimpleQueue()
        self._started = 0
        self._waited = 0.0

    def serve(self) -> None:
        threading.Thread(target=self._receive, daemon=True, name="receive").start()
        if not self._load():
            return
        work = {
            Role.EMBED: self._one_by_one,
            Role.PREPARE: self._prepare_each,
            Role.ENCODE: self._encode_together,
            Role.QUERY: self._answer_texts,
        }[self._role]
        while True:
            work(self._inbox.get())

    def _receive(self) -> None:
        """Take messages off the connection while the model works, so that the parent never waits to send.

        Its end means that the parent is done or dead: leave at once, even from the middle of a decoder that hangs.
        """
        while True:
            try:
                self._inbox.put(self._connection.recv())
            except (EOFError, OSError):
                os._exit(0)

    def _send(self, message: Ready | NotReady | Answers | TooLarge | ModelLost) -> None:
        """A parent that is gone is no error worth a traceback in its terminal."""
        try:
            self._connection.send(message)
        except OSError:
            os._exit(0)

    def _load(self) -> bool:
        began = time.monotonic()
        try:
            canaries = self._load_model()
            placement = self._windowed.placement() if self._windowed else ""
        except Exception as error:  # noqa: BLE001 - whatever a model raises is its parent's to judge and to tell
            self._send(_not_ready(error))
            return False
        memory_mb = psutil.Process().memory_info().rss / 2**20
        self._send(Ready(time.monotonic() - began, memory_mb, canaries, placement))
        return True

    def _load_model(self) -> Vectors | None:
        """Load what the role needs. Encoding the canaries is the warm-up as well."""
        self._check_kind()
        if self._role is Role.PREPARE:
            return None
        if self._role is Role.QUERY:
            self._text_model.load_text()
            return None
        self._model.load()
        if self._telling:
            return None
        outputs = self._encode_canaries()
        if self._windowed:
            return np.stack([pool(self._card.spec.pooling, [output]) for output in outputs])
        return np.stack(outputs)

    def _check_kind(self) -> None:
        """A card and a model that do not fit together would fail each item, with reasons that tell nobody anything."""
        name, windowed = self._card.name, self._card.execution is Execution.WINDOWED
        if windowed and self._windowed is None:
            raise ModelLoadFailed(
                f"the card of {name} says windowed, but it is no WindowedModel: see docs/models.md"
            )
        if self._windowed is not None and not windowed:
            raise ModelLoadFailed(f"{name} hears windows: its card must say so")
        self._check_what_it_makes(name)

    def _check_what_it_makes(self, name: str) -> None:
        if self._telling and self._role is not Role.EMBED:
            raise ModelLoadFailed(f"{name} tells what it finds: its card must say per_core")
        if (self._card.spec.dimension == 0) != (self._telling is not None):
            raise ModelLoadFailed(
                f"{name} must either tell what it finds or make vectors: see docs/models.md"
            )
        reads = self._telling is not None or isinstance(self._model, ReadingModel)
        if self._subject != TRACKS and not reads:
            raise ModelLoadFailed(f"{name} looks at no tracks and reads no documents: see docs/models.md")

    @property
    def _subject(self) -> Subject:
        return self._card.spec.subject

    @property
    def _embedding(self) -> EmbeddingModel | WindowedModel:
        if isinstance(self._model, TellingModel):
            raise TypeError(f"{self._card.name} makes no vectors: it tells what it finds")
        return self._model

    def _encode_canaries(self) -> list[NDArray[np.float32]]:
        """Both together, or one by one where memory holds no two."""
        model = self._embedding
        canaries = model.canaries()
        try:
            return list(model.encode(canaries))
        except MemoryError:
            return [model.encode([canary])[0] for canary in canaries]

    @property
    def _text_model(self) -> TextModel:
        if not isinstance(self._model, TextModel):
            raise ModelLoadFailed(f"{self._card.name} does not read text")
        return self._model

    def _one_by_one(self, tasks: list[Task]) -> None:
        began = sent = time.monotonic()
        results: list[Result] = []
        work = self._embed if self._subject == TRACKS else self._look_into
        for task in tasks:
            results.append(self._one(task, work))
            now = time.monotonic()
            if now - sent >= ANSWER_SECONDS:
                self._send(Answers(results, last=False, seconds=0.0))
                results, sent = [], now
        self._send(Answers(results, last=True, seconds=time.monotonic() - began))

    def _prepare_each(self, tasks: list[Task]) -> None:
        busy = 0.0
        for left, task in zip(range(len(tasks) - 1, -1, -1), tasks, strict=True):
            result = self._one(task, self._hand_over_parts)
            busy += result.seconds
            self._send(Answers([result], last=not left, seconds=busy))

    def _one(self, task: Task, work: Callable[[Task, InputState], Result]) -> Result:
        self._started += 1
        self._waited = 0.0
        began = time.monotonic()
        self._slot.begin(self._started, began)
        state: InputState | None = None
        try:
            state = self._read_state(task)
            self._slot.learned(self._started, began, state)
            result = work(task, state)
            if not self._subject.channel:
                _check_unchanged(task.path, state)
            return replace(result, seconds=time.monotonic() - began - self._waited)
        except ModelError as error:  # no other item would fare better
            self._send(ModelLost(error.code, error.message, error.cure))
            return Result(task.key, None, error.code, error.message, state, time.monotonic() - began, 0.0)
        except Exception as error:  # noqa: BLE001 - one item's trouble, of any kind, is its own row
            kind = _item_error(error)
            seconds = time.monotonic() - began - self._waited
            return Result(task.key, None, kind.code, kind.message, state, seconds, 0.0)
        finally:
            self._slot.end(self._started, time.monotonic())

    def _read_state(self, task: Task) -> InputState:
        """An input is what its digest says; only files change under our feet."""
        if self._subject.channel:
            return task.state
        state = _look(task.path, task.state)
        if task.state.digest is not None and state.same_stat(task.state):
            return task.state
        digest = self._reader.digest if self._subject == TRACKS else self._reader.video_digest
        return InputState(state.size, state.mtime_ns, digest(task.path))

    def _audio(self, task: Task) -> _Metered:
        return _Metered(self._reader.open_audio(task.path, self._card.spec.sample_rate))

    def _look_into(self, task: Task, state: InputState) -> Result:
        if self._telling:
            told = self._telling.tell(_document(task))
            return Result(task.key, None, "", "", state, 0.0, 0.0, told=told)
        vector = np.asarray(self._embedding.encode([self._read(task)])[0])
        return Result(task.key, vector, "", "", state, 0.0, 0.0)

    def _read(self, task: Task) -> NDArray[np.float32]:
        if not isinstance(self._model, ReadingModel):
            raise TypeError(f"{self._card.name} reads no documents")
        return self._model.read(_document(task))

    def _embed(self, task: Task, state: InputState) -> Result:
        audio = self._audio(task)
        if isinstance(self._model, ListeningModel):
            prepared, analysis = self._model.listen(audio)
        else:
            prepared, analysis = self._prepared(audio), None
        vector = np.asarray(self._embedding.encode([prepared])[0])
        return Result(task.key, vector, "", "", state, 0.0, audio.seconds, analysis=analysis)

    def _prepared(self, audio: Audio) -> NDArray[np.float32]:
        model = self._embedding
        if isinstance(model, WindowedModel):
            raise TypeError(f"{self._card.name} prepares nothing: it hears windows")
        return model.prepare(audio)

    def _hand_over_parts(self, task: Task, state: InputState) -> Result:
        """Send each window as soon as it is decoded; a long track is never held as a whole."""
        if self._subject != TRACKS:
            self._hand_over(Result(task.key, self._read(task), "", "", None, 0.0, 0.0, last=False), state)
            return Result(task.key, None, "", "", state, 0.0, 0.0, 1)
        audio = self._audio(task)
        parts = self._windowed.windows(audio) if self._windowed else [self._prepared(audio)]
        count = 0
        for count, part in enumerate(parts, 1):
            sound = np.asarray(part, np.float32)
            self._hand_over(Result(task.key, sound, "", "", None, 0.0, 0.0, count - 1, last=False), state)
        if not count:
            raise ModelFailed("the model made no window of it")
        return Result(task.key, None, "", "", state, 0.0, audio.seconds, count)

    def _hand_over(self, result: Result, state: InputState) -> None:
        """The parent may be slow to listen, on purpose: that time is not the item's."""
        _, _, since, _ = self._slot.read()
        began = time.monotonic()
        self._slot.end(self._started, began)
        self._send(Answers([result], last=False, seconds=0.0))
        waited = time.monotonic() - began
        self._waited += waited
        self._slot.learned(self._started, since + waited, state)

    def _encode_together(self, tasks: list[Task]) -> None:
        self._started += 1
        began = time.monotonic()
        self._slot.begin(self._started, began)
        try:
            answer: Answers | TooLarge | ModelLost = self._encode(tasks, began)
        except MemoryError:
            answer = TooLarge()
        except ModelError as error:
            answer = ModelLost(error.code, error.message, error.cure)
        except Exception as error:  # noqa: BLE001 - the model failed on this batch; the parent tries its items alone
            kind = _item_error(error)
            results = [
                Result(task.key, None, kind.code, kind.message, None, 0.0, 0.0, task.part) for task in tasks
            ]
            answer = Answers(results, last=True, seconds=time.monotonic() - began)
        self._started += len(tasks) - 1
        self._slot.end(self._started, time.monotonic())
        self._send(answer)

    def _encode(self, tasks: list[Task], began: float) -> Answers:
        prepared = [task.prepared for task in tasks if task.prepared is not None]
        outputs = self._embedding.encode(prepared)
        if len(outputs) != len(tasks):
            raise ModelFailed(f"the model gave {len(outputs)} outputs for {len(tasks)} inputs")
        seconds = time.monotonic() - began
        share = seconds / len(tasks)
        results = [
            Result(task.key, np.asarray(output), "", "", None, share, 0.0, task.part)
            for task, output in zip(tasks, outputs, strict=True)
        ]
        return Answers(results, last=True, seconds=seconds)

    def _answer_texts(self, tasks: list[Task]) -> None:
        results = [self._answer_text(task) for task in tasks]
        self._send(Answers(results, last=True, seconds=sum(result.seconds for result in results)))

    def _answer_text(self, task: Task) -> Result:
        self._started += 1
        began = time.monotonic()
        self._slot.begin(self._started, began)
        try:
            vector = self._text_model.encode_text(task.text)
            return Result(task.key, vector, "", "", None, time.monotonic() - began, 0.0)
        except Exception as error:  # noqa: BLE001 - whatever the model raises goes to the one who asked
            kind = _item_error(error)
            return Result(task.key, None, kind.code, kind.message, None, time.monotonic() - began, 0.0)
        finally:
            self._slot.end(self._started, time.monotonic())


class _Metered:
    """An ``Audio`` that counts what is listened to."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self.sample_rate = audio.sample_rate
        self.seconds = 0.0

    @cached_property
    def vouched_seconds(self) -> float | None:
        return self._audio.vouched_seconds if isinstance(self._audio, SeekableAudio) else None

    @property
    def declared_seconds(self) -> float | None:
        return self._audio.declared_seconds

    def excerpt(self, start: int, samples: int) -> NDArray[np.float32] | None:
        """The whole track counts as listened to: how much of it a model needs is the model's affair."""
        if not isinstance(self._audio, SeekableAudio):
            return None
        self.seconds = self.vouched_seconds or 0.0
        return self._audio.excerpt(start, samples)

    def tap(self, listener: Tap | None) -> None:
        """Sound that has no native form is heard in mono only."""
        if isinstance(self._audio, NativeAudio):
            self._audio.tap(listener)

    def description(self) -> str | None:
        return self._audio.description() if isinstance(self._audio, Described) else None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        self.seconds = 0.0  # listening twice does not make a track longer
        for block in self._audio.blocks():
            self.seconds += len(block) / self.sample_rate
            yield block


def _document(task: Task) -> Document:
    return task.document or Document(file=task.path)


def _look(path: bytes, known: InputState) -> InputState:
    """Size and time of what lies at ``path``.

    A cut's time is the later of its file's and its cue sheet's: never less than the known one, as the sheet is not
    looked at here.
    """
    file, cut = split_path(path)
    try:
        stat = os.stat(file)
    except FileNotFoundError as error:
        raise Vanished("the file is not there any more") from error
    except OSError as error:
        raise Unreadable(f"the file cannot be looked at: {error.strerror}") from error
    time_ns = stat.st_mtime_ns if cut is None else max(stat.st_mtime_ns, known.mtime_ns)
    return InputState(stat.st_size, time_ns)


def _check_unchanged(path: bytes, state: InputState) -> None:
    """What was decoded must be what was digested, or the vector would be filed under another content."""
    if not _look(path, state).same_stat(state):
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
    if isinstance(error, MemoryError):
        return NotReady(MemoryExceeded.code, "there is not enough memory to load it", "")
    return NotReady(ModelLoadFailed.code, f"{type(error).__name__}: {error}", "")
