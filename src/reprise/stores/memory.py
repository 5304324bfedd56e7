"""Vectors in memory: the oracle that the tests compare every other store with. Simple before fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.ports import Hit, StoreReport
from reprise.core.store_abilities import StoreAbilities
from reprise.stores import snapshots
from reprise.stores.checks import (
    MAX_DIMENSION,
    check_batch,
    check_dimension,
    check_k,
    check_keys,
    check_names,
    check_query,
    check_same_dimension,
    unknown_space,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from reprise.core.ports import Vectors


MEMORY = StoreAbilities(
    name="memory",
    setting="",
    extra="",
    address="",
    exact="always",
    index="",
    owner_filter="a dict per owner",
    delete_by_item=True,
    scan=True,
    snapshot=True,
    writers=False,
    processes=False,
    transactional=True,
    largest_k=None,
    largest_dimension=MAX_DIMENSION,
    largest_index_dimension=None,
    tried="",
)


@dataclass
class _Space:
    dimension: int
    rows: dict[int, Vectors] = field(default_factory=dict)


class MemoryStore:
    """A ``VectorStore`` that keeps everything in dicts and forgets it when it is closed."""

    abilities = MEMORY

    def __init__(self) -> None:
        self._spaces: dict[tuple[str, str], _Space] = {}

    def _space(self, owner: str, space: str) -> _Space:
        check_names(owner, space)
        found = self._spaces.get((owner, space))
        if found is None:
            raise unknown_space(owner, space)
        return found

    def create(self, owner: str, space: str, dimension: int) -> None:
        check_names(owner, space)
        check_dimension(dimension)
        for (_, name), held in self._spaces.items():
            if name == space:
                check_same_dimension(space, held.dimension, dimension)
        self._spaces.setdefault((owner, space), _Space(dimension))

    def drop(self, owner: str, space: str) -> None:
        check_names(owner, space)
        self._spaces.pop((owner, space), None)

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        held = self._space(owner, space)
        plain, rows = check_batch(keys, vectors, held.dimension)
        held.rows.update(zip(plain, rows.copy(), strict=True))

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        rows = self._space(owner, space).rows
        return sum(rows.pop(key, None) is not None for key in check_keys(keys))

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        rows = self._space(owner, space).rows
        return {key: rows[key].copy() for key in check_keys(keys) if key in rows}

    def count(self, owner: str, space: str) -> int:
        return len(self._space(owner, space).rows)

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        return self._pages(self._space(owner, space), batch)

    def _pages(self, held: _Space, batch: int) -> Iterator[tuple[Sequence[int], Vectors]]:
        import numpy as np

        keys = sorted(held.rows)
        for start in range(0, len(keys), batch):
            page = [key for key in keys[start : start + batch] if key in held.rows]
            if page:
                yield page, np.stack([held.rows[key] for key in page])

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        import numpy as np

        from reprise.stores.exact import best, scores

        held = self._space(owner, space)
        check_k(k)
        query = check_query(vector, held.dimension)
        barred = set(exclude)
        kept = [key for key in held.rows if key not in barred]
        if not kept:
            return []
        rows = np.stack([held.rows[key] for key in kept])
        return best(np.array(kept, dtype=np.int64), scores(rows, query), k)

    def flush(self, owner: str, space: str) -> None:
        self._space(owner, space)

    def verify(self, owner: str, space: str) -> StoreReport:
        return StoreReport(self.count(owner, space))

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        held = self._space(owner, space)
        pages = self._pages(held, snapshots.PAGE_ROWS)
        rows = ((key, row.tobytes()) for keys, page in pages for key, row in zip(keys, page, strict=True))
        snapshots.write(target, snapshots.Title(owner, space, held.dimension), rows)

    def restore(self, owner: str, space: str, source: Path) -> None:
        import numpy as np

        check_names(owner, space)
        with snapshots.opened(source, owner, space) as snapshot:
            dimension = snapshot.title.dimension
            rows = {key: np.frombuffer(blob, np.float32).copy() for key, blob in snapshot.rows()}
        self.create(owner, space, dimension)
        self._spaces[owner, space] = _Space(dimension, rows)

    def close(self) -> None:
        """Nothing is held open. What was stored stays, as it would on a disk."""
