"""Where scenes begin and end: PySceneDetect's detectors, fed one picture after the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

DETECTORS = {"adaptive": 3.0, "content": 27.0}
"""By name: how great a change must be to be a cut; PySceneDetect's own values.

``adaptive``: so many times the mean of the two pictures before and after. ``content``: mean change of hue, saturation
and brightness, each 0 to 255.
"""

WINDOW = 2
"""Pictures before and after that the adaptive detector compares with."""

PICTURE_WIDTH = 256
"""Pixels of the longer side that pictures are brought to before they are compared, as PySceneDetect does."""

LONGEST_SECONDS = 300.0
"""A scene without a cut, a lecture or a recorded screen, is parted after that long. Five minutes of speech are what the
words of one scene may hold (4,800 characters); of a longer one the rest could not be found. And its vectors would mean
everything at once."""

_MICROSECOND = Fraction(1, 1_000_000)
_ANY_RATE = Fraction(25)  # PySceneDetect wants one; times in seconds are what it is asked about


@dataclass(frozen=True, slots=True)
class SceneRule:
    """What a scene is. ``threshold`` 0: the detector's own. No scene is shorter than ``min_seconds``, unless the video
    is. Raises ``ValueError`` for a detector that is not in :data:`DETECTORS`.
    """

    detector: str = "adaptive"
    threshold: float = 0.0
    min_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.detector not in DETECTORS:
            raise ValueError(f"no detector {self.detector!r}; there are: {', '.join(DETECTORS)}")

    @property
    def least_change(self) -> float:
        return self.threshold or DETECTORS[self.detector]


class CutFinder:
    """Finds cuts while pictures go by. A cut is told late: by two pictures, or by ``min_seconds`` (``content``)."""

    def __init__(self, rule: SceneRule) -> None:
        from scenedetect.common import FrameTimecode, Timecode

        from reprise.media.video.detectors import Adaptive, Content

        adaptive = rule.detector == "adaptive"
        self._detector = (
            Adaptive(rule.least_change, float(rule.min_seconds), WINDOW)
            if adaptive
            else Content(rule.least_change, float(rule.min_seconds))
        )
        self._timecode, self._pts = FrameTimecode, Timecode
        self._times: deque[float] = deque(maxlen=WINDOW + 1 if adaptive else 2)
        self._late = 0.0 if adaptive else rule.min_seconds

    @property
    def settled(self) -> float:
        """Before this time no other cut will be told."""
        return self._times[0] - self._late if self._times else 0.0

    def feed(self, at: float, picture: NDArray[np.uint8]) -> Iterator[float]:
        """``picture``: blue, green and red, shape (height, width, 3), of one size for the whole film, at ``at`` seconds.

        Yields times of cuts: those of the first pictures behind them.
        """
        self._times.append(at)
        time = self._timecode(self._pts(round(at * 1e6), _MICROSECOND), _ANY_RATE)
        for cut in self._detector.process_frame(time, picture):
            yield float(cut.seconds)


def detection_size(width: int, height: int) -> tuple[int, int]:
    """Width and height in pixels of what is compared; a small picture stays as it is."""
    factor = max(1.0, max(width, height) / PICTURE_WIDTH)
    return max(1, round(width / factor)), max(1, round(height / factor))
