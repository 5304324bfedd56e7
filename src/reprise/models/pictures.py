"""Pictures from files: upright, in eight bits of red, green and blue, or refused with a reason."""

from __future__ import annotations

import os
import struct
import warnings
from typing import TYPE_CHECKING, Any

from reprise.errors import ExtraMissing, NotAPicture, Unreadable, Vanished

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MOST_PIXELS = 100_000_000
"""A picture of more says little more, and unpacks to gigabytes."""

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""What is looked at. Others that Pillow knows start programs (EPS), or are no pictures of a camera."""

ORIENTATION = 0x0112
"""The field of EXIF that says how the camera was held."""

DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)
"""What Pillow's readers raise on bytes that are no picture of the format that they begin as."""


def import_pillow() -> Any:
    """The module ``PIL.Image``. Raises ``ExtraMissing``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ExtraMissing(
            f"pictures are read with Pillow ({error})", cure="install it with: pip install 'reprise[video]'"
        ) from error
    return Image


def read_picture(file: bytes, enough: int = 0) -> Image:
    """The picture in ``file``, an absolute path, in RGB and turned as its camera was held.

    ``enough``: a JPEG may come smaller than it is, which is quicker, but no side below so many pixels. 0: as it is.
    Raises ``NotAPicture``, ``Vanished``, ``Unreadable`` and ``ExtraMissing``.
    """
    pillow = import_pillow()
    name = os.fsdecode(file)
    try:
        # Pillow warns of odd palettes and of many pixels; the latter are counted below.
        with warnings.catch_warnings(action="ignore"), pillow.open(name, formats=FORMATS) as image:
            return _decoded(pillow, image, enough)
    except FileNotFoundError as error:
        raise Vanished("the picture is not there any more") from error
    except PermissionError as error:
        raise Unreadable(f"the picture cannot be read: {error.strerror}") from error
    except pillow.DecompressionBombError as error:
        raise NotAPicture(f"the picture is too large: {error}") from error
    except DAMAGED as error:
        reason = str(error).replace(repr(name), "the file")
        raise NotAPicture(f"no picture that can be read: {reason or type(error).__name__}") from error


def _decoded(pillow: Any, image: Image, enough: int) -> Image:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise NotAPicture(f"the picture is too large: {width} x {height} pixels")
    if enough:
        image.draft("RGB", (enough, enough))
    turn = _turns(pillow).get(_orientation(image))
    upright = image.convert("RGB")
    return upright if turn is None else upright.transpose(turn)


def _orientation(image: Image) -> int:
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except DAMAGED:
        return 1  # a picture with broken notes is a picture
    return found if isinstance(found, int) else 1


def _turns(pillow: Any) -> dict[int, Any]:
    """What is to be done by the value of the field, as EXIF 2.32, 4.6.4 has it."""
    transpose = pillow.Transpose
    return {
        2: transpose.FLIP_LEFT_RIGHT,
        3: transpose.ROTATE_180,
        4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE,
        6: transpose.ROTATE_270,
        7: transpose.TRANSVERSE,
        8: transpose.ROTATE_90,
    }


def canary_pictures(side: int) -> Iterator[NDArray[np.uint8]]:
    """Two pictures that look nothing alike, shape (side, side, 3): a sunset over water, and a green chequered cloth."""
    import numpy as np

    down, across = np.mgrid[0:side, 0:side] / side
    sky = [230.0 - 120 * down, 110.0 - 70 * down, 60.0 + 90 * down]
    sun = 200.0 * np.exp(-((across - 0.6) ** 2 + (down - 0.4) ** 2) / 0.01)
    yield np.clip(np.stack(sky, axis=-1) + sun[..., None], 0, 255).astype(np.uint8)
    cloth = (np.floor(across * 9) + np.floor(down * 9)) % 2
    stripes = 20.0 * np.sin(across * 120)
    colours = [30 + 160 * cloth, 90 + 120 * cloth + stripes, 40 + 60 * cloth]
    yield np.clip(np.stack(colours, axis=-1), 0, 255).astype(np.uint8)
