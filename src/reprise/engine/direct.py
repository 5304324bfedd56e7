"""Steps that the job's own process carries out, from what is stored: no model, no other process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reprise.core.items import InputState
from reprise.core.job import never
from reprise.engine.desk import Outcome
from reprise.engine.messages import Ready
from reprise.errors import CatalogueError, DiskFull, ItemError, ModelError, ModelFailed, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.ports import DirectStep
    from reprise.core.space import Space

BATCH = 256
"""Operations that a step is handed at once; between two batches anybody who wants to stop is heard."""


class DirectEncoding:
    """``reprise.engine.encoding.Encoding`` for a card that says ``DIRECT``."""

    def __init__(self, step: DirectStep, space: Space) -> None:
        self._step = step
        self._space = space
        self._waiting: list[Operation] = []

    def start(self, wish: Callable[[], object] = never) -> Ready:  # noqa: ARG002 - nothing is loaded
        return Ready(0.0, 0.0, None, "this process")

    def submit(self, operations: list[Operation]) -> None:
        self._waiting += operations

    @property
    def room(self) -> int:
        return max(0, BATCH - len(self._waiting))

    @property
    def in_hand(self) -> list[int]:
        return [operation.item_id for operation in self._waiting]

    def poll(self, timeout: float) -> list[Outcome]:  # noqa: ARG002 - nobody else is waited for
        """Raises ``ModelError`` when the step as a whole cannot go on; what is in hand stays undone."""
        batch = self._waiting[:BATCH]
        if not batch:
            return []
        began = time.monotonic()
        answers = self._answers(batch)
        if len(answers) != len(batch):
            raise ModelFailed(f"the step gave {len(answers)} answers for {len(batch)} operations")
        seconds = (time.monotonic() - began) / len(batch)
        del self._waiting[: len(batch)]
        return [
            _outcome(operation, answer, seconds) for operation, answer in zip(batch, answers, strict=True)
        ]

    def notices(self) -> list[str]:
        return []

    def close(self) -> None:
        self._waiting.clear()

    def _answers(self, batch: list[Operation]) -> Sequence[NDArray[np.float32] | ItemError | None]:
        """One step's trouble is its own, of whatever kind; only of a full disk or a lost catalogue the job dies."""
        try:
            return self._step.work(self._space.owner, self._space.name, batch)
        except (ModelError, CatalogueError, DiskFull):
            raise
        except RepriseError as error:
            raise ModelError(error.message, cure=error.cure) from error
        except Exception as error:
            raise ModelError(f"{type(error).__name__}: {error}") from error


def _outcome(operation: Operation, answer: NDArray[np.float32] | ItemError | None, seconds: float) -> Outcome:
    error = answer if isinstance(answer, ItemError) else None
    vector = None if isinstance(answer, ItemError) else answer
    state = InputState(operation.size, operation.mtime_ns, operation.digest)
    # Of what may be other next time no content is taken down, so that the next run tries it again.
    known = None if error is not None and error.retryable else state
    return Outcome(operation, vector, error, known, seconds, operation.duration or 0.0)
