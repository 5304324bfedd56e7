"""``reprise rename list``: what was renamed, and what became of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, when, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.core.rename_journal import Move, MoveState
    from reprise.renaming import Renaming

PAGE = 1000


@click.command("list")
@click.argument("session", required=False)
@click.option("--failed", is_flag=True, help="Only files that could not be renamed, or not back.")
@click.option(
    "-n", "--limit", type=click.IntRange(0), default=50, show_default=True, help="How many rows; 0: all."
)
@common_options
@example("reprise rename list 3f9a --failed")
def command(
    session: str | None, failed: bool, limit: int, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """List renamings, the newest first, or the files of SESSION."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.renaming import Renaming

        app.catalogue()
        renaming = Renaming(app)
        if session is None:
            return _sessions(renaming, limit, as_json=as_json)
        return _files(renaming, session, limit, failed=failed, as_json=as_json)


def _sessions(renaming: Renaming, limit: int, *, as_json: bool) -> int:
    found, _ = renaming.sessions(limit or PAGE)
    if as_json:
        for one in found:
            write_json({**one.as_dict(), "state": renaming.standing(one)})
        return 0
    from reprise.core.items import display_path

    rows: list[tuple[object, ...]] = [
        (one.id, renaming.standing(one).replace("_", " "), f"{one.done:,} of {one.total:,}", one.failed,
         when(one.created_at), display_path(one.root))
        for one in found
    ]  # fmt: skip
    write_table("", ("session", "state", "renamed", "failed", "created", "folder"), rows, whole=("session",))
    for one in found:
        if one.state.under_way and renaming.standing(one) == "interrupted":
            click.echo(
                f"session {one.id} was killed in the middle: reprise rename recover {one.id} --finish, or --roll-back",
                err=True,
            )
    return 0


def _files(renaming: Renaming, session: str, limit: int, *, failed: bool, as_json: bool) -> int:
    from reprise.core.rename_journal import MoveState

    states = (MoveState.FAILED, MoveState.STUCK) if failed else (None,)
    moves = [move for state in states for move in _moves(renaming, session, state, limit)]
    if as_json:
        for move in moves:
            write_json(move.as_dict())
        return 0
    facts = [move.as_dict() for move in moves]
    rows: list[tuple[object, ...]] = [
        (one["number"], one["state"], one["folder"], one["old"], one["new"], one["reason"]) for one in facts
    ]
    write_table("", ("row", "state", "folder", "old name", "new name", "reason"), rows, whole=("state",))
    return 0


def _moves(renaming: Renaming, session: str, state: MoveState | None, limit: int) -> Iterator[Move]:
    offset = 0
    while True:
        page, total = renaming.moves(session, state=state, limit=limit or PAGE, offset=offset)
        yield from page
        offset += len(page)
        if limit or not page or offset >= total:
            return
