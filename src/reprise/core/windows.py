"""Cutting a track into windows of one length, in memory that does not grow with the track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.ports import SeekableAudio
from reprise.errors import Silent, TooShort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from reprise.core.ports import Audio

SHORTEST_SECONDS = 0.5
QUIETEST_PEAK = 1e-4
"""-80 dBFS: below is nothing to hear."""
WORTH_SEEKING = 2
"""How many times as long as its windows together a track is at least for which seeking them pays."""
LENGTH_TOLERANCE = 0.02
"""Share by which a stated length may be wrong before a track is decoded a second time."""


@dataclass(frozen=True, slots=True)
class Windowing:
    """``window`` and ``hop`` in samples. ``spread`` 0: one window each ``hop`` over the whole track; else at most so
    many windows, at the middles of as many equal parts of the track (fewer when it is shorter than they are).

    Raises ``ValueError`` for a hop that would leave a part of the track unheard.
    """

    window: int
    hop: int
    spread: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.hop <= self.window or self.spread < 0:
            raise ValueError(f"no windows: {self.window} samples every {self.hop}, spread {self.spread}")

    def cut(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        """Windows of shape (window,) in order; a track shorter than one is padded with zeros at its end.

        What lies behind the last whole window gets one more, aligned to the end of the track. Raises ``TooShort``
        (under half a second), after the last window ``Silent`` (nothing above -80 dBFS), and decoding errors.
        """
        return self._spread(audio) if self.spread else self._whole(audio)

    def _whole(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        listener = _Listener(audio)
        ring = np.zeros(self.window, np.float32)  # the latest samples; sample n lies at n % window
        position, due = 0, self.window
        for block in listener.blocks():
            taken = 0
            while taken < len(block):
                part = block[taken : taken + due - position]
                _write_round(ring, position, part)
                position += len(part)
                taken += len(part)
                if position == due:
                    yield np.roll(ring, -(position % self.window))
                    due += self.hop
        listener.check()
        if position < self.window:
            yield ring
        elif position > due - self.hop:
            yield np.roll(ring, -(position % self.window))

    def _spread(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        """By seeking where the file allows that, else by listening to all of it."""
        sought = self._sought(audio) if isinstance(audio, SeekableAudio) else None
        yield from self._heard(audio) if sought is None else sought

    def _sought(self, audio: SeekableAudio) -> list[NDArray[np.float32]] | None:
        """``None`` when nothing vouches for the length, when a window is not there in full, when there is nothing to
        hear in them, or when they are most of the track: then listening to all of it tells what is the matter."""
        length = round((audio.vouched_seconds or 0.0) * audio.sample_rate)
        if length < WORTH_SEEKING * self.spread * self.window:
            return None
        windows = []
        for start in self.starts(length):
            window = audio.excerpt(start, self.window)
            if window is None:
                return None
            windows.append(window)
        return windows if max(float(np.abs(window).max()) for window in windows) >= QUIETEST_PEAK else None

    def _heard(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        """Where the true length puts them, which is known at the end only: until then a little more is kept around
        the places that the stated length says. If that was far off, the track is decoded once more."""
        stated = round(max(0.0, audio.declared_seconds or 0.0) * audio.sample_rate)
        length, excerpts = self._listen(audio, stated, min(int(LENGTH_TOLERANCE * stated), self.window // 2))
        spans = self._spans(length)
        if not all(any(excerpt.holds(*span) for excerpt in excerpts) for span in spans):
            _, excerpts = self._listen(audio, length, 0)
        for span in spans:
            samples = next(excerpt.part(*span) for excerpt in excerpts if excerpt.holds(*span))
            yield np.pad(samples, (0, self.window - len(samples)))

    def _listen(self, audio: Audio, length: int, margin: int) -> tuple[int, list[_Excerpt]]:
        """The true length in samples, and what lies around the windows of a track of ``length`` samples."""
        excerpts = [
            _Excerpt(max(0, start - margin), start + self.window + margin) for start in self.starts(length)
        ]
        listener = _Listener(audio)
        position = 0
        for block in listener.blocks():
            for excerpt in excerpts:
                excerpt.keep(block, position)
            position += len(block)
        listener.check()
        return position, excerpts

    def _spans(self, length: int) -> list[tuple[int, int]]:
        return [(start, min(start + self.window, length)) for start in self.starts(length)]

    def starts(self, length: int) -> list[int]:
        """Where windows begin in a track of ``length`` samples, when they are spread."""
        count = max(1, min(self.spread, -(-length // self.window)))
        latest = max(0, length - self.window)
        middles = [(2 * place + 1) * length // (2 * count) for place in range(count)]
        return [min(latest, max(0, middle - self.window // 2)) for middle in middles]


class _Excerpt:
    """The samples from ``start`` to before ``end`` of what goes by."""

    def __init__(self, start: int, end: int) -> None:
        self._start = start
        self._samples = np.zeros(end - start, np.float32)
        self._kept = 0

    def keep(self, block: NDArray[np.float32], position: int) -> None:
        """Take what of the block, whose first sample is the ``position``-th of the track, belongs here."""
        first = max(position, self._start)
        end = min(position + len(block), self._start + len(self._samples))
        if first < end:
            self._samples[first - self._start : end - self._start] = block[first - position : end - position]
            self._kept = end - self._start

    def holds(self, start: int, end: int) -> bool:
        return self._start <= start and end <= self._start + self._kept

    def part(self, start: int, end: int) -> NDArray[np.float32]:
        return self._samples[start - self._start : end - self._start]


class _Listener:
    """Hears what goes by, to know afterwards whether there was anything to hear."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self._samples = 0
        self._peak = 0.0

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        for block in self._audio.blocks():
            if len(block):
                self._samples += len(block)
                self._peak = max(self._peak, float(block.max()), -float(block.min()))
                yield block

    def check(self) -> None:
        seconds = self._samples / self._audio.sample_rate
        if seconds < SHORTEST_SECONDS:
            raise TooShort(f"it lasts {seconds:.2f} s, at least {SHORTEST_SECONDS} s are needed")
        if self._peak < QUIETEST_PEAK:
            raise Silent(f"nothing in it is louder than -80 dBFS (peak {self._peak:.1e})")


def _write_round(ring: NDArray[np.float32], position: int, samples: NDArray[np.float32]) -> None:
    """At most as many samples as the ring has places."""
    place = position % len(ring)
    before_end = len(ring) - place
    ring[place : place + len(samples)] = samples[:before_end]
    if len(samples) > before_end:
        ring[: len(samples) - before_end] = samples[before_end:]
