"""A part of a file by seeking: its frames from one sample to another, whatever lies before and behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.media.packets import MOST_PLANES, decoded_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from reprise.core.cuts import Cut
    from reprise.media.packets import Losses

LEAD_SECONDS = 0.5
"""Decoded ahead of a cut and dropped: a lossy decoder needs what came before (MP3 nine frames of 26 ms at most,
Opus 80 ms), and a seek may land a little late."""


class _Astray(Exception):
    """A seek landed behind the cut's start, or where nobody knows."""


def cut_frames(
    opened: tuple[InputContainer, AudioStream],
    reopen: Callable[[], AbstractContextManager[tuple[InputContainer, AudioStream]]],
    cut: Cut,
    losses: Losses,
) -> Iterator[Sequence[AudioFrame]]:
    """The frames of ``cut``, the first and the last one trimmed to the sample.

    Work grows with the cut, not with the file. Only where seeking leads astray is the file opened once more with
    ``reopen`` and decoded from its beginning: what is heard has to be the right part.
    """
    try:
        yield from _Window(*opened, cut).frames(losses, seek=True)
    except _Astray:
        with reopen() as (container, stream):
            yield from _Window(container, stream, cut).frames(losses, seek=False)


class _Window:
    """One stream between two samples, counted at its own rate from its first one."""

    def __init__(self, container: InputContainer, stream: AudioStream, cut: Cut) -> None:
        self._container = container
        self._stream = stream
        self._cut = cut
        self._zero = stream.start_time or 0  # lossy encoders begin with a delay that players leave out
        self._count_at(stream.codec_context.sample_rate)

    def _count_at(self, rate: int) -> None:
        self._rate = rate
        self._first, self._end = self._cut.samples(rate)
        # Containers that count milliseconds are never exact; one frame of any codec is longer than this.
        self._slack = rate // 500

    def frames(self, losses: Losses, *, seek: bool) -> Iterator[Sequence[AudioFrame]]:
        at = self._seek() if seek else 0
        for frames in decoded_frames(self._container, self._stream, losses):
            inside = []
            for frame in map(_readable, frames):
                if (
                    frame.sample_rate != self._rate
                ):  # a header may state another one, and chained streams change it
                    at = at and at * frame.sample_rate // max(1, self._rate)
                    self._count_at(frame.sample_rate)
                at = self._position(frame, at)
                if (part := self._part(frame, at)) is not None:
                    inside.append(part)
                at += frame.samples
            yield inside
            if at is not None and self._end is not None and at >= self._end:
                return

    def _seek(self) -> int | None:
        """Go to a little before the first sample; returns the position if it is known, which is at the start only."""
        from av import FFmpegError

        base = self._stream.time_base
        ahead = self._first - round(LEAD_SECONDS * self._rate)
        if ahead <= 0:
            return 0
        if base is None or not self._rate:
            raise _Astray
        try:
            self._container.seek(self._zero + int(ahead / self._rate / base), stream=self._stream)
        except (FFmpegError, OSError):
            raise _Astray from None
        return None

    def _position(self, frame: AudioFrame, expected: int | None) -> int:
        """Where the frame begins: by counting, but by its time stamp after a seek, and where something was lost."""
        stamped = self._stamped(frame)
        if expected is None:
            if stamped is None or stamped > self._first:
                raise _Astray
            return stamped
        return stamped if stamped is not None and stamped > expected + self._slack else expected

    def _stamped(self, frame: AudioFrame) -> int | None:
        if frame.pts is None or frame.time_base is None or self._stream.time_base is None:
            return None
        return round((frame.pts * frame.time_base - self._zero * self._stream.time_base) * self._rate)

    def _part(self, frame: AudioFrame, at: int) -> AudioFrame | None:
        """What of a frame that begins at sample ``at`` lies inside."""
        skipped = max(0, self._first - at)
        kept = frame.samples if self._end is None else min(frame.samples, self._end - at)
        if kept <= skipped:
            return None
        return frame if kept - skipped == frame.samples else _trimmed(frame, skipped, kept)


def _readable(frame: AudioFrame) -> AudioFrame:
    """Interleaved, where PyAV cannot look at the planes."""
    if not frame.format.is_planar or frame.layout.nb_channels < MOST_PLANES:
        return frame
    from av.audio.resampler import AudioResampler

    return AudioResampler(format=frame.format.packed.name).resample(frame)[0]


def _trimmed(frame: AudioFrame, first: int, end: int) -> AudioFrame:
    """A copy of the frame's samples ``first`` up to ``end``."""
    import numpy as np
    from av.audio.frame import AudioFrame as Frame

    step = 1 if frame.format.is_planar else frame.layout.nb_channels
    values: Any = np.ascontiguousarray(frame.to_ndarray()[:, first * step : end * step])  # of any sample type
    part = Frame.from_ndarray(values, frame.format.name, frame.layout.name)
    part.sample_rate = frame.sample_rate
    part.time_base = frame.time_base
    if frame.pts is not None and frame.time_base is not None:
        part.pts = frame.pts + round(first / frame.sample_rate / frame.time_base)
    return part
