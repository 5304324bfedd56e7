"""A group whose commands are imported when they are called, so that help is instant."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """Knows its commands by name.

    ``package``: where each has a module of its name. ``table``: names and short helps. ``attribute``: what the command
    is called in its module, its own name if empty.
    """

    def __init__(
        self, *arguments: Any, package: str, table: Mapping[str, str], attribute: str = "", **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._package = package
        self._table = table
        self._attribute = attribute

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self._table:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name}")
        command = getattr(module, self._attribute or cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module.__name__} has no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The texts come from the table: no command is imported to show them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))
