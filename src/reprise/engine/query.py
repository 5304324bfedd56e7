"""Texts as vectors: their encoder runs in a process of its own, for as long as the question takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.batching import AdaptiveBatch
from reprise.core.gates import check_vector
from reprise.core.items import InputState
from reprise.core.job import never
from reprise.engine.messages import Role, Task
from reprise.engine.pool import Limits, Pool
from reprise.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reprise.core.ports import Vectors
    from reprise.core.spec import ModelCard
    from reprise.engine.model_process import Command

POLL_SECONDS = 0.1


def encode_texts(
    card: ModelCard,
    command: Command,
    texts: Sequence[str],
    *,
    load_seconds: float,
    seconds: float,
    memory_mb: float,
    stop: Callable[[], object] = never,
) -> Vectors:
    """The vectors of the texts, shape (n, dimension), unit length, by one loading of the encoder.

    Raises ``UsageError`` for a model that does not read text; ``ModelError`` kinds when it cannot be loaded, makes
    nothing of a text, has not answered all within ``seconds`` each, or is to ``stop``.
    """
    if not card.reads_text:
        raise UsageError(f"{card.name} does not read text", cure="see which models do: reprise models")
    pool = Pool(card, Role.QUERY, 1, command, Limits(memory_mb, load_seconds), AdaptiveBatch(1))
    try:
        pool.start(stop)
        pool.submit(
            [Task(place, b"", InputState(0, 0), seconds, text=text) for place, text in enumerate(texts)]
        )
        answers = _answers(pool, card, len(texts), seconds * len(texts), stop)
        return np.stack([check_vector(answers[place], card.spec.dimension) for place in range(len(texts))])
    finally:
        pool.close()


def _answers(
    pool: Pool, card: ModelCard, count: int, seconds: float, stop: Callable[[], object]
) -> dict[int, Vectors]:
    deadline = time.monotonic() + seconds
    answers: dict[int, Vectors] = {}
    while len(answers) < count:
        if stop():
            raise ModelError(f"{card.name} was ended before it had read the text")
        if time.monotonic() > deadline:
            raise ModelError(f"{card.name} did not answer within {seconds:.0f} s")
        for result in pool.poll(POLL_SECONDS):
            if result.array is None:
                raise ModelError(f"{card.name} made nothing of the text: {result.message}")
            answers[result.key] = result.array
    return answers
