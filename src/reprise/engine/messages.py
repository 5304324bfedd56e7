"""What a run and its model processes say to each other."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from reprise.core.items import InputState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.analysis import Analysis
    from reprise.core.ports import Document, Told


class Role(StrEnum):
    """What a process does with what it is sent.

    ``EMBED``: decode, prepare and encode one item after the other (light models). ``PREPARE``: decode and prepare
    only. ``ENCODE``: encode what was prepared, a batch at a time. ``QUERY``: encode texts, with nothing loaded that
    they do not need.
    """

    EMBED = "embed"
    PREPARE = "prepare"
    ENCODE = "encode"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Task:
    """One item to work on, or one part of it. ``state`` is what the catalogue knows.

    For ``ENCODE`` only: ``prepared`` and ``part``, the number of the window. For ``QUERY`` only: ``text``. ``document``:
    what a model that hears nothing looks at, where that is not the file at ``path``.
    """

    key: int
    path: bytes
    state: InputState
    seconds_allowed: float
    prepared: NDArray[np.float32] | None = None
    part: int = 0
    text: str = ""
    document: Document | None = None

    def __reduce__(self) -> tuple[type[Task], tuple[object, ...]]:
        """As ``core.items.InputState``."""
        return Task, (
            self.key, self.path, self.state, self.seconds_allowed, self.prepared, self.part, self.text, self.document,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one task: an array (what was prepared, features or a vector) or an error's code and message.

    ``state`` is what the process read: stat and digest of the very bytes that it decoded. ``seconds`` is busy time.
    ``part`` is the number of the window that ``array`` holds or describes; a preparing process sends one result for
    each, and then one without an array, ``last``, whose ``part`` is their count. ``analysis``: what was heard besides,
    if the model tells that; ``told``: what a telling model found.
    """

    key: int
    array: NDArray[np.float32] | None
    code: str
    message: str
    state: InputState | None
    seconds: float
    audio_seconds: float
    part: int = 0
    last: bool = True
    analysis: Analysis | None = None
    told: Told | None = None

    def __reduce__(self) -> tuple[type[Result], tuple[object, ...]]:
        """As ``core.items.InputState``."""
        return Result, (
            self.key, self.array, self.code, self.message, self.state, self.seconds, self.audio_seconds, self.part,
            self.last, self.analysis, self.told,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready:
    """A process has loaded its model. ``canaries`` are the vectors of two inputs that sound nothing alike.

    ``placement`` says on which device and how, if the model knows.
    """

    seconds: float
    memory_mb: float
    canaries: NDArray[np.float32] | None
    placement: str = ""


@dataclass(frozen=True, slots=True)
class NotReady:
    """A process could not load its model."""

    code: str
    message: str
    cure: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Results in the order of the tasks; ``last`` ends the answer to one message."""

    results: list[Result]
    last: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelLost:
    """The model cannot go on at all, whatever it is given: its device is gone."""

    code: str
    message: str
    cure: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The whole message did not fit into memory; nothing of it was done."""


class Slot:
    """A few bytes that a process and its parent share, so that blame survives a crash.

    The process notes here, without a message, what it begins and ends and what it read of the item's content; after
    a kill the parent knows which item was in hand.
    """

    FORMAT: ClassVar[struct.Struct] = struct.Struct("<QQdqq32s?")
    SIZE: ClassVar[int] = mmap.PAGESIZE

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, self.SIZE)

    def begin(self, started: int, now: float) -> None:
        self._write(started, started - 1, now, None)

    def learned(self, started: int, now: float, state: InputState) -> None:
        self._write(started, started - 1, now, state)

    def end(self, started: int, now: float) -> None:
        self._write(started, started, now, None)

    def read(self) -> tuple[int, int, float, InputState | None]:
        """Tasks begun, tasks ended, the monotonic time of the last change, the content in hand if known."""
        started, ended, at, size, mtime_ns, digest, known = self.FORMAT.unpack_from(self._memory)
        return started, ended, at, InputState(size, mtime_ns, digest) if known else None

    def close(self) -> None:
        self._memory.close()

    def _write(self, started: int, ended: int, now: float, state: InputState | None) -> None:
        size, mtime_ns, digest = (state.size, state.mtime_ns, state.digest) if state else (0, 0, None)
        self.FORMAT.pack_into(
            self._memory, 0, started, ended, now, size, mtime_ns, digest or b"", digest is not None
        )
