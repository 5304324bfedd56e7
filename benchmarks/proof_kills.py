"""Real commands are killed at every named point, at any moment, and by way of their model processes; what is lost is counted."""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tests.crash.killing import AtMoment, AtPoint, OfChild, Tally, at_rest, finish, strike
from tests.crash.points import BY_WORK
from tests.crash.truth import FILES, OTHER, ROWS, VECTORS
from tests.crash.works import Site
from tests.harness import install_plugin_models, plugin_environment
from tests.moving.filled import fill
from tests.servers.postgres import running_postgres

from benchmarks.measure import Row, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.crash.killing import Kill, Work

KILLS, QUICK_KILLS = 220, 45
SHARES = {
    "first scan": 0.06, "scan": 0.12, "embed": 0.26, "cutover": 0.16, "rename": 0.12, "undo": 0.1, "move": 0.07,
    "move to a server": 0.06, "migrate": 0.05,
}  # fmt: skip
"""Of all kills, by work."""
ROUND = 14
"""So many kills, then the work comes to its end and begins anew on another installation."""
NAMED = 0.6
"""The share of kills at named points; of the rest a third is of model processes, where there are any."""
MOST_TRIES = 3
"""For each kill that is wanted; the others came too late."""


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Takes about ten minutes on two cores that have nothing else to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=sorted(BY_WORK), default=None)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    wanted = options.kills or (QUICK_KILLS if options.quick else KILLS)
    enough = Event()
    with _site() as site, ThreadPoolExecutor(options.at_once) as pool:
        names = [name for name in site.names if not options.only or name in options.only]
        whole = sum(SHARES[name] for name in names)
        waiting = [
            pool.submit(
                _Campaign(site, name, random.Random(f"{options.seed} {name}"), enough).run,
                wanted * SHARES[name] / whole,
            )
            for name in names
        ]
        try:
            tallies = {name: waited.result() for name, waited in zip(names, waiting, strict=True)}
        except BaseException:
            enough.set()  # or the pool would go on to the end
            raise
    rows = [*(_row(name, tally) for name, tally in tallies.items()), *_totals(list(tallies.values()), wanted)]
    report(rows, arguments)
    return rows


@contextmanager
def _site() -> Iterator[Site]:
    """A folder, the test models, an installation to copy, a PostgreSQL."""
    from reprise.catalog.postgres import open_postgres

    with ExitStack() as held:
        base = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="reprise-kills-")))
        path = install_plugin_models(base / "models")
        held.callback(sys.path.__setitem__, slice(None), list(sys.path))
        sys.path[:0] = path
        fill(base / "filled", rows=20, vectors=120)
        postgres = held.enter_context(running_postgres(on_disk=False))
        template = postgres.database()
        open_postgres(template, timeout=30).close()
        yield Site(base, plugin_environment(path), base / "filled", lambda: postgres.database(template))


@dataclass
class _Campaign:
    """One kind of work, killed until there were enough kills."""

    site: Site
    name: str
    dice: random.Random
    enough: Event
    rounds: int = 0
    quiet_seconds: float = 0.0
    told: int = 0

    def run(self, wanted: float) -> Tally:
        tally, kills = Tally(), math.ceil(wanted)
        points = self._points()
        tries = 0
        while tally.kills < kills and tries < MOST_TRIES * kills and not self.enough.is_set():
            work = self._begin(tally)
            for _ in range(ROUND):
                tries += 1
                strike(work, self._kill(work, points), self.dice, tally)
                if tally.kills >= kills or self.enough.is_set():
                    break
            finish(work, tally)
            self._tell(tally)
        return tally

    def _tell(self, tally: Tally) -> None:
        """How far it is, for who waits; and what was found so far."""
        print(f"{self.name}: {tally.kills} kills, {tally.ends} ends", file=sys.stderr, flush=True)
        for fault in tally.faults[self.told :]:
            print(f"{fault.kind}: {fault.text}", file=sys.stderr, flush=True)
        self.told = len(tally.faults)

    def _begin(self, tally: Tally) -> Work:
        """Another installation. How long its command takes when nobody kills it tells when to kill."""
        self.rounds += 1
        work = replace(self.site, base=self.site.base / f"round{self.rounds}").make(self.name)
        struck = at_rest(work.command(self.dice), work.folder)
        self.quiet_seconds = struck.seconds
        tally.faults += [*struck.faults, *work.look(struck)]
        return work

    def _points(self) -> list[AtPoint]:
        """Both sides of every point, in an order of chance."""
        sides = product(BY_WORK[self.name], ("before", "after"))
        kills = [
            AtPoint(point, self.dice.choice((1, point.nth, point.nth, 2, 4)), side) for point, side in sides
        ]
        self.dice.shuffle(kills)
        return kills

    def _kill(self, work: Work, points: list[AtPoint]) -> Kill:
        chance = self.dice.random()
        if chance < NAMED:
            if not points:
                points += self._points()
            return points.pop()
        moment = self.dice.uniform(0.1, 1.0) * self.quiet_seconds
        if work.has_children and chance > NAMED + (1 - NAMED) * 2 / 3:
            return OfChild(moment / 2, self.dice.randrange(8))
        return AtMoment(moment)


def _row(name: str, tally: Tally) -> Row:
    return Row(
        f"{name}: killed, then looked at",
        f"{tally.kills} kills at {len(tally.points)} places",
        f"{tally.missed} too late, {tally.ends} ends, {len(tally.faults)} faults",
        None,
        "no fault",
        not tally.faults and tally.kills > 0,
    )


def _totals(tallies: Sequence[Tally], wanted: int) -> Iterator[Row]:
    kills = sum(tally.kills for tally in tallies)
    places = len({place for tally in tallies for place in tally.points})
    yield Row("kills survived", f"{kills}", f"at {places} places", None, f"≥ {wanted}", kills >= wanted)
    for kind in (ROWS, VECTORS, FILES, OTHER):
        found = sum(tally.count(kind) for tally in tallies)
        yield Row(kind if kind != OTHER else "other promises broken", f"{found}", "", None, "0", found == 0)
    again = max(tally.most_again for tally in tallies)
    yield Row(
        "computed again after a kill, at most",
        f"{again:.2f} of the batch in hand",
        "",
        again,
        "≤ 1",
        again <= 1.0,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
