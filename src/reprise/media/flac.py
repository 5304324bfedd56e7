"""Writes a part of a file as a FLAC file of its own, every sample as it was."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

from reprise.errors import ItemError
from reprise.media.decode import AudioFile
from reprise.media.tags import read_tags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from numpy.typing import NDArray

    from reprise.core.items import Tags

_ANY_RATE = 44_100  # Hz; frames come at the file's own rate, whatever is asked for
_SHORT_FORMATS = frozenset({"u8", "u8p", "s16", "s16p"})
_LONG_FORMATS = frozenset({"s32", "s32p"})
_STREAM_FACTS = slice(18, 42)  # of a FLAC file: rate, channels, bits, number of samples, and their MD5


class _Deep(Exception):
    """A sample uses more than 24 bits."""


def write_flac(path: bytes, file: BinaryIO, tags: Tags) -> None:
    """Write the item at ``path`` (a cut, or a whole file) to ``file``, which is open for writing and can seek.

    Rate, channels and bits per sample stay: 16, 24 or 32. What is decoded to floats gets 24 bits from a lossless
    format, else 16. The same input gives the same bytes. Raises ``ItemError`` kinds, and ``OSError`` when it cannot
    be written.
    """
    try:
        _write(path, file, tags, bits=24)
    except _Deep:
        file.seek(0)
        file.truncate()
        _write(path, file, tags, bits=32)


def same_sound_and_tags(first: bytes, second: bytes) -> bool:
    """Whether two FLAC files hold the same samples, by the MD5 that each states, and the same tags.

    Raises ``OSError`` and ``ItemError`` kinds.
    """
    return _stated(first) == _stated(second) and read_tags(first) == read_tags(second)


def _stated(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read(_STREAM_FACTS.stop)[_STREAM_FACTS]


def _write(path: bytes, file: BinaryIO, tags: Tags, *, bits: int) -> None:
    import av

    audio = AudioFile(path, _ANY_RATE)
    frames = audio.frames()
    first = next(frames, None)
    if first is None:
        raise ItemError("there is no sound in it")
    try:
        # "bitexact" leaves out the writer's version: the same samples give the same file.
        with av.open(file, "w", format="flac", container_options={"fflags": "+bitexact"}) as container:
            container.metadata.update(_names(tags))
            stream = _stream(container, first, lossless=audio.lossless, bits=bits)
            for frame in _counted(_checked(first, frames, bits)):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except OSError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise ItemError(
            f"it cannot be written as FLAC: {error}", cure="FLAC holds up to 8 channels; convert it by hand"
        ) from None


def _stream(container: OutputContainer, first: AudioFrame, *, lossless: bool, bits: int) -> AudioStream:
    from av.audio.stream import AudioStream

    stream = container.add_stream(
        "flac",
        rate=first.sample_rate,
        layout=first.layout.name,
        options={"flags": "+bitexact", **({"strict": "experimental"} if bits == 32 else {})},
    )
    assert isinstance(stream, AudioStream)
    name = first.format.name
    short = name in _SHORT_FORMATS or (name not in _LONG_FORMATS and not lossless)
    stream.codec_context.format = "s16" if short else "s32"
    return stream


def _checked(first: AudioFrame, rest: Iterator[AudioFrame], bits: int) -> Iterator[AudioFrame]:
    """All frames. The encoder would drop what lies below 24 bits without a word."""
    watched = bits < 32 and first.format.name in _LONG_FORMATS
    for frame in chain((first,), rest):
        if watched:
            _check_depth(frame)
        yield frame


def _check_depth(frame: AudioFrame) -> None:
    import numpy as np

    values: NDArray[np.int32] = frame.to_ndarray().astype(np.int32, copy=False)
    if (values & 0xFF).any():
        raise _Deep


def _counted(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """With time stamps of their own, from 0: those of the source begin somewhere else."""
    at = 0
    for frame in frames:
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = at
        at += frame.samples
        yield frame


def _names(tags: Tags) -> dict[str, str]:
    """The tags as FFmpeg names them; it writes them as Vorbis comments."""
    names = {
        "title": tags.title,
        "artist": tags.artist,
        "album_artist": tags.album_artist,
        "album": tags.album,
        "track": tags.track,
        "disc": tags.disc,
        "date": tags.year,
        "genre": tags.genre,
    }
    return {name: str(value) for name, value in names.items() if value is not None}
