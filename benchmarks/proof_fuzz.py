"""Fuzzing: atheris looks for inputs that break a parser, each target in a process of its own, from the corpus that is kept.

``--keep`` puts what reached new branches, made as small a set as does the same, into the corpus. A fault is written to
``--faults`` (a folder), from where it belongs into the corpus too, named for what it is, once it is mended.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.targets import CORPUS, PRODUCT, TARGETS, corpus_of, target

from benchmarks.measure import PYTHON, ROOT, Row, report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import TypeAlias

    from _typeshed import TraceFunction

    _Step: TypeAlias = tuple[str, int, int]

SECONDS = 150
QUICK_SECONDS = 10
LONGEST_INPUT = 4096  # bytes
LONGEST_SECONDS = 20  # of one input, before it counts as a hang
MOST_MEMORY_MB = 2048
KEPT_INPUT = 1000  # bytes: longer inputs are not kept
KEPT_INPUTS = 10  # of one run and target

_RUNS = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_STATUS = re.compile(r"^#(\d+)\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What became of one target. ``runs``: inputs tried, as libFuzzer counts them; ``faults``: the inputs that broke it."""

    name: str
    runs: int
    found: int
    faults: tuple[Path, ...]
    ended: bool
    output: str


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Takes ``--seconds`` for each target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    rows: list[Row] = []
    if importlib.util.find_spec("atheris") is None:
        rows = [Row("fuzzing", "not run", "atheris is not installed", None, "0 faults", None)]
    with tempfile.TemporaryDirectory(prefix="reprise-fuzzing-") as folder:
        for name in () if rows else options.target or TARGETS:
            fuzzed = fuzz(name, Path(folder) / name, seconds, options.faults)
            if options.keep:
                keep(name, Path(folder) / name)
            _tell(fuzzed)
            report([_row(fuzzed)], arguments)
            rows.append(_row(fuzzed))
    return rows


def fuzz(name: str, folder: Path, seconds: int, faults: Path | None = None) -> Fuzzed:
    """One target, for so long. ``folder`` is made, and holds what was found."""
    new, broken = folder / "new", faults or folder / "faults"
    for one in (new, broken):
        one.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={LONGEST_SECONDS}"]
    output, code = _drive(
        folder,
        name,
        str(new),
        str(CORPUS / name),
        *limits,
        f"-rss_limit_mb={MOST_MEMORY_MB}",
        f"-artifact_prefix={broken}/{name}-",
    )
    counted = _RUNS.findall(output) or _STATUS.findall(output) or ["0"]
    found = tuple(sorted(broken.glob(f"{name}-*")))
    return Fuzzed(name, int(counted[-1]), len(list(new.iterdir())), found, code == 0, output)


def keep(name: str, folder: Path) -> int:
    """Put the shortest inputs that take a step in the parser which none before takes into the corpus; returns how many.

    libFuzzer's own way of merging starts programs anew, which it cannot do with Python's.
    """
    one, files = target(name), _files_of(name)
    reached: set[_Step] = set()
    for path in corpus_of(name):
        reached |= _steps(one, files, path.read_bytes())
    kept = 0
    for content in sorted(
        (path.read_bytes() for path in (folder / "new").iterdir()), key=lambda one: (len(one), one)
    ):
        if kept == KEPT_INPUTS or len(content) > KEPT_INPUT:
            break
        steps = _steps(one, files, content)
        if steps <= reached:
            continue
        reached |= steps
        kept += 1
        (CORPUS / name / f"found-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)
    return kept


def _files_of(name: str) -> frozenset[str]:
    return frozenset(str(importlib.import_module(module).__file__) for module in PRODUCT[name])


def _steps(one: Callable[[bytes], None], files: frozenset[str], content: bytes) -> set[_Step]:
    """From which line to which it goes in those files."""
    steps: set[_Step] = set()
    last: dict[FrameType, int] = {}

    def follow(frame: FrameType, event: str, _: object) -> TraceFunction | None:
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            steps.add((frame.f_code.co_filename, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return follow

    sys.settrace(follow)
    try:
        one(content)
    finally:
        sys.settrace(None)
    return steps


def _drive(folder: Path, *arguments: str) -> tuple[str, int]:
    """What libFuzzer says, and its exit code. It ends without clearing up: what it wrote goes with ``folder``."""
    command = [PYTHON, "-m", "tests.fuzz.drive", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout, done.returncode


def _tell(fuzzed: Fuzzed) -> None:
    if fuzzed.faults or not fuzzed.ended:
        print(fuzzed.output[-4000:], file=sys.stderr, flush=True)


def _row(fuzzed: Fuzzed) -> Row:
    return Row(
        f"fuzzing: {fuzzed.name}",
        f"{len(fuzzed.faults)} faults",
        f"{fuzzed.runs:,} runs, {fuzzed.found} new inputs",
        None,
        "0 faults",
        not fuzzed.faults and fuzzed.ended and fuzzed.runs > 0,
    )


if __name__ == "__main__":
    sys.exit(any(row.kept is False for row in main(sys.argv[1:])))
