"""JSON lines of videos and persons, in and out of files and pipes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from reprise.cli.common import counted, emit_facts, write_json
from reprise.drafts import draft_of
from reprise.errors import DiskFull, UsageError
from reprise.filming import Filming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App

PIPE = Path("-")


def write_lines(app: App, file: Path, library_id: int | None, *, as_json: bool) -> int:
    """Into the file, which appears whole or not at all, or to standard output. Raises ``DiskFull``."""
    filming = Filming(app)
    lines = filming.exported(library_id)
    if file == PIPE:
        for line in lines:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return 0
    try:
        with draft_of(file, private=True) as draft:
            count = sum(draft.write(line) > 0 for line in lines)
    except OSError as error:
        raise DiskFull(f"{file} cannot be written: {error.strerror}", cure="name another place") from error
    facts = {"event": "exported", "file": str(file), "lines": count, "spec_version": filming.spec.version}
    emit_facts(facts, [f"wrote {counted(count, 'line')} to {file}"], as_json=as_json)
    return 0


def read_lines(app: App, file: Path, library_id: int | None, *, as_json: bool) -> int:
    """1 when a line was left out."""
    filming = Filming(app)
    with _opened(file) as lines:
        done = filming.take_over(
            lines, library_id=library_id, folder=None if file == PIPE else file.resolve().parent
        )
    code = int(bool(done.refused or done.unknown_videos))
    if as_json:
        write_json({"event": "imported", "spec_version": filming.spec.version, **asdict(done)})
        return code
    click.echo(f"spec {filming.spec.version}")
    counts = ("videos", "scenes", "transcripts", "persons", "photos")
    click.echo("took over " + ", ".join(f"{getattr(done, name):,} {name}" for name in counts))
    for problem in done.problems:
        click.echo(f"line {problem.line}: {problem.message}", err=True)
    click.echo("what is new is embedded by: reprise reprocess --scope all", err=True)
    return code


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if file == PIPE:
        yield sys.stdin.buffer
        return
    try:
        with file.open("rb") as lines:
            yield lines
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", cure="check the spelling") from error
