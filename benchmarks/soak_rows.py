"""What a soak showed, as rows of a report."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.measure import Row
from benchmarks.soak_watch import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.proof_soak import Outcome
    from benchmarks.soak_watch import Pace, Seen

MOST_GROWTH = 1.10
MOST_GROWTH_MB = 50.0
"""Memory is flat when the last tenth takes no more than the first by a tenth, or by so much."""

MOST_HANDLES = 20
"""More open files at the end than at the beginning; connections of clients come and go."""

MOST_THREADS = 40
"""More threads at the end: pools of threads fill up once, and an index of vectors brings its own."""

MOST_SLOWER = 1.10
MOST_LOG_PER_OPERATION = 20.0
MOST_WRITE_AHEAD_MB = 256.0
LEAST_SECONDS = 30.0
"""Of a process that lived shorter, its beginning is the first tenth: that says nothing."""

LEAST_LOOKS, LEAST_OPERATIONS = 20, 2000
"""Of a job; with fewer its tenths say nothing."""


def rows_of(outcome: Outcome) -> list[Row]:
    """All rows."""
    return [
        *_work(outcome),
        *_clients(outcome),
        *_events(outcome),
        *_memory(outcome),
        *_handles(outcome),
        *_files(outcome),
        *_speed(outcome),
    ]


def _work(outcome: Outcome) -> Iterator[Row]:
    scale, wanted = outcome.scale, 2 * outcome.scale.tracks
    counted = [job["operations"] for job in outcome.jobs]
    done, failed = sum(one["done"] for one in counted), sum(one["failed"] for one in counted)
    completed = all(job["state"] == "completed" for job in outcome.jobs)
    yield Row(
        f"soak: {scale.tracks:,} tracks, embedded twice",
        f"{done:,} done, {failed} failed",
        f"{outcome.seconds:.0f} s; library made in {outcome.making_seconds:.0f} s",
        None,
        "all",
        completed and done >= wanted and not failed,
    )
    before, after = outcome.spaces
    yield Row("soak: search is on the new space", after, before, None, "another", before != after)


def _clients(outcome: Outcome) -> Iterator[Row]:
    found = outcome.clients
    errors, count = found["errors"], sum(found["errors"].values())
    people = found["people"] + found["listeners"]
    text = ", ".join(f"{number} × {kind}" for kind, number in errors.items()) or "0"
    yield Row(f"soak: {people} clients, errors", text, f"{found['answers']:,} answers", None, "0", not count)
    times = found["milliseconds"]
    rate = found["answers"] / outcome.seconds
    yield Row(
        "soak: answers under load",
        f"p50 {times['p50']:.0f} ms, p95 {times['p95']:.0f} ms",
        f"{rate:.0f} a second; p99 {times['p99']:.0f} ms",
        None,
        "",
        None,
    )
    yield Row(
        "soak: wrong answers",
        str(found["wrong_count"]),
        f"{found['checked']:,} checks of owner and neighbours",
        None,
        "0",
        not found["wrong_count"] and found["checked"] > 0,
    )


def _events(outcome: Outcome) -> Iterator[Row]:
    found = outcome.clients
    lost = found["events_missed"] + found["events_doubled"]
    yield Row(
        "soak: events lost or doubled",
        f"{found['events_missed']} lost, {found['events_doubled']} doubled",
        f"{found['events_heard']:,} heard, {found['returned']} came back",
        None,
        "0",
        not lost and found["events_heard"] > 0,
    )


def _memory(outcome: Outcome) -> Iterator[Row]:
    whole = [
        (f"{seen.role}, the library whole", seen.after(outcome.whole_at))
        for seen in _longest(outcome)
        if seen.role == "server"
    ]
    for name, seen in [*((seen.role, seen) for seen in _longest(outcome)), *whole]:
        resident = seen.tenths(lambda sample: sample.resident / MIB)
        shared_out = seen.tenths(lambda sample: sample.shared_out / MIB)
        if resident is None or shared_out is None:
            continue
        first, last = resident
        flat = last <= max(first * MOST_GROWTH, first + MOST_GROWTH_MB)
        yield Row(
            f"soak: memory of the {name}",
            f"{first:.0f} to {last:.0f} MB",
            f"proportional {shared_out[0]:.0f} to {shared_out[1]:.0f} MB",
            last / first,
            "≤ 1.1 or + 50 MB",
            flat if seen.seconds >= LEAST_SECONDS else None,
        )


def _handles(outcome: Outcome) -> Iterator[Row]:
    for seen in _longest(outcome):
        handles = seen.tenths(lambda sample: float(sample.handles))
        threads = seen.tenths(lambda sample: float(sample.threads))
        if handles is None or threads is None:
            continue
        constant = handles[1] <= handles[0] + MOST_HANDLES and threads[1] <= threads[0] + MOST_THREADS
        yield Row(
            f"soak: open files of the {seen.role}",
            f"{handles[0]:.0f} to {handles[1]:.0f}",
            f"threads {threads[0]:.0f} to {threads[1]:.0f}",
            None,
            f"≤ + {MOST_HANDLES}",
            constant if seen.seconds >= LEAST_SECONDS else None,
        )


def _files(outcome: Outcome) -> Iterator[Row]:
    looks = outcome.watch.files
    operations = max(1, sum(job["operations"]["done"] for job in outcome.jobs))
    log = looks[-1].log
    each = log / operations
    yield Row(
        "soak: log",
        f"{log:,} bytes",
        f"{each:.2f} bytes per operation",
        None,
        f"≤ {MOST_LOG_PER_OPERATION:.0f} bytes",
        each <= MOST_LOG_PER_OPERATION or log < MIB,
    )
    most = max(look.write_ahead for look in looks) / MIB
    yield Row(
        "soak: write-ahead logs of the databases",
        f"{most:.0f} MB at most",
        f"state folder {looks[0].state / MIB:.0f} to {looks[-1].state / MIB:.0f} MB",
        None,
        f"≤ {MOST_WRITE_AHEAD_MB:.0f} MB",
        most <= MOST_WRITE_AHEAD_MB,
    )


def _speed(outcome: Outcome) -> Iterator[Row]:
    for number, job in enumerate(outcome.jobs, 1):
        looks = [pace for pace in outcome.watch.paces if pace.job == job["id"] and pace.done]
        total = job["operations"]["done"]
        if len(looks) < LEAST_LOOKS or total < LEAST_OPERATIONS:
            continue
        first, last = _part(looks, 0.0, 0.1 * total), _part(looks, 0.9 * total, float(total))
        dearer = _each_cpu(last) / _each_cpu(first)
        busier = _yardstick(looks, *last) / _yardstick(looks, *first)
        slower = dearer / busier
        yield Row(
            f"soak: processor time of an operation, job {number}",
            f"{_each_cpu(first):.3f} to {_each_cpu(last):.3f} ms",
            f"a fixed work meanwhile × {busier:.2f}; {_per_second(first):.0f} to {_per_second(last):.0f} a second",
            slower,
            "≤ 1.1",
            slower <= MOST_SLOWER,
        )


def _part(looks: Sequence[Pace], least: float, most: float) -> tuple[Pace, Pace]:
    """The first and the last look at that part of the operations; at least two looks."""
    inside = [look for look in looks if least <= look.done <= most]
    if len(inside) < 2:
        return (looks[0], looks[1]) if least == 0 else (looks[-2], looks[-1])
    return inside[0], inside[-1]


def _each_cpu(part: tuple[Pace, Pace]) -> float:
    """Milliseconds of processor time of the job and all its processes for one operation."""
    before, after = part
    return 1000 * (after.cpu - before.cpu) / max(1, after.done - before.done)


def _yardstick(looks: Sequence[Pace], before: Pace, after: Pace) -> float:
    """Processor seconds of the fixed work in that time."""
    return statistics.mean(look.yardstick for look in looks if before.at < look.at <= after.at)


def _per_second(part: tuple[Pace, Pace]) -> float:
    before, after = part
    return (after.done - before.done) / max(1e-9, after.at - before.at)


def _longest(outcome: Outcome) -> list[Seen]:
    """Of each role the process that was seen longest; a job's begin anew with each job."""
    longest: dict[str, Seen] = {}
    for seen in outcome.watch.processes.values():
        if seen.role not in longest or len(seen.samples) > len(longest[seen.role].samples):
            longest[seen.role] = seen
    return [longest[role] for role in ("server", "job", "model process") if role in longest]


def details(outcome: Outcome) -> Iterator[str]:
    """What is behind the rows, a line each."""
    found = outcome.clients
    for seen in sorted(outcome.watch.processes.values(), key=lambda one: one.samples[0].at):
        curve = " ".join(map(str, seen.curve()))
        yield f"{seen.role} {seen.pid}: {seen.seconds:.0f} s, resident MB by tenths: {curve}"
    for kind, times in sorted(found["by_kind"].items()):
        yield f"{kind}: {times['count']} answers, p50 {times['p50']:.0f} ms, p95 {times['p95']:.0f} ms"
    yield (
        f"{found['not_yet']} asked about tracks not embedded yet; {found['reopened']} lines opened again;"
        f" {found['snapshots']} snapshots to {found['listeners']} listeners"
    )
    yield from found["examples"]
    yield from found["wrong"]
