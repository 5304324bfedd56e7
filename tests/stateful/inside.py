"""Model processes without processes: the real worker code in this one, so that a thousand jobs take seconds."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, cast

from reprise.child import MediaReader
from reprise.core.job import never
from reprise.engine.desk import Desk
from reprise.engine.messages import Ready, Role, Slot
from reprise.engine.worker import Worker
from reprise.media.decode import DecodeLimits
from reprise.models.registry import load_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from reprise.core.plan import Operation
    from reprise.core.ports import EmbeddingModel
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort, Outcome
    from reprise.engine.messages import Task
    from reprise.engine.model_process import Command

ROOM = 2
"""How many operations are in a model's hands at once."""


class InsideEncoding:
    """``reprise.engine.encoding.Encoding`` by the worker's own code, one item a poll. ``called`` hears of each."""

    def __init__(self, card: ModelCard, effort: Effort, called: Callable[[str, str], None]) -> None:
        self._card = card
        self._desk = Desk(effort)
        self._called = called
        self._tasks: deque[Task] = deque()
        descriptor = os.memfd_create("slot")
        os.ftruncate(descriptor, Slot.SIZE)
        self._slot = Slot(descriptor)
        os.close(descriptor)
        model = cast("EmbeddingModel", load_model(card.name))
        reader = MediaReader(DecodeLimits(0.9, 3600.0))
        nobody = cast("Connection", None)  # what it answers is taken from its hands
        self._worker = Worker(nobody, self._slot, model, reader, Role.EMBED)

    def start(self, wish: Callable[[], object] = never) -> Ready:
        return Ready(0.0, 0.0, None)

    def submit(self, operations: list[Operation]) -> None:
        self._tasks.extend(self._desk.task(operation) for operation in operations)

    @property
    def room(self) -> int:
        return max(0, ROOM - len(self._tasks))

    @property
    def in_hand(self) -> list[int]:
        return self._desk.in_hand

    def poll(self, timeout: float) -> list[Outcome]:
        if not self._tasks:
            return []
        task = self._tasks.popleft()
        self._called(self._card.name, os.fsdecode(task.path))
        return [self._desk.outcome(self._worker._one(task, self._worker._embed))]

    def notices(self) -> list[str]:
        return []

    def close(self) -> None:
        self._slot.close()


def encodings(called: Callable[[str, str], None]) -> Callable[[ModelCard, Command, Effort], InsideEncoding]:
    """What stands in for ``make_encoding``; ``called`` hears the model and the path of each item that is computed."""

    def make(card: ModelCard, _command: Command, effort: Effort) -> InsideEncoding:
        return InsideEncoding(card, effort, called)

    return make
