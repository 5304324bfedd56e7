"""``reprise jobs``: list, show, pause, resume, cancel, retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import (
    common_options,
    duration,
    emit_facts,
    example,
    opened,
    when,
    write_json,
    write_table,
)
from reprise.cli.work import EXIT_CODES

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.events import Emit
    from reprise.core.job import Control, Job


@click.group()
def jobs() -> None:
    """List, show, pause, resume, cancel and retry jobs. Without a JOB, the one under way is meant."""


@jobs.command("list")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first."
)
@common_options
@example("reprise jobs list")
def list_jobs(limit: int, owner: str | None, home: Path | None, as_json: bool) -> int:
    """List the newest jobs."""
    with opened(owner, home, as_json=as_json) as app:
        found = app.catalogue().jobs.all(app.owner, limit)
        if as_json:
            for job in found:
                write_json(_facts(app, job))
            return 0
        rows: list[tuple[object, ...]] = [
            (job.id, app.state_of(job).replace("_", " "), f"{job.percent:.1f} %",
             f"{job.counters.done:,} of {job.counters.total:,}", job.counters.failed,
             " ".join(job.request.models), when(job.created_at))
            for job in found
        ]  # fmt: skip
        columns = ("job", "state", "percent", "done", "failed", "models", "created")
        write_table("", columns, rows, whole=("job", "percent", "done", "created"))
        return 0


@jobs.command()
@click.argument("job", required=False)
@common_options
@example("reprise jobs show 3f9a")
def show(job: str | None, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Show one job with its models."""
    with opened(owner, home, as_json=as_json) as app:
        found = _find(app, job, ended=True)
        if as_json:
            write_json(_facts(app, found))
            return 0
        state = app.state_of(found).replace("_", " ")
        click.echo(f"job {found.id}: {state}, {found.percent:.1f} %, spec {found.spec_version}")
        click.echo(f"created {when(found.created_at)}, finished {when(found.finished_at) or 'not yet'}")
        if found.error:
            click.echo(f"error: {found.error}")
        rows: list[tuple[object, ...]] = [
            (r.model, r.state, r.counters.total, r.counters.done, r.counters.skipped, r.counters.failed,
             duration(r.seconds), r.error)
            for r in found.models
        ]  # fmt: skip
        columns = ("model", "state", "operations", "done", "skipped", "failed", "busy", "error")
        write_table("", columns, rows, whole=("model", "state"))
        return 0


@jobs.command()
@click.argument("job", required=False)
@common_options
@example("reprise jobs pause")
def pause(job: str | None, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Pause a running job; what is done stays done."""
    from reprise.core.job import Control

    return _ask(job, Control.PAUSE, owner, home, as_json=as_json)


@jobs.command()
@click.argument("job", required=False)
@common_options
@example("reprise jobs cancel 3f9a")
def cancel(job: str | None, owner: str | None, home: Path | None, as_json: bool) -> int:
    """End a job for good; what is done stays done."""
    from reprise.core.job import Control

    return _ask(job, Control.CANCEL, owner, home, as_json=as_json)


@jobs.command()
@click.argument("job", required=False)
@click.option("--hosted", is_flag=True, hidden=True, help="A server starts it so, and holds standard input.")
@common_options
@example("reprise jobs resume")
def resume(job: str | None, hosted: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Go on with a paused job here, or with one whose process died."""
    from reprise.cli.render import rendering

    with opened(owner, home, as_json=as_json) as app:
        found = _find(app, job, ended=False)
        with rendering(app.settings, as_json=as_json) as emit:
            finished = app.resume(found, emit, hosted=hosted)
            after = _go_on(app, found, emit, hosted=hosted)
        return max(EXIT_CODES[finished.state], after)


@jobs.command()
@click.option("--code", help="Only failures of this kind, as `reprise errors` names it.")
@click.option("--item", "item_id", type=int, help="Only this item.")
@common_options
@example("reprise jobs retry --code timed_out")
def retry(code: str | None, item_id: int | None, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Try failed operations again: all, those of one reason, or one item's."""
    from reprise.cli.render import rendering

    with opened(owner, home, as_json=as_json) as app:
        states = []
        with rendering(app.settings, as_json=as_json) as emit:
            for selection, models in app.retries(code=code, item_id=item_id):
                finished = app.embed(selection, models, emit, told=lambda text: click.echo(text, err=True))
                after = _go_on(app, app.catalogue().jobs.get(app.owner, finished.job_id), emit, hosted=False)
                states.append(max(EXIT_CODES[finished.state], after))
        if not states:
            emit_facts({"event": "nothing_failed"}, ["no such failure: nothing to retry"], as_json=as_json)
        return max(states, default=0)


def _go_on(app: App, job: Job, emit: Emit, *, hosted: bool) -> int:
    """What follows a job that ended: the next stage of taking videos in, the record of a reprocessing."""
    from reprise.filming import Filming
    from reprise.reprocessing import Reprocessor

    if job.request.run:
        Reprocessor(app).settle(job.request.run)
    filming, ended = Filming(app), app.catalogue().jobs.get(app.owner, job.id)
    if hosted:
        filming.go_on(ended)
        return 0
    following = filming.next_stage(ended)
    return EXIT_CODES[filming.ingest(following, emit).state] if following else 0


def _ask(job: str | None, control: Control, owner: str | None, home: Path | None, *, as_json: bool) -> int:
    """A living runner is asked and obeys within seconds; without one the state is simply written."""
    with opened(owner, home, as_json=as_json) as app:
        found = _find(app, job, ended=False)
        running = app.stop_job(found, control)
        how = "asked to stop" if running else f"is {app.catalogue().jobs.get(app.owner, found.id).state} now"
        facts = {"event": "job_asked", "job_id": found.id, "control": control, "running": running}
        emit_facts(facts, [f"job {found.id} {how}"], as_json=as_json)
    return 0


def _find(app: App, job: str | None, *, ended: bool) -> Job:
    """The job named, or the newest one (that has not ended, unless that does not matter)."""
    from reprise.errors import NotFound, UsageError

    if job is not None:
        found = app.catalogue().jobs.get(app.owner, job)
        if found.state.ended and not ended:
            raise UsageError(f"job {found.id} is {found.state}", cure="start a new one with: reprise embed")
        return found
    for candidate in app.catalogue().jobs.all(app.owner, 1000):
        if ended or not candidate.state.ended:
            return candidate
    raise NotFound("there is no such job", cure="see: reprise jobs list")


def _facts(app: App, job: Job) -> dict[str, Any]:
    counters = job.counters
    return {
        "job_id": job.id,
        "state": app.state_of(job),
        "percent": round(job.percent, 2),
        "spec_version": job.spec_version,
        "items": job.items,
        "operations": {
            "total": counters.total,
            "done": counters.done,
            "skipped": counters.skipped,
            "failed": counters.failed,
        },
        "models": [
            {
                "model": result.model,
                "state": result.state,
                "total": result.counters.total,
                "done": result.counters.done,
                "skipped": result.counters.skipped,
                "failed": result.counters.failed,
                "error": result.error,
            }
            for result in job.models
        ],
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "error": job.error,
    }
