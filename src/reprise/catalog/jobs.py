"""Jobs: requests, their states and counters."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from reprise.core.job import (
    Clear,
    Control,
    Counters,
    Hosting,
    Job,
    JobRequest,
    JobState,
    ModelResult,
    ModelState,
    Priority,
    Purpose,
)
from reprise.core.plan import Selection, Wanted
from reprise.core.spec import PIPELINE_VERSION
from reprise.errors import JobConflict, NotFound

if TYPE_CHECKING:
    from reprise.catalog.database import Database, Row, Transaction

_JOB = (
    "id, owner, state, control, request, spec_version, planned, items, percent, created_at, started_at, finished_at,"
    " error, queued_at, priority, asked_by, served_at"
)
_STANDING = (
    f"CASE WHEN state = '{JobState.PAUSED}' AND queued_at IS NOT NULL THEN '{JobState.QUEUED}' ELSE state END"
)
_MODEL = "model, position, state, space_id, total, done, skipped, failed, error, seconds, audio_seconds"


class SqlJobs:
    """Implements ``core.records.Jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, request: JobRequest, spec_version: str, at: float, hosting: Hosting | None = None
    ) -> Job:
        owner = request.selection.owner
        job_id = secrets.token_hex(4)
        with self._database.transaction() as transaction:
            created = transaction.execute(
                "INSERT INTO jobs (id, owner, work_key, same_work, active, state, control, request, spec_version,"
                " planned, items, percent, created_at, error, queued_at, priority, asked_by)"
                " VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, 0, 0, 0, ?, '', ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    job_id,
                    owner,
                    request.work_key,
                    request.same_work,
                    JobState.QUEUED,
                    Control.NONE,
                    _dump(request),
                    spec_version,
                    at,
                    at if hosting else None,
                    hosting.priority if hosting else Priority.BACKFILL,
                    hosting.asked_by if hosting else "",
                ),
            )
            if not created:
                raise _conflict(transaction, request)
            transaction.execute_many(
                "INSERT INTO job_models (job_id, model, position, state) VALUES (?, ?, ?, ?)",
                [(job_id, model, n, ModelState.WAITING) for n, model in enumerate(request.models, 1)],
            )
        return self.get(owner, job_id)

    def active(self, owner: str, work_key: str) -> Job | None:
        rows = self._database.query(
            f"SELECT {_JOB} FROM jobs WHERE owner = ? AND work_key = ? AND active = 1", (owner, work_key)
        )
        return self._job(rows[0]) if rows else None

    def hosted(self) -> list[Job]:
        rows = self._database.query(
            f"SELECT {_JOB} FROM jobs WHERE queued_at IS NOT NULL AND active = 1"
            " ORDER BY priority DESC, queued_at, id"
        )
        return [self._job(row) for row in rows]

    def host(self, owner: str, job_id: str, at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE jobs SET queued_at = ?, control = ? WHERE owner = ? AND id = ? AND active = 1",
                (at, Control.NONE, owner, job_id),
            )

    def unhost(self, owner: str, job_id: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE jobs SET queued_at = NULL WHERE owner = ? AND id = ?", (owner, job_id)
            )

    def get(self, owner: str, job_id: str) -> Job:
        rows = self._database.query(
            f"SELECT {_JOB} FROM jobs WHERE owner = ? AND SUBSTR(id, 1, ?) = ? LIMIT 2",
            (owner, len(job_id), job_id),
        )
        if len(rows) != 1 or not job_id:
            what = "more than one job begins with" if rows else "there is no job"
            raise NotFound(f"{what} {job_id!r}", cure="see: reprise jobs list")
        return self._job(rows[0])

    def all(self, owner: str, limit: int) -> list[Job]:
        return self._some(owner, None, limit, 0)

    def page(
        self, owner: str, *, standing: JobState | None, limit: int, offset: int
    ) -> tuple[list[Job], int]:
        counted = self._database.query(
            f"SELECT COUNT(*) FROM jobs WHERE owner = ? AND (CAST(? AS TEXT) IS NULL OR {_STANDING} = ?)",
            (owner, standing, standing),
        )
        return self._some(owner, standing, limit, offset), counted[0][0]

    def _some(self, owner: str, standing: JobState | None, limit: int, offset: int) -> list[Job]:
        rows = self._database.query(
            f"SELECT {_JOB} FROM jobs WHERE owner = ? AND (CAST(? AS TEXT) IS NULL OR {_STANDING} = ?)"
            " ORDER BY created_at DESC, id LIMIT ? OFFSET ?",
            (owner, standing, standing, limit, offset),
        )
        return [self._job(row) for row in rows]

    def set_state(self, owner: str, job_id: str, state: JobState, at: float, error: str = "") -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE jobs SET state = ?, active = ?, error = ?, control = CASE WHEN ? THEN control ELSE ? END,"
                " started_at = CASE WHEN ? THEN COALESCE(started_at, ?) ELSE started_at END,"
                " finished_at = CASE WHEN ? THEN ? END WHERE owner = ? AND id = ?",
                (
                    state,
                    0 if state.ended else 1,
                    error,
                    state is JobState.RUNNING,
                    Control.NONE,
                    state is JobState.RUNNING,
                    at,
                    state.ended,
                    at,
                    owner,
                    job_id,
                ),
            )

    def ask(self, owner: str, job_id: str, control: Control) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE jobs SET control = ?, queued_at = CASE WHEN ? THEN NULL ELSE queued_at END"
                " WHERE owner = ? AND id = ?",
                (control, control is Control.PAUSE, owner, job_id),
            )

    def control(self, owner: str, job_id: str) -> Control:
        rows = self._database.query("SELECT control FROM jobs WHERE owner = ? AND id = ?", (owner, job_id))
        return Control(rows[0][0]) if rows else Control.CANCEL

    def ring(self, owner: str, job_id: str, patience: float) -> bool:
        now = self._database.now()
        with self._database.transaction() as transaction:
            rung = transaction.execute(
                "UPDATE jobs SET rung_at = ? WHERE owner = ? AND id = ? AND active = 1 AND (rung_at IS NULL OR rung_at < ?)",
                (now, owner, job_id, now - patience),
            )
        return rung > 0

    def answer(self, owner: str, job_id: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE jobs SET rung_at = NULL, served_at = ? WHERE owner = ? AND id = ?",
                (self._database.now(), owner, job_id),
            )

    def set_percent(self, owner: str, job_id: str, percent: float) -> float:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE jobs SET percent = ? WHERE owner = ? AND id = ? AND percent < ?",
                (percent, owner, job_id, percent),
            )
            rows = transaction.query("SELECT percent FROM jobs WHERE owner = ? AND id = ?", (owner, job_id))
        return float(rows[0][0])

    def set_model(self, owner: str, job_id: str, model: str, state: ModelState, error: str = "") -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE job_models SET state = ?, error = ? WHERE model = ?"
                " AND job_id IN (SELECT id FROM jobs WHERE owner = ? AND id = ?)",
                (state, error, model, owner, job_id),
            )

    def add_time(self, owner: str, job_id: str, model: str, seconds: float, audio_seconds: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE job_models SET seconds = seconds + ?, audio_seconds = audio_seconds + ? WHERE model = ?"
                " AND job_id IN (SELECT id FROM jobs WHERE owner = ? AND id = ?)",
                (seconds, audio_seconds, model, owner, job_id),
            )

    def _job(self, row: Row) -> Job:
        (
            job_id,
            owner,
            state,
            control,
            request,
            version,
            planned,
            items,
            percent,
            created,
            started,
            finished,
            error,
            queued_at,
            priority,
            asked_by,
            served_at,
        ) = row
        results = self._database.query(
            f"SELECT {_MODEL} FROM job_models WHERE job_id = ? ORDER BY position", (job_id,)
        )
        return Job(
            id=job_id,
            request=_load(owner, request),
            state=JobState(state),
            control=Control(control),
            spec_version=version,
            items=items,
            percent=percent,
            created_at=created,
            started_at=started,
            finished_at=finished,
            planned=bool(planned),
            error=error,
            models=tuple(_result(result) for result in results),
            queued_at=queued_at,
            priority=priority,
            asked_by=asked_by,
            served_at=served_at,
        )


def _conflict(transaction: Transaction, request: JobRequest) -> JobConflict:
    """Names the job in the way."""
    rows = transaction.query(
        f"SELECT id, {_STANDING} FROM jobs WHERE owner = ? AND work_key = ? AND active = 1",
        (request.selection.owner, request.work_key),
    )
    if not rows:  # it ended a moment ago
        return JobConflict("another job held this library's work until now", cure="try again")
    job_id, standing = rows[0]
    cure = "" if standing in {JobState.QUEUED, JobState.RUNNING} else f"resume or cancel job {job_id} first"
    return JobConflict(f"job {job_id} holds this library's work: it is {standing}", cure=cure)


def _result(row: Row) -> ModelResult:
    model, position, state, space_id, total, done, skipped, failed, error, seconds, audio_seconds = row
    counters = Counters(total, done, skipped, failed)
    return ModelResult(model, position, ModelState(state), counters, space_id, error, seconds, audio_seconds)


def _dump(request: JobRequest) -> str:
    selection = request.selection
    return json.dumps(
        {
            "models": list(request.models),
            "library_id": selection.library_id,
            "folder": selection.folder.hex(),
            "wanted": selection.wanted,
            "since": selection.since,
            "item_id": selection.item_id,
            "error_code": selection.error_code,
            "video_id": selection.video_id,
            "clear": request.clear,
            "purpose": request.purpose,
            "batch_size": request.batch_size,
            "spec_version": request.spec_version,
            "run": request.run,
        }
    )


def _load(owner: str, text: str) -> JobRequest:
    facts = json.loads(text)
    selection = Selection(
        owner=owner,
        library_id=facts["library_id"],
        folder=bytes.fromhex(facts["folder"]),
        wanted=Wanted(facts["wanted"]),
        since=facts["since"],
        item_id=facts["item_id"],
        error_code=facts["error_code"],
        video_id=facts.get("video_id"),
    )
    return JobRequest(
        selection,
        tuple(facts["models"]),
        Clear(facts.get("clear", Clear.NOTHING)),
        Purpose(facts.get("purpose", Purpose.ASKED)),
        facts.get("batch_size", 0),
        facts.get("spec_version", PIPELINE_VERSION),
        facts.get("run", ""),
    )
