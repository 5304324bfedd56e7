"""Upgrades: what each earlier release wrote, migrated by this one; killed before each statement, and tried once more.

``python -m benchmarks.proof_upgrade [--quick]``. The catalogues are those of ``tests/catalog/earlier``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.catalog.earlier import VERSIONS, fill_empty_tables, restore_catalogue, rows_of
from tests.catalog.test_upgrade_failing import state, version_of

from benchmarks.measure import PYTHON, ROOT, Row, report
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.sqlite import open_sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

QUICK_EVERY = 20


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"kills before every {QUICK_EVERY}th statement")
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-proof-") as folder:
        rows = [_migrated(Path(folder)), _killed(Path(folder), QUICK_EVERY if options.quick else 1)]
    report(rows, arguments)
    return rows


def _migrated(folder: Path) -> Row:
    """Every row of every table before, and what is there of them afterwards."""
    rows = missing = 0
    for version in VERSIONS:
        path = folder / f"{version}.sqlite"
        restore_catalogue(version, path)
        fill_empty_tables(path)
        before = rows_of(path)
        open_sqlite(path, create=False).close()
        after = rows_of(path)
        for table, were in before.items():
            columns = were[0].keys()
            kept = [repr([row[column] for column in columns]) for row in after[table]]
            rows += len(were)
            missing += sum(repr(list(row.values())) not in kept for row in were)
    return Row(
        f"upgrade: {len(VERSIONS)} earlier schemas, rows lost",
        str(missing),
        f"{rows:,} rows of {VERSIONS[0]} to {VERSIONS[-1]}, now {SCHEMA_VERSION}",
        None,
        "0",
        not missing and rows > 0,
    )


def _killed(folder: Path, every: int) -> Row:
    """From the oldest schema on, killed before each statement."""
    old, killed = folder / "old.sqlite", folder / "killed"
    killed.mkdir()
    restore_catalogue(VERSIONS[0], old)
    fill_empty_tables(old)
    before = state(old)
    subprocess.run(
        [PYTHON, "-m", "tests.catalog.earlier.killed", str(old), str(killed), str(every)],
        cwd=ROOT,
        check=True,
    )
    *left, done = sorted(killed.glob("*.sqlite"))
    changed = sum(state(path) != before for path in left)
    failed = 0
    for path in left:
        open_sqlite(path, create=False).close()
        failed += version_of(path) != SCHEMA_VERSION
    return Row(
        "upgrade: killed while migrating, catalogues changed",
        str(changed),
        f"{len(left)} kills, {len(left) - failed} migrated by the next try",
        None,
        "0",
        not changed and not failed and version_of(done) == SCHEMA_VERSION,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
