"""Which pairs of tracks are worth comparing, among 100,000: never every track with every other.

Two tracks are candidates when their fingerprints share keys, or when they are nearly equally long and their vectors
nearly equal. Memory for 100,000 tracks: 100 MB of keys and as much of vectors; no fingerprint is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.core.fingerprints import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Vectors

ALIKE_COSINE = 0.93
"""Of vectors of the acoustic model: codings of one recording lie above, other songs of a style below 0.9."""

ALIKE_SECONDS, ALIKE_SHARE = 3.0, 0.02
"""Two tracks are equally long when they differ by no more than this, or by this share of the longer one."""

SHARED_KEYS = 2
"""One key in common may be chance."""

NEAREST = 4
"""Each track with a key is paired with so many others that have it: enough to connect all copies, and linear."""

MOST_ALIKE = 16
"""Pairs by vectors of one track at most, those nearest in length: a thousand takes of one loop need not all meet."""

ROWS = 256
"""Vectors that are compared with their neighbours in length at a time."""

KEYS_AT_A_TIME = 1 << 20

_GROWTH = 1 << 20
_LOW = np.uint64(0xFFFF_FFFF)
_KEY_SHIFT = np.uint64(32)


class Tracks:
    """What is known of each track while candidates are sought. Tracks are numbered in the order of their ids."""

    def __init__(
        self, ids: NDArray[np.int64], seconds: NDArray[np.float64], keys: NDArray[np.uint64]
    ) -> None:
        """``ids`` (n,) ascending; ``seconds`` (n,) of sound; ``keys``: key * 2 ** 32 + track, ascending."""
        self.ids = ids
        self.seconds = seconds
        self.keys = keys
        self.vectors: Vectors = np.zeros((len(ids), 0), np.float32)
        self.known = np.zeros(len(ids), bool)

    @classmethod
    def read(cls, fingerprints: Iterable[tuple[int, float | None, bytes]]) -> Tracks:
        """From (item id, seconds, fingerprint) by ascending id; fingerprints are let go of at once."""
        ids: list[int] = []
        lengths: list[float] = []
        keys, count = np.zeros(_GROWTH, np.uint64), 0
        for item_id, seconds, fingerprint in fingerprints:
            own = keys_of(fingerprint)
            if count + len(own) > len(keys):
                keys.resize(len(keys) + max(_GROWTH, len(keys) // 4), refcheck=False)
            keys[count : count + len(own)] = own.astype(np.uint64) << _KEY_SHIFT | np.uint64(len(ids))
            count += len(own)
            ids.append(item_id)
            lengths.append(seconds or 0.0)
        keys.resize(count, refcheck=False)
        keys.sort()
        return cls(np.array(ids, np.int64), np.array(lengths, np.float64), keys)

    def __len__(self) -> int:
        return len(self.ids)

    def id_of(self, track: int) -> int:
        return int(self.ids[track])

    def add_vectors(self, batches: Iterable[tuple[Sequence[int], Vectors]], dimension: int) -> None:
        """From batches of (item ids, vectors of unit length); those of other items are passed over."""
        self.vectors = np.zeros((len(self.ids), dimension), np.float32)
        for item_ids, vectors in batches:
            places = np.searchsorted(self.ids, item_ids)
            places[places == len(self.ids)] = 0
            here = self.ids[places] == np.asarray(item_ids)
            self.vectors[places[here]] = vectors[here]
            self.known[places[here]] = True

    def cosine(self, first: int, second: int) -> float | None:
        if not (self.known[first] and self.known[second]):
            return None
        return float(self.vectors[first] @ self.vectors[second])

    def equally_long(self, first: int, second: int) -> bool:
        one, other = self.seconds[first], self.seconds[second]
        return bool(abs(one - other) <= max(ALIKE_SECONDS, ALIKE_SHARE * max(one, other)))


def candidates(tracks: Tracks) -> list[tuple[int, int]]:
    """Pairs of track numbers, the lower one first, ascending, each once."""
    if not len(tracks):
        return []
    found = np.union1d(_sharing_keys(tracks), _sounding_alike(tracks))
    first, second = np.divmod(found, np.uint64(len(tracks)))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _sharing_keys(tracks: Tracks) -> NDArray[np.uint64]:
    """Pairs, as first * n + second, that have at least two keys in common; ascending."""
    pairs, shared = np.zeros(0, np.uint64), np.zeros(0, np.intp)
    for start in range(0, len(tracks.keys), KEYS_AT_A_TIME):
        # What goes beyond the stretch is the begin of the next: runs of one key that cross it are not cut.
        found = _with_equal_keys(tracks.keys[start : start + KEYS_AT_A_TIME + NEAREST], len(tracks))
        merged, place = np.unique(np.concatenate([pairs, found]), return_inverse=True)
        weights = np.concatenate([shared, np.ones(len(found), np.intp)])
        pairs, shared = merged, np.bincount(place, weights, len(merged)).astype(np.intp)
    return pairs[shared >= SHARED_KEYS]


def _with_equal_keys(keys: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    """A pair for each key that two tracks near each other in the list have, so as often as they share keys."""
    key, track = keys >> _KEY_SHIFT, keys & _LOW
    found = [np.zeros(0, np.uint64)]
    for step in range(1, min(NEAREST, len(keys) - 1) + 1):
        equal = np.flatnonzero(key[step:] == key[:-step])
        equal = equal[equal < KEYS_AT_A_TIME]
        found.append(track[equal] * np.uint64(count) + track[equal + step])
    return np.concatenate(found)


def _sounding_alike(tracks: Tracks) -> NDArray[np.uint64]:
    """Pairs of equally long tracks with nearly equal vectors. Only neighbours in length meet: a band of the matrix."""
    order = np.flatnonzero(tracks.known)
    order = order[np.argsort(tracks.seconds[order], kind="stable")]
    seconds, count = tracks.seconds[order], np.uint64(len(tracks))
    # The longest that is still equally long: its own share counts, being the longer one.
    last = np.searchsorted(
        seconds, np.maximum(seconds + ALIKE_SECONDS, seconds / (1.0 - ALIKE_SHARE)), side="right"
    )
    parts = [np.zeros(0, np.uint64)]
    for start in range(0, len(order), ROWS):
        stop = min(start + ROWS, len(order))
        cosines = tracks.vectors[order[start:stop]] @ tracks.vectors[order[start : last[stop - 1]]].T
        row, column = np.nonzero(cosines >= ALIKE_COSINE)
        fits = (column > row) & (column + start < last[row + start])
        row, column = _first_of_each(row[fits], column[fits])
        one, other = order[row + start].astype(np.uint64), order[column + start].astype(np.uint64)
        parts.append(np.minimum(one, other) * count + np.maximum(one, other))
    return np.unique(np.concatenate(parts))


def _first_of_each(
    row: NDArray[np.intp], column: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of pairs in order at most :data:`MOST_ALIKE` of each row."""
    place = np.arange(len(row)) - np.searchsorted(row, row)
    return row[place < MOST_ALIKE], column[place < MOST_ALIKE]
