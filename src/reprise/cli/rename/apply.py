"""``reprise rename apply``: rename files as a plan says."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reprise.cli.common import common_options, counted, example, opened
from reprise.cli.rename.carrying import (
    INTERRUPTED,
    advise,
    carrying,
    exit_code,
    numbers,
    tell_references,
)


@click.command("apply")
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False, readable=False))
@click.option("--only", metavar="ROWS", help="Only the rows of these numbers, as 3,7-12.")
@click.option("--no-sidecars", is_flag=True, help="Leave the sidecars of the plan as they are.")
@click.option(
    "--references",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A playlist or collection: a copy of it says the new names. May be given several times.",
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common_options
@example("reprise rename apply new.plan")
def command(
    plan: Path,
    only: str | None,
    no_sidecars: bool,
    references: tuple[Path, ...],
    yes: bool,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Rename the files of PLAN, which `reprise rename plan` has made. All of it can be taken back later.

    No file is ever overwritten; one that changed since the plan was made is left alone. Ctrl-C stops after the file
    in hand; the same command goes on.
    """
    chosen = numbers(only)
    with opened(owner, home, as_json=as_json) as app:
        from reprise.engine.scan import ScanStopped
        from reprise.renaming import Renaming

        if not (yes or as_json or _agreed(plan, chosen)):
            return INTERRUPTED
        renaming = Renaming(app, each=as_json)
        try:
            with carrying(app, as_json=as_json) as (emit, stop):
                session = renaming.apply(plan, emit, stop, only=chosen, sidecars=not no_sidecars)
                stopped = stop() and session.state.unfinished
        except ScanStopped:
            return INTERRUPTED
        advise(session, as_json=as_json)
        code = exit_code(session, stopped=stopped)
        if not references or session.state.unfinished:
            return code
        return max(code, tell_references(renaming.rewrite(session, references), as_json=as_json))


def _agreed(plan: Path, only: set[int] | None) -> bool:
    """Ask who sits at a terminal; a script has said what it wants."""
    from reprise.core.items import display_path
    from reprise.core.renaming import RowStatus
    from reprise.rename.planfile import PlanReader

    if not sys.stdin.isatty():
        return True
    with PlanReader(plan) as reader:
        header = reader.header
    count = header.counts[RowStatus.RENAME] if only is None else len(only)
    return click.confirm(f"rename {counted(count, 'file')} in {display_path(header.root)}?", default=True)
