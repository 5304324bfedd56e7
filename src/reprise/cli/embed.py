"""``reprise embed``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.split import OUTPUT, write_tracks
from reprise.cli.work import EXIT_CODES, Asked, advise, job_options, run_job, show_estimate, unreadable

if TYPE_CHECKING:
    from reprise.app import App


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help="Which model; may be given several times."
)
@click.option("--force", is_flag=True, help="Compute again what is up to date.")
@click.option(
    "--clear",
    is_flag=True,
    help="Compute everything anew; the vectors that are there answer searches until the new ones stand, then go.",
)
@click.option(
    "--drop-first", is_flag=True, help="With --clear: delete the old vectors before anything is computed."
)
@click.option(
    "--split",
    type=OUTPUT,
    metavar="DIRECTORY",
    help="Write the tracks of cue sheets as FLAC files too; what is embedded stays the same.",
)
@click.option("--workers", type=int, help="Processes that decode; 0: one per core.")
@job_options
@common_options
@example("reprise embed ~/Music --model acoustic")
def embed(
    folder: Path | None,
    models: tuple[str, ...],
    force: bool,
    clear: bool,
    drop_first: bool,
    dry_run: bool,
    since: str | None,
    exclude: tuple[str, ...],
    split: Path | None,
    workers: int | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Embed a folder of music, so that it can be searched by sound.

    Scans FOLDER, embeds what is new or changed, and makes it searchable. Ctrl-C pauses; the same command goes on
    where it stopped. Run again, it does only what is left to do. Without FOLDER, a small demo library is rendered
    and embedded.
    """
    from reprise.cli.since import parse_since
    from reprise.core.job import Clear
    from reprise.core.plan import Wanted

    if drop_first and not clear:
        raise click.UsageError("--drop-first says how to --clear: give both")
    cleared = (Clear.FIRST if drop_first else Clear.AFTER) if clear else Clear.NOTHING
    with opened(owner, home, as_json=as_json, workers=workers, log_level=log_level) as app:
        wanted = Wanted.ALL if force else Wanted.MISSING
        asked = Asked(app.models(models), parse_since(since), exclude, wanted, cleared)
        target = _demo(app, as_json=as_json) if folder is None else folder
        if dry_run:
            return show_estimate(app, target, asked, as_json=as_json)
        return _run(app, target, asked, split, demo=folder is None, as_json=as_json)


def _demo(app: App, *, as_json: bool) -> Path:
    from reprise.demo.library import make_demo_library

    if not as_json:
        click.echo(f"no folder given: rendering a small demo library into {app.demo_folder}", err=True)
    make_demo_library(app.demo_folder)
    return app.demo_folder


def _run(app: App, folder: Path, asked: Asked, split: Path | None, *, demo: bool, as_json: bool) -> int:
    from reprise.cli.render import rendering
    from reprise.splitting import split_selected

    selection = asked.selection(app, folder)
    unsplit = write_tracks(split_selected(app, selection, split), as_json=as_json) if split else 0
    with rendering(app.settings, as_json=as_json) as emit:
        finished = run_job(app, selection, asked, emit, as_json=as_json)
    unread = unreadable(app, selection.library_id)
    if not as_json:
        advise(finished.operations["failed"] + unread)
        _suggest(finished.state, folder if demo else None)
    return max(EXIT_CODES[finished.state], int(unread + unsplit > 0))


def _suggest(state: str, demo: Path | None) -> None:
    if demo and state == "completed":
        track = min(path for path in demo.rglob("*") if path.is_file())
        click.echo(f"try: reprise similar '{track}'", err=True)
