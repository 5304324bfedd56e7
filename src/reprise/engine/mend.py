"""Before work starts, the store and the ledger are made to agree; a crash may have come between them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.engine.keeping import Keeping

PART = 1000


def mend(catalogue: Catalogue, keeping: Keeping, space: Space, job_id: str) -> int:
    """Have lost vectors done again and remove those that nobody knows of; returns how many are lost.

    Counts are compared first: only when they differ are all keys read, side by side, in constant memory. Another
    job may fill the same space from another library meanwhile: what it has in hand is not taken for unknown.
    """
    owner = space.owner
    if keeping.count(space) in {None, catalogue.ledger.counts(owner, space.id)["vectors"]}:
        return 0
    expected = catalogue.ledger.with_vector(owner, space.id)
    lost, unknown = _differences(expected, keeping.keys(space) or ())
    for part in _parts(unknown):
        keeping.delete(space, catalogue.ledger.unclaimed(owner, space.id, part, job_id))
    return sum(catalogue.ledger.lost_vectors(owner, space.id, part, time.time()) for part in _parts(lost))


def _differences(expected: Iterable[int], stored: Iterable[int]) -> tuple[list[int], list[int]]:
    """What only the first, and what only the second of two ascending streams holds."""
    left, right = iter(expected), iter(stored)
    only_left: list[int] = []
    only_right: list[int] = []
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a < b):
            only_left.append(a)  # type: ignore[arg-type]  # b is None or larger, so a is a number
            a = next(left, None)
        elif a is None or b < a:
            only_right.append(b)
            b = next(right, None)
        else:
            a, b = next(left, None), next(right, None)
    return only_left, only_right


def _parts(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + PART] for start in range(0, len(ids), PART))
