"""From a film's packets to its pictures, each once and in order, beyond whatever is damaged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.media.packets import packets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from reprise.media.video.probe import Film

DECODING_THREADS = 4
"""At most: beyond that, comparing the pictures is what takes the time. Each holds pictures of its own, 12 MB of 4K."""

_USUAL_SECONDS = 0.04  # from one picture to the next, where not even a rate is stated


@dataclass(slots=True)
class Seen:
    """What was found on the way. Times in seconds from the film's beginning; ``lost``: packets that gave no picture."""

    frames: int = 0
    lost: int = 0
    first: float = 0.0
    last: float = 0.0
    pictures_end: float = 0.0
    sound_end: float = 0.0

    @property
    def end(self) -> float:
        """Of what lasts longer, pictures or sound."""
        return max(self.pictures_end, self.sound_end)

    @property
    def fps(self) -> float:
        """The mean rate, whatever the distances between pictures are."""
        lasted = self.pictures_end - self.first
        return self.frames / lasted if lasted > 0 else 0.0

    def note_picture(self, at: float | None, duration: float, usual: float) -> float:
        """The picture's time: one without, or that would go back, follows the one before at the ``usual`` distance."""
        if at is None or (self.frames and at < self.last):
            at = self.last + usual if self.frames else 0.0
        at = max(0.0, at)
        self.first = at if not self.frames else self.first
        self.frames += 1
        self.last, self.pictures_end = at, at + (duration or usual)
        return at


def pictures(film: Film, seen: Seen, threads: int) -> Iterator[tuple[float, VideoFrame]]:
    """Each picture with its time, which never goes back; ``seen`` is kept up to date.

    Several threads decode ahead while the caller works. Packets of sound are only looked at for where they end.
    """
    codec = film.pictures.codec_context
    codec.thread_type, codec.thread_count = "AUTO", threads
    rate = film.pictures.average_rate or film.pictures.guessed_rate
    usual = float(1 / rate) if rate else _USUAL_SECONDS
    for frame in _frames(film, seen):
        base = float(frame.time_base or 0)
        at = None if frame.pts is None else frame.pts * base - film.begins
        yield seen.note_picture(at, frame.duration * base, usual), frame


def _frames(film: Film, seen: Seen) -> Iterator[VideoFrame]:
    from av import FFmpegError

    decode = film.pictures.codec_context.decode
    streams: list[Stream] = [film.pictures, *film.container.streams.audio]
    for packet in packets(film.container, *streams):
        if packet.stream_index != film.pictures.index:
            _note_sound(film, packet, seen)
            continue
        try:
            frames = decode(packet)
        except FFmpegError:
            seen.lost += bool(
                packet.size
            )  # the empty one at the end asks for what is left, which may be nothing
            continue
        yield from frames
    with suppress(FFmpegError):  # the demuxer's own end may have drained the decoder already
        yield from decode(None)


def _note_sound(film: Film, packet: Packet[Stream], seen: Seen) -> None:
    if packet.pts is not None and packet.time_base is not None:
        end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - film.begins
        seen.sound_end = max(seen.sound_end, end)
