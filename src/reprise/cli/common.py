"""What every command shares: the common options, the opened application, output for people and for scripts."""

from __future__ import annotations

import inspect
import json
import sys
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reprise.errors import RepriseError, system_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reprise.app import App

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")


def common_options(function: Decorated) -> Decorated:
    """``--owner``, ``--home``, ``--json``: on every command, with the same meaning."""
    options = (
        click.option("--owner", metavar="NAME", help="Whose library; the setting 'owner' if left out."),
        click.option(
            "--home",
            type=click.Path(path_type=Path, file_okay=False, readable=False),
            help="The state folder; REPRISE_HOME if left out.",
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for scripts."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@contextmanager
def opened(owner: str | None, home: Path | None, *, as_json: bool = False, **flags: object) -> Iterator[App]:
    """The application for one command. With ``--json`` an error is a JSON line too; the exit code is 2."""
    from reprise.app import App
    from reprise.cli.render.log import adapters_logged
    from reprise.log_facts import records_say
    from reprise.settings import load_settings

    try:
        settings = load_settings({"owner": owner, **flags}, home=home)
        level, form = settings.text("log_level"), settings.text("log_format")
        with App(settings) as app, records_say(spec_version=_version(app)), adapters_logged(level, form):
            yield app
    except RepriseError as error:
        _tell_scripts(error, as_json=as_json)
        raise
    except BrokenPipeError:  # the reader of our output left
        raise
    except (OSError, MemoryError) as error:
        ours = system_error(error)
        _tell_scripts(ours, as_json=as_json)
        raise ours from error


def _tell_scripts(error: RepriseError, *, as_json: bool) -> None:
    if as_json:
        write_json({"event": "error", "code": error.code, "message": error.message, "cure": error.cure})


def _version(app: App) -> Callable[[], str]:
    """What the log says of the pipeline: looked up for the first record, for most commands log nothing."""
    from functools import cache

    @cache
    def version(_changes: str) -> str:
        try:
            return app.installed.pipeline.version
        except RepriseError:
            return ""  # whoever needs the pipeline says what is wrong with it

    return lambda: version(app.settings.text("step_versions"))


def write_json(value: Any) -> None:
    """One object on one line, flushed, so that a reader of a pipe sees it at once."""
    facts = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    sys.stdout.write(json.dumps(facts, default=_plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def write_table(
    title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]], *, whole: tuple[str, ...] = ()
) -> None:
    """A table for people; numbers stand to the right. Text is taken literally, whatever brackets it holds.

    On a narrow terminal text is folded, but never numbers and the columns named in ``whole``.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", title_style="", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        numbers = bool(rows) and all(
            isinstance(row[place], int | float) and not isinstance(row[place], bool) for row in rows
        )
        table.add_column(
            column,
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=numbers or column in whole,
            header_style="bold",
        )
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    _console(Console).print(table)


def _console(kind: Any) -> Any:
    """As wide as the terminal; in a pipe wide enough that no line is folded."""
    return kind() if sys.stdout.isatty() else kind(width=200)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def when(at: float | None) -> str:
    """A moment as local clock time."""
    import datetime

    if at is None:
        return ""
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 item``, ``1,200 items``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def example(text: str) -> Callable[[Decorated], Decorated]:
    """Put an example under a command's help."""

    def decorate(function: Decorated) -> Decorated:
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n  {text}"
        return function

    return decorate


def emit_facts(facts: Mapping[str, Any], lines: list[str], *, as_json: bool) -> None:
    """One answer in both forms."""
    if as_json:
        write_json(dict(facts))
        return
    for line in lines:
        click.echo(line)
