"""What all benchmarks share: CPU time of commands, medians, folders of music, rows of a report."""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
DISTINCT_FILES = 400
FILES_PER_FOLDER = 100
COVER_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report. ``ratio`` is what the promise is about; ``goal`` says what it should be."""

    promise: str
    measured: str
    beside: str
    ratio: float | None
    goal: str
    kept: bool | None


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of one run."""

    cpu: float
    wall: float


def cost_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end, output thrown away; the CPU time of its children counts too."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall)


def median_cpu(runs: int, measure: Callable[[], Cost]) -> float:
    return statistics.median(measure().cpu for _ in range(runs))


def make_library(folder: Path, files: int, distinct: int = DISTINCT_FILES) -> Path:
    """``files`` tagged MP3 files with cover art: ``distinct`` real ones, linked under many names to fit on the disk."""
    id3: Any = importlib.import_module("mutagen.id3")  # it has no types
    from reprise.core.items import Tags
    from reprise.demo.encode import write_audio

    originals = folder / "originals"
    originals.mkdir(parents=True)
    random = np.random.default_rng(1)
    for number in range(min(files, distinct)):
        noise = (random.standard_normal((22_050, 2)) * 0.1).astype(np.float32)
        tags = Tags(
            f"Title {number}",
            f"Artist {number % 50}",
            f"Album {number % 40}",
            genre="Rock",
            track=number % 20 + 1,
        )
        path = write_audio(originals / f"{number}.mp3", noise, 44_100, tags=tags)
        cover = id3.ID3(path)
        cover.add(id3.APIC(mime="image/jpeg", type=3, data=random.bytes(COVER_BYTES)))
        cover.save()
    library = folder / "library"
    for number in range(files):
        album, track = divmod(number, FILES_PER_FOLDER)
        target = (
            library
            / f"Artist {album // 10:04}"
            / f"Album {album % 10}"
            / f"{track:02} - A track of the library.mp3"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(originals / f"{number % distinct}.mp3", target)
    return library


def report(rows: Sequence[Row], arguments: Sequence[str]) -> None:
    """Print the rows: a table for people, or JSON lines with ``--json``."""
    for row in rows:
        if "--json" in arguments:
            print(json.dumps(asdict(row)), flush=True)
            continue
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        verdict = {True: "kept", False: "MISSED", None: ""}[row.kept]
        print(
            f"{row.promise:<42} {row.measured:<28} {row.beside:<34} {ratio:>7}  {row.goal:<14} {verdict}",
            flush=True,
        )
