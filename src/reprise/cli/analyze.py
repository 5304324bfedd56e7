"""``reprise analyze``: tempo, key, loudness and all else that is heard of a folder of music."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.heard import show_heard, write_heard
from reprise.cli.work import EXIT_CODES, Asked, advise, job_options, run_job, show_estimate, unreadable

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.events import Emit, Event
    from reprise.core.plan import Selection
    from reprise.tagging import Tagging

MODEL = "analysis"

FAST_SECONDS = 90.0

FINISHED = {"completed", "completed_with_errors"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--fast",
    is_flag=True,
    help="Listen to the middle 90 seconds only; cues and silence at the ends go unheard.",
)
@click.option("--force", is_flag=True, help="Listen again to what is up to date.")
@click.option("--retry-failed", is_flag=True, help="Only what failed before, once more.")
@click.option("--list", "listing", is_flag=True, help="Show what is known of all tracks; listen to nothing.")
@click.option(
    "--write-tags",
    is_flag=True,
    help="Then write tempo and key into the files whose tags do not say them yet.",
)
@click.option("--workers", type=int, help="Processes that listen; 0: one per core.")
@job_options
@common_options
@example("reprise analyze ~/Music --fast")
def analyze(
    folder: Path,
    fast: bool,
    force: bool,
    retry_failed: bool,
    dry_run: bool,
    listing: bool,
    since: str | None,
    exclude: tuple[str, ...],
    write_tags: bool,
    workers: int | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Hear tempo, key, loudness, silence and cues of a folder of music.

    Scans FOLDER and listens to what is new or changed, once; the acoustic embedding comes along, so what was analysed
    can be searched by sound. Ctrl-C pauses; the same command goes on where it stopped. No file is changed without
    --write-tags.
    """
    from reprise.cli.since import parse_since
    from reprise.core.job import Clear
    from reprise.core.plan import Wanted

    if force and retry_failed:
        raise click.UsageError("--force does everything again, --retry-failed only what failed: give one")
    wanted = Wanted.ALL if force else Wanted.FAILED if retry_failed else Wanted.MISSING
    part = FAST_SECONDS if fast else None
    with opened(
        owner, home, as_json=as_json, workers=workers, log_level=log_level, analysis_excerpt=part
    ) as app:
        if listing:
            return _list(app, folder, as_json=as_json)
        asked = Asked(app.models([MODEL]), parse_since(since), exclude, wanted, Clear.NOTHING)
        if dry_run:
            return show_estimate(app, folder, asked, as_json=as_json)
        return _run(app, folder, asked, write_tags=write_tags, as_json=as_json)


def _list(app: App, folder: Path, *, as_json: bool) -> int:
    """Raises ``NotFound`` for a folder that no library holds."""
    from reprise.search.resolve import resolve_folder

    library_id, inside = resolve_folder(app.catalogue(), app.owner, str(folder))
    if as_json:
        write_heard(app, library_id, inside)
    else:
        show_heard(app, library_id, inside, everything=True, more="")
    return 0


def _run(app: App, folder: Path, asked: Asked, *, write_tags: bool, as_json: bool) -> int:
    from reprise.cli.render import rendering

    tagging = _tagging(app) if write_tags else None
    selection = asked.selection(app, folder)
    ends: list[Event] = []
    unwritten = 0
    with rendering(app.settings, as_json=as_json) as emit:
        finished = run_job(app, selection, asked, _without_end(emit, ends, as_json=as_json), as_json=as_json)
        if as_json:
            unwritten = _tell(app, folder, selection, finished.state, tagging, as_json=True)
        for event in ends:
            emit(event)
    if not as_json:  # below the bars
        unwritten = _tell(app, folder, selection, finished.state, tagging, as_json=False)
    unread = unreadable(app, selection.library_id)
    if not as_json:
        advise(finished.operations["failed"] + unread)
    return max(EXIT_CODES[finished.state], int(unread + unwritten > 0))


def _without_end(emit: Emit, ends: list[Event], *, as_json: bool) -> Emit:
    """For scripts the job's last line stays the last, after those of the tracks: it goes into ``ends``."""
    from reprise.core.events import JobFinished

    return lambda event: ends.append(event) if as_json and isinstance(event, JobFinished) else emit(event)


def _tell(
    app: App, folder: Path, selection: Selection, state: str, tagging: Tagging | None, *, as_json: bool
) -> int:
    """What was heard, and what was written of it; returns how many files could not be written."""
    library_id, inside = selection.library_id, selection.folder
    if state not in FINISHED:
        return 0
    if as_json:
        write_heard(app, library_id, inside)
    else:
        more = f"reprise analyze '{folder}' --list"
        show_heard(app, library_id, inside, everything=False, more=more)
    if tagging is None:
        return 0
    from reprise.cli.tags import go_through

    return go_through(app, library_id, inside, tagging, as_json=as_json).failed


def _tagging(app: App) -> Tagging:
    """Raises ``ExtraMissing`` before hours of listening, not after them."""
    from reprise.tagging import KeyDisplay, Tagging, need_mutagen

    need_mutagen()
    return Tagging(("tempo", "key"), notation=KeyDisplay(app.settings.text("key_display")))
