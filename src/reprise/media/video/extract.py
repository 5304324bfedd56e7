"""A video taken apart in one decoding: its facts, its scenes, and the pictures that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reprise.core.video import Extract, FoundScene, VideoFacts
from reprise.errors import NoPictures, NotVideo, Truncated
from reprise.media.video.frames import (
    JPEG_QUALITY,
    KEYFRAME_PIXELS,
    KEYFRAME_SECONDS,
    MOST_KEYFRAMES,
    THUMBNAIL_PIXELS,
    Candidate,
    Candidates,
    Shelf,
    upright_size,
)
from reprise.media.video.pictures import DECODING_THREADS, Seen, pictures
from reprise.media.video.probe import check_disk, open_film
from reprise.media.video.quality import LEAST_BRIGHTNESS, LEAST_SHARPNESS
from reprise.media.video.scenes import (
    LONGEST_SECONDS,
    PICTURE_WIDTH,
    WINDOW,
    CutFinder,
    SceneRule,
    detection_size,
)

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    import numpy as np
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from numpy.typing import NDArray

    from reprise.core.video import SavedFrame
    from reprise.media.video.probe import Film


def extract(
    path: bytes,
    media: Path,
    rule: SceneRule,
    *,
    min_decoded: float = 0.9,
    threads: int = DECODING_THREADS,
) -> Extract:
    """The video at ``path``, without words; pictures go to the folder ``media``.

    What can be decoded counts, if that is ``min_decoded`` (a share, 0 to 1) of what the container promises: a film that
    is still being copied would be half a film for good otherwise. Memory does not grow with its length.

    Raises ``Vanished``, ``Unreadable``, ``EmptyFile``, ``NotVideo``, ``NoPictures``, ``Truncated``, and ``OSError``
    kinds when ``media`` cannot be written.
    """
    with open_film(path) as film, Shelf(media) as shelf:
        seen = Seen()
        look, cutter = _Look(film), _Cutter(rule, shelf)
        for at, frame in pictures(film, seen, threads):
            cutter.feed(at, frame, look)
        _check(path, film, seen, min_decoded)
        return Extract(look.facts(seen), cutter.finish(seen.end))


def meaning(rule: SceneRule) -> tuple[tuple[str, str], ...]:
    """All that decides what :func:`extract` finds, by name, for a spec's ``options``."""
    return (
        ("detector", rule.detector),
        ("threshold", f"{rule.least_change:g}"),
        ("window", str(WINDOW)),
        ("min_seconds", f"{rule.min_seconds:g}"),
        ("longest_seconds", f"{LONGEST_SECONDS:g}"),
        ("compared_at", str(PICTURE_WIDTH)),
        ("keyframes", f"{MOST_KEYFRAMES} at most, one in {KEYFRAME_SECONDS:g} s"),
        ("keyframe_pixels", str(KEYFRAME_PIXELS)),
        ("thumbnail_pixels", str(THUMBNAIL_PIXELS)),
        ("jpeg_quality", str(JPEG_QUALITY)),
        ("least_brightness", f"{LEAST_BRIGHTNESS:g}"),
        ("least_sharpness", f"{LEAST_SHARPNESS:g}"),
    )


def _check(path: bytes, film: Film, seen: Seen, min_decoded: float) -> None:
    share = film.share(seen.frames, seen.end, seen.lost)
    if seen.frames and share >= min_decoded:
        return
    check_disk(path)
    if seen.frames:
        raise Truncated(f"{share:.0%} of its pictures could be decoded, up to {seen.pictures_end:.0f} s")
    if seen.lost:
        raise NotVideo("none of its pictures could be decoded")
    raise NoPictures(f"a {film.container.format.name} file without any picture in it")


class _Look:
    """Pictures of one film in the sizes that are needed. Each scaler keeps what it has worked out."""

    def __init__(self, film: Film) -> None:
        from av.video.reformatter import VideoReformatter

        self._film = film
        self._aspect = float(film.pictures.sample_aspect_ratio or 1)
        self._small, self._large = VideoReformatter(), VideoReformatter()
        self._first: _First | None = None

    def small(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """For the detector: blue, green and red, of one size for all, even where a film changes its own."""
        if self._first is None:
            self._first = _First(frame.width, frame.height, _clockwise(frame.rotation))
        width, height = detection_size(self._first.width, self._first.height)
        return _scaled(self._small, frame, width, height, "bgr24", "FAST_BILINEAR")

    def candidate(self, at: float, frame: VideoFrame) -> Candidate:
        import numpy as np

        width, height = upright_size(frame.width, frame.height, self._aspect, KEYFRAME_PIXELS)
        picture = _scaled(self._large, frame, width, height, "rgb24", "AREA")
        turns = _clockwise(frame.rotation) // 90
        return Candidate(at, np.ascontiguousarray(np.rot90(picture, -turns)) if turns else picture)

    def facts(self, seen: Seen) -> VideoFacts:
        first = self._first or _First()
        width, height = (first.width, first.height)[:: -1 if first.rotation % 180 else 1]
        return VideoFacts(
            duration=seen.end,
            width=width,
            height=height,
            fps=seen.fps,
            rotation=first.rotation,
            has_audio=self._film.has_audio,
            has_video=True,
            subtitles=self._film.subtitles,
        )


@dataclass(frozen=True, slots=True)
class _First:
    """The first picture as it is coded; ``rotation``: degrees clockwise that make it upright."""

    width: int = 0
    height: int = 0
    rotation: int = 0


def _clockwise(rotation: float) -> int:
    """FFmpeg's rotation is counterclockwise, and any number; pictures are turned by quarters."""
    return round(-rotation / 90) % 4 * 90


def _scaled(
    scaler: VideoReformatter, frame: VideoFrame, width: int, height: int, layout: str, method: str
) -> NDArray[np.uint8]:
    scaled = scaler.reformat(frame, width, height, layout, interpolation=method, threads=1)
    return cast("NDArray[np.uint8]", scaled.to_ndarray())


@dataclass(slots=True)
class _Part:
    start: float
    end: float
    frames: Future[tuple[SavedFrame, ...]]


class _Cutter:
    """Parts a film into scenes while its pictures go by."""

    def __init__(self, rule: SceneRule, shelf: Shelf) -> None:
        self._shortest = rule.min_seconds
        self._finder = CutFinder(rule)
        self._candidates = Candidates(rule.min_seconds)
        self._shelf = shelf
        self._parts: list[_Part] = []
        self._start = 0.0

    def feed(self, at: float, frame: VideoFrame, look: _Look) -> None:
        for cut in self._finder.feed(at, look.small(frame)):
            self._end_part(cut)
        if self._finder.settled - self._start >= LONGEST_SECONDS:
            self._end_part(self._finder.settled)
        if self._candidates.is_due(at):
            self._candidates.keep(look.candidate(at, frame))

    def finish(self, end: float) -> tuple[FoundScene, ...]:
        """All scenes; the last one ends with the film. Raises ``OSError`` kinds when pictures could not be saved."""
        self._end_part(end)
        return tuple(
            FoundScene(index, part.start, part.end, part.frames.result())
            for index, part in enumerate(self._parts)
        )

    def _end_part(self, end: float) -> None:
        """What is too short to be a scene goes to the one before it: the rest behind the last cut, or what lies between
        where a long scene was parted and a cut that follows.
        """
        candidates = self._candidates.take(end)
        if self._parts and end - self._start < self._shortest:
            self._parts[-1].end = end
        else:
            frames = self._shelf.save_scene(candidates, self._start, end)
            self._parts.append(_Part(self._start, end, frames))
        self._start = end
