"""Planning and carrying out names: beside beets and beside a bare loop of ``os.rename``, and how both grow."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench_scan import BEETS_CONFIG
from benchmarks.measure import PYTHON, Cost, Row, report
from benchmarks.measure import cost_of as measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FEW, MANY = 10_000, 100_000
BEETS_FILES = 2000
FILES_PER_FOLDER = 100
RUNS = 5
TEMPLATE = "{artist} - {title}< ({mix})>< [{camelot} {bpm}]>"
DESIGN_RATE = 1000.0
"""Files per second and core that the planner of the DJ tool before us was designed for."""

RENAME_LOOP = """
import os, sys
pairs = open(sys.argv[1], "rb").read().split(b"\\0")
for old, new in zip(pairs[0::2], pairs[1::2]):
    os.rename(old, new)
"""
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
BEETS_PATHS = """
paths: {default: "$artist - $title [$initial_key $bpm]-$track", comp: "$artist - $title-$track", singleton: "$artist - $title"}
"""


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. CPU seconds of whole processes, start-up included; compiled, as when installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=MANY)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = list(_measure(Path(folder), options.files))
    report(rows, arguments)
    return rows


def _measure(folder: Path, files: int) -> Iterator[Row]:
    few, many = make_library(folder / "few", FEW), make_library(folder / "many", files)
    plan_few = statistics.median(_plan(folder, few).cpu for _ in range(RUNS)) / FEW
    plan_many = statistics.median(_plan(folder, many).cpu for _ in range(3)) / files
    rate = 1 / plan_few
    promise = f"plan of {FEW:,} names, files per CPU second"
    yield Row(
        promise,
        f"{rate:,.0f}",
        f"{DESIGN_RATE:,.0f} designed for",
        rate / DESIGN_RATE,
        "≥ 4 ×",
        rate >= 4 * DESIGN_RATE,
    )
    yield _grows(f"plan of {files:,}", plan_few, plan_many)
    peak = _peak_mb(_plan_command(folder, many))
    yield Row(f"plan of {files:,}: memory", f"{peak:.0f} MB", "", None, "< 300 MB", peak < 300)
    yield from _carrying_out(folder, few, many, files)
    beets_plan, beets_move = _beets(folder)
    yield _faster(f"plan beside beets move -p ({BEETS_FILES:,} files)", plan_few, beets_plan, 10)
    moved = _apply_cost(folder, many).cpu / files
    yield _faster(f"apply beside beets move ({BEETS_FILES:,} files)", moved, beets_move, 20)


def make_library(folder: Path, files: int) -> Path:
    """Short MP3 files, each with tags and content of its own: title, artist, track, tempo and key."""
    import numpy as np
    from mutagen import id3

    from reprise.demo.encode import write_audio

    folder.mkdir(parents=True)
    noise = (np.random.default_rng(1).standard_normal((4410, 2)) * 0.1).astype(np.float32)
    sound = write_audio(folder.parent / "sound.mp3", noise, 44_100).read_bytes()
    frames: Any = id3
    for number in range(files):
        album, track = divmod(number, FILES_PER_FOLDER)
        target = folder / f"Artist {album // 10:04}" / f"Album {album % 10}" / f"{track:02} untitled.mp3"
        target.parent.mkdir(parents=True, exist_ok=True)
        tags = frames.ID3()
        tags.add(frames.TIT2(text=f"Title {number} (Extended Mix)"))
        tags.add(frames.TPE1(text=f"Artist {album // 10}"))
        tags.add(frames.TALB(text=f"Album {album % 10}"))
        tags.add(frames.TRCK(text=str(track + 1)))
        tags.add(frames.TBPM(text=str(100 + number % 60)))
        tags.add(frames.TKEY(text="Am"))
        target.write_bytes(sound)
        tags.save(target)
    return folder


def cost_of(command: list[str]) -> Cost:
    """Of a program whose byte code is kept, whatever the environment says: an installed one has it."""
    kept = Path(tempfile.gettempdir()) / f"reprise-bench-{os.getuid()}-byte-code"
    return measured(command, {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(kept)})


def _plan_command(folder: Path, library: Path) -> list[str]:
    output = str(folder / f"{library.name}.plan")
    home = ["--home", str(folder / "home")]
    return [
        PYTHON,
        "-m",
        "reprise",
        "rename",
        "plan",
        str(library),
        "--template",
        TEMPLATE,
        "--output",
        output,
        *home,
    ]


def _plan(folder: Path, library: Path) -> Cost:
    return cost_of(_plan_command(folder, library))


def _peak_mb(command: list[str]) -> float:
    answer = subprocess.run([PYTHON, "-c", PEAK, *command], check=True, capture_output=True, text=True)
    return int(answer.stdout.split()[-1]) / 1024


def _carrying_out(folder: Path, few: Path, many: Path, files: int) -> Iterator[Row]:
    few_cost = statistics.median(_apply_cost(folder, few).cpu for _ in range(3)) / FEW
    turns = [(_apply_cost(folder, many), _bare_cost(folder, many)) for _ in range(3)]
    ratio = statistics.median(ours.cpu / bare.cpu for ours, bare in turns)
    ours = statistics.median(ours.cpu for ours, _ in turns) / files
    bare = statistics.median(bare.cpu for _, bare in turns) / files
    promise = f"apply of {files:,}, CPU per file"
    yield Row(promise, f"{ours * 1e6:.1f} µs", f"os.rename {bare * 1e6:.1f} µs", ratio, "≤ 3", ratio <= 3)
    yield _grows(f"apply of {files:,}", few_cost, ours)
    wall = statistics.median(ours.wall for ours, _ in turns)
    yield Row(f"apply of {files:,}", f"{wall:.0f} s", "", None, "< 300 s", wall < 300)


def _apply_cost(folder: Path, library: Path) -> Cost:
    """Plan, apply, and take it back, so that the next run finds the same; only applying is measured."""
    home = ["--home", str(folder / "home")]
    reprise = [PYTHON, "-m", "reprise", "rename"]
    cost_of(_plan_command(folder, library))
    cost = cost_of([*reprise, "apply", str(folder / f"{library.name}.plan"), "--yes", *home])
    cost_of([*reprise, "undo", *home])
    return cost


def _bare_cost(folder: Path, library: Path) -> Cost:
    """The same number of names changed by ``os.rename`` alone, and changed back."""
    names = [os.fsencode(path) for path in sorted(library.rglob("*.mp3"))]
    pairs = [
        (name, name.replace(b"untitled", b"Artist 0000 - Title 00000 (Extended Mix) [8A 120]"))
        for name in names
    ]
    there, back = folder / "there", folder / "back"
    there.write_bytes(b"\0".join(part for pair in pairs for part in pair))
    back.write_bytes(b"\0".join(part for pair in pairs for part in reversed(pair)))
    cost = cost_of([PYTHON, "-S", "-c", RENAME_LOOP, str(there)])
    cost_of([PYTHON, "-S", "-c", RENAME_LOOP, str(back)])
    return cost


def _beets(folder: Path) -> tuple[float, float]:
    """CPU seconds per file of ``beet move -p`` and ``beet move``, on fewer files, because importing takes minutes."""
    music = make_library(folder / "beets", BEETS_FILES)
    config = folder / "beets.yaml"
    config.write_text(BEETS_CONFIG.format(folder=folder, music=music) + BEETS_PATHS)
    beet = [PYTHON, "-m", "beets", "-c", str(config)]
    cost_of([*beet, "import", "-A", "-C", "-q", str(music)])
    shown = statistics.median(cost_of([*beet, "move", "-p"]).cpu for _ in range(3)) / BEETS_FILES
    moved = cost_of([*beet, "move"]).cpu / BEETS_FILES
    shutil.rmtree(music)
    return shown, moved


def _grows(promise: str, few: float, many: float) -> Row:
    ratio = many / few
    return Row(
        f"{promise}: growth",
        f"{many * 1e6:.1f} µs a file",
        f"{FEW:,}: {few * 1e6:.1f} µs",
        ratio,
        "≤ 1.15",
        ratio <= 1.15,
    )


def _faster(promise: str, ours: float, theirs: float, goal: float) -> Row:
    faster = theirs / ours
    return Row(
        promise,
        f"{ours * 1e6:.1f} µs",
        f"beets {theirs * 1e6:.1f} µs",
        faster,
        f"≥ {goal:g} × faster",
        faster >= goal,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
