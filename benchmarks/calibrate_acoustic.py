"""Prints ``reprise/analysis/calibration.py``: centres and scales of the acoustic embedding.

They are the mean and the deviation of each number over rendered pieces of every style, with a floor under
the deviation: a number that the synthesiser hardly varies must not count more than its kind.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from reprise.analysis.acoustic import Group

SEEDS = range(1000, 1012)
"""Far from the seeds that tests and the demo use."""

SECONDS = 24.0
SCALE_FLOOR = 0.5
"""Of the median scale of the group."""

BY_NATURE = {"chroma": 1 / 12, "pulse": 0.0}
"""Groups whose centre is known: no key and no angle of the tempo is more usual than another."""

HEADER = '''"""Centres and scales of the acoustic embedding, by group, in the units of the table.

Written by ``benchmarks/calibrate_acoustic.py``: mean and deviation over rendered pieces of every style, the
deviation floored at half the median of its group. They are part of the model's spec: changing one means
raising its epoch.
"""

from __future__ import annotations

_NUMBERS = """'''

FOOTER = '''"""


def _parsed() -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    rows = [line.split() for line in _NUMBERS.strip().splitlines()]
    values = [(row[0], tuple(float(word) for word in row[2:])) for row in rows]
    return {name: (centre, scale) for (name, centre), (_, scale) in zip(values[::2], values[1::2], strict=True)}


CALIBRATION = _parsed()
"""Centres and scales by the name of the group."""'''


class Rendered:
    """A rendered piece as :class:`reprise.core.ports.Audio`."""

    def __init__(self, samples: NDArray[np.float32], sample_rate: int) -> None:
        self._samples = samples
        self.sample_rate = sample_rate
        self.declared_seconds = None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        yield self._samples


def measured(job: tuple[int, int]) -> Mapping[str, NDArray[np.float64]]:
    """The numbers of one piece."""
    from reprise.analysis.acoustic import measure
    from reprise.analysis.spectrum import SAMPLE_RATE, analyse
    from reprise.demo.compose import render
    from reprise.demo.styles import STYLES

    piece = render(STYLES[job[0]], job[1], SECONDS, SAMPLE_RATE)
    return measure(analyse(Rendered(piece.samples.mean(axis=1), SAMPLE_RATE)))


def rounded(values: NDArray[np.float64]) -> str:
    """Numbers with three significant digits, separated by blanks."""
    return " ".join(f"{float(f'{value:.3g}')!r}" for value in values)


def deviation(values: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    """Standard deviation by column of (pieces, dimensions), floored where all columns share one unit."""
    scale = values.std(axis=0)
    floor = 0.0 if "," in unit else SCALE_FLOOR * float(np.median(scale))
    return np.asarray(np.maximum(scale, floor))


def centre_and_scale(
    group: Group, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each (dimensions,). What no piece of music prefers by nature is centred by reasoning."""
    if group.name in BY_NATURE:
        even = np.full(values.shape[1], BY_NATURE[group.name])
        return even, np.full(values.shape[1], np.sqrt(((values - even) ** 2).mean()))
    return values.mean(axis=0), deviation(values, group.unit)


def main() -> int:
    from reprise.analysis.acoustic import GROUPS
    from reprise.demo.styles import STYLES

    jobs = [(style, seed) for style in range(len(STYLES)) for seed in SEEDS]
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(measured, jobs, chunksize=8))
    print(HEADER)
    for group in GROUPS:
        values = np.stack([row[group.name] for row in rows])
        centre, scale = centre_and_scale(group, values)
        print(f"{group.name} centre {rounded(centre)}")
        print(f"{group.name} scale {rounded(scale)}")
    print(FOOTER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
