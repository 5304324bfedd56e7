"""Four workers beside one, on real servers: throughput, what the engine costs, how soon a dead one's work is taken up."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.crew_site import CrewSite, crew_site, ended, run_job, until
from benchmarks.measure import Row, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.crew_site import Workers
    from reprise.app import App
    from reprise.core.job import Job

ITEMS = 20_000
ITEM_SECONDS = 0.02
"""The model sleeps, so that two cores do not limit four workers."""
START_ITEMS = 40
"""A job of so few shows what it costs to start and end the processes."""
TAKEOVER_ITEMS = 1_500
TAKEOVER_ITEM_SECONDS = 0.1


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Takes about ten minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--item-seconds", type=float, default=ITEM_SECONDS)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        with crew_site(Path(folder) / "start", START_ITEMS, options.item_seconds) as site:
            starts = {count: run_job(site, count).cpu for count in (1, 4)}
        with crew_site(Path(folder) / "throughput", options.items, options.item_seconds) as site:
            rows += _throughput(site, options.items, starts)
        with crew_site(Path(folder) / "takeover", TAKEOVER_ITEMS, TAKEOVER_ITEM_SECONDS) as site:
            rows += _takeover(site)
    report(rows, arguments)
    return rows


def _throughput(site: CrewSite, items: int, starts: Mapping[int, float]) -> Iterator[Row]:
    four = run_job(site, 4)
    one = run_job(site, 1)
    whole = all(run.done == run.stored == items and run.computed_again == 0 for run in (one, four))
    ratio = one.seconds / four.seconds
    yield Row(
        f"{items:,} items, 4 workers beside 1",
        f"{items / four.seconds:.0f} items/s",
        f"{items / one.seconds:.0f} items/s",
        ratio,
        "3.6 and more",
        ratio >= 3.6 and whole,
    )
    for count, run in ((1, one), (4, four)):
        overhead = 1000.0 * (run.cpu - run.model_cpu - starts[count]) / items
        yield Row(
            f"engine per item, {count} worker{'s' if count > 1 else ''}",
            f"{overhead:.2f} ms CPU",
            f"the model takes {1000.0 * run.model_cpu / items:.2f} ms, and sleeps {1000.0 * site.item_seconds:.0f} ms",
            None,
            "under 1 ms",
            overhead < 1.0,
        )
        yield Row(f"starting and ending {count}, CPU", f"{starts[count]:.1f} s", "", None, "", None)
    waited = 1000.0 * (one.seconds / items - site.item_seconds)
    yield Row("time per item beyond the model's, 1 worker", f"{waited:.2f} ms", "", None, "", None)


def _takeover(site: CrewSite) -> Iterator[Row]:
    """One of two machines dies with all its processes."""
    found: dict[str, float] = {}

    def kill(app: App, job: Job, _workers: Workers) -> None:
        with site.workers(1) as others:  # the other machine
            until(lambda: app.catalogue().jobs.get(job.owner, job.id).counters.done > 50, 120.0)
            until(lambda: len(_holders(site, job)) == 2, 120.0)
            worker = others.pids()[0]
            mine = {holder: ids for holder, ids in _holders(site, job).items() if f"/{worker}/" in holder}
            supervisor = psutil.Process(others.process.pid)
            for process in [*supervisor.children(recursive=True), supervisor]:
                os.kill(process.pid, signal.SIGKILL)
            killed = time.monotonic()
            holder, ids = next(iter(mine.items()))
            until(lambda: not (ids & _holders(site, job).get(holder, set())), 300.0)
            until(lambda: not ids & _open(site, job) or ended(app, job), 300.0)
            found["seconds"] = time.monotonic() - killed
            found["rows"] = len(ids)

    run = run_job(site, 1, kill)
    yield Row(
        "rows of a killed worker are done by another",
        f"after {found['seconds']:.0f} s",
        f"{found['rows']:.0f} rows, {run.computed_again} computed again",
        None,
        "within 90 s",
        found["seconds"] < 90.0 and run.done == run.stored == TAKEOVER_ITEMS,
    )


def _rows(site: CrewSite, sql: str, job: Job) -> list[Any]:
    import psycopg

    with psycopg.connect(site.settings["REPRISE_CATALOGUE_URL"]) as connection:
        return connection.execute(sql, (job.id,)).fetchall()


def _holders(site: CrewSite, job: Job) -> dict[str, set[int]]:
    """What each worker has in hand."""
    held: dict[str, set[int]] = {}
    rows = _rows(site, "SELECT leased_by, item_id FROM ledger WHERE job_id = %s AND state = 'leased'", job)
    for holder, item_id in rows:
        held.setdefault(holder, set()).add(item_id)
    return held


def _open(site: CrewSite, job: Job) -> set[int]:
    rows = _rows(site, "SELECT item_id FROM ledger WHERE job_id = %s AND state IN ('pending', 'leased')", job)
    return {row[0] for row in rows}


if __name__ == "__main__":
    main(sys.argv[1:])
