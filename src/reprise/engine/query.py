"""A text's vector: its encoder runs in a process of its own, for as long as the question takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reprise.core.batching import AdaptiveBatch
from reprise.core.gates import check_vector
from reprise.core.items import InputState
from reprise.engine.messages import Role, Task
from reprise.engine.pool import Limits, Pool
from reprise.errors import ModelError, UsageError

if TYPE_CHECKING:
    from reprise.core.ports import Vectors
    from reprise.core.spec import ModelCard
    from reprise.engine.model_process import Command

POLL_SECONDS = 0.1


def encode_text(
    card: ModelCard, command: Command, text: str, *, load_seconds: float, seconds: float, memory_mb: float
) -> Vectors:
    """The vector of ``text``, shape (dimension,), unit length.

    Raises ``UsageError`` for a model that does not read text, ``ModelError`` kinds when it cannot be loaded or does
    not answer within ``seconds``, ``ItemError`` kinds when it cannot make anything of this text.
    """
    if not card.reads_text:
        raise UsageError(f"{card.name} does not read text", cure="see which models do: reprise models")
    pool = Pool(card, Role.QUERY, 1, command, Limits(memory_mb, load_seconds), AdaptiveBatch(1))
    try:
        pool.start()
        pool.submit([Task(0, b"", InputState(0, 0), seconds, text=text)])
        return check_vector(_answer(pool, card, seconds), card.spec.dimension)
    finally:
        pool.close()


def _answer(pool: Pool, card: ModelCard, seconds: float) -> Vectors:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for result in pool.poll(POLL_SECONDS):
            if result.array is None:
                raise ModelError(f"{card.name} made nothing of the text: {result.message}")
            return result.array
    raise ModelError(f"{card.name} did not answer within {seconds:.0f} s")
