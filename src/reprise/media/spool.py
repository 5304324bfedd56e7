"""Decoded sound on its way to several models: written by the first that listens, read by the others."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from reprise.core.cuts import split_path
from reprise.core.ports import Described, SeekableAudio
from reprise.drafts import private_opener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Audio

LARGEST_BYTES = 1 << 30
"""The spool holds no more than this; what does not fit is decoded again."""

BLOCK_SAMPLES = 1 << 18


class SpooledAudio:
    """``reprise.core.ports.Audio``: the same samples, decoded once. ``name`` tells content and rate apart."""

    def __init__(self, audio: Audio, folder: Path, name: str) -> None:
        self._audio = audio
        self._folder = folder
        self._name = name

    @property
    def sample_rate(self) -> int:
        return self._audio.sample_rate

    @property
    def declared_seconds(self) -> float | None:
        return self._audio.declared_seconds

    @property
    def vouched_seconds(self) -> float | None:
        return self._audio.vouched_seconds if isinstance(self._audio, SeekableAudio) else None

    def excerpt(self, start: int, samples: int) -> NDArray[np.float32] | None:
        """Not spooled: a few excerpts cost less than the whole."""
        return self._audio.excerpt(start, samples) if isinstance(self._audio, SeekableAudio) else None

    def description(self) -> str | None:
        return self._audio.description() if isinstance(self._audio, Described) else None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        if (self._folder / self._name).exists():
            return self._read()
        return self._decode()

    def _read(self) -> Iterator[NDArray[np.float32]]:
        import numpy as np

        with (self._folder / self._name).open("rb") as file:
            while len(block := np.fromfile(file, np.float32, BLOCK_SAMPLES)):
                yield block

    def _decode(self) -> Iterator[NDArray[np.float32]]:
        """Only sound that was decoded to its end without an error is kept for others."""
        draft = self._folder / f"{self._name}.{os.getpid()}"
        room = LARGEST_BYTES - _size(self._folder)
        try:
            with open(draft, "wb", opener=private_opener) as file:
                for block in self._audio.blocks():
                    room -= block.nbytes
                    if room >= 0:
                        block.tofile(file)
                    yield block
            if room >= 0:
                draft.rename(self._folder / self._name)
        finally:
            draft.unlink(missing_ok=True)


def spool_name(path: bytes, sample_rate: int) -> str:
    """One name for one file, or cut of it, as it is now, at one rate."""
    stat = os.stat(split_path(path)[0])
    facts = f"{stat.st_size} {stat.st_mtime_ns} {sample_rate} ".encode() + path
    return hashlib.blake2b(facts, digest_size=16).hexdigest()


def _size(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder))
