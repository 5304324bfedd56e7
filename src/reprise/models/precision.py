"""When fewer bits may stand for float32: where the processor computes with them, and where the answers agree."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.core.pooling import as_columns, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_COSINE = 0.999
"""Of the time means of a window's features with those of float32, for each canary."""

WORTH_IT = 0.9
"""Share of float32's time that another precision may take at most, where it exists to be faster."""

BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""As Linux names the instructions of x86-64 and ARM."""

PROCESSOR_FACTS = Path("/proc/cpuinfo")


def agreement(reference: Sequence[NDArray[Any]], tried: Sequence[NDArray[Any]]) -> float:
    """The lowest cosine, over the windows, of the time means of their features; 0 when any number is not finite.

    Shapes (D,) or (T, D) each; features of another shape than the reference's agree in nothing.
    """
    if len(reference) != len(tried):
        return 0.0
    return min(map(_cosine, reference, tried))


def _cosine(reference: NDArray[Any], tried: NDArray[Any]) -> float:
    if reference.shape != tried.shape or not np.isfinite(tried).all():
        return 0.0
    one, other = (mean(as_columns(features)).astype(np.float64) for features in (reference, tried))
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0


def processor_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself; elsewhere it is emulated and slower than float32."""
    return bool(BFLOAT16_FLAGS & _flags())


def _flags() -> set[str]:
    try:
        text = PROCESSOR_FACTS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return set()  # no Linux
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(found[1].split()) if found else set()


def processor_name() -> str:
    """What measured speeds of this CPU are remembered under."""
    try:
        text = PROCESSOR_FACTS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()
