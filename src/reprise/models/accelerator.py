"""Whether there is an accelerator, found without importing what would use it."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

DEVICE_FILES = (Path("/dev/nvidiactl"), Path("/dev/kfd"))
"""Made by the drivers of NVIDIA and of AMD."""


def accelerator_present() -> bool:
    """A graphics card with its driver, or Apple's chip."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(path.exists() for path in DEVICE_FILES)
