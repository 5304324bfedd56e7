"""All promises about speed in one run: ``python -m benchmarks.run [--models | --server | --dj | --video | --workers]
[--document]``.

Takes about 20 minutes. With ``--models`` those about neural models instead, on their published sizes with random
weights; with ``--server`` those about the server and its panel; with ``--dj`` those about analysis and renaming; with
``--video`` those about videos; with ``--workers`` those about several machines, on real PostgreSQL and Redis. With
``--document`` the table in ``docs/benchmarks.md`` is written anew, with the machine and the date. What else is given
goes to each benchmark.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    bench_analysis,
    bench_chaos,
    bench_cores,
    bench_embedding,
    bench_engine,
    bench_engines,
    bench_models,
    bench_move,
    bench_panel,
    bench_rename,
    bench_reprocess,
    bench_scan,
    bench_scene_search,
    bench_server,
    bench_similar,
    bench_video_scenes,
    bench_workers,
)
from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from benchmarks.measure import Row

MODULES = (bench_embedding, bench_cores, bench_scan, bench_engine, bench_similar)
MODEL_MODULES = (bench_models, bench_engines)
SERVER_MODULES = (bench_server, bench_panel)
DJ_MODULES = (bench_analysis, bench_rename)
VIDEO_MODULES = (bench_video_scenes, bench_reprocess, bench_scene_search)
WORKER_MODULES = (bench_workers, bench_chaos, bench_move)
DOCUMENT = ROOT / "docs" / "benchmarks.md"
OWN_WORDS = {"--models", "--server", "--dj", "--video", "--workers", "--document"}


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when every promise was kept in this run, 1 otherwise."""
    modules, section = _chosen(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        forwarded = [word for word in arguments if word not in OWN_WORDS]
        if "--models" in arguments and "--weights" not in arguments:
            forwarded += ["--weights", folder]  # written once for both
        rows = [row for module in modules for row in module.main(forwarded)]
    if "--document" in arguments:
        write_document(DOCUMENT, section, rows)
    return 0 if all(row.kept is not False for row in rows) else 1


def _chosen(arguments: Sequence[str]) -> tuple[tuple[ModuleType, ...], str]:
    """The benchmarks to run, and the section of the document that is theirs."""
    if "--models" in arguments:
        return MODEL_MODULES, "models"
    if "--server" in arguments:
        return SERVER_MODULES, "server"
    if "--dj" in arguments:
        return DJ_MODULES, "dj"
    if "--video" in arguments:
        return VIDEO_MODULES, "video"
    if "--workers" in arguments:
        return WORKER_MODULES, "workers"
    return MODULES, "measured"


def write_document(path: Path, section: str, rows: Sequence[Row]) -> None:
    """Replace what stands between the two marks of the section."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    path.write_text(f"{before}{begin}\n{table(rows)}\n{end}{after}", encoding="utf-8")


def table(rows: Sequence[Row]) -> str:
    """A Markdown table with the machine and the date above it."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    lines = [
        f"Measured on {today} on {machine()}, Python {platform.python_version()}.",
        "",
        "| promise | measured | beside | ratio | goal | kept |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        kept = {True: "yes", False: "**no**", None: ""}[row.kept]
        lines.append(f"| {row.promise} | {row.measured} | {row.beside} | {ratio} | {row.goal} | {kept} |")
    return "\n".join(lines)


def machine() -> str:
    """The processor's own name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0))
    facts = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in facts.read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.processor()}, {cores} cores, {platform.system()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
