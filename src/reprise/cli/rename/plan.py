"""``reprise rename plan``: what every file would be called, before anything is renamed."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, example, opened, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.renaming import PlanHeader
    from reprise.rename.planfile import PlanReader

TOLD_EVERY = 10_000
"""Files, where nobody watches a terminal."""

FOLDER = click.Path(path_type=Path, readable=False)


@click.command("plan")
@click.argument("folder", type=FOLDER)
@click.option(
    "--template", metavar="TEMPLATE", help="What names are made of; default: setting rename_template."
)
@click.option("--preset", metavar="ID", help="A ready template instead; see: reprise rename presets.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan there, to rename by it.",
)
@click.option("--no-recursive", is_flag=True, help="Only what lies in the folder itself.")
@click.option("--no-audio", is_flag=True, help="Leave out what was heard: tags and names alone tell.")
@click.option("--sidecars", is_flag=True, help="Files of the same stem go along: words, sheets, pictures.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="How many rows to show; 0: all of them.",
)
@common_options
@example("reprise rename plan ~/Music/New --preset dj --output new.plan")
def command(
    folder: Path,
    template: str | None,
    preset: str | None,
    output: Path | None,
    no_recursive: bool,
    no_audio: bool,
    sidecars: bool,
    limit: int,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Plan names for all tracks below FOLDER and show them; nothing is renamed.

    Names that clash, names that Windows or a player cannot hold, and files that cannot be renamed are settled or
    refused here, each with its reason. Exit code 1: some rows are refused.
    """
    with opened(owner, home, as_json=as_json) as app, _kept(output) as path:
        from reprise.rename.planfile import PlanReader
        from reprise.renaming import Renaming

        text = _template(app, template, preset)
        with _caret(text), _progress() as told:
            header = Renaming(app).plan(
                folder,
                text,
                path,
                recursive=not no_recursive,
                audio=not no_audio,
                sidecars=sidecars,
                told=told,
            )
        with PlanReader(path) as plan:
            if as_json:
                _write_rows(plan, output)
            else:
                _show(plan, limit, output)
        return _exit_code(header)


def _exit_code(header: PlanHeader) -> int:
    from reprise.core.renaming import RowStatus

    return int(header.counts[RowStatus.REFUSED] > 0)


@contextmanager
def _kept(output: Path | None) -> Iterator[Path]:
    """Where the plan is written: to stay, or for the time of this command."""
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="reprise-plan-") as folder:
        yield Path(folder) / "plan"


def _template(app: App, template: str | None, preset_id: str | None) -> str:
    from reprise.errors import UsageError
    from reprise.rename.presets import DEFAULT, preset

    if template is not None and preset_id is not None:
        raise UsageError("a template and a preset are given", cure="give one of --template and --preset")
    if preset_id is not None:
        return preset(preset_id).template
    return template if template is not None else app.settings.text("rename_template") or DEFAULT.template


@contextmanager
def _caret(template: str) -> Iterator[None]:
    """Show a person where in the template the fault is."""
    from reprise.cli.rename.faults import pointed
    from reprise.errors import BadTemplate

    try:
        yield
    except BadTemplate as error:
        for line in pointed(template, error.position, error.length):
            click.echo(line, err=True)
        raise


@contextmanager
def _progress() -> Iterator[_Told]:
    told = _Told()
    yield told
    told.end()


class _Told:
    """How many files were looked at, on standard error."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next = TOLD_EVERY

    def __call__(self, files: int) -> None:
        if self._live:
            click.echo(f"\r{counted(files, 'file')} looked at", err=True, nl=False)
        elif files >= self._next:
            self._next = files + TOLD_EVERY
            click.echo(f"{counted(files, 'file')} looked at", err=True)

    def end(self) -> None:
        if self._live:
            click.echo("\r\033[K", err=True, nl=False)


def _write_rows(plan: PlanReader, output: Path | None) -> None:
    for row in plan.rows():
        write_json({"event": "plan_row", **row.as_dict()})
    counts = {status.value: count for status, count in plan.header.counts.items()}
    kept = {"output": str(output)} if output is not None else {}
    write_json({"event": "plan_finished", **counts, "total": len(plan), **kept})


def _show(plan: PlanReader, limit: int, output: Path | None) -> None:
    from reprise.cli.rename.table import write_rows
    from reprise.core.renaming import RowStatus

    counts = plan.header.counts
    refused = counts[RowStatus.REFUSED]
    left_out = counts[RowStatus.RENAME] + refused - write_rows(plan.rows(), limit)
    if left_out:
        click.echo(f"… and {counted(left_out, 'row')} more; all of them: --limit 0")
    click.echo(
        f"{counted(counts[RowStatus.RENAME], 'file')} to rename, {counts[RowStatus.UNCHANGED]:,} as they should be,"
        f" {refused:,} refused"
    )
    if output is not None and counts[RowStatus.RENAME]:
        click.echo(f"rename by it: reprise rename apply {output}", err=True)
