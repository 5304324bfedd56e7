"""Decoded frames of any shape to mono float32 blocks at one rate, through an FFmpeg filter graph.

Measured on a 210-second MP3: resampling frame by frame costs 1.29 times decoding alone, mixing to mono first
and resampling 16,384 samples at once 1.21 times. Frames are queued and pulled many at a time because a pull
that finds nothing more costs an exception.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

import numpy as np
from av import FFmpegError
from av.filter import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.audio.frame import AudioFrame
    from av.filter.context import FilterContext
    from numpy.typing import NDArray

    from reprise.media.tapping import NativeTap

    Block = NDArray[np.float32]

BLOCK_SAMPLES = 65_536
"""The length of a block, in samples at the target rate; the last one is shorter."""

_STEP_SAMPLES = 16_384
_QUEUE_VALUES = 131_072  # samples × channels that wait for a pull: 512 KiB, what a second-level cache holds
_QUEUE_FRAMES = 64
_MIN_RATE, _MAX_RATE = 1_000, 6_144_000  # Hz; anything else comes from damaged headers


class MonoResampler:
    """Feed it frames; pull blocks. A frame unlike those before it begins a new graph, and nothing is lost.

    ``tap`` hears the same frames before they are mixed.
    """

    lost: int
    """Packets and frames that were too damaged to use."""

    def __init__(self, rate: int, tap: NativeTap | None = None) -> None:
        self.lost = 0
        self._rate = rate
        self._tap = tap
        self._graph: Graph | None = (
            None  # a graph lives as long as this holds it; its contexts do not keep it
        )
        self._source: FilterContext | None = None
        self._sink: FilterContext | None = None
        self._queued = 0
        self._queue_frames = 1
        self._left: list[Block] = []

    def feed(self, frames: Sequence[AudioFrame]) -> bool:
        """Queue the frames; true when it is time to pull."""
        source = self._source
        for frame in frames:
            if source is None:
                source = self._restart(frame)
                continue
            try:
                source.push(frame)
            except FFmpegError:
                source = self._restart(frame)
        self._queued += len(frames)
        return self._queued >= self._queue_frames

    def pull(self) -> Iterator[Block]:
        """The whole blocks that are ready."""
        self._queued = 0
        yield from self._left
        self._left.clear()
        yield from self._drain()
        if self._tap is not None:
            self._tap.drain()

    def finish(self) -> Iterator[Block]:
        """The rest, the last block of any length."""
        if self._source is not None:
            self._source.push(None)
        yield from self.pull()

    def _restart(self, frame: AudioFrame) -> FilterContext | None:
        """For the first frame, or one whose rate, layout or format changed (chained streams, broadcasts)."""
        self._left = list(self.finish())
        self._graph = self._source = self._sink = None
        if self._tap is not None:
            self._tap.leave()
        if _MIN_RATE <= frame.sample_rate <= _MAX_RATE:
            with suppress(
                FFmpegError
            ):  # damaged data can have a shape that no filter takes: that frame is lost
                source = self._build_tapped(frame)
                source.push(frame)
                self._source = source
        if self._source is None:
            self.lost += 1
        return self._source

    def _drain(self) -> Iterator[Block]:
        if self._sink is None:
            return
        pull = self._sink.pull
        while True:
            try:
                frame = cast("AudioFrame", pull())
            except (BlockingIOError, EOFError):
                return
            # The block keeps the frame's memory alive. PyAV's types do not say that a plane is a buffer.
            block: Block = np.frombuffer(frame.planes[0], np.float32, frame.samples)  # type: ignore[call-overload]
            # One bad float sample in a file of floats would spoil everything computed from the block.
            yield block if np.isfinite(block.sum()) else np.nan_to_num(block, posinf=0.0, neginf=0.0)

    def _build_tapped(self, frame: AudioFrame) -> FilterContext:
        """Where a change of shape cannot be converted for the tap, it goes without: the sound itself comes first."""
        if self._tap is not None:
            with suppress(FFmpegError, ValueError):
                return self._build(frame, self._tap)
            self._tap.leave()
        return self._build(frame, None)

    def _build(self, frame: AudioFrame, tap: NativeTap | None) -> FilterContext:
        channels, layout = frame.layout.nb_channels, frame.layout.name
        graph = Graph()
        graph.threads = 1
        source = last = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=layout,
            time_base=f"1/{frame.sample_rate}",
        )
        if tap is not None:
            last = tap.join(graph, source, frame)
        for name, arguments in _chain(self._rate, channels, layout):
            node = graph.add(name, arguments)
            last.link_to(node)
            last = node
        graph.configure()
        graph.set_audio_frame_size(BLOCK_SAMPLES)
        self._graph, self._sink = graph, last
        values = max(1, frame.samples * channels)
        self._queue_frames = max(1, min(_QUEUE_FRAMES, _QUEUE_VALUES // values))
        return source


def _chain(rate: int, channels: int, layout: str) -> list[tuple[str, str | None]]:
    """The filters after the source, with their arguments."""
    return [
        _downmix(channels, layout),
        ("asetnsamples", f"n={_STEP_SAMPLES}:p=0"),
        ("aresample", f"osr={rate}:osf=fltp"),
        ("abuffersink", None),
    ]


def _downmix(channels: int, layout: str) -> tuple[str, str]:
    """The mean of left and right. A known surround layout is mixed by its weights, scaled to a sum of 1."""
    if layout.startswith(("ambisonic", str(channels))) and layout.endswith(("channels", "channels)")):
        share = "+".join(f"{1 / channels:.9g}*c{channel}" for channel in range(channels))
        return "pan", f"mono|c0={share}"
    return "aresample", "osf=fltp:ochl=mono:rematrix_maxval=1.0"
