"""Native-rate sound cut anew: whatever a decoder hands out, the meters read segments of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Block: TypeAlias = NDArray[np.float32]

LOUDEST = 1e6
"""Linear; files of floats that hold integers reach 2 ** 15, and the squares of much more would not fit."""


class Segments:
    """Blocks (channels, any length) in, segments (channels, ``size``) out, free of what is no number.

    A segment is this object's own memory: it is overwritten by what comes after it.
    """

    def __init__(self, channels: int, size: int) -> None:
        self._held = np.zeros((channels, size), np.float32)
        self._count = 0

    def add(self, block: Block) -> Iterator[Block]:
        """The segments that ``block`` completes; take them all before adding more."""
        size = self._held.shape[1]
        start = 0
        while start < block.shape[1]:
            part = block[:, start : start + size - self._count]
            self._held[:, self._count : self._count + part.shape[1]] = part
            self._count += part.shape[1]
            start += part.shape[1]
            if self._count == size:
                self._count = 0
                yield _clean(self._held)

    def take_rest(self) -> Block:
        """What waited for its segment to be full, shape (channels, fewer than ``size``); nothing waits then."""
        rest = self._held[:, : self._count]
        self._count = 0
        return _clean(rest)


def _clean(sound: Block) -> Block:
    """Files of floating-point samples may hold anything: what is no number becomes silence."""
    if not sound.size or (sound.max() <= LOUDEST and sound.min() >= -LOUDEST):  # NaN is neither
        return sound
    np.nan_to_num(sound, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(sound, -LOUDEST, LOUDEST, out=sound)
