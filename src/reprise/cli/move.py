"""``reprise move``: an installation goes from the embedded default to servers, and back."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, duration, example, opened, write_json, write_table
from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.events import Emit, Event
    from reprise.core.moving import MoveFinished
    from reprise.moving import Moving

EXIT_CODES = {"completed": 0, "complete": 0, "differs": 1, "interrupted": 130}
PROGRESS_SECONDS = 30.0
STORES = ["embedded", "pgvector", "milvus", "opensearch"]


@click.command()
@click.option(
    "--to-catalogue",
    metavar="URL",
    help="postgresql://USER:PASSWORD@HOST/NAME, or embedded; @FILE: the first line of that file.",
)
@click.option(
    "--to-store", type=click.Choice(STORES), help="What is to keep the vectors; as it is if left out."
)
@click.option(
    "--to-store-url",
    metavar="URL",
    help="Its address, or @FILE; for pgvector that of the catalogue if left out.",
)
@click.option(
    "--to-lexical", type=click.Choice(["embedded", "opensearch"]), help="What is to keep the words of scenes."
)
@click.option("--to-lexical-url", metavar="URL", help="Its address, or @FILE.")
@click.option(
    "--to-home",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Another state folder: embedded files and pictures go there. If left out it stays this one.",
)
@click.option(
    "--dry-run", is_flag=True, help="Say what there is to copy and how the target is; copy nothing."
)
@click.option("--verify-only", is_flag=True, help="Compare both sides, copy nothing.")
@click.option("--switch", is_flag=True, help="When all is equal, write the new places into config.toml.")
@common_options
@example("reprise move --to-catalogue @address.txt --to-store pgvector")
def move(
    to_catalogue: str | None,
    to_store: str | None,
    to_store_url: str | None,
    to_lexical: str | None,
    to_lexical_url: str | None,
    to_home: Path | None,
    dry_run: bool,
    verify_only: bool,
    switch: bool,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Copy everything from where the settings say to where the options say; then compare both sides.

    The source is left as it is, and nobody may work on it meanwhile. A move that was killed is gone on with by the same
    command. The target can be used once all of it is there and equal.

    \b
    Exit codes: 0 both are equal; 1 they differ; 2 it cannot be done; 130 interrupted.
    """
    with opened(owner, home, as_json=as_json) as app:
        from reprise.core.moving_places import Asked
        from reprise.moving import Moving, interruptible

        asked = Asked(
            _text(to_catalogue), to_store, _text(to_store_url), to_lexical, _text(to_lexical_url), to_home
        )
        with _shown(as_json=as_json) as emit, interruptible() as interruption:
            moving = Moving(app, asked, emit, interruption.stops)
            if dry_run:
                return _plan(moving, as_json=as_json)
            finished = moving.verify() if verify_only else moving.run()
        if not as_json:
            _tell(finished, verify_only=verify_only)
        if EXIT_CODES[finished.state] == 0 and not verify_only:
            _after(moving, switch=switch, as_json=as_json)
        return EXIT_CODES[finished.state]


def _text(given: str | None) -> str | None:
    """What was given, or the first line of the file that it names, so that no list of processes shows a password."""
    if given is None or not given.startswith("@"):
        return given
    try:
        with open(given[1:], encoding="utf-8") as file:
            return file.readline().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{given[1:]} cannot be read: {error}", cure="name a text file after the @"
        ) from error


def _plan(moving: Moving, *, as_json: bool) -> int:
    planned = moving.plan()
    if as_json:
        write_json(
            {
                "event": "move_planned",
                "source": planned.source,
                "target": planned.target,
                "state": planned.state,
                "parts": [{"part": name, "rows": rows, "bytes": size} for name, rows, size in planned.parts],
                "settings": planned.settings,
            }
        )
        return 0
    click.echo(f"Nothing was changed.\nfrom  {planned.source}\nto    {planned.target} ({planned.state})\n")
    write_table(
        "", ("part", "rows", "MB"), [(name, rows, size / 1e6) for name, rows, size in planned.parts if rows]
    )
    size = sum(size for _, _, size in planned.parts)
    rows = sum(rows for _, rows, _ in planned.parts)
    click.echo(f"\n{counted(rows, 'row')}, about {size / 1e6:,.0f} MB")
    return 0


def _tell(finished: MoveFinished, *, verify_only: bool) -> None:
    if finished.state == "interrupted":
        click.echo("interrupted; the same command goes on", err=True)
    elif finished.state == "differs":
        click.echo(f"the two sides differ: {', '.join(finished.differing)}", err=True)
    elif finished.state == "complete":
        click.echo("this move is complete already; compare both sides with --verify-only")
    else:
        what = "compared" if verify_only else "copied and found equal"
        click.echo(
            f"{counted(finished.rows, 'row')} {what} in {duration(finished.seconds)}: copying {duration(finished.copy_seconds)},"
            f" comparing {duration(finished.compare_seconds)}, indexes {duration(finished.finish_seconds)}"
        )


def _after(moving: Moving, *, switch: bool, as_json: bool) -> None:
    """The settings that lead to the target: written, or told."""
    if switch:
        folder = moving.switch()
        if not as_json:
            click.echo(f"written into {folder / 'config.toml'}: from now on this is where Reprise works")
        return
    if not as_json:
        click.echo("to work there from now on, run it again with --switch, or write into config.toml:")
        for name, value in moving.settings_to_write.items():
            click.echo(f'  {name} = "{value}"')


@contextmanager
def _shown(*, as_json: bool) -> Iterator[Emit]:
    """Where events go: JSON lines, a bar on a terminal, plain lines in a pipe."""
    import sys

    if as_json:
        yield lambda event: write_json(event.as_dict())
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>5.1f} %"),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("", total=100.0, note="")

            def show(event: Event) -> None:
                if event.name == "move_progress":
                    facts = event.as_dict()
                    progress.update(task, completed=facts["percent"], note=_progress(facts))
                elif text := _sentence(event):
                    progress.console.print(text, highlight=False, soft_wrap=True, markup=False)

            yield show
    else:
        yield _Lines().show


class _Lines:
    """One line per event that a person wants; progress at most every half minute."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def show(self, event: Event) -> None:
        if event.name == "move_progress":
            if time.monotonic() - self._told_at < PROGRESS_SECONDS:
                return
            self._told_at = time.monotonic()
            facts = event.as_dict()
            click.echo(f"{facts['percent']:.1f} %: {_progress(facts)}", err=True)
        elif text := _sentence(event):
            click.echo(text, err=True)


def _progress(facts: dict[str, object]) -> str:
    eta = facts["eta_seconds"]
    left = f", about {duration(float(str(eta)))} left" if eta is not None else ""
    words = {"copy": "copying", "compare": "comparing", "finish": "making ready"}[str(facts["stage"])]
    return f"{words} {facts['part']}: {facts['done']:,} of {facts['total']:,}{left}"


def _sentence(event: Event) -> str:
    facts = event.as_dict()
    if event.name == "move_started":
        again = "goes on with moving" if facts["resumed"] else "moves"
        size = f"{facts['rows']:,} rows, about {facts['bytes'] / 1e6:,.0f} MB"
        return f"{again} {size}\n  from {facts['source']}\n  to {facts['target']}"
    if event.name == "move_notice":
        return str(facts["text"])
    if event.name != "move_compared" or (facts["equal"] and not facts["source_rows"]):
        return ""
    if facts["equal"]:
        return f"equal: {facts['part']}, {facts['source_rows']:,} rows, sum {facts['source_sum'][:16]}"
    return f"DIFFERS: {facts['part']}: {facts['source_rows']:,} rows here, {facts['target_rows']:,} there; first: {facts['first']}"
