"""Two cores beside one: the same tracks embedded by one process and by two."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench_embedding import render_track
from benchmarks.measure import PYTHON, Row, report

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=120)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = [two_cores("acoustic", Path(folder), options.tracks, options.runs)]
    report(rows, arguments)
    return rows


def two_cores(model: str, folder: Path, tracks: int, runs: int) -> Row:
    """The row of one model: medians over the runs, of which each has both."""
    library = _library(folder, tracks)
    pairs = [
        (_work_seconds(model, library, run, 1), _work_seconds(model, library, run, 2)) for run in range(runs)
    ]
    one, two = (statistics.median(column) for column in zip(*pairs, strict=True))
    speed = statistics.median(first / second for first, second in pairs)
    cores = len(os.sched_getaffinity(0))
    beside = f"one process {one:.1f} s, {cores} cores"
    promise = f"{model}: two cores against one"
    return Row(promise, f"two processes {two:.1f} s", beside, speed, "≥ 1.85 ×", speed >= 1.85)


def _library(folder: Path, tracks: int) -> Path:
    """One 210-second song under many names; each is decoded and analysed like any other."""
    library = folder / "music"
    library.mkdir()
    render_track(folder).rename(library / "0.mp3")
    for number in range(1, tracks):
        os.link(library / "0.mp3", library / f"{number}.mp3")
    return library


def _work_seconds(model: str, library: Path, run: int, workers: int) -> float:
    """From the model's being loaded to its being unloaded, so that neither scan nor start counts."""
    home = library.parent / f"home-{run}-{workers}"
    command = [
        PYTHON,
        "-m",
        "reprise",
        "embed",
        str(library),
        "--model",
        model,
        "--workers",
        str(workers),
        "--json",
        "--home",
        str(home),
    ]
    loaded = unloaded = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            name = json.loads(line)["event"]
            loaded = time.perf_counter() if name == "model_loaded" else loaded
            unloaded = time.perf_counter() if name == "model_unloaded" else unloaded
    return unloaded - loaded


if __name__ == "__main__":
    main(sys.argv[1:])
