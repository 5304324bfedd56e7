"""From a container's packets to decoded frames, beyond whatever is damaged."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

Kind = TypeVar("Kind", bound="Stream")

_BAD_READS = 16
"""Reads that fail one after the other before the rest of a file is given up."""

MOST_PLANES = 8
"""A frame lists so many planes; with all of them in use PyAV looks for the end of the list behind it, and crashes."""


class Losses(Protocol):
    """Who counts packets and frames that were too damaged to use."""

    lost: int


def decoded_frames(
    container: InputContainer, stream: AudioStream, losses: Losses
) -> Iterator[Sequence[AudioFrame]]:
    """What each packet from here to the end decodes to; a damaged one costs itself and nothing else."""
    from av import FFmpegError

    codec = stream.codec_context
    codec.thread_count = 1  # there is one process per core
    decode = codec.decode
    for packet in packets(container, stream):
        try:
            frames = decode(packet)
        except FFmpegError:
            losses.lost += 1
            continue
        yield frames
    with suppress(FFmpegError):  # the demuxer's own end may have drained the decoder already
        yield decode(None)


def packets(container: InputContainer, *streams: Kind) -> Iterator[Packet[Kind]]:
    """All packets of these streams that can be read, beyond those that cannot."""
    from av import FFmpegError

    failures = 0
    while failures < _BAD_READS:
        try:
            for packet in cast("Iterator[Packet[Kind]]", container.demux(*streams)):
                failures = 0
                yield packet
        except FFmpegError:
            failures += 1
        else:
            return
