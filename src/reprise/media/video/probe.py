"""What a video file is by its container: its streams, how long it says it is, and why it is no video at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.errors import NoPictures, NotVideo, Truncated, Unreadable, Vanished
from reprise.media.kinds import reason_of, regular_size
from reprise.media.sniff import AUDIO_CONTAINERS, sniff_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from av.container import InputContainer
    from av.video.stream import VideoStream

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,flv,asf,ogg,rm,mxf,dv,nut,wtv,"
    "yuv4mpegpipe,vc1,gxf,nsv,mp3,aac,flac,wav,aiff,ac3,ape,wv,tta,dsf,caf,au"
)
"""What FFmpeg may take a file for. Left out: playlists, which open other files; texts and pictures, which it shows as
films of one picture. Those of sound are in it because they are told apart by having no pictures."""

_AV_TIME_BASE = 1_000_000  # FFmpeg states a container's times in microseconds

_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"


@dataclass(frozen=True, slots=True)
class Film:
    """An open video. ``begins``: what its time stamps count from, in seconds.

    ``frames`` and ``seconds``: what the container promises; 0 when it promises nothing, or nothing to rely on.
    """

    container: InputContainer
    pictures: VideoStream
    begins: float
    frames: int
    seconds: float
    has_audio: bool
    subtitles: int

    def share(self, frames: int, seconds: float, lost: int) -> float:
        """How much of it was found, 0 to 1: so many ``frames`` until ``seconds``; ``lost`` could not be decoded.

        Of two promises the one that is kept better counts: a table of samples does not lie, but an edit list may leave
        many of them out; a stated length may be anything.
        """
        kept = [found / said for found, said in ((frames, self.frames), (seconds, self.seconds)) if said]
        return min(1.0, max(kept, default=1.0), frames / max(1, frames + lost))


@contextmanager
def open_film(path: bytes) -> Iterator[Film]:
    """The file at ``path`` with the stream of its pictures.

    Raises ``Vanished``, ``Unreadable``, ``EmptyFile``, ``NotVideo``, ``NoPictures``, and ``Truncated`` for an index that
    is missing.
    """
    size = regular_size(path, NotVideo)
    kind, whole = _look(path, size)
    with _open_container(path, kind) as container:
        yield _film(container, whole=whole)


def _film(container: InputContainer, *, whole: bool) -> Film:
    pictures = _picture_stream(container)
    seconds = container.duration / _AV_TIME_BASE if container.duration else 0.0
    return Film(
        container,
        pictures,
        begins=container.start_time / _AV_TIME_BASE if container.start_time else 0.0,
        frames=pictures.frames,
        seconds=0.0 if whole or container.format.name in _COUNTED_BY_FFMPEG else seconds,
        has_audio=any(_known(stream) for stream in container.streams.audio),
        subtitles=len(container.streams.subtitles),
    )


_COUNTED_BY_FFMPEG = frozenset({"mpegts", "mpeg", "h264", "hevc", "mpegvideo", "m4v", "vc1", "obu"})
"""Formats that state no length: FFmpeg looks at the last time stamp, or guesses from the bit rate."""


def _picture_stream(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures. A cover is a stream of one picture, and none of these."""
    from av.stream import Disposition

    streams = container.streams.video
    moving = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    for stream in moving:
        if _known(stream):
            return stream
    if moving:
        raise NoPictures("FFmpeg has no decoder for its pictures")
    if streams:
        raise NoPictures(f"a {container.format.name} file with a cover and no other pictures")
    kinds = sorted({stream.type for stream in container.streams})
    raise NoPictures(f"a {container.format.name} file with {' and '.join(kinds) or 'no'} streams only")


def _known(stream: object) -> bool:
    """PyAV gives a stream whose codec nobody knows no context, though its types say otherwise."""
    return getattr(stream, "codec_context", None) is not None


def _look(path: bytes, size: int) -> tuple[str, bool]:
    """The name that ``sniff`` gives the content, and whether its container says that all of it is there."""
    try:
        with open(path, "rb") as file:
            kind, _ = sniff_file(file)
            return kind, kind == "matroska" and _is_whole_matroska(file, size)
    except FileNotFoundError:
        raise Vanished("the file is gone") from None
    except OSError as error:
        raise Unreadable(reason_of(error)) from None


def _is_whole_matroska(file: BinaryIO, size: int) -> bool:
    """Whether the segment ends within the file. Its size is unknown (all ones) in a stream that was not finished."""
    file.seek(0)
    head = file.read(4096)
    at = 4 if head.startswith(_EBML) else len(head)
    header, at, _ = _ebml_number(head, at)
    at += header
    if head[at : at + 4] != _SEGMENT:
        return False
    segment, at, unknown = _ebml_number(head, at + 4)
    return not unknown and at + segment <= size


def _ebml_number(data: bytes, at: int) -> tuple[int, int, bool]:
    """A number whose leading zero bits say how long it is, where it ends, and whether it stands for "unknown"."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    bits = 7 * length
    value = int.from_bytes(data[at : at + length], "big") & ((1 << bits) - 1)
    return value, at + length, value == (1 << bits) - 1


def _open_container(path: bytes, kind: str) -> InputContainer:
    import av

    # The scheme keeps a name like "concat:…" a name, the whitelist keeps playlists from opening others.
    url = "file:" + os.fsdecode(path)
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    try:
        return av.open(url, options=options, metadata_errors="replace")
    except FileNotFoundError:
        raise Vanished("the file is gone") from None
    except (av.FFmpegError, ValueError) as error:
        check_disk(path)
        raise _unknown_content(kind, error) from None


def _unknown_content(kind: str, error: Exception) -> NotVideo | Truncated:
    if kind == "mp4":
        return Truncated("the MP4 file's index is missing or broken: the file was cut off")
    if kind in AUDIO_CONTAINERS:
        return NotVideo(f"it begins like {kind}, but FFmpeg cannot open it: {reason_of(error)}")
    if kind:
        return NotVideo(f"{'an' if kind.startswith('HTML') else 'a'} {kind}")
    return NotVideo(f"no format of videos that FFmpeg knows: {reason_of(error)}")


def check_disk(path: bytes) -> None:
    """FFmpeg reports a failing disk and a broken file alike: reading it all tells them apart. Raises ``Unreadable``."""
    try:
        with open(path, "rb", buffering=0) as file:
            while file.read(1024 * 1024):
                pass
    except FileNotFoundError:
        raise Vanished("the file is gone") from None
    except OSError as error:
        raise Unreadable(reason_of(error)) from None
