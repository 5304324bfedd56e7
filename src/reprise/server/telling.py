"""Rows of the feed as the events that a panel hears: jobs as they stand, ends of jobs, scans, spaces, renaming."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reprise.errors import NotFound
from reprise.server.job_view import job_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reprise.core.feed import FeedRow
    from reprise.server.house import House

LIBRARY, SPACE, RENAME = "library", "space", "rename"
FOR_EVERYBODY = frozenset({LIBRARY, SPACE})
"""What people hear who are no administrators, of their owner."""

LEVELS = {
    "completed": "success",
    "completed_with_errors": "warning",
    "cancelled": "info",
    "failed": "error",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event. Two that come of one row share its ``seq``."""

    seq: int
    owner: str
    at: float
    name: str
    data: dict[str, Any]
    block: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", block(self.name, self.data, self.seq))

    def heard_by(self, owner: str, *, everything: bool) -> bool:
        return everything or (owner == self.owner and self.name in FOR_EVERYBODY)


def block(name: str, data: object, seq: int | None = None) -> bytes:
    """An event as it goes over the line. One without ``seq`` is not told again after a lost connection."""
    mark = "" if seq is None else f"id: {seq}\n"
    return f"{mark}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def tell(house: House, rows: Iterable[FeedRow]) -> list[Told]:
    """The rows as events, in their order. Each job is looked up once: its events show it as it is now."""
    jobs: dict[tuple[str, str], dict[str, Any]] = {}
    told: list[Told] = []
    for row in rows:
        told += [Told(row.seq, row.owner, row.at, name, data) for name, data in _events(house, row, jobs)]
    return told


def _events(
    house: House, row: FeedRow, jobs: dict[tuple[str, str], dict[str, Any]]
) -> Sequence[tuple[str, dict[str, Any]]]:
    facts: dict[str, Any] = json.loads(row.data)
    if row.name in FOR_EVERYBODY or row.name.startswith("rename_"):
        return [_own(row.name, facts)]
    job = _job(house, row, jobs)
    if row.name.startswith("scan_"):
        return [(LIBRARY, _scan(row.name, facts, job))]
    if row.name.startswith("space_"):
        return [(SPACE, _space(row.name, facts))]
    if not job:
        return []
    if row.name == "job_finished" and facts.get("state") in LEVELS:
        return [("job", job), ("notice", notice(job, facts))]
    return [("job", job)]


def _own(name: str, facts: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What says all by itself."""
    if name in FOR_EVERYBODY:
        return name, facts
    return RENAME, {key: value for key, value in facts.items() if key != "event"}


def _job(house: House, row: FeedRow, jobs: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """The job as it is now; empty when it is gone."""
    if row.job_id is None:
        return {}
    key = row.owner, row.job_id
    if key not in jobs:
        app = house.of(row.owner)
        try:
            jobs[key] = job_facts(app, app.catalogue().jobs.get(*key))
        except NotFound:
            jobs[key] = {}
    return jobs[key]


def _scan(name: str, facts: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    counted = {key: value for key, value in facts.items() if key not in {"event", "root"}}
    known = {"library_id": job.get("library_id")} | counted
    return known | {"scanning": name != "scan_finished"}


def _space(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in facts.items() if key != "event"}
    return told | {"switched": name == "space_switched"}


def notice(job: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """What a person is told at a job's end: how it went, and in numbers."""
    state = facts["state"]
    operations = facts.get("operations") or {}
    return {
        "level": LEVELS[state],
        "text_key": f"notice.{state}",
        "facts": {
            "job_id": job["id"],
            "library": job.get("library", ""),
            "models": job.get("models", []),
            "operations": operations.get("done", 0),
            "skipped": operations.get("skipped", 0),
            "errors": operations.get("failed", 0),
            "seconds": facts.get("seconds", 0.0),
            "error": facts.get("error", ""),
            "spec_version": facts.get("spec_version", job.get("spec_version", "")),
        },
    }
