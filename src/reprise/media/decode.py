"""Decode any file's sound to mono blocks at one rate, in constant memory, whatever the file is like.

A bad packet costs itself and nothing else; a file that is no audio says what it is instead.
"""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.cuts import FRAMES_PER_SECOND, Cut, split_path
from reprise.errors import (
    EmptyFile,
    NoAudioStream,
    NotAudio,
    TooLong,
    TooShort,
    Truncated,
    Unreadable,
    Vanished,
)
from reprise.media.cutting import cut_frames
from reprise.media.kinds import reason_of, regular_size
from reprise.media.packets import decoded_frames
from reprise.media.promised import promised_seconds
from reprise.media.sidecar import supplied_text
from reprise.media.sniff import AUDIO_CONTAINERS, sniff_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

    from reprise.core.ports import Tap
    from reprise.media.packets import Losses
    from reprise.media.resample import MonoResampler

RESAMPLER = "swr"
"""The word for a spec's ``resampler``: FFmpeg's libswresample with its default filter."""

MONO = "mean"
"""The word for a spec's ``mono``: the arithmetic mean of left and right."""

_READ_BYTES = 1024 * 1024

_SLACK_SECONDS = 0.002  # a cut ends between two samples, and a container may count milliseconds

_AV_TIME_BASE = 1_000_000  # FFmpeg states a container's duration in microseconds


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """``min_decoded``: the share of the stated length, 0 to 1, below which a file counts as truncated.

    ``max_seconds``: decoding more than this raises ``TooLong``.
    """

    min_decoded: float = 0.9
    max_seconds: float = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class _Content:
    container: str
    promised: float | None  # seconds


@dataclass(slots=True)
class _Damage:
    lost: int = 0  # packets that could not be decoded


class AudioFile:
    """One item's sound as mono float32 at ``sample_rate`` Hz: a whole file's, or a part of one when ``path`` names a
    cut (``core.cuts``). Making it costs nothing and opens nothing.
    """

    def __init__(self, path: bytes | str, sample_rate: int, limits: DecodeLimits = DecodeLimits()) -> None:
        self._path, self._cut = split_path(os.fsencode(path))
        self._sample_rate = sample_rate
        self._limits = limits
        self._declared: float | None = None
        self._opened = False
        self._listener: Tap | None = None
        self.lossless = False
        """Whether the codec loses nothing; known once the file was opened."""

    @property
    def sample_rate(self) -> int:
        return self._sample_rate

    @property
    def declared_seconds(self) -> float | None:
        """What the container says, in seconds; it may lie. ``None`` when it says nothing or cannot be opened."""
        if not self._opened:
            try:
                with self._open(self._look()):
                    pass
            except (NotAudio, NoAudioStream, EmptyFile, Truncated, Unreadable, Vanished):
                return None
        return self._inside(self._declared)

    def tap(self, listener: Tap | None) -> None:
        """``reprise.core.ports.NativeAudio``: heard before it is mixed to mono, in blocks of 65,536 samples."""
        self._listener = listener

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Mono blocks of shape (n,), nominal range -1 to 1, in order.

        Raises ``Vanished``, ``Unreadable``, ``EmptyFile``, ``NotAudio``, ``NoAudioStream``, ``TooShort``,
        ``TooLong``, and after the last block ``Truncated``.
        """
        from reprise.media.resample import MonoResampler
        from reprise.media.tapping import NativeTap

        content = self._look()
        tap = NativeTap(self._listener) if self._listener else None
        resampler = MonoResampler(self._sample_rate, tap)
        decoded = 0
        with self._open(content) as opened:
            promised = self._inside(_promise(content, opened[1]))
            for block in _resampled(self._frames(content, opened, resampler), resampler):
                decoded += len(block)
                self._check_length(decoded)
                yield block
        self._check_complete(decoded / self._sample_rate, promised)
        if decoded == 0:
            self._check_disk()
            raise _nothing_heard(content, resampler.lost)

    @property
    def vouched_seconds(self) -> float | None:
        """The length in seconds that the container counts; ``None`` when it counts nothing or cannot be opened.

        An Ogg file's pages are numbered by samples: FFmpeg reads its length off the last one.
        """
        try:
            content = self._look()
            with self._open(content) as (_, stream):
                counted = self._declared if content.container == "ogg" else _promise(content, stream)
                return self._inside(counted)
        except (NotAudio, NoAudioStream, EmptyFile, Truncated, Unreadable, Vanished):
            return None

    def excerpt(self, start: int, samples: int) -> NDArray[np.float32] | None:
        """``samples`` samples from ``start`` on, by seeking; ``None`` when they are not all there.

        What is decoded begins a little earlier, on a frame of 1/75 s that is a whole number of samples: then the
        resampler gives what it gives for the whole file, but for its first few samples, which are dropped.
        """
        import numpy as np

        step = FRAMES_PER_SECOND // math.gcd(FRAMES_PER_SECOND, self._sample_rate)
        first = max(0, (start * FRAMES_PER_SECOND // self._sample_rate // step - 1) * step)
        skipped = start - first * self._sample_rate // FRAMES_PER_SECOND
        end = -(-(start + samples) * FRAMES_PER_SECOND // self._sample_rate) + 1
        offset = self._cut.start if self._cut else 0
        part = AudioFile(
            Cut(1, offset + first, offset + end).path_in(self._path), self._sample_rate, self._limits
        )
        part.tap(self._listener)
        try:
            blocks = list(part.blocks())
        except (NotAudio, NoAudioStream, EmptyFile, TooShort, Truncated):
            return None
        found = np.concatenate(blocks)[skipped : skipped + samples]
        return found if len(found) == samples else None

    def description(self) -> str | None:
        """The text beside the file (``media.sidecar``); a part of a file has none of its own."""
        return supplied_text(self._path) if self._cut is None else None

    def frames(self) -> Iterator[AudioFrame]:
        """The samples as the file holds them, at its own rate, to be written elsewhere without a loss.

        Raises as ``blocks`` does, and ``Truncated`` for anything that is missing of a lossless format.
        """
        content, damage, decoded = self._look(), _Damage(), 0.0
        with self._open(content) as opened:
            promised = self._inside(_promise(content, opened[1]))
            for frames in self._frames(content, opened, damage):
                for frame in frames:
                    decoded += frame.samples / frame.sample_rate
                    yield frame
        if decoded == 0 or self._misses(decoded, promised, damage.lost):
            self._check_disk()
            raise Truncated(f"{_length(decoded)} of {_length(promised or 0)} s could be decoded")

    def _misses(self, decoded: float, promised: float | None, lost: int) -> bool:
        if promised is None:
            return self.lossless and lost > 0
        share = 1.0 if self.lossless else self._limits.min_decoded
        return decoded < promised * share - _SLACK_SECONDS

    def _frames(
        self, content: _Content, opened: tuple[InputContainer, AudioStream], losses: Losses
    ) -> Iterator[Sequence[AudioFrame]]:
        if self._cut is None:
            return decoded_frames(*opened, losses)
        return cut_frames(opened, lambda: self._open(content), self._cut, losses)

    def _inside(self, seconds: float | None) -> float | None:
        """How much of a file of that length lies in the cut. What the cut promises itself counts as promised."""
        if self._cut is None:
            return seconds
        if self._cut.seconds is not None:
            return self._cut.seconds
        return None if seconds is None else max(0.0, seconds - self._cut.start_seconds)

    def _look(self) -> _Content:
        size = regular_size(self._path, NotAudio)
        try:
            with open(self._path, "rb") as file:
                container, start = sniff_file(file)
                promised = promised_seconds(file, container, start, size)
        except FileNotFoundError:
            raise Vanished("the file is gone") from None
        except OSError as error:
            raise Unreadable(reason_of(error)) from None
        if container and container not in AUDIO_CONTAINERS:
            raise NotAudio(_looks_like(container, self._path))
        return _Content(container, promised)

    @contextmanager
    def _open(self, content: _Content) -> Iterator[tuple[InputContainer, AudioStream]]:
        """The container and the stream of its sound."""
        with self._open_container(content) as container:
            stream = _audio_stream(container)
            self.lossless = stream.codec_context.codec.lossless
            yield container, stream

    def _open_container(self, content: _Content) -> InputContainer:
        import av

        # The scheme keeps a name like "concat:…" a name, the whitelist keeps playlists from opening others.
        url = "file:" + os.fsdecode(self._path)
        options = {"protocol_whitelist": "file", "max_size": "65536"}
        try:
            container = av.open(url, options=options, metadata_errors="replace")
        except FileNotFoundError:
            raise Vanished("the file is gone") from None
        except (av.FFmpegError, ValueError) as error:
            self._check_disk()
            raise _unknown_content(content, error) from None
        self._opened = True
        self._declared = container.duration / _AV_TIME_BASE if container.duration else None
        return container

    def _check_length(self, decoded: int) -> None:
        if decoded > self._limits.max_seconds * self._sample_rate:
            raise TooLong(f"more than {self._limits.max_seconds / 3600:g} hours of sound")

    def _check_complete(self, seconds: float, promised: float | None) -> None:
        if promised is not None and seconds < promised * self._limits.min_decoded:
            self._check_disk()
            raise Truncated(f"{_length(seconds)} of {_length(promised)} s could be decoded")

    def _check_disk(self) -> None:
        """FFmpeg reports a failing disk and a broken file alike: reading it all tells them apart."""
        try:
            with open(self._path, "rb") as file:
                while file.read(_READ_BYTES):
                    pass
        except FileNotFoundError:
            raise Vanished("the file is gone") from None
        except OSError as error:
            raise Unreadable(reason_of(error)) from None


def decoder_major() -> int:
    """The major version of libavcodec, for a spec's ``decoder_major``."""
    import av

    return int(av.library_versions["libavcodec"][0])


def _looks_like(container: str, path: bytes) -> str:
    article = "an" if container.startswith("HTML") else "a"
    suffix = os.fsdecode(os.path.splitext(path)[1])
    return f"{article} {container} named {suffix}" if suffix else f"{article} {container}"


def _unknown_content(content: _Content, error: Exception) -> NotAudio | Truncated:
    if content.container == "mp4":
        return Truncated("the MP4 file's index is missing or broken: the file was cut off")
    if content.container:
        return NotAudio(f"it begins like {content.container}, but FFmpeg cannot open it: {reason_of(error)}")
    return NotAudio(f"no format that FFmpeg knows: {reason_of(error)}")


def _nothing_heard(content: _Content, lost: int) -> NotAudio | TooShort:
    if lost or not content.container:
        return NotAudio("nothing in it could be decoded")
    return TooShort(f"a {content.container} file without any sound in it")


def _length(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"


def _audio_stream(container: InputContainer) -> AudioStream:
    streams = container.streams.audio
    for stream in streams:
        # PyAV gives a stream whose codec nobody knows no context, though its types say otherwise.
        if getattr(stream, "codec_context", None) is not None:
            return stream
    if streams:
        raise NoAudioStream("FFmpeg has no decoder for its sound")
    kinds = sorted({stream.type for stream in container.streams})
    raise NoAudioStream(f"a {container.format.name} file with {' and '.join(kinds) or 'no'} streams only")


def _promise(content: _Content, stream: AudioStream) -> float | None:
    """Seconds. An MP4's sample table lies where only FFmpeg finds it; ``frames`` is 0 when there is none."""
    if content.container != "mp4" or not stream.frames or not stream.duration or not stream.time_base:
        return content.promised
    return float(stream.duration * stream.time_base)


def _resampled(
    frames: Iterator[Sequence[AudioFrame]], resampler: MonoResampler
) -> Iterator[NDArray[np.float32]]:
    feed = resampler.feed
    for some in frames:
        if feed(some):
            yield from resampler.pull()
    yield from resampler.finish()
