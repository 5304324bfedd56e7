"""A batch of an earlier embedding service: all libraries of an owner through the chosen models, as one thing to watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.job import Clear, Control, Counters, JobRequest, JobState, Priority, Purpose
from reprise.core.plan import Selection
from reprise.errors import JobConflict, UnknownModel, UsageError
from reprise.server.job_view import job_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App
    from reprise.core.job import Job

MODELS = {"muq": "muq", "mert": "mert", "latent": "music2latent", "flamingo": "description"}
"""Their words for models, and ours. Each of ours has spaces of its own, so clearing and writing cannot disagree."""

STATES = {
    JobState.QUEUED: "initialized",
    JobState.RUNNING: "running",
    JobState.PAUSED: "paused",
    JobState.COMPLETED: "completed",
    JobState.COMPLETED_WITH_ERRORS: "completed_with_errors",
    JobState.CANCELLED: "cancelled",
    JobState.FAILED: "failed",
}
_WORST_FIRST = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.PAUSED,
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.COMPLETED_WITH_ERRORS,
    JobState.COMPLETED,
)
ASKED_BY = "batch"
MOST_JOBS = 1000


def our_models(app: App, words: Sequence[str]) -> tuple[str, ...]:
    """Our names of the models meant. Raises ``UnknownModel`` naming the allowed words, ``UsageError`` for none or doubles."""
    names = [MODELS.get(word, word) for word in words]
    if not names or len(set(names)) != len(names):
        allowed = ", ".join(sorted({*MODELS, *app.installed.cards}))
        raise UsageError("name one model or several, each once", cure=f"there are: {allowed}")
    try:
        return app.models(names)
    except UnknownModel as error:
        raise UnknownModel(
            f"{error.message}; their words here: {', '.join(MODELS)}", cure=error.cure
        ) from None


def start(app: App, words: Sequence[str], *, clear: bool) -> list[Job]:
    """A job for each library. Raises ``JobConflict`` when one of them has a job under way: then none is started."""
    models = our_models(app, words)
    libraries = [one for one in app.catalogue().libraries.all(app.owner) if one.kind == "folder"]
    if not libraries:
        raise UsageError("there is no library", cure="add one in the panel, or: reprise libraries add FOLDER")
    cleared = Clear.AFTER if clear else Clear.NOTHING
    started: list[Job] = []
    try:
        for library in libraries:
            request = JobRequest(Selection(app.owner, library.id), models, cleared)
            started.append(app.enqueue(request, priority=Priority.BACKFILL, asked_by=ASKED_BY))
    except JobConflict:
        for job in started:
            app.stop_job(job, Control.CANCEL)
        raise
    return started


def cancel(app: App) -> list[Job]:
    """Ask all jobs of the batch to end; returns them. Raises ``JobConflict`` when none is under way."""
    jobs = [job for job in _batch(app) if not job.state.ended]
    if not jobs:
        raise JobConflict("no batch is under way", cure="start one: POST /batch/start")
    for job in jobs:
        app.stop_job(job, Control.CANCEL)
    return jobs


def _batch(app: App) -> list[Job]:
    """The jobs under way that somebody asked for, or else those that were started last, together."""
    found = [
        job for job in app.catalogue().jobs.all(app.owner, MOST_JOBS) if job.request.purpose is Purpose.ASKED
    ]
    active = [job for job in found if not job.state.ended]
    if active or not found:
        return active
    newest = found[0]
    return [
        job for job in found if newest.created_at - job.created_at < 1.0 and job.asked_by == newest.asked_by
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the batch is, tracks and operations apart.

    ``processed_tracks`` are those that every model has been through. ``estimated_completion`` in seconds since the epoch.
    """

    status: str
    total_tracks: int = 0
    total_operations: int = 0
    processed_tracks: int = 0
    processed_operations: int = 0
    failed_tracks: int = 0
    failed_operations: int = 0
    progress_percent: float = 0.0
    current_track: str | None = None
    current_model: str | None = None
    estimated_completion: float | None = None
    last_error: str | None = None


def progress(app: App) -> Progress:
    """The batch as it is now; ``idle`` when there never was one."""
    jobs = _batch(app)
    if not jobs:
        return Progress("idle")
    facts = [job_facts(app, job) for job in jobs]
    counters = sum((job.counters for job in jobs), Counters())
    state = min((job.state for job in jobs), key=_WORST_FIRST.index)
    current = next((fact["current"] for fact in facts if fact["current"]), "")
    model, track = _apart(current)
    etas = [fact["eta"] for fact in facts if fact["eta"]]
    return Progress(
        status=STATES[state],
        total_tracks=sum(job.items for job in jobs),
        total_operations=counters.total,
        processed_tracks=sum(min(result.counters.finished for result in job.models) for job in jobs),
        processed_operations=counters.finished,
        failed_tracks=sum(fact["items"]["failed"] for fact in facts),
        failed_operations=counters.failed,
        progress_percent=round(_percent(jobs), 2),
        current_track=track,
        current_model=model,
        estimated_completion=max(etas, default=None),
        last_error=next((job.error for job in jobs if job.error), None),
    )


def _percent(jobs: Sequence[Job]) -> float:
    """Each job's own percentage, which never goes back, weighted by its operations."""
    weights = [max(1, job.counters.total) for job in jobs]
    return sum(job.percent * weight for job, weight in zip(jobs, weights, strict=True)) / sum(weights)


def _apart(current: str) -> tuple[str | None, str | None]:
    """``[model] Artist - Title`` as two, the model in their word."""
    if not current.startswith("["):
        return None, current or None
    model, _, track = current[1:].partition("] ")
    words = {ours: theirs for theirs, ours in MODELS.items()}
    return words.get(model, model), track or None
