"""The soak stays alive: the whole of it with a few hundred tracks and five clients. Speed and memory say nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.proof_soak import QUICK, soak
from benchmarks.soak_clients import kept_up
from benchmarks.soak_rows import details, rows_of
from benchmarks.soak_wire import Heard

if TYPE_CHECKING:
    from pathlib import Path


def test_a_small_soak_runs_to_its_end_and_finds_nothing(tmp_path: Path) -> None:
    outcome = soak(tmp_path, QUICK)
    found = outcome.clients
    told = "\n".join(details(outcome))
    assert not found["errors"], told
    assert not found["wrong_count"], told
    assert found["checked"] > found["answers"] > QUICK.clients
    assert (found["events_missed"], found["events_doubled"]) == (0, 0), told
    assert found["events_heard"]
    assert [job["state"] for job in outcome.jobs] == ["completed"] * 2
    assert [job["operations"]["done"] for job in outcome.jobs] == [QUICK.tracks] * 2
    assert outcome.spaces[0] != outcome.spaces[1]
    assert {seen.role for seen in outcome.watch.processes.values()} >= {"server", "job", "model process"}
    assert len({row.promise for row in rows_of(outcome)}) > 12


def heard(*blocks: str) -> Heard:
    found = Heard()
    for block in blocks:
        found.take(block.encode())
    return found


def test_what_a_listener_misses_or_hears_twice_is_counted() -> None:
    """A proof that cannot fail is none."""
    owed = [(n, "job") for n in range(1, 8)]
    snapshot = "id: 2\nevent: snapshot\ndata: {}"
    all_of_it = [snapshot, *(f"id: {n}\nevent: job\ndata: {{}}" for n in range(3, 8))]
    assert kept_up(heard(*all_of_it), owed) == (0, 0)
    assert kept_up(heard(*all_of_it[:3], *all_of_it[4:]), owed) == (1, 0)
    assert kept_up(heard(*all_of_it[:3], all_of_it[2], *all_of_it[3:]), owed) == (0, 1)
    assert kept_up(heard(*all_of_it[:2], all_of_it[3], all_of_it[2], *all_of_it[4:]), owed) == (0, 1)
    assert heard(": ping", "event: machine\ndata: {}").beside == {"machine": 1}
