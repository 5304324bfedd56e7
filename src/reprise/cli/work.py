"""What the commands that start a job on a folder share: what is asked for, the run, the estimate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from reprise.cli.common import Decorated, counted, duration, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.events import Emit, JobFinished
    from reprise.core.job import Clear
    from reprise.core.plan import Selection, Wanted
    from reprise.engine.estimate import Estimate

EXIT_CODES = {"completed": 0, "completed_with_errors": 1, "failed": 2, "cancelled": 130, "paused": 130}


def job_options(function: Decorated) -> Decorated:
    """``--dry-run``, ``--since``, ``--exclude``, ``--log-level``."""
    options = (
        click.option(
            "--dry-run",
            is_flag=True,
            help="Say what would be done and how long it would take; change nothing.",
        ),
        click.option(
            "--since",
            metavar="TIME",
            help="Only items updated at or after this time (2026-11-20, 2026-11-20T18:30).",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="PATTERN",
            help="Leave files out, as in .gitignore; remembered instead of earlier ones ('' clears them).",
        ),
        click.option("--log-level", help="debug, info, warning or error, to standard error."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say, beside where."""

    models: tuple[str, ...]
    since: float | None
    exclude: tuple[str, ...]
    wanted: Wanted
    clear: Clear

    def selection(self, app: App, folder: Path) -> Selection:
        """Raises ``LibraryError`` for a library of videos, and what ``App.library_of`` raises."""
        from reprise.core.plan import Selection
        from reprise.errors import LibraryError

        library, inside = app.library_of(folder, self.exclude)
        if library.kind != "folder":
            raise LibraryError(
                f"{folder} lies in the library {library.name!r}, which holds videos",
                cure=f"take them in with: reprise videos ingest '{folder}'; if there is music as well, first:"
                f" reprise libraries add '{folder}' --kind folder",
            )
        return Selection(app.owner, library.id, inside, self.wanted, self.since)


def run_job(app: App, selection: Selection, asked: Asked, emit: Emit, *, as_json: bool) -> JobFinished:
    """Scan, and do what is asked for; what is to be told beside events goes to people only."""

    def told(text: str) -> None:
        if not as_json:
            click.echo(text, err=True)

    return app.embed(selection, asked.models, emit, told=told, clear=asked.clear)


def unreadable(app: App, library_id: int) -> int:
    """Files that the scan could not read: they are failures that no job knows of."""
    return sum(problem["code"] == "unreadable" for problem in app.scan_problems(library_id))


def advise(failed: int) -> None:
    """What a person would type next."""
    if failed:
        click.echo("what failed and why: reprise errors", err=True)


def show_estimate(app: App, folder: Path, asked: Asked, *, as_json: bool) -> int:
    """What the job would do, from a copy of the catalogue; returns the exit code."""
    with app.trial() as trial:
        selection = asked.selection(trial, folder)
        trial.scan(trial.catalogue().libraries.get(trial.owner, selection.library_id), lambda _event: None)
        estimates = trial.estimates(selection, asked.models, asked.clear)
    if as_json:
        for estimate in estimates:
            write_json({"event": "estimate"} | asdict(estimate))
        return 0
    _show(estimates)
    return 0


def _show(estimates: list[Estimate]) -> None:
    click.echo("Nothing was changed. A run would do:")
    for estimate in estimates:
        why = ", ".join(f"{count:,} {reason}" for reason, count in estimate.reasons.items())
        failed = f", {estimate.failed_before:,} failed before" if estimate.failed_before else ""
        click.echo(
            f"\n{estimate.model}: {estimate.to_do:,} of {counted(estimate.items, 'operation')}"
            f" ({why or 'nothing is left to do'}){failed}"
        )
        if not estimate.to_do:
            continue
        if estimate.missing:
            click.echo(
                f"  weights {estimate.missing}: a run fetches them first, or see: reprise models {estimate.model}"
            )
        speed = f", as {estimate.measured}" if estimate.measured else ""
        workers = counted(estimate.workers, "process", "processes")
        click.echo(f"  audio   {duration(estimate.audio_seconds)}, {estimate.coverage}")
        click.echo(f"  time    {duration(estimate.seconds)} in {workers}{speed}")
        click.echo(f"  disk    {estimate.disk_mb:,.1f} MB")
        click.echo(f"  memory  {estimate.memory_mb:,.0f} MB")
