"""Faces turned upright and cut out, as networks of ArcFace's kind were taught with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.models.pictures import import_pillow

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

SIDE = 112
"""Pixels."""

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where eyes, nose and mouth lie in the square: InsightFace's ``arcface_dst``."""


def aligned(picture: Image, points: NDArray[Any]) -> NDArray[np.float32]:
    """(SIDE, SIDE, 3), red, green and blue, 0 to 255, of an RGB picture; black where the picture ends.

    ``points``: (5, 2), as ``reprise.models.face_detection.Face`` has them.
    """
    pillow = import_pillow()
    back = np.linalg.inv(np.vstack([similarity(points, TEMPLATE), [0.0, 0.0, 1.0]]))
    # Points count from the middle of the first pixel, Pillow's places from its corner.
    back[:2, 2] += 0.5 - 0.5 * (back[:2, 0] + back[:2, 1])
    numbers = tuple(float(number) for number in back[:2].ravel())
    square = picture.transform(
        (SIDE, SIDE), pillow.Transform.AFFINE, numbers, resample=pillow.Resampling.BILINEAR
    )
    return np.asarray(square).astype(np.float32)


def similarity(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """(2, 3): turn, scale and shift without mirroring that bring ``source`` (n, 2) nearest to ``target`` (n, 2).

    Umeyama 1991, Least-squares estimation of transformation parameters between two point patterns, eq. 40 to 43.
    """
    one, other = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_middle, to_middle = one - one.mean(0), other - other.mean(0)
    left, strengths, right = np.linalg.svd(to_middle.T @ from_middle / len(one))
    mirror = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    turn = left @ np.diag(mirror) @ right
    scale = float(strengths @ mirror) / max(float((from_middle**2).sum(1).mean()), 1e-12)
    return np.hstack([scale * turn, (other.mean(0) - scale * turn @ one.mean(0))[:, None]])
