"""What a disk has left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LEAST_FREE_BYTES = 1 << 20
"""Below this an I/O error of SQLite is put down to the disk: a full one is reported in several ways."""


def is_full(folder: Path) -> bool:
    """Whether next to nothing can be written into the folder. Raises ``OSError`` when it is not there."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize < _LEAST_FREE_BYTES
