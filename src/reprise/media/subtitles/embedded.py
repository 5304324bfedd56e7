"""Subtitles inside the container of a video: streams of text, not those of pictures."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from reprise.media.packets import packets
from reprise.media.subtitles.cues import Cue, plain_lines
from reprise.media.subtitles.languages import language_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream
    from av.subtitles.subtitle import SubtitleSet

    Found = TypeVar("Found")

TEXT_CODECS = frozenset(
    [
        "ass", "jacosub", "microdvd", "mov_text", "mpl2", "pjs", "realtext", "sami", "srt", "ssa", "stl", "subrip",
        "subviewer", "subviewer1", "text", "vplayer", "webvtt",
    ]
)  # fmt: skip
"""FFmpeg's names of what it decodes to text."""

MOST_CUES = 200_000
"""A stream with more is none that a person reads."""

_ASS_FIELDS = 8
"""Fields of an event of ASS before its text, as FFmpeg gives it."""

_FOR_EVER = 2**32 - 1
"""What FFmpeg says of a cue that stays until the next, in milliseconds."""


class Embedded(NamedTuple):
    """What one stream holds. ``forced``: it translates a few lines only."""

    cues: list[Cue]
    language: str
    forced: bool


def embedded(video: bytes) -> Iterator[Embedded]:
    """The streams of text in the container, the one to take first: the one that players show by themselves, then those
    for hearing people, in the order of the file. Those that are forced come last.

    Times count from the start of the container. Damaged packets cost themselves and nothing else, and a container that
    cannot be opened has none: whoever looks at its pictures says why.
    """
    for at in _attempt(_order, video) or []:
        if (found := _attempt(partial(_read, at=at), video)) is not None:
            yield found


def _attempt(look: Callable[[InputContainer], Found], video: bytes) -> Found | None:
    """What ``look`` finds in the container, which is read from its start; ``None`` when it cannot be opened."""
    import av

    # The scheme keeps a name like "concat:…" a name, the whitelist keeps playlists from opening others.
    url = "file:" + os.fsdecode(video)
    options = {"protocol_whitelist": "file"}
    try:
        with av.open(url, options=options, metadata_errors="replace") as container:
            return look(container)
    except (av.FFmpegError, ValueError, OSError):
        return None


def _order(container: InputContainer) -> list[int]:
    return sorted(range(len(container.streams.subtitles)), key=lambda at: _rank(container, at))


def _read(container: InputContainer, at: int) -> Embedded | None:
    stream = container.streams.subtitles[at]
    if not _is_text(stream):
        return None
    return Embedded(list(_cues(container, stream)), language_code(stream.language or ""), _is_forced(stream))


def _rank(container: InputContainer, at: int) -> tuple[bool, bool, bool, int]:
    from av.stream import Disposition

    stream = container.streams.subtitles[at]
    shown = stream.disposition
    return _is_forced(stream), not shown & Disposition.default, bool(shown & Disposition.hearing_impaired), at


def _is_forced(stream: SubtitleStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.forced)


def _is_text(stream: SubtitleStream) -> bool:
    return getattr(stream.codec_context, "name", "") in TEXT_CODECS  # FFmpeg may have no decoder at all


def _cues(container: InputContainer, stream: SubtitleStream) -> Iterator[Cue]:
    from av import FFmpegError

    offset = (container.start_time or 0) / 1e6  # microseconds
    for count, packet in enumerate(_packets(container, stream)):
        if count >= MOST_CUES:
            return
        try:
            shown = stream.decode2(packet)
        except (FFmpegError, ValueError):
            continue
        if shown is not None and packet.pts is not None and packet.time_base is not None:
            start = float(packet.pts * packet.time_base) - offset
            yield Cue(start, start + _duration(packet, shown), _lines(shown))


def _packets(container: InputContainer, stream: SubtitleStream) -> Iterator[Packet[SubtitleStream]]:
    """All packets with something in them that can be read, beyond those that cannot."""
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    return (packet for packet in packets(container, stream) if packet.size)


def _duration(packet: Packet[SubtitleStream], shown: SubtitleSet) -> float:
    """Seconds; 0 when nobody says how long it stays."""
    if packet.duration and packet.time_base:
        return float(packet.duration * packet.time_base)
    if 0 < shown.end_display_time < _FOR_EVER:
        return shown.end_display_time / 1000
    return 0.0


def _lines(shown: SubtitleSet) -> tuple[str, ...]:
    lines: list[str] = []
    for part in shown:
        event = getattr(part, "ass", b"")  # FFmpeg brings every text into this form
        fields = event.decode("utf-8", "replace").split(",", _ASS_FIELDS)
        if len(fields) > _ASS_FIELDS:
            lines += plain_lines(fields[_ASS_FIELDS])
    return tuple(lines)
