"""Chaos: worker processes are killed at random, Redis and PostgreSQL restart, the store is away for a minute, in one job."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.crew_site import CrewSite, crew_site, ended, run_job
from benchmarks.measure import Row, report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.crew_site import CrewRun, Workers
    from reprise.app import App
    from reprise.core.job import Job

ITEMS = 20_000
ITEM_SECONDS = 0.03
WORKERS = 4
KILLS = 20
AWAY_SECONDS = 60.0
RESTART_SECONDS = 2.0
MOST_AGAIN = 0.03
MOST_TIMES_CALM = 2.0


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Takes about eight minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--away-seconds", type=float, default=AWAY_SECONDS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder,
        crew_site(Path(folder) / "chaos", options.items, ITEM_SECONDS) as site,
    ):
        calm = run_job(site, WORKERS)
        chaos = _Chaos(site, random.Random(options.seed), calm.seconds, options.kills, options.away_seconds)
        wild = run_job(site, WORKERS, chaos.begin)
    rows = _rows(options.items, calm, wild, chaos)
    report(rows, arguments)
    return rows


class _Chaos:
    """What happens, and when: spread over the time that the job takes when nothing happens."""

    def __init__(
        self, site: CrewSite, dice: random.Random, calm_seconds: float, planned: int, away_seconds: float
    ) -> None:
        self._site = site
        self._dice = dice
        self._calm = calm_seconds
        self.planned = planned
        self._away = away_seconds
        self.kills = 0
        self.happened: list[str] = []

    def begin(self, app: App, job: Job, workers: Workers) -> None:
        threading.Thread(target=self._run, args=(app, job, workers), daemon=True).start()

    def _run(self, app: App, job: Job, workers: Workers) -> None:
        began = time.monotonic()
        plan: list[tuple[float, str, Callable[[], None]]] = [
            (self._dice.uniform(0.05, 1.0) * self._calm, "kill", lambda: self._kill(workers))
            for _ in range(self.planned)
        ]
        plan += [
            (0.2 * self._calm, "redis", self._restart_redis),
            (0.4 * self._calm, "postgres", self._restart_catalogue),
            (0.6 * self._calm, "store", self._take_store_away),
        ]
        for at, name, happen in sorted(plan, key=lambda one: one[0]):
            time.sleep(max(0.0, began + at - time.monotonic()))
            if ended(app, job):
                return
            happen()
            self.happened.append(name)

    def _kill(self, workers: Workers) -> None:
        while True:
            with suppress(
                ProcessLookupError
            ):  # it is dead already, and is started again in a moment: then another
                os.kill(self._dice.choice(workers.pids()), signal.SIGKILL)
                self.kills += 1
                return
            time.sleep(0.1)

    def _restart_redis(self) -> None:
        self._site.redis.kill()
        time.sleep(RESTART_SECONDS)
        self._site.redis.start()

    def _restart_catalogue(self) -> None:
        self._site.catalogue.stop("immediate")
        time.sleep(RESTART_SECONDS)
        self._site.catalogue.start()

    def _take_store_away(self) -> None:
        """In a thread of its own: workers are killed meanwhile, too."""
        self._site.store.stop("immediate")
        threading.Timer(self._away, self._site.store.start).start()


def _rows(items: int, calm: CrewRun, wild: CrewRun, chaos: _Chaos) -> list[Row]:
    again = wild.computed_again / items
    others = len(chaos.happened) - chaos.happened.count("kill")
    whole = wild.done == wild.stored == items
    return [
        Row(
            f"{items:,} rows, each exactly once, none missing",
            f"{wild.done:,} done, {wild.stored:,} stored",
            f"{chaos.kills} kills, {others} servers away",
            None,
            "all",
            whole and chaos.kills >= chaos.planned and others == 3,
        ),
        Row(
            "computed twice",
            f"{100 * again:.2f} %",
            f"calm: {calm.computed_again}",
            None,
            "under 3 %",
            again < MOST_AGAIN,
        ),
        Row(
            "time beside the calm run",
            f"{wild.seconds:.0f} s",
            f"{calm.seconds:.0f} s",
            wild.seconds / calm.seconds,
            "under 2",
            wild.seconds < MOST_TIMES_CALM * calm.seconds,
        ),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
