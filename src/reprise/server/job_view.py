"""A job as the API shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from reprise.core.job import Clear, JobState, ModelState, Purpose
from reprise.core.plan import Wanted
from reprise.engine.quiet import QuietGate
from reprise.errors import NotFound, RepriseError

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.job import Counters, Job, ModelResult

Standing = Literal[
    "queued", "running", "paused", "interrupted", "completed", "completed_with_errors", "cancelled", "failed"
]
Phase = Literal[
    "waiting", "scanning", "planning", "loading", "embedding", "finishing", "paused", "interrupted", "ended"
]

PHASES: dict[str, Phase] = {
    "scan_started": "scanning",
    "scan_progress": "scanning",
    "scan_finished": "planning",
    "job_started": "planning",
    "model_started": "loading",
    "model_loaded": "embedding",
    "progress": "embedding",
    "model_unloaded": "finishing",
    "model_finished": "finishing",
    "job_finished": "scanning",
}
"""What a running job is at after the newest of these events; a run before this one may have written the last."""


class ItemCounts(BaseModel):
    """Tracks: how many the job speaks of, and how many have at least one failed operation."""

    total: int
    failed: int


class OperationCounts(BaseModel):
    """Tracks times models, by fate. ``total = done + skipped + failed + left``."""

    total: int
    done: int
    skipped: int
    failed: int
    left: int


class ModelPart(BaseModel):
    """One model of a job, in the order in which they run. ``seconds``: how long it was busy."""

    model: str
    state: ModelState
    total: int
    done: int
    skipped: int
    failed: int
    error: str
    seconds: float
    percent: float = Field(description="0 to 100")
    memory_mb: float | None = Field(
        description="What it takes while it is loaded; null for one not installed"
    )


class JobFacts(BaseModel):
    """A job. Times in seconds since the epoch."""

    id: str
    state: Standing
    purpose: Purpose
    asked_by: str = Field(description="Whose wish it was; empty: a command's")
    owner: str
    library_id: int
    library: str
    models: list[str]
    wanted: Wanted
    clear: Clear
    batch_size: int
    spec_version: str
    percent: float = Field(description="Finished operations of all, 0 to 100; never goes back")
    items: ItemCounts
    operations: OperationCounts
    current: str = Field(description="[model] Artist - Title, while it embeds")
    eta: float | None = Field(description="When it will be done, once the speed is known")
    speed: float | None = Field(description="Seconds of audio per second")
    phase: Phase
    quiet: bool = Field(description="Waits for the end of the quiet hours")
    per_model: list[ModelPart]
    created_at: float
    started_at: float | None
    finished_at: float | None
    error: str


def job_facts(app: App, job: Job) -> dict[str, Any]:
    """A ``JobFacts`` as plain data; ``app`` as the job's owner sees it."""
    state = app.state_of(job)
    gate = QuietGate(lambda: app.settings.text("quiet_hours"))
    request, counters = job.request, job.counters
    return {
        "id": job.id,
        "state": state,
        "purpose": request.purpose,
        "asked_by": job.asked_by,
        "owner": job.owner,
        "library_id": request.selection.library_id,
        "library": _library_name(app, request.selection.library_id),
        "models": list(request.models),
        "wanted": request.selection.wanted,
        "clear": request.clear,
        "batch_size": request.batch_size,
        "spec_version": job.spec_version,
        "percent": round(job.percent, 2),
        "items": {"total": job.items, "failed": _failed_items(app, job)},
        "operations": _operations(counters),
        **_live(app, job, state),
        "quiet": state == JobState.QUEUED and gate.quiet_until(job) is not None,
        "per_model": [_part(app, result) for result in job.models],
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "error": job.error,
    }


def _library_name(app: App, library_id: int) -> str:
    try:
        return app.catalogue().libraries.get(app.owner, library_id).name
    except NotFound:
        return ""


def _failed_items(app: App, job: Job) -> int:
    """Only of several models does it take a look into the ledger: there one item may have failed more than once."""
    failed = [result.counters.failed for result in job.models if result.counters.failed]
    if len(failed) < 2:
        return sum(failed)
    return app.catalogue().ledger.failed_items(app.owner, job.id)


def _operations(counters: Counters) -> dict[str, int]:
    return {
        "total": counters.total,
        "done": counters.done,
        "skipped": counters.skipped,
        "failed": counters.failed,
        "left": counters.left,
    }


def _live(app: App, job: Job, state: str) -> dict[str, Any]:
    """What is known only while it runs, from the newest row of the feed that tells."""
    nothing = {"current": "", "eta": None, "speed": None}
    if job.state.ended:
        return nothing | {"phase": "ended"}
    if state != JobState.RUNNING:
        return nothing | {"phase": "waiting" if state == JobState.QUEUED else state}
    row = app.catalogue().feed.latest(app.owner, job.id, PHASES)
    if row is None:
        return nothing | {"phase": "scanning"}
    if row.name != "progress":
        return nothing | {"phase": PHASES[row.name]}
    progress = json.loads(row.data)
    left = progress["eta_seconds"]
    return {
        "current": progress["current"],
        "eta": None if left is None else round(row.at + left, 1),
        "speed": progress["audio_seconds_per_second"],
        "phase": PHASES[row.name],
    }


def _part(app: App, result: ModelResult) -> dict[str, Any]:
    counters = result.counters
    percent = counters.percent if counters.total or result.state is ModelState.FINISHED else 0.0
    return {
        "model": result.model,
        "state": result.state,
        "total": counters.total,
        "done": counters.done,
        "skipped": counters.skipped,
        "failed": counters.failed,
        "error": result.error,
        "seconds": round(result.seconds, 3),
        "percent": round(percent, 2),
        "memory_mb": _memory_mb(app, result.model),
    }


def _memory_mb(app: App, model: str) -> float | None:
    try:
        return app.installed.card(model).memory_mb
    except RepriseError:
        return None
