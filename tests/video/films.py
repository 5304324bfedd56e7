"""Small real videos: shots that look nothing alike, in any container and codec, upright or not, with sound or without."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from numpy.typing import NDArray

SOUND_RATE = 8000
MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class Shot:
    """So many seconds of one moving pattern. ``look``: ``sharp``, ``dark`` (black) or ``soft`` (bright, no edges)."""

    seconds: float
    seed: int = 0
    look: str = "sharp"


def shots(*seconds: float) -> list[Shot]:
    """One shot for each length, no two alike."""
    return [Shot(length, seed) for seed, length in enumerate(seconds)]


def write_film(
    path: Path,
    of: Sequence[Shot],
    *,
    size: tuple[int, int] = (160, 120),
    fps: int = 25,
    times: Sequence[float] = (),
    codec: str = "mpeg4",
    layout: str = "yuv420p",
    rotation: int = 0,
    aspect: Fraction | None = None,
    sound: float = 0.0,
    sound_from: float = 0.0,
    options: dict[str, str] | None = None,
    colours: dict[str, int] | None = None,
) -> Path:
    """A video of these shots one after the other.

    ``size``: width and height as coded. ``times``: those of the pictures in seconds, instead of ``fps`` even ones.
    ``rotation``: degrees clockwise that a player turns it. ``sound``: so many seconds of it, from ``sound_from`` on.
    ``options``: of the container. ``colours``: what the codec says of them (``color_trc``).
    """
    with av.open(str(path), "w", options=options or {}) as film:
        stream = cast("Any", film.add_stream(codec, rate=fps))
        stream.width, stream.height, stream.pix_fmt = *size, layout
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        stream.codec_context.gop_size = fps
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(-rotation)
        audio = cast("Any", film.add_stream("aac", rate=SOUND_RATE, layout="mono")) if sound else None
        for name, value in (colours or {}).items():
            setattr(stream.codec_context, name, value)
        for at, picture in _pictures(of, size, times or _even(of, fps)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=layout)
            frame.pts, frame.time_base = round(at * 1000), MILLISECOND
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
        if audio:
            _write_sound(film, audio, sound, sound_from)
    return path


def write_sound(path: Path, seconds: float, cover: bool = False) -> Path:
    """A file of sound alone, with a picture of its cover if that is wanted; ``path`` ends in .m4a or .mp3."""
    with av.open(str(path), "w") as file:
        codec = "aac" if path.suffix == ".m4a" else "mp3"
        stream = cast("Any", file.add_stream(codec, rate=44_100, layout="mono"))
        image = cast("Any", file.add_stream("mjpeg", rate=1)) if cover else None
        if image:
            from av.stream import Disposition

            image.width, image.height, image.pix_fmt = 64, 64, "yuvj420p"
            image.disposition = Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(pattern(Shot(1.0), (64, 64), 0), format="rgb24")
            file.mux(image.encode(frame.reformat(format="yuvj420p")))
            file.mux(image.encode())
        _write_sound(file, stream, seconds, 0.0, 44_100)
    return path


def pattern(shot: Shot, size: tuple[int, int], step: int) -> NDArray[np.uint8]:
    """The picture number ``step`` of a shot, red, green and blue, shape (height, width, 3)."""
    width, height = size
    if shot.look == "dark":
        return np.zeros((height, width, 3), np.uint8)
    if shot.look == "soft":
        ramp = np.linspace(80, 160, width)[None, :, None] + shot.seed % 40
        return np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8)
    random = np.random.default_rng(shot.seed + 1)
    tiles = random.integers(0, 120, (-(-height // 8), -(-width // 8), 3)) + random.integers(0, 130, 3)
    whole = tiles.astype(np.uint8).repeat(8, 0).repeat(8, 1)[:height, :width]
    return np.ascontiguousarray(np.roll(whole, step, 1))


def _even(of: Sequence[Shot], fps: int) -> list[float]:
    return [place / fps for place in range(round(sum(shot.seconds for shot in of) * fps))]


def _pictures(
    of: Sequence[Shot], size: tuple[int, int], times: Sequence[float]
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    ends = np.cumsum([shot.seconds for shot in of])
    for step, at in enumerate(times):
        shot = of[min(int(np.searchsorted(ends, at + 1e-6, "right")), len(of) - 1)]
        yield at, pattern(shot, size, step)


def _write_sound(
    file: OutputContainer, stream: Any, seconds: float, begins: float, rate: int = SOUND_RATE
) -> None:
    """A tone of 440 Hz."""
    tone = np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate) * 0.3
    for start in range(0, len(tone), 1024):
        block = tone[start : start + 1024].astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, round(begins * rate) + start
        frame.time_base = Fraction(1, rate)
        file.mux(stream.encode(frame))
    file.mux(stream.encode())
