"""``reprise rename recover``: what becomes of a renaming that was killed in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.rename.carrying import INTERRUPTED, advise, carrying, exit_code

if TYPE_CHECKING:
    from pathlib import Path


@click.command("recover")
@click.argument("session", required=False)
@click.option("--finish", is_flag=True, help="Rename the rest of the plan.")
@click.option("--roll-back", is_flag=True, help="Give every file its old name back.")
@common_options
@example("reprise rename recover --finish")
def command(
    session: str | None,
    finish: bool,
    roll_back: bool,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Finish a renaming that was killed, cancelled or cut off from its disk, or take it back.

    Without SESSION, the latest such one. It looks where each file is that was in hand when the end came.
    """
    if finish == roll_back:
        raise click.UsageError("say what is to become of it: --finish or --roll-back")
    with opened(owner, home, as_json=as_json) as app:
        from reprise.engine.scan import ScanStopped
        from reprise.renaming import Renaming

        try:
            with carrying(app, as_json=as_json) as (emit, stop):
                ended = Renaming(app, each=as_json).recover(session, emit, stop, finish=finish)
                stopped = stop() and ended.state.unfinished
        except ScanStopped:
            return INTERRUPTED
        advise(ended, as_json=as_json)
        return exit_code(ended, stopped=stopped)
