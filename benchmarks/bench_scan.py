"""Scans beside the tag library alone, beside find, and beside beets."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import PYTHON, Row, cost_of, make_library, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BEETS_FILES = 4000
RUNS = 5

SCAN = """
import pathlib, sys
from reprise.app import App
from reprise.settings import load_settings
with App(load_settings({})) as app:
    library, _ = app.library_of(pathlib.Path(sys.argv[1]))
    app.scan(library, lambda event: None)
"""
TAGS_ALONE = """
import os, sys
from tinytag import TinyTag
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        TinyTag.get(os.path.join(folder, name))
"""
BEETS_CONFIG = """
directory: {music}
library: {folder}/beets.db
plugins: []
import: {{copy: no, move: no, write: no, resume: no, quiet: yes, incremental: no}}
"""


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. CPU seconds of whole processes, start-up included."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = list(_measure(Path(folder), options.files))
    report(rows, arguments)
    return rows


def _measure(folder: Path, files: int) -> Iterator[Row]:
    library = make_library(folder, files)
    environment = {"REPRISE_HOME": str(folder / "home")}
    find = ["find", str(library), "-printf", "%s %T@\n"]
    scan = [PYTHON, "-c", SCAN, str(library)]
    cost_of(find)  # warm: all of them read names and tags from memory
    alone = [PYTHON, "-c", TAGS_ALONE, str(library)]
    turns = [(_first_scan(folder, scan, run), cost_of(alone).cpu) for run in range(RUNS)]
    first, tags = (statistics.median(column) for column in zip(*turns, strict=True))
    yield _row("scan: CPU per file", first / files, "tinytag alone", tags / files, 1.5)
    cost_of(scan, environment)
    pairs = [(cost_of(scan, environment).cpu, cost_of(find).cpu) for _ in range(RUNS)]
    again, found = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield _row("rescan, nothing changed: CPU per file", again / files, "find -printf", found / files, 3.0)
    yield from _beside_beets(folder, first / files, again / files)


def _first_scan(folder: Path, scan: list[str], run: int) -> float:
    """Into an empty catalogue that is already there: making one is paid once, not for each file."""
    environment = {"REPRISE_HOME": str(folder / f"home-{run}")}
    cost_of([PYTHON, "-m", "reprise", "libraries", "add", scan[-1]], environment)
    return cost_of(scan, environment).cpu


def _beside_beets(folder: Path, first: float, again: float) -> Iterator[Row]:
    """On fewer files, because it takes minutes; per file, which favours beets: it slows down as it grows."""
    few = make_library(folder / "few", BEETS_FILES)
    config = folder / "beets.yaml"
    config.write_text(BEETS_CONFIG.format(folder=folder, music=few))
    beet = [PYTHON, "-m", "beets", "-c", str(config)]
    imported = cost_of([*beet, "import", "-A", "-C", "-q", str(few)]).cpu / BEETS_FILES
    yield _times("scan against beet import -A -C", first, imported, 10)
    updated = statistics.median(cost_of([*beet, "update", "-p"]).cpu for _ in range(3)) / BEETS_FILES
    yield _times("rescan against beet update -p", again, updated, 50)


def _row(promise: str, ours: float, name: str, theirs: float, goal: float) -> Row:
    ratio = ours / theirs
    measured, beside = f"{ours * 1e6:.1f} µs", f"{name} {theirs * 1e6:.1f} µs"
    return Row(promise, measured, beside, ratio, f"≤ {goal}", ratio <= goal)


def _times(promise: str, ours: float, theirs: float, goal: float) -> Row:
    faster = theirs / ours
    measured, beside = f"{ours * 1e6:.1f} µs", f"beets {theirs * 1e6:.1f} µs ({BEETS_FILES:,} files)"
    return Row(promise, measured, beside, faster, f"≥ {goal:g} × faster", faster >= goal)


if __name__ == "__main__":
    main(sys.argv[1:])
