"""How long a track is silent before it begins and after it ends.

A frame of 10 ms sounds when the power of any channel, without its constant part, is above -60 dBFS: below that even
a quiet room hides what is left at a usual listening level, and dither and the noise of a good tape stay under it.
The track begins with the first 100 ms of which half sound, and ends with the last: the click of an editor's cut, or
of a speck on a record, rings for 10 to 30 ms and begins nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.blocks import Segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.analysis.blocks import Block

THRESHOLD_DBFS = -60.0
"""0 dBFS is the mean power of a square wave of full scale."""

FRAMES_PER_SECOND = 100
WINDOW, SOUNDING = 10, 5
"""Frames that are looked at together, and how many of them must sound."""

_SEGMENT_FRAMES = 200
_ENDING_FRAMES = 2 * WINDOW


class SilenceMeter:
    """Add every block of a track in order, then ask for the ends. How the sound is cut makes no difference."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate = sample_rate
        self._frame = max(1, round(sample_rate / FRAMES_PER_SECOND))
        self._segments = Segments(channels, _SEGMENT_FRAMES * self._frame)
        self._recent = np.zeros(WINDOW - 1, np.bool_)
        self._frames = 0
        self._first: int | None = None  # frames
        self._end = 0
        self._samples = 0

    def add(self, block: Block) -> None:
        """``block`` (channels, n) float32, nominal range -1 to 1; what is no number in it counts as silence."""
        self._samples += block.shape[1]
        for segment in self._segments.add(block):
            self._look(segment)

    def result(self) -> tuple[float, float]:
        """Seconds of silence at the start and at the end, to 10 ms; a track that is all silence is so from both
        ends. Add nothing afterwards.
        """
        rest = self._segments.take_rest()
        whole = rest.shape[1] // self._frame * self._frame
        if whole:
            self._look(rest[:, :whole])
        seconds = self._samples / self._rate
        if self._first is None:
            return seconds, seconds
        lead = self._first * self._frame / self._rate
        return lead, max(0.0, seconds - self._end * self._frame / self._rate)

    def _look(self, sound: Block) -> None:
        """Whole frames. Once the track has begun only its last sound matters: most segments tell at their end."""
        ending = sound[:, -_ENDING_FRAMES * self._frame :]
        begun = self._first is not None and sound.shape[1] > ending.shape[1]
        if begun and self._windows(self._sounding(ending), self._count(sound) - _ENDING_FRAMES):
            self._frames += self._count(sound)
            return
        self._windows(np.concatenate([self._recent, self._sounding(sound)]), -len(self._recent))
        self._frames += self._count(sound)

    def _count(self, sound: Block) -> int:
        return int(sound.shape[1]) // self._frame

    def _windows(self, sounds: NDArray[np.bool_], start: int) -> bool:
        """Whether anything sounds in these frames, of which the first is ``start`` after all that was looked at."""
        windows = np.lib.stride_tricks.sliding_window_view(sounds, WINDOW)
        busy = np.flatnonzero(windows.sum(axis=1) >= SOUNDING)
        self._recent = sounds[-len(self._recent) :]
        if not len(busy):
            return False
        first, last = int(busy[0]), int(busy[-1])
        start += self._frames
        self._end = start + last + int(np.flatnonzero(windows[last])[-1]) + 1
        if self._first is None:
            self._first = start + first + int(np.flatnonzero(windows[first])[0])
        return True

    def _sounding(self, sound: Block) -> NDArray[np.bool_]:
        frames = sound.reshape(len(sound), -1, self._frame)
        power = np.einsum("cfi,cfi->cf", frames, frames) / self._frame - frames.mean(axis=2) ** 2
        return np.asarray(power.max(axis=0) > 10 ** (THRESHOLD_DBFS / 10))
