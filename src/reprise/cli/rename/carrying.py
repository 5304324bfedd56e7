"""What the commands share that carry plans out, and take them back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reprise.cli.common import counted
from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reprise.app import App
    from reprise.core.events import Emit
    from reprise.core.rename_journal import Session
    from reprise.rename.references import Rewritten

INTERRUPTED = 130
EXIT_CODES = {
    "done": 0,
    "undone": 0,
    "done_with_errors": 1,
    "partly_undone": 1,
    "interrupted": 2,
    "cancelled": INTERRUPTED,
}


@contextmanager
def carrying(app: App, *, as_json: bool) -> Iterator[tuple[Emit, Callable[[], bool]]]:
    """Where events go, and whether a signal asks to stop: the file in hand is brought to its end."""
    from reprise.cli.render import rendering
    from reprise.renaming import interruptible

    with rendering(app.settings, as_json=as_json) as emit, interruptible() as interruption:
        yield emit, interruption.stops


def exit_code(session: Session, *, stopped: bool) -> int:
    return INTERRUPTED if stopped else EXIT_CODES[session.state.value]


def advise(session: Session, *, as_json: bool) -> None:
    """What a person would type next."""
    if as_json:
        return
    if session.failed:
        click.echo(f"what failed and why: reprise rename list {session.id} --failed", err=True)
    if session.state.unfinished:
        click.echo(f"go on: reprise rename recover {session.id} --finish", err=True)
    if session.done:
        click.echo(f"take it back: reprise rename undo {session.id}", err=True)


def numbers(text: str | None) -> set[int] | None:
    """``3,7-12`` as the numbers of rows. Raises ``UsageError``."""
    if text is None:
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise UsageError(f"{part.strip()!r} is no number of a row", cure="write them as 3,7-12")
        found.update(range(int(first), int(last or first) + 1))
    return found


def tell_references(rewritten: Sequence[Rewritten], *, as_json: bool) -> int:
    """Say what became of each file that names the music; 1 when one of them could not be rewritten."""
    from reprise.cli.common import write_json

    for one in rewritten:
        if as_json:
            write_json({"event": "references", **one.as_dict()})
            continue
        if one.reason:
            click.echo(f"{one.path}: {one.reason}", err=True)
        if one.output:
            click.echo(f"{counted(one.changed, 'entry', 'entries')} changed in {one.output}")
        elif not one.reason:
            click.echo(f"{one.path}: none of its {counted(one.entries, 'entry', 'entries')} was renamed")
    return int(any(one.code for one in rewritten))
