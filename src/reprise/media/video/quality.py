"""Whether a picture shows anything: how bright it is and how sharp."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_BRIGHTNESS = 15.0
"""Mean of grey, 0 to 255."""

LEAST_SHARPNESS = 50.0
"""Variance of the Laplacian of grey. It depends on the size of the picture: these are of at most 640 pixels."""


class Quality(NamedTuple):
    brightness: float
    sharpness: float

    @property
    def passes(self) -> bool:
        return self.brightness >= LEAST_BRIGHTNESS and self.sharpness >= LEAST_SHARPNESS

    @property
    def rank(self) -> float:
        """How much it has of what it has least of; 1: just enough."""
        return min(self.brightness / LEAST_BRIGHTNESS, self.sharpness / LEAST_SHARPNESS)


def quality_of(picture: NDArray[np.uint8]) -> Quality:
    """``picture``: red, green and blue, shape (height, width, 3). Its grey is that of ITU-R BT.601."""
    import numpy as np
    from PIL import Image

    grey = np.asarray(Image.fromarray(picture).convert("L"))
    return Quality(float(grey.mean()), float(_laplacian(grey).var(dtype=np.float64)))


def _laplacian(grey: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Left, right, above and below less four times the middle, the edge mirrored: OpenCV's ``Laplacian`` of size 1."""
    import numpy as np

    padded = np.pad(grey.astype(np.int16), 1, "reflect" if min(grey.shape) > 1 else "edge")
    laplacian: NDArray[np.int16] = padded[1:-1, :-2] + padded[1:-1, 2:] + padded[:-2, 1:-1] + padded[2:, 1:-1]
    laplacian -= 4 * padded[1:-1, 1:-1]
    return laplacian
