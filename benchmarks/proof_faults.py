"""Faults beneath every kind of work: what runs make of them, and that nothing is lost when they are gone."""

from __future__ import annotations

import argparse
import errno
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.injected import (
    DAY,
    HOUR,
    Fault,
    calls_fail,
    clock_jump,
    database_locked,
    descriptors_used_up,
    disk_full,
    few_descriptors,
    little_memory,
    rights_lost,
    slow_disk,
)
from tests.faults.lab import laboratory
from tests.faults.workloads import ALL

from benchmarks.measure import Row, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.injected import Trial
    from tests.faults.workloads import Workload

STATE_CALLS = ("open", "create", "read", "write", "fsync", "truncate")
QUICK = 3


def faults() -> list[Fault]:
    """All that are tried with each workload; those of a kind stand together."""
    full = [
        disk_full(leave, in_the_middle=middle) for middle in (False, True) for leave in (0, 60_000, 300_000)
    ]
    broken = [
        calls_fail(call, place, share, once=once)
        for place in ("catalogue", "spaces", "locks")
        for call in STATE_CALLS
        for share, once in ((0.0, True), (0.5, True), (0.5, False))
    ]
    music = [
        calls_fail(call, "music", share, once=once)
        for call in ("open", "read", "write", "fsync", "rename", "create")
        for share, once in ((0.5, True), (0.5, False))
    ]
    no_room = [
        calls_fail(call, "music", 0.5, error=errno.ENOSPC, kind="disk full")
        for call in ("write", "rename", "create")
    ]
    rights = [
        rights_lost(place, in_the_middle=middle)
        for place in ("state", "spaces", "locks", "music")
        for middle in (False, True)
    ]
    locked = [database_locked(1.5, 30.0), database_locked(4.0, 0.5)]
    jumps = [
        clock_jump(seconds, in_the_middle=middle)
        for seconds in (3 * DAY, 400 * DAY, -5 * HOUR)
        for middle in (True, False)
    ]
    few = [descriptors_used_up(spare) for spare in (0, 2, 5)] + [
        few_descriptors(most) for most in (8, 12, 20)
    ]
    return [
        *full,
        *no_room,
        *broken,
        *music,
        *rights,
        *locked,
        *jumps,
        slow_disk(100),
        *few,
        little_memory(2048),
    ]


@dataclass
class Tally:
    """What became of all trials with one kind of fault."""

    trials: int = 0
    struck: int = 0
    calls: int = 0
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def count(self, trial: Trial) -> None:
        self.trials += 1
        self.calls += trial.struck
        self.struck += trial.struck > 0
        if trial.struck:
            self.told[trial.ended.told] += 1
        self.wrong += trial.ended.wrong
        self.lost += trial.lost


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows: one for each kind of fault. ``--quick`` tries a few of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--workload", action="append", help="only this; may be given several times")
    parser.add_argument("--kind", action="append", help="only faults of this kind")
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    workloads = [one for one in ALL if not options.workload or one.name in options.workload]
    chosen = [one for one in faults() if not options.kind or one.kind in options.kind]
    trials = (
        _few(workloads, chosen) if options.quick else [(one, work) for one in chosen for work in workloads]
    )
    tallies = _tried(trials)
    rows = [_row(kind, tally) for kind, tally in tallies.items()]
    report(rows, arguments)
    return rows


def _few(workloads: Sequence[Workload], chosen: Sequence[Fault]) -> list[tuple[Fault, Workload]]:
    """Every third fault of a kind, each with another workload than the one before it."""
    seen: Counter[str] = Counter()
    few: list[tuple[Fault, Workload]] = []
    for fault in chosen:
        if seen[fault.kind] % QUICK == 0:
            few.append((fault, workloads[len(few) % len(workloads)]))
        seen[fault.kind] += 1
    return few


def _tried(trials: Sequence[tuple[Fault, Workload]]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="reprise-faults-") as folder, laboratory(Path(folder)) as lab:
        for fault, workload in trials:
            trial = fault.tried(lab, workload)
            tallies.setdefault(fault.kind, Tally()).count(trial)
            _tell(fault, workload, trial)
    return tallies


def _tell(fault: Fault, workload: Workload, trial: Trial) -> None:
    facts = {"fault": fault.kind, "how": fault.name, "workload": workload.name, "struck": trial.struck}
    print(
        json.dumps({**facts, "ended": trial.ended.told, "wrong": trial.wrong[:5]}),
        file=sys.stderr,
        flush=True,
    )
    if trial.ended.wrong:
        print(trial.ended.stderr[-2000:], file=sys.stderr, flush=True)


def _row(kind: str, tally: Tally) -> Row:
    ended = ", ".join(f"{told} {count}" for told, count in tally.told.most_common(4))
    return Row(
        f"{kind}: clear end, nothing lost",
        f"{tally.struck} runs, {tally.calls:,} calls struck",
        ended,
        None,
        "0 wrong, 0 lost",
        tally.struck > 0 and not tally.wrong and not tally.lost,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
