"""Pictures for tests, drawn from numbers: no two libraries of codecs can differ over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def landscape(width: int = 320, height: int = 180, seed: int = 1) -> Image.Image:
    """A sky over hills, with some things in it; another with each ``seed``."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    top, bottom, ground = rng.uniform(20, 235, (3, 3))
    picture = top + (bottom - top) * down[..., None]
    hills = 0.55 + 0.15 * np.sin(across * rng.uniform(3, 12) + rng.uniform(0, 6))
    picture = np.where((down > hills)[..., None], ground * (0.6 + 0.4 * down[..., None]), picture)
    for _ in range(6):
        x, y, size = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.03, 0.12)
        inside = (across - x) ** 2 + ((down - y) * height / width) ** 2 < size**2
        picture = np.where(inside[..., None], rng.uniform(0, 255, 3), picture)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def saved(image: Image.Image, path: Path, **options: object) -> bytes:
    """The path as documents have it."""
    image.save(path, **options)  # type: ignore[arg-type]  # Pillow takes what the format takes
    return str(path).encode()
