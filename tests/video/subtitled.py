"""Small real videos with streams of subtitles."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from av.stream import Disposition
    from av.subtitles.stream import SubtitleStream

MILLISECONDS = Fraction(1, 1000)

ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class Stream(NamedTuple):
    """``cues``: (start, end, text as ASS writes it), in milliseconds. ``language``: ISO 639-2."""

    codec: str
    cues: Sequence[tuple[int, int, str]]
    language: str = "eng"
    disposition: Disposition | None = None


def video_with_subtitles(path: Path, *streams: Stream, seconds: int = 5) -> Path:
    """Ten grey pictures a second, and the subtitles; the suffix says which container."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        opened = [_opened(container, stream) for stream in streams]
        for index in range(seconds * 10):
            frame = av.VideoFrame.from_ndarray(
                np.full((64, 64, 3), index * 4 % 256, np.uint8), format="rgb24"
            )
            frame.pts = index
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        for stream, target in zip(streams, opened, strict=True):
            for number, cue in enumerate(stream.cues):
                _mux(container, target, number, cue)
    return path


def _opened(container: OutputContainer, stream: Stream) -> SubtitleStream:
    target: SubtitleStream = container.add_stream(stream.codec)  # type: ignore[assignment]
    target.metadata["language"] = stream.language
    if stream.disposition is not None:
        target.disposition = stream.disposition
    target.codec_context.subtitle_header = ASS_HEADER
    target.codec_context.time_base = target.time_base = MILLISECONDS
    return target


def _mux(container: OutputContainer, target: SubtitleStream, number: int, cue: tuple[int, int, str]) -> None:
    start, end, text = cue
    event = f"{number},0,Default,,0,0,0,,{text}".encode()
    packet = target.codec_context.encode_subtitle(SubtitleSet.create(event, 0, end - start))
    packet.pts = packet.dts = start
    packet.duration = end - start
    packet.stream = target
    packet.time_base = MILLISECONDS
    container.mux(packet)
