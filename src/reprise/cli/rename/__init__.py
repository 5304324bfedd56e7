"""``reprise rename``: names by a template: planned, looked at, carried out, taken back."""

from __future__ import annotations

import click

from reprise.cli.common import example
from reprise.cli.lazy import LazyGroup

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


@click.group(cls=LazyGroup, package=__name__, table=COMMANDS, attribute="command")
@example("reprise rename plan ~/Music/New --preset dj --output new.plan")
def rename() -> None:
    """Give files names that tell what they are, by a template. First a plan; files are renamed only by that."""
