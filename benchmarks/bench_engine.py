"""What the engine itself costs: 100,000 items × 3 models that cost nothing, memory, and a rerun with nothing to do."""

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
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.free_models import NAMES, install
from benchmarks.measure import PYTHON, ROOT, Row, cost_of, make_library, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        library = make_library(Path(folder), options.files)
        rows = list(_measure(Path(folder), library, options.files))
    report(rows, arguments)
    return rows


def _measure(folder: Path, library: Path, files: int) -> Iterator[Row]:
    environment = _environment(folder)
    run = _first_run(library, environment)
    operations = files * len(NAMES)
    each_ms = 1000 * run["seconds"] / operations
    yield Row(
        "engine: wall ms per operation",
        f"{each_ms:.3f} ms",
        f"{operations:,} operations",
        None,
        "< 0.2",
        each_ms < 0.2,
    )
    growth = run["last_mb"] - run["first_mb"]
    text = f"{run['first_mb']:.0f} to {run['last_mb']:.0f} MB"
    yield Row("engine: memory, first to last tenth", text, "parent process", None, "< 50 MB", growth < 50)
    rescan = _rescan_seconds(library, environment)
    rerun = [cost_of(_command(library), environment).wall for _ in range(3)]
    extra = statistics.median(rerun) - rescan
    text = f"{statistics.median(rerun):.2f} s"
    yield Row("rerun with nothing to do", text, f"scan alone {rescan:.2f} s", None, "scan + 2 s", extra < 2)


def _environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join((str(ROOT), str(install(folder / "plugins"))))
    return {"REPRISE_HOME": str(folder / "home"), "PYTHONPATH": path}


def _command(library: Path) -> list[str]:
    models = [word for name in NAMES for word in ("--model", name)]
    return [PYTHON, "-m", "reprise", "embed", str(library), *models, "--json"]


def _first_run(library: Path, environment: dict[str, str]) -> dict[str, float]:
    """Seconds between the first lease and the last commit of all models, and the parent's memory on the way."""
    samples: list[float] = []
    began = ended = 0.0
    with subprocess.Popen(
        _command(library), stdout=subprocess.PIPE, env={**os.environ, **environment}
    ) as process:
        parent = psutil.Process(process.pid)
        assert process.stdout is not None
        for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "job_started":
                began = time.perf_counter()
            if event["event"] == "progress":
                samples.append(parent.memory_info().rss / 2**20)
            if event["event"] == "job_finished":
                ended = time.perf_counter()
                assert event["operations"]["failed"] == 0, event
    tenth = max(1, len(samples) // 10)
    return {
        "seconds": ended - began,
        "first_mb": statistics.median(samples[:tenth]),
        "last_mb": statistics.median(samples[-tenth:]),
    }


def _rescan_seconds(library: Path, environment: dict[str, str]) -> float:
    code = (
        "import sys, pathlib; from reprise.app import App; from reprise.settings import load_settings\n"
        "with App(load_settings({})) as app:\n"
        "    library, _ = app.library_of(pathlib.Path(sys.argv[1])); app.scan(library, lambda event: None)"
    )
    return statistics.median(cost_of([PYTHON, "-c", code, str(library)], environment).wall for _ in range(3))


if __name__ == "__main__":
    main(sys.argv[1:])
