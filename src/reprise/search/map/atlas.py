"""A map of one space: made whole, or brought up to date without moving what people have learned to find."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.search.map.cells import cells_of, centres_of, nearest_rows
from reprise.search.map.labels import Column, artists, cluster_names, genres, keys
from reprise.search.map.layout import laid_out
from reprise.search.map.reduction import Reduction, reduction_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from reprise.core.items import Item, Tags
    from reprise.core.ports import Vectors
    from reprise.core.space import Space
    from reprise.search.space_queries import SearchPorts

    Rows = NDArray[np.float32]
    Numbers = NDArray[np.int64]

MOST_NEW = 0.2
"""The share of points that were only put beside their neighbours, above which the map is laid out anew."""

FRIENDS = 5
"""Placed neighbours between which a new track is put."""

FEWEST_CLUSTERS, MOST_CLUSTERS = 8, 32
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Base:
    """What a layout was made with, and what puts new tracks beside the old ones.

    ``centres`` (k, r): of the clusters, in reduced dimensions.
    """

    method: str
    made_at: float
    reduction: Reduction
    centres: Rows


@dataclass(frozen=True, slots=True)
class Points:
    """One column each: ``ids`` ascending, ``places`` (n, 2) within -1 to 1, ``settled``: laid out, not put beside."""

    ids: Numbers
    places: Rows
    clusters: Numbers
    settled: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cluster:
    """``x``, ``y``: the median of its points."""

    id: int
    label: str
    count: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Atlas:
    """The map of one space. ``seen``: how many vectors the space held, tracks without a file among them."""

    model: str
    space: str
    base: Base
    points: Points
    genre: Column
    key: Column
    clusters: tuple[Cluster, ...]
    seen: int


def atlas_of(ports: SearchPorts, space: Space, known: tuple[Base, Points] | None = None) -> Atlas:
    """The map of the space as it is now. With what is ``known`` only what is new gets a place, while it is little."""
    ids, seen = _present(ports, space)
    if known is None or not len(ids) or _share_new(known[1], ids) > MOST_NEW:
        base, points = _anew(ports, space, ids)
    else:
        base, points = known[0], _updated(ports, space, ids, *known)
    tags = _tags(ports, points.ids)
    return _named(space, base, points, tags, seen)


def _present(ports: SearchPorts, space: Space) -> tuple[Numbers, int]:
    """Ids, ascending, of the space's vectors whose item has its file; and how many vectors there are."""
    kept, seen = [], 0
    for keys_, _ in ports.store.scan(ports.owner, space.name, ROWS_AT_ONCE):
        seen += len(keys_)
        items = ports.catalogue.items.get(ports.owner, keys_)
        kept += [item.id for item in items.values() if item.missing_since is None]
    return np.sort(np.array(kept, np.int64)), seen


def _share_new(points: Points, ids: Numbers) -> float:
    settled = np.isin(ids, points.ids[points.settled], assume_unique=True)
    return float(1 - settled.mean())


def _blocks(ports: SearchPorts, space: Space, ids: Numbers) -> Iterator[tuple[Numbers, Vectors]]:
    """The vectors of those ids, in their order."""
    for found, vectors in ports.store.scan(ports.owner, space.name, ROWS_AT_ONCE):
        numbers = np.asarray(found, np.int64)
        wanted = np.isin(numbers, ids, assume_unique=True)
        if wanted.any():
            yield numbers[wanted], vectors[wanted]


def _reduced(ports: SearchPorts, space: Space, ids: Numbers, reduction: Reduction) -> tuple[Numbers, Rows]:
    """The ids whose vectors are still there, and their rows."""
    blocks = [(part, reduction.of(vectors)) for part, vectors in _blocks(ports, space, ids)]
    if not blocks:
        return np.empty(0, np.int64), np.empty((0, reduction.axes.shape[1]), np.float32)
    return np.concatenate([part for part, _ in blocks]), np.concatenate([rows for _, rows in blocks])


def _anew(ports: SearchPorts, space: Space, ids: Numbers) -> tuple[Base, Points]:
    vectors = (block for _, block in _blocks(ports, space, ids))
    reduction = reduction_of(vectors, space.dimension)
    ids, rows = _reduced(ports, space, ids, reduction)
    method, places = laid_out(rows)
    centres = centres_of(rows, _cluster_count(len(rows))) if len(rows) else rows
    clusters = cells_of(rows, centres)
    points = Points(ids, places.astype(np.float32), clusters, np.ones(len(ids), bool))
    return Base(method, time.time(), reduction, centres), points


def _cluster_count(points: int) -> int:
    wanted = round(math.sqrt(points / 50))
    return max(1, min(max(FEWEST_CLUSTERS, wanted), MOST_CLUSTERS, points // 4))


def _updated(ports: SearchPorts, space: Space, ids: Numbers, base: Base, points: Points) -> Points:
    """Without what is gone, and with what is new beside the laid out points that it sounds like."""
    kept = np.isin(points.ids, ids, assume_unique=True)
    old = Points(points.ids[kept], points.places[kept], points.clusters[kept], points.settled[kept])
    new = np.setdiff1d(ids, old.ids, assume_unique=True)
    if not len(new):
        return old
    found, rows = _reduced(ports, space, ids, base.reduction)
    fresh, laid = np.isin(found, new, assume_unique=True), np.isin(found, old.ids[old.settled])
    anchors = old.places[np.searchsorted(old.ids, found[laid])]
    friends = nearest_rows(rows[fresh], rows[laid], min(FRIENDS, int(laid.sum()) - 1) or 1)
    put = Points(
        found[fresh],
        np.median(anchors[friends], axis=1).astype(np.float32),
        cells_of(rows[fresh], base.centres),
        np.zeros(int(fresh.sum()), bool),
    )
    return _joined(old, put)


def _joined(one: Points, other: Points) -> Points:
    order = np.argsort(np.concatenate([one.ids, other.ids]))
    return Points(
        np.concatenate([one.ids, other.ids])[order],
        np.concatenate([one.places, other.places])[order],
        np.concatenate([one.clusters, other.clusters])[order],
        np.concatenate([one.settled, other.settled])[order],
    )


def _tags(ports: SearchPorts, ids: Numbers) -> list[Tags]:
    from reprise.core.items import Tags

    found: list[Tags] = []
    for start in range(0, len(ids), ROWS_AT_ONCE):
        part = ids[start : start + ROWS_AT_ONCE].tolist()
        items: dict[int, Item] = ports.catalogue.items.get(ports.owner, part)
        found += [items[key].tags if key in items else Tags() for key in part]
    return found


def _named(space: Space, base: Base, points: Points, tags: Sequence[Tags], seen: int) -> Atlas:
    genre, key = genres(tags), keys(tags)
    names = cluster_names(points.clusters, len(base.centres), (genre, artists(tags), key))
    clusters = []
    for number, name in enumerate(names):
        members = points.places[points.clusters == number]
        if len(members):
            x, y = np.median(members, axis=0)
            clusters.append(Cluster(number, name, len(members), float(x), float(y)))
    return Atlas(space.model, space.name, base, points, genre, key, tuple(clusters), seen)
