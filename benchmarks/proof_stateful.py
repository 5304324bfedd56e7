"""Random sequences of everything that people and accidents do to a library, against a plain oracle.

Each sequence has a seed of its own; what is counted are steps that were really carried out. Some sequences use real
processes: their jobs are killed by the system while they work.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.stateful.house import blank_catalogue
from tests.stateful.installing import installed
from tests.stateful.machine import LibraryMachine
from tests.stateful.processes import ProcessSite, kill_sequence

from benchmarks.measure import Row, report

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 20_000
QUICK_STEPS = 400
STEPS_PER_SEQUENCE = 30
SEQUENCES_AT_ONCE = 5
STEPS_PER_KILL = 200
"""So many steps in this process come with one kill of a real one, which takes as long as fifty of them."""
FILES = ("add", "change", "touch", "retag", "move", "swap", "delete", "restore")
WORK = ("scan", "scan and forget", "embed", "force", "retry", "resume", "dismiss", "cancel what waits")
ENDS = ("told to pause", "told to cancel", "told to die", "deaths")
WORLD = ("bump", "heal", "restart", "rename", "undo", "clear after", "clear first", "of a folder")


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Takes about half an hour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    steps = options.steps or (QUICK_STEPS if options.quick else STEPS)
    first = options.seed or random.SystemRandom().randrange(1, 2**32)
    print(f"the first seed is {first}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        tried = _Tried(Path(folder), first)
        with installed(Path(folder) / "site") as path:
            tried.sequences_of(steps)
            tried.kills_of(max(2, steps // STEPS_PER_KILL), path)
    rows = tried.rows(time.monotonic() - began)
    report(rows, arguments)
    return rows


class _Tried:
    """Sequences, and what came of them."""

    def __init__(self, folder: Path, first_seed: int) -> None:
        self._folder = folder
        self._seed = first_seed
        self._blank = blank_catalogue(folder)
        self.done: Counter[str] = Counter()
        self.sequences = 0
        self.kills = 0
        self.computed_again = 0
        self.disagreements: list[str] = []

    @property
    def steps(self) -> int:
        return sum(
            self.done[kind] for kind in (*FILES, *WORK, *WORLD) if kind not in {"force", "of a folder"}
        )

    def sequences_of(self, steps: int) -> None:
        """Run sequences until so many steps were carried out. One that disagrees is told of with its seed."""
        while self.steps < steps:
            counted = self._some(self._seed)
            self.done.update(counted)
            self.sequences += counted["sequences"]
            self._seed += 1

    def _some(self, number: int) -> Counter[str]:
        class Machine(LibraryMachine):
            def teardown(self) -> None:
                super().teardown()
                self.done["sequences"] += 1

        Machine.blank, Machine.done = self._blank, Counter()
        try:
            run_state_machine_as_test(
                seed(number)(Machine),
                settings=settings(
                    max_examples=SEQUENCES_AT_ONCE,
                    stateful_step_count=STEPS_PER_SEQUENCE,
                    deadline=None,
                    database=None,
                    report_multiple_bugs=False,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a disagreement, and the others are tried too
            self._disagreed(f"seed {number}", error)
        return Machine.done

    def kills_of(self, count: int, path: list[str]) -> None:
        """Kill real processes at random moments, each time a job has been killed the oracle looks."""
        dice = random.Random(self._seed)
        with ProcessSite(self._folder / "processes", self._blank, path) as site:
            try:
                while self.kills < count:
                    self.kills += kill_sequence(site, dice)
            except AssertionError as error:
                self._disagreed(f"kills from seed {self._seed}", error)
        self.computed_again = site.house.counts["results computed twice"]
        self.done.update(site.house.counts)

    def _disagreed(self, where: str, error: Exception) -> None:
        self.disagreements.append(where)
        print(f"{where}:", file=sys.stderr)
        traceback.print_exception(error)

    def rows(self, seconds: float) -> list[Row]:
        wrong = len(self.disagreements)
        head = Row(
            "random sequences: product and oracle agree",
            f"{self.sequences:,} sequences, {self.steps:,} steps",
            f"{wrong} disagreements, {seconds:.0f} s",
            None,
            "0 disagreements",
            not wrong,
        )
        kills = Row(
            "the same with real processes killed",
            f"{self.kills:,} kills -9",
            f"{self.computed_again:,} results computed twice",
            None,
            "none lost",
            not wrong and self.kills > 0,
        )
        parts = [("files", FILES), ("work", WORK), ("ends", ENDS), ("world", WORLD)]
        return [head, kills, *(self._of_kind(name, kinds) for name, kinds in parts)]

    def _of_kind(self, name: str, kinds: Sequence[str]) -> Row:
        told = ", ".join(f"{kind} {self.done[kind]:,}" for kind in kinds)
        total = sum(self.done[kind] for kind in kinds)
        return Row(f"steps that were carried out: {name}", f"{total:,}", told, None, "each kind", None)


if __name__ == "__main__":
    main(sys.argv[1:])
