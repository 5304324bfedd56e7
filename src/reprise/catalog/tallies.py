"""What became of videos, scenes, photos and persons in a job: each counted once, whatever number of steps looked at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.core.job import JobState
from reprise.core.plan import RowState
from reprise.core.video_records import Tally

if TYPE_CHECKING:
    from collections.abc import Collection

    from reprise.catalog.database import Database
    from reprise.core.plan import Selection
    from reprise.core.spec import Subject

# Of which thing an item is a part, and which kinds of items are parts of it.
_THINGS = {
    "videos": ("CASE WHEN i.kind = 'video' THEN i.id ELSE i.video_id END", "'video', 'scene', 'frame'"),
    "scenes": ("CASE WHEN i.kind = 'scene' THEN i.id ELSE i.parent_id END", "'scene', 'frame'"),
    "photos": ("i.id", "'photo'"),
    "persons": ("i.id", "'person'"),
}
_ROWS = (
    "SELECT l.item_id AS item_id,"
    f" MAX(CASE WHEN l.state = '{RowState.FAILED}' THEN 1 ELSE 0 END) AS failed,"
    f" MAX(CASE WHEN l.state IN ('{RowState.PENDING}', '{RowState.LEASED}') THEN 1 ELSE 0 END) AS waits,"
    f" MAX(CASE WHEN l.state = '{RowState.DONE}' THEN 1 ELSE 0 END) AS done"
    " FROM job_models m JOIN ledger l ON l.space_id = m.space_id WHERE m.job_id = ? AND l.job_id = ?"
    " GROUP BY l.item_id"
)
_OPEN_ENDS = {JobState.CANCELLED, JobState.PAUSED}
"""Ends of a job after which what is not done is still to be done; after the others it has failed."""


def tallies(
    database: Database, selection: Selection, job_id: str, broken: Collection[Subject]
) -> dict[str, Tally]:
    """Of the items that the selection speaks of. ``broken``: what models looked at that could not run at all."""
    rows = database.query(
        "SELECT state, planned FROM jobs WHERE owner = ? AND id = ?", (selection.owner, job_id)
    )
    state, planned = rows[0] if rows else (JobState.COMPLETED, 1)
    return {
        name: _tally(database, selection, job_id, broken, name, JobState(state), planned=bool(planned))
        for name in _THINGS
    }


def _tally(
    database: Database,
    selection: Selection,
    job_id: str,
    broken: Collection[Subject],
    name: str,
    state: JobState,
    *,
    planned: bool,
) -> Tally:
    thing, kinds = _THINGS[name]
    spoilt, spoilt_values = _spoilt(broken)
    where, values = _chosen(selection)
    waits = "failed" if state.ended and state not in _OPEN_ENDS else "waits"
    found = database.query(
        "SELECT fate, COUNT(*) FROM (SELECT"
        f" CASE WHEN MAX(r.failed) = 1 OR MAX({spoilt}) = 1 THEN 'failed' WHEN MAX(r.waits) = 1 THEN '{waits}'"
        f" WHEN MAX(r.done) = 1 THEN 'done' ELSE 'skipped' END AS fate"
        f" FROM items i LEFT JOIN ({_ROWS}) r ON r.item_id = i.id WHERE i.kind IN ({kinds}) AND {where}"
        f" GROUP BY {thing}) AS things GROUP BY fate",
        (*spoilt_values, job_id, job_id, *values),
    )
    counts: dict[str, int] = dict(found)
    total = sum(counts.values())
    if not planned and not (state.ended and state not in _OPEN_ENDS):
        return Tally(total, left=total)
    return Tally(
        total=total,
        processed=counts.get("done", 0),
        skipped=counts.get("skipped", 0),
        failed=counts.get("failed", 0),
        left=counts.get("waits", 0),
    )


def untaken(database: Database, selection: Selection, limit: int) -> tuple[list[int], int]:
    """Videos of the selection without what taking them apart gives, and how many they are."""
    where, values = _chosen(selection)
    tables = (
        "FROM items i LEFT JOIN videos v ON v.item_id = i.id"
        f" WHERE i.kind = 'video' AND COALESCE(v.facts, '') = '' AND {where}"
    )
    count = database.query(f"SELECT COUNT(*) {tables}", values)[0][0]
    rows = database.query(f"SELECT i.id {tables} ORDER BY i.path LIMIT ?", (*values, limit))
    return [row[0] for row in rows], count


def _chosen(selection: Selection) -> tuple[str, tuple[Any, ...]]:
    where = "i.kind <> 'track' AND i.owner = ? AND i.library_id = ? AND i.missing_since IS NULL"
    values: tuple[Any, ...] = (selection.owner, selection.library_id)
    if selection.video_id is not None:
        where += " AND (i.id = ? OR i.video_id = ?)"
        values += (selection.video_id, selection.video_id)
    if selection.since is not None:
        newer = "EXISTS (SELECT 1 FROM inputs n WHERE n.item_id = i.id AND n.updated_at >= ?)"
        where += f" AND (i.updated_at >= ? OR {newer})"
        values += (selection.since, selection.since)
    return where, values


def _spoilt(broken: Collection[Subject]) -> tuple[str, tuple[str, ...]]:
    """1 for an item that a model which could not run would have looked at."""
    cases, values = list[str](), list[str]()
    for kind, channel in broken:
        case, values = "i.kind = ?", [*values, kind]
        if channel:
            case += " AND EXISTS (SELECT 1 FROM inputs b WHERE b.item_id = i.id AND b.channel = ?)"
            values.append(channel)
        cases.append(f"({case})")
    return f"CASE WHEN {' OR '.join(cases) or '1 = 0'} THEN 1 ELSE 0 END", tuple(values)
