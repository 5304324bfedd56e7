"""A path of songs from one track to another, in steps as even as the library allows.

The points of an even path lie on the great circle between the two vectors. At each of them the nearest track that is still
free is taken; then tracks are exchanged, one place at a time, as long as that makes the sum of the squared steps (angles
between neighbours) smaller. Squares, because for a given whole they are smallest when all steps are equal: one large leap
costs more than several small steps. Two neighbours by one artist cost as much as the largest step there is, and so they
are avoided wherever something else is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.names import folded, song_key
from reprise.errors import UsageError
from reprise.search.admission import Admission
from reprise.search.geometry import angles, between
from reprise.search.neighbours import Neighbours
from reprise.search.query import Exclusions, Query, Seed
from reprise.search.space_queries import space_queries_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from reprise.core.items import Item
    from reprise.core.ports import Vectors
    from reprise.search.space_queries import SearchPorts, SpaceQuery

CANDIDATES = 60
MOST_CANDIDATES = 2400
LEAST_CANDIDATES = 12
"""Nearest tracks that are looked at for each place; fewer each for a path of many places, which shares them."""

MOST_ROUNDS = 20
SAME_ARTIST = float(np.pi) ** 2
"""What two neighbours by one artist add: the square of the largest angle."""


@dataclass(frozen=True, slots=True)
class SongPath:
    """``items`` from the first track to the last; ``steps``, one fewer, are the angles between neighbours, in radians."""

    space_query: SpaceQuery
    items: list[Item]
    steps: list[float]
    warnings: tuple[str, ...] = ()


def song_path(
    ports: SearchPorts, model: str, start: Item, end: Item, between_them: int, exclusions: Exclusions
) -> SongPath:
    """A path with ``between_them`` tracks between the two ends, fewer only when the library has no more. No track twice.

    Raises ``NotFound`` when an end is not embedded, ``UsageError`` when both are the same.
    """
    if start.id == end.id:
        raise UsageError(f"{start.label} is both ends of the path", cure="name two different tracks")
    ends = [_end(ports, model, item) for item in (start, end)]
    space_query = ends[0]
    first, last = (end.questions[0] for end in ends)
    admission = Admission(ports.catalogue, ports.owner, exclusions, {start.id, end.id})
    neighbours = Neighbours(ports.store, ports.owner, space_query.space.name, admission)
    points = [between(first, last, place / (between_them + 1)) for place in range(1, between_them + 1)]
    taken = {song_key(item.tags) for item in (start, end)} - {None}
    items = _candidates(neighbours, admission, points, taken)
    candidates = [item.id for item in items]
    rows = neighbours.vectors(candidates) if candidates else {}
    layout = _Layout(np.stack([first, *(rows[key] for key in candidates), last]), [start, *items, end])
    order = layout.smoothed(layout.first_draft(points))
    chosen = [layout.items[place] for place in order]
    warnings = []
    if len(order) < between_them + 2:
        warnings.append(f"only {len(order) - 2} other tracks may be used")
    return SongPath(space_query, chosen, layout.steps(order), tuple(warnings))


def _end(ports: SearchPorts, model: str, item: Item) -> SpaceQuery:
    space_queries, _ = space_queries_of(ports, Query((Seed(item),), (model,)))
    return space_queries[0]


def _candidates(
    neighbours: Neighbours,
    admission: Admission,
    points: Sequence[Vectors],
    taken: Collection[tuple[str, str] | None],
) -> list[Item]:
    """Items near the points, one of each song, enough that every point gets one of its own. No song that is taken."""
    each = max(LEAST_CANDIDATES, min(CANDIDATES, MOST_CANDIDATES // max(1, len(points))))
    while True:
        near = [neighbours.nearest(point, each) for point in points]
        items = [admission.item(key) for key in dict.fromkeys(hit.key for hits in near for hit in hits)]
        songs = {song_key(item.tags) or item.id: item for item in reversed(items)}
        found = [item for song, item in songs.items() if song not in taken][::-1]
        if len(found) >= len(points) or all(len(hits) < each for hits in near):
            return found
        each *= 2


class _Layout:
    """Candidates with their angles. Place 0 is the start, the last place the end."""

    def __init__(self, rows: Vectors, items: Sequence[Item]) -> None:
        self.items = items
        self._rows = rows
        self._angles = angles(rows, rows)
        artists = np.array([folded(item.tags.artist or "") for item in items])
        clash = (artists[:, None] == artists) & (artists != "")
        self._cost = self._angles**2 + SAME_ARTIST * clash

    def first_draft(self, points: Sequence[Vectors]) -> list[int]:
        """The nearest free candidate at each point, from both ends inwards, so that what is scarce serves the ends."""
        free = np.ones(len(self.items), bool)
        free[[0, -1]] = False
        taken: dict[int, int] = {}
        far = angles(np.stack(points), self._rows) if points else np.empty((0, len(self.items)))
        for place in _inwards(len(points)):
            if not free.any():
                break
            taken[place] = int(np.argmin(np.where(free, far[place], np.inf)))
            free[taken[place]] = False
        return [0, *(taken[place] for place in sorted(taken)), len(self.items) - 1]

    def smoothed(self, order: list[int]) -> list[int]:
        """Exchange one track at a time for a free one, or two for each other, while the whole cost falls."""
        for _ in range(MOST_ROUNDS):
            before = self._total(order)
            for place in range(1, len(order) - 1):
                order[place] = self._best_at(order, place)
            order = self._turned(order)
            if self._total(order) >= before - 1e-9:
                break
        return order

    def steps(self, order: Sequence[int]) -> list[float]:
        return [float(self._angles[a, b]) for a, b in pairwise(order)]

    def _best_at(self, order: Sequence[int], place: int) -> int:
        cost: NDArray[np.float64] = self._cost[order[place - 1]] + self._cost[order[place + 1]]
        used = np.zeros(len(cost), bool)
        used[[taken for taken in order if taken != order[place]]] = True
        best = int(np.argmin(np.where(used, np.inf, cost)))
        return best if cost[best] < cost[order[place]] else order[place]

    def _turned(self, order: list[int]) -> list[int]:
        """Reverse a stretch wherever that is shorter (2-opt)."""
        for left in range(1, len(order) - 2):
            for right in range(left + 1, len(order) - 1):
                a, b, c, d = order[left - 1], order[left], order[right], order[right + 1]
                if self._cost[a, c] + self._cost[b, d] < self._cost[a, b] + self._cost[c, d] - 1e-12:
                    order = [*order[:left], *reversed(order[left : right + 1]), *order[right + 1 :]]
        return order

    def _total(self, order: Sequence[int]) -> float:
        return float(self._cost[order[:-1], order[1:]].sum())


def _inwards(count: int) -> list[int]:
    """0, last, 1, last but one, …"""
    return [place // 2 if place % 2 == 0 else count - 1 - place // 2 for place in range(count)]
