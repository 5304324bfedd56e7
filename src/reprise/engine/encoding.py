"""Turning items into vectors, with decoding, encoding and the caller's writing overlapped by bounded queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reprise.core.batching import TimedBatch
from reprise.core.job import never
from reprise.core.spec import Execution
from reprise.engine.desk import Desk
from reprise.engine.exclusive import ExclusiveEncoding
from reprise.engine.messages import Role
from reprise.engine.pool import Limits, Pool
from reprise.errors import ModelLoadFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.plan import Operation
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort, Outcome
    from reprise.engine.messages import Ready
    from reprise.engine.model_process import Command


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
    if card.execution is Execution.DIRECT:
        raise ModelLoadFailed(f"{card.name} runs in no process of its own", cure="see docs/models.md")
    return ExclusiveEncoding(card, command, effort)


class PerCoreEncoding:
    """A light model: each process decodes and encodes whole items."""

    def __init__(self, card: ModelCard, command: Command, effort: Effort) -> None:
        self._desk = Desk(effort)
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
