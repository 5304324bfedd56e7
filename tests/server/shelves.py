"""A server's library of real sounds: scanned, and listed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.demo.encode import write_audio

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.app import App
    from reprise.core.items import Library, Tags

RATE = 22_050  # Hz


def tone(seconds: float, pitch: float = 440.0, channels: int = 1) -> NDArray[np.float32]:
    """A sine of that pitch in Hz."""
    times = np.arange(round(seconds * RATE)) / RATE
    wave = (0.3 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)
    return wave if channels == 1 else np.stack([wave] * channels, axis=1)


def sound(path: Path, seconds: float = 0.3, tags: Tags | None = None, pitch: float = 440.0) -> Path:
    """Write a tone in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_audio(path, tone(seconds, pitch), RATE, tags=tags)


def shelve(app: App, folder: Path) -> Library:
    """Scan the folder as a library and list what it holds."""
    library, _ = app.library_of(folder)
    app.scan(library, lambda _: None)
    list_all(app)
    return library


def list_all(app: App) -> None:
    while app.catalogue().listing.take_over(1000):
        pass
