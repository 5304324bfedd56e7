"""What the suite must know of a kind of store to judge it fairly; the defaults are what an exact store in memory is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reprise.core.ports import VectorStore

    Opener: TypeAlias = Callable[[Path], AbstractContextManager[VectorStore]]


@dataclass(frozen=True)
class Traits:
    """``exact``: every answer equals brute force, scores to the last digit.

    One that is not exact has its ``recall`` (the least share of the true answers that must be found, over all questions
    of a test) and ``score_error`` (the most by which a score may differ from the cosine).
    ``files``: what may lie in its folder afterwards, by name.
    """

    exact: bool = True
    recall: float = 1.0
    score_error: float = 1e-6
    files: frozenset[str] = frozenset()
