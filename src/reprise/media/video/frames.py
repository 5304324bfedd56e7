"""The pictures that stand for a scene: a few are kept while it goes by, the best of them are saved when it ends."""

from __future__ import annotations

import io
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from reprise.core.video import FrameKind, SavedFrame
from reprise.drafts import draft_of, private_folder
from reprise.media.video.quality import Quality, quality_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

KEYFRAME_PIXELS = 640
THUMBNAIL_PIXELS = 320
"""Of the longer side; a smaller picture stays as it is."""

JPEG_QUALITY = 80
"""Of 100; colours at half the size both ways."""

MOST_KEYFRAMES = 3
KEYFRAME_SECONDS = 2.0
"""A keyframe for each so long, :data:`MOST_KEYFRAMES` at most: two pictures of the same second say nothing new."""

_MOST_CANDIDATES = 12
_FIRST_SHARE = 0.5  # of the shortest scene: how far apart candidates are taken at the beginning of one,
_LAST_SHARE = 0.75  # and later
_LEAST_SECONDS = 0.05

_WRITERS = 4
_MOST_WAITING = 4  # scenes, 12 MB each


@dataclass(frozen=True)
class Candidate:
    """A picture at ``at`` seconds, upright: red, green and blue, shape (height, width, 3)."""

    at: float
    picture: NDArray[np.uint8]

    @cached_property
    def quality(self) -> Quality:
        return quality_of(self.picture)


class Candidates:
    """Some pictures of the scene that goes by, evenly spread, however long it is: 12 MB of them at most.

    Where a scene ends is told late. So what is younger than the shortest scene is kept until that is known, and two
    candidates are closer together than that: every scene has one.
    """

    def __init__(self, min_seconds: float) -> None:
        self._first_step = max(_LEAST_SECONDS, min_seconds * _FIRST_SHARE)
        self._longest_step = max(_LEAST_SECONDS, min_seconds * _LAST_SHARE)
        self._young = min_seconds + self._longest_step
        self._kept: list[Candidate] = []
        self._spread = self._step = self._first_step
        self._due = 0.0

    def is_due(self, at: float) -> bool:
        return at >= self._due

    def keep(self, candidate: Candidate) -> None:
        """``candidate`` is younger than all that are kept."""
        self._kept.append(candidate)
        self._due = candidate.at + self._step
        if len(self._kept) > _MOST_CANDIDATES:
            self._thin_out(candidate.at)

    def take(self, before: float) -> list[Candidate]:
        """Those of the scene that ends at ``before``. The others are of the next one, which begins closely again."""
        taken = [candidate for candidate in self._kept if candidate.at < before]
        self._kept = self._kept[len(taken) :]
        self._spread = self._step = self._first_step
        self._due = min(self._due, before + self._step)
        return taken

    def _thin_out(self, now: float) -> None:
        self._spread *= 2
        self._step = min(self._spread, self._longest_step)
        kept: list[Candidate] = []
        for candidate in self._kept:
            is_young = candidate.at > now - self._young
            if is_young or not kept or candidate.at - kept[-1].at >= self._spread:
                kept.append(candidate)
        self._kept = kept


def upright_size(width: int, height: int, aspect: float, longest: int) -> tuple[int, int]:
    """What a picture of ``width`` x ``height`` is scaled to, its pixels being ``aspect`` times as wide as high."""
    shown = width * aspect
    factor = min(1.0, longest / max(shown, height))
    return max(1, round(shown * factor)), max(1, round(height * factor))


def choose(candidates: Sequence[Candidate], start: float, end: float) -> list[Candidate]:
    """Up to :data:`MOST_KEYFRAMES` that pass the filter, one of each part of the scene, the best of all first.

    Of each part the one nearest to its middle; when that one does not pass, the next.
    """
    parts = min(MOST_KEYFRAMES, max(1, int((end - start) / KEYFRAME_SECONDS)))
    length = (end - start) / parts
    found = (_best_of_part(candidates, start + part * length, length) for part in range(parts))
    return sorted((one for one in found if one), key=lambda one: -one.quality.rank)


def _best_of_part(candidates: Sequence[Candidate], start: float, length: float) -> Candidate | None:
    inside = [candidate for candidate in candidates if start <= candidate.at < start + length]
    nearest = sorted(inside, key=lambda candidate: abs(candidate.at - start - length / 2))
    return next((candidate for candidate in nearest if candidate.quality.passes), None)


class Shelf:
    """The folder of pictures. Each lies under the digest of its bytes, so the same picture lies there once.

    Threads choose and write, for a disk takes as long to keep four pictures as decoding takes to find the next scene.
    As a context it waits for them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers = ThreadPoolExecutor(_WRITERS, "pictures")
        self._waiting: deque[Future[tuple[SavedFrame, ...]]] = deque()

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_: object) -> None:
        self._writers.shutdown()

    def save_scene(
        self, candidates: Sequence[Candidate], start: float, end: float
    ) -> Future[tuple[SavedFrame, ...]]:
        """The thumbnail and the keyframes, the best of them first; a scene that shows nothing has a thumbnail only.

        When many scenes wait it waits too. It, and the future, raise ``OSError`` kinds.
        """
        if len(self._waiting) == _MOST_WAITING:
            self._waiting.popleft().result()  # a disk that is full is told at once, not after hours
        saved = self._writers.submit(self._choose_and_save, candidates, start, end)
        self._waiting.append(saved)
        return saved

    def _choose_and_save(
        self, candidates: Sequence[Candidate], start: float, end: float
    ) -> tuple[SavedFrame, ...]:
        if not candidates:
            return ()
        chosen = choose(candidates, start, end)
        best = chosen[0] if chosen else max(candidates, key=lambda candidate: candidate.quality.rank)
        return tuple(self._save(best, chosen))

    def _save(self, best: Candidate, chosen: Sequence[Candidate]) -> Iterator[SavedFrame]:
        yield self._save_one(best, FrameKind.THUMBNAIL, 0, THUMBNAIL_PIXELS)
        for ordinal, candidate in enumerate(chosen):
            yield self._save_one(candidate, FrameKind.KEYFRAME, ordinal, KEYFRAME_PIXELS)

    def _save_one(self, candidate: Candidate, kind: FrameKind, ordinal: int, longest: int) -> SavedFrame:
        data, width, height = jpeg(candidate.picture, longest)
        digest = sha256(data)
        name = digest.hexdigest()
        target = self._folder / name[:2] / f"{name}.jpg"
        if not _taken_up(target):
            private_folder(target.parent)
            with draft_of(target, private=True) as file:
                file.write(data)
        relative = os.fsencode(f"{name[:2]}/{name}.jpg")
        return SavedFrame(kind, ordinal, candidate.at, relative, digest.digest(), width, height)


def _taken_up(target: Path) -> bool:
    """Whether the picture is there already. Its time becomes now then: its row is still to come, and until it does nobody
    deletes what was taken up so lately (``media.picture_files``)."""
    try:
        os.utime(target)
    except (FileNotFoundError, NotADirectoryError):  # what is wrong with the folder is told by making it
        return False
    return True


def jpeg(picture: NDArray[np.uint8], longest: int) -> tuple[bytes, int, int]:
    """``picture`` with its longer side at most ``longest`` pixels as JPEG: its bytes, width and height.

    The same picture gives the same bytes, with the same version of Pillow.
    """
    from PIL import Image

    image = Image.fromarray(picture)
    width, height = upright_size(image.width, image.height, 1.0, longest)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BOX)  # halved: the mean of four
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue(), width, height
