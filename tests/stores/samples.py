"""Vectors, an oracle and a comparison that the tests of the embedded store share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.stores.memory import MemoryStore

if TYPE_CHECKING:
    from reprise.core.ports import Vectors
    from reprise.stores.embedded import EmbeddedStore

DIMENSION = 24
OWNER, SPACE = "ada", "acoustic-0123456789ab"


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    """Random vectors of length one, shape (count, dimension)."""
    found = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    rows: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return rows


def oracle(count: int = 300, seed: int = 0) -> MemoryStore:
    """What the store of the fixtures should hold."""
    memory = MemoryStore()
    memory.create(OWNER, SPACE, DIMENSION)
    memory.upsert(OWNER, SPACE, range(count), unit(count, seed))
    return memory


def agree(store: EmbeddedStore, memory: MemoryStore, k: int = 12) -> bool:
    """Whether both give the same answers to ten questions."""
    return all(
        store.search(OWNER, SPACE, query, k) == memory.search(OWNER, SPACE, query, k)
        for query in unit(10, seed=77)
    )
