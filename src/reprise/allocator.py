"""How a process that computes keeps its memory: what is freed is used again, not given back and asked for anew."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # <malloc.h>
_LARGEST = 128 << 20
"""Bytes: arrays up to here come from memory that the process has already."""
_KEPT = 512 << 20
"""Bytes of freed memory that are kept at most."""


def keep_freed_memory() -> None:
    """For processes that work through arrays of the same few sizes, track after track.

    Without this the C library of Linux maps every larger array anew, and the system clears it page by page: a fifth of
    the time of an analysis. Where the library has no such choice, nothing happens.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_MMAP_THRESHOLD, _LARGEST)
        choose(_TRIM_THRESHOLD, _KEPT)
