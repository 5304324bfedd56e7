"""``reprise rename``: names by a template: planned, looked at, carried out, taken back."""

from __future__ import annotations

import importlib

import click

from reprise.cli.common import example

COMMANDS = {
    "plan": "Plan the names of a folder's tracks; nothing is renamed.",
    "apply": "Rename files as a plan says.",
    "undo": "Give files their old names back.",
    "list": "List renamings, and what became of each file.",
    "recover": "Finish or take back a renaming that was killed in the middle.",
    "references": "Rewrite playlists and collections to the new names, into copies.",
    "presets": "List ready templates, and the fields they are made of.",
    "check": "Say what is wrong with a template, or what it gives.",
    "context": "Say which folders are albums, parts of one, or singles.",
}


class LazyCommands(click.Group):
    """Knows its commands by name; imports ``reprise.cli.rename.<name>`` when one is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [*COMMANDS]  # not list(): this package has a module of that name

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"reprise.cli.rename.{cmd_name}")
        command = module.command
        if not isinstance(command, click.Command):
            raise TypeError(f"reprise.cli.rename.{cmd_name} has no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The texts come from the table above: no command is imported to show them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(cls=LazyCommands)
@example("reprise rename plan ~/Music/New --preset dj --output new.plan")
def rename() -> None:
    """Give files names that tell what they are, by a template. First a plan; files are renamed only by that."""
