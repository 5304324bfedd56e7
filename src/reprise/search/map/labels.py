"""What the points of a map have in common: columns of genre and key, and the names of clusters."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.names import folded
from reprise.search.map.keys import CIRCLE, musical_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.core.items import Tags

    Numbers = NDArray[np.int64]

NOTHING = -1
LEAST_SHARE = 0.2
"""Of a cluster's tracks that must have in common what the cluster is named after."""

LEAST_LIFT = 1.2
"""How many times more frequent it must be in the cluster than in the whole library."""

_BETWEEN_GENRES = re.compile(r"[;\0]|\s/\s")


@dataclass(frozen=True, slots=True)
class Column:
    """One property of all points: ``of`` (n,) are places in ``names``, -1 where it is not known."""

    names: tuple[str, ...]
    of: Numbers


def genres(tags: Sequence[Tags]) -> Column:
    """The first genre of each, however it is capitalised; the most frequent one first."""
    return _by_count([_BETWEEN_GENRES.split(each.genre or "")[0] for each in tags])


def artists(tags: Sequence[Tags]) -> Column:
    """The artist of each; the most frequent one first."""
    return _by_count([each.artist or "" for each in tags])


def keys(tags: Sequence[Tags]) -> Column:
    """The key of each, in the order of the circle of fifths; only keys that are there."""
    found = [musical_key(each.key) for each in tags]
    names = tuple(key for key in CIRCLE if key in set(found))
    places = {name: place for place, name in enumerate(names)}
    return Column(names, np.array([places.get(key or "", NOTHING) for key in found], np.int64))


def _by_count(written: Sequence[str]) -> Column:
    known = [folded(text) for text in written]
    spellings = Counter(zip(known, (" ".join(text.split()) for text in written), strict=True))
    shown: dict[str, str] = {}
    for (name, spelling), _ in sorted(spellings.items(), key=lambda pair: (-pair[1], pair[0])):
        shown.setdefault(name, spelling)
    counts = Counter(name for name in known if name)
    order = sorted(counts, key=lambda name: (-counts[name], name))
    places = {name: place for place, name in enumerate(order)}
    return Column(
        tuple(shown[name] for name in order),
        np.array([places.get(name, NOTHING) for name in known], np.int64),
    )


def cluster_names(clusters: Numbers, count: int, columns: Sequence[Column]) -> list[str]:
    """For each cluster the value that is most over-represented in it, by lift; empty when nothing stands out.

    Lift is a value's share in the cluster over its share in the library; of equal ones the earlier column's wins.
    """
    sizes = np.bincount(clusters, minlength=count)
    best = [(LEAST_LIFT, "")] * count
    for column in columns:
        for cluster, (lift, name) in enumerate(_leading(column, clusters, sizes)):
            if lift > best[cluster][0] + 1e-9:
                best[cluster] = (lift, name)
    return [name for _, name in best]


def _leading(column: Column, clusters: Numbers, sizes: Numbers) -> list[tuple[float, str]]:
    """For each cluster the largest lift of a value that is frequent enough, and the value."""
    known = column.of >= 0
    if not known.any():
        return [(0.0, "")] * len(sizes)
    values = len(column.names)
    # (cluster, value) pairs that occur: of a hundred thousand artists and 32 clusters most do not
    pairs, times = np.unique(clusters[known] * values + column.of[known], return_counts=True)
    cluster, value = pairs // values, pairs % values
    whole = np.bincount(column.of[known], minlength=values) / len(clusters)
    share = times / sizes[cluster]
    lift = np.where(share >= LEAST_SHARE, share / whole[value], 0.0)
    leading = [(0.0, "")] * len(sizes)
    for place in np.argsort(-lift, kind="stable")[::-1]:
        if lift[place] > 0:
            leading[cluster[place]] = (float(lift[place]), column.names[value[place]])
    return leading
