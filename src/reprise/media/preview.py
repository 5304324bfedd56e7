"""Sound for browsers: thirty seconds as Opus, or a whole track as WAV. Runs as a process of its own.

A decoder that hangs or crashes on an odd file takes this process with it and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

from reprise.core.cuts import FRAMES_PER_SECOND, Cut, split_path
from reprise.errors import ItemError, NotAudio
from reprise.media.decode import AudioFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from av.audio.frame import AudioFrame

PREVIEW_SECONDS = 30
LEAD_IN = 1 / 3
"""Where in a long track its preview begins, as a share of its length: songs have begun in earnest there."""

_LONG_SECONDS = 3 * PREVIEW_SECONDS
_OPUS_RATE = 48_000  # Hz, the one that Opus is at home with
_OPUS_KBPS = 96
_HIGHEST_RATE = 96_000  # Hz; more is for no ear and for few browsers
_ANY_RATE = 44_100  # Hz; frames come at the file's own rate, whatever is asked for


@dataclass(frozen=True, slots=True)
class Form:
    """How sound is written. ``rate`` in Hz, 0 for the file's own."""

    suffix: str
    content_type: str
    container: str
    codec: str
    rate: int = 0
    kbps: int = 0


PREVIEW = Form(".opus", "audio/ogg", "ogg", "libopus", _OPUS_RATE, _OPUS_KBPS)
WHOLE = Form(".wav", "audio/wav", "wav", "pcm_s16le")


def preview_path(path: bytes, seconds: float | None) -> bytes:
    """The path of the cut that stands for the item at ``path``, of a length in seconds if that is known."""
    file, cut = split_path(path)
    start = cut.start if cut else 0
    if seconds is not None and seconds > _LONG_SECONDS:
        start += int(seconds * LEAD_IN * FRAMES_PER_SECOND)
    end = start + PREVIEW_SECONDS * FRAMES_PER_SECOND
    if cut is not None and cut.end is not None:
        end = min(end, cut.end)
    return Cut(1, start, end).path_in(file)


def write_sound(path: bytes, target: str, form: Form) -> None:
    """Write the item at ``path`` (a whole file, or a cut) to the file ``target``, stereo at most.

    What cannot be decoded is left out as long as there is something to hear. Raises ``ItemError`` kinds and
    ``OSError``.
    """
    import av
    from av.audio.stream import AudioStream

    frames = _heard(path)
    first = next(frames, None)
    if first is None:
        raise NotAudio("there is no sound in it")
    layout = "mono" if first.layout.nb_channels == 1 else "stereo"
    rate = form.rate or min(first.sample_rate, _HIGHEST_RATE)
    with av.open(target, "w", format=form.container) as container:
        stream = container.add_stream(form.codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        if form.kbps:
            stream.bit_rate = form.kbps * 1000
        for part in _converted(chain((first,), frames), layout, rate):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _heard(path: bytes) -> Iterator[AudioFrame]:
    """The frames up to the first that is missing; an error only where there is none at all."""
    heard = False
    try:
        for frame in AudioFile(path, _ANY_RATE).frames():
            heard = True
            yield frame
    except ItemError:
        if not heard:
            raise


def _converted(frames: Iterable[AudioFrame], layout: str, rate: int) -> Iterator[AudioFrame]:
    """The frames as 16-bit samples in one layout at one rate in Hz, whatever each one has."""
    from av.audio.resampler import AudioResampler

    resampler, shape, at = AudioResampler(format="s16", layout=layout, rate=rate), None, 0
    for frame in chain(frames, (None,)):
        met = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        if met is not None and met != shape:  # chained streams change it
            resampler, shape = AudioResampler(format="s16", layout=layout, rate=rate), met
        if frame is not None:
            frame.pts = None
        elif shape is None:
            return
        for part in resampler.resample(frame):
            part.pts, part.time_base = at, Fraction(1, rate)
            at += part.samples
            yield part


def main(arguments: Sequence[str]) -> int:
    """``FILE CUT TARGET FORM``: writes the sound; 1 and the error as JSON on stdout when that is impossible."""
    file, cut, target, form = arguments
    path = os.fsencode(file) + (b"\0" + os.fsencode(cut) if cut else b"")
    try:
        write_sound(path, target, PREVIEW if form == "preview" else WHOLE)
    except ItemError as error:
        print(json.dumps({"code": error.code, "message": error.message}))  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
