"""``reprise scan``: bring the catalogue up to what a folder holds, without waiting for embedding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, emit_facts, example, opened

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.events import Emit
    from reprise.core.items import LibraryKind
    from reprise.core.job import JobRequest
    from reprise.core.plan import Selection

INTERRUPTED = 130


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--embed", is_flag=True, help="Have what is new or changed embedded, by a server when one runs."
)
@click.option("--wait", is_flag=True, help="With --embed: do it here, and wait for its end.")
@click.option(
    "--full", is_flag=True, help="Read the tags of all files anew, also of those that look unchanged."
)
@click.option(
    "--kind",
    type=click.Choice(["folder", "video"]),
    help="A library of music (folder) or of videos, where FOLDER is both, or none yet.",
)
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@common_options
@example("reprise scan ~/Music --embed --wait")
def scan(
    folder: Path,
    embed: bool,
    wait: bool,
    full: bool,
    kind: LibraryKind | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Look for new, changed, moved and missing files in FOLDER, a library or a folder of one.

    The scan does not wait for embedding. A library that is not known yet is added.
    """
    if wait and not embed:
        raise click.UsageError("--wait is for the end of embedding: give --embed as well")
    with opened(owner, home, as_json=as_json, log_level=log_level) as app:
        from reprise.cli.render import rendering

        with rendering(app.settings, as_json=as_json) as emit:
            selection = app.scan_now(folder, emit, full=full, kind=kind)
            if selection is None:
                return INTERRUPTED
            if wait:
                return _embed(app, selection, emit)
        if embed:
            _enqueue(app, selection, as_json=as_json)
        return int(
            any(problem["code"] == "unreadable" for problem in app.scan_problems(selection.library_id))
        )


def _embed(app: App, selection: Selection, emit: Emit) -> int:
    from reprise.cli.work import EXIT_CODES
    from reprise.core.job import Purpose
    from reprise.filming import Filming

    def told(text: str) -> None:
        click.echo(text, err=True)

    if stages := _stages(app, selection):
        return EXIT_CODES[Filming(app).ingest(stages[0], emit, told=told).state]
    finished = app.embed(selection, app.scan_models(), emit, told=told, purpose=Purpose.ARRIVALS)
    return EXIT_CODES[finished.state]


def _stages(app: App, selection: Selection) -> list[JobRequest]:
    """What new videos go through; none for a library of music."""
    from reprise.filming import Filming

    library = app.catalogue().libraries.get(app.owner, selection.library_id)
    return Filming(app).arrivals(selection) if library.kind == "video" else []


def _enqueue(app: App, selection: Selection, *, as_json: bool) -> None:
    """Nothing waits here: one job that is there already does not see what is newer than it, and is named."""
    from reprise.core.job import JobRequest, Priority, Purpose
    from reprise.errors import JobConflict

    requests = _stages(app, selection)
    if not requests:
        requests = [JobRequest(selection, app.scan_models(), purpose=Purpose.ARRIVALS)]
    request = next((request for request in requests if app.to_do(selection, request.models)), None)
    if request is None:
        emit_facts({"event": "nothing_to_embed"}, ["nothing is to be embedded"], as_json=as_json)
        return
    try:
        job = app.enqueue(request, priority=Priority.SCAN, asked_by="scan")
    except JobConflict:
        found = app.catalogue().jobs.active(app.owner, request.work_key)
        if found is None:
            raise
        job = found
    facts = {"event": "job_queued", "job_id": job.id}
    emit_facts(facts, [f"job {job.id} is for the server to run: reprise serve"], as_json=as_json)
