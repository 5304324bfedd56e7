"""``reprise settings``: every setting, its value, where to set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table
from reprise.known_settings import SETTINGS
from reprise.settings import CONFIG_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.known_settings import Setting, Value

HIDDEN = "(hidden)"


def _shown(row: Setting, value: Value) -> Value:
    """The value, or that there is one."""
    return HIDDEN if row.secret and value != row.default else value


def _said(value: Value, default: Value) -> str:
    """The value, and the default where there is another one."""
    return _plain(value) if default in {value, ""} else f"{_plain(value)} (default {_plain(default)})"


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


@click.command()
@common_options
@example("REPRISE_WORKERS=1 reprise settings")
def settings(owner: str | None, home: Path | None, as_json: bool) -> int:
    """List every setting with its value, its variable and what it means."""
    with opened(owner, home, as_json=as_json) as app:
        values = app.settings.values
        if as_json:
            for row in SETTINGS:
                write_json(
                    {
                        "name": row.name,
                        "value": _shown(row, values[row.name]),
                        "default": row.default,
                        "variable": row.variable,
                        "help": row.help,
                    }
                )
            return 0
        rows: list[tuple[object, ...]] = [
            (row.name, _said(_shown(row, values[row.name]), row.default), row.help) for row in SETTINGS
        ]
        click.echo(f"Set them in {app.home / CONFIG_NAME},")
        click.echo(f"or stronger as variables ({SETTINGS[1].variable}=1), or strongest as flags.\n")
        write_table("", ("name", "value", "meaning"), rows, whole=("name",))
        return 0
