"""``reprise rename undo``: give files their old names back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.rename.carrying import INTERRUPTED, carrying, exit_code, numbers

if TYPE_CHECKING:
    from pathlib import Path


@click.command("undo")
@click.argument("session", required=False)
@click.option("--only", metavar="ROWS", help="Only the rows of these numbers, as 3,7-12.")
@common_options
@example("reprise rename undo 3f9a")
def command(
    session: str | None, only: str | None, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Give the files of SESSION their old names back; without SESSION, those of the latest one.

    A file that holds something else now, or whose old name is taken, keeps its name; the others go back. That can be
    done days later, and again for what was left.
    """
    chosen = numbers(only)
    with opened(owner, home, as_json=as_json) as app:
        from reprise.engine.scan import ScanStopped
        from reprise.renaming import Renaming

        try:
            with carrying(app, as_json=as_json) as (emit, stop):
                ended = Renaming(app, each=as_json).undo(session, emit, stop, only=chosen)
                stopped = stop() and ended.done > 0
        except ScanStopped:
            return INTERRUPTED
        if ended.failed and not as_json:
            click.echo(f"what is left and why: reprise rename list {ended.id} --failed", err=True)
        if chosen is not None and not ended.failed:
            return INTERRUPTED if stopped else 0
        return exit_code(ended, stopped=stopped)
