"""Odd files: every format damaged in every way, read in every way that Reprise reads files, each way in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
from tests.harness import Home, install_plugin_models, plugin_environment
from tests.odd.library import QUICK, WHOLE, odd_library
from tests.odd.reading import READERS

from benchmarks.measure import PYTHON, ROOT, Row, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.odd.library import OddLibrary

HANG_SECONDS = 3600.0
"""A reader that takes longer than that over the whole corpus counts as a hang; so it does when one file takes its time
limit and is not ended."""


class Reading(NamedTuple):
    """What became of one reader. ``findings``: what it printed; empty if it died or hung. ``orphans``: processes left."""

    reader: str
    findings: dict[str, object]
    died: bool
    hung: bool
    orphans: int
    told: str


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. ``--quick`` takes a sample, as the tests do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--flips", type=int, default=0, help="seeds of flipped bits for each format")
    parser.add_argument("--reader", action="append", choices=list(READERS))
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    scale = QUICK if options.quick else WHOLE
    scale = scale._replace(flips=options.flips or scale.flips)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="reprise-odd-") as folder:
        home = Home(Path(folder) / "home", plugin_environment(install_plugin_models(Path(folder) / "site")))
        with odd_library(Path(folder) / "odd", scale, options.seed) as library:
            for reader in options.reader or READERS:
                reading = run(home, library, reader)
                _tell(reading)
                report([_row(reading)], arguments)
                rows.append(_row(reading))
    return rows


def run(home: Home, library: OddLibrary, reader: str) -> Reading:
    """One reader over the library; it is ended when it hangs."""
    folders = map(str, (library.music, library.films))
    process = subprocess.Popen(
        [PYTHON, "-m", "tests.odd.reading", *folders, reader],
        cwd=ROOT,
        env=home.environment | {"PYTHONPATH": f"{ROOT}:{home.environment['PYTHONPATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    hung = False
    try:
        out, err = process.communicate(timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        hung = True
        process.kill()
        out, err = process.communicate()
    orphans = _orphans(process.pid)
    findings = json.loads(out.splitlines()[-1]) if process.returncode == 0 and out else {}
    return Reading(reader, findings, process.returncode != 0 and not hung, hung, orphans, err)


def _orphans(session: int) -> int:
    """How many processes of the session are left; they are ended."""
    left = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                left += 1
                process.kill()
    return left


def _tell(reading: Reading) -> None:
    if reading.died or reading.hung:
        print(reading.told[-4000:], file=sys.stderr, flush=True)
    faults = reading.findings.get("faults", [])
    assert isinstance(faults, list)
    for fault in faults[:20]:
        print(f"{reading.reader}: {fault}", file=sys.stderr, flush=True)


def _row(reading: Reading) -> Row:
    found = reading.findings
    failed = found.get("failed", {})
    assert isinstance(failed, dict)
    faults = found.get("faults", ["died"])
    assert isinstance(faults, list)
    processes = int(str(found.get("processes_left", 0))) + reading.orphans
    bad = {
        "crashes": int(reading.died),
        "hangs": int(reading.hung),
        "jobs ended": int(str(found.get("jobs_ended", 0))),
        "processes left": processes,
        "handles left": int(str(found.get("handles_left", 0))),
        "other faults": len(faults),
    }
    tried, done = int(str(found.get("tried", 0))), int(str(found.get("done", 0)))
    return Row(
        f"odd files: {reading.reader}",
        f"{tried:,} tried, {done:,} read, {sum(failed.values()):,} failed with reason",
        ", ".join(f"{count} {name}" for name, count in bad.items()) + f", {found.get('peak_mb', 0)} MB",
        None,
        "0 of each",
        tried > 0 and not any(bad.values()),
    )


if __name__ == "__main__":
    sys.exit(any(row.kept is False for row in main(sys.argv[1:])))
