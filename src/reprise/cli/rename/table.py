"""Rows of a plan as people read them: what changes in a name stands out."""

from __future__ import annotations

import sys
from functools import partial
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import click

from reprise.core.items import display_path
from reprise.core.renaming import RowStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console
    from rich.text import Text

    from reprise.core.renaming import PlanRow

PAGE = 500
"""Rows that are laid out together."""


def write_rows(rows: Iterable[PlanRow], limit: int) -> int:
    """Show up to ``limit`` rows that are renamed or refused (0: all of them); returns how many that were."""
    told = (row for row in rows if row.status is not RowStatus.UNCHANGED)
    write = _page_writer()
    folder, shown = None, 0
    for page in _pages(islice(told, limit or None)):
        write(page, folder)
        folder = page[-1].folder
        shown += len(page)
    return shown


def differing(old: str, new: str) -> tuple[slice, slice]:
    """Where each of them differs from the other: behind what they begin with and before what they end with alike."""
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    return slice(start, len(old) - end), slice(start, len(new) - end)


def _alike(one: str, other: str) -> int:
    """How many characters they begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _pages(rows: Iterator[PlanRow]) -> Iterator[list[PlanRow]]:
    while page := list(islice(rows, PAGE)):
        yield page


def _page_writer() -> Callable[[list[PlanRow], bytes | None], None]:
    """Colours and folded names for a terminal; for a pipe whole lines, without the library that makes the colours."""
    if not sys.stdout.isatty():
        return _write_lines
    from rich.console import Console

    return partial(_write_page, Console())


def _write_lines(page: list[PlanRow], folder: bytes | None) -> None:
    lines = [(display_path(row.old), _then(row), _why(row)) for row in page]
    first = max(len(old) for old, _, _ in lines)
    second = max(len(new) for _, new, _ in lines)
    if folder is None:
        click.echo(f"{'now':{first}}  then")
    for row, (old, new, why) in zip(page, lines, strict=True):
        if row.folder != folder:
            folder = row.folder
            click.echo(_heading(folder))
        click.echo(f"{old:{first}}  {new:{second}}  {why}".rstrip())


def _heading(folder: bytes) -> str:
    return display_path(folder) + "/" if folder else "./"


def _then(row: PlanRow) -> str:
    return "refused" if row.status is RowStatus.REFUSED else display_path(row.new)


def _why(row: PlanRow) -> str:
    if row.status is RowStatus.REFUSED:
        return row.reason
    return "; ".join(part for part in (row.reason, *row.notes) if part)


def _write_page(console: Console, page: list[PlanRow], folder: bytes | None) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=folder is None)
    for column in ("now", "then", ""):
        table.add_column(column, overflow="fold", header_style="bold")
    for row in page:
        if row.folder != folder:
            folder = row.folder
            table.add_row(Text(_heading(folder), style="dim"))
        table.add_row(*_cells(row))
    console.print(table)


def _cells(row: PlanRow) -> tuple[Text, Text, Text]:
    from rich.text import Text

    old, new = Text(display_path(row.old)), Text(_then(row))
    if row.status is RowStatus.REFUSED:
        new.stylize("red")
        return old, new, Text(_why(row))
    before, after = differing(old.plain, new.plain)
    old.stylize("red", before.start, before.stop)
    new.stylize("green", after.start, after.stop)
    return old, new, Text(_why(row), style="dim")
