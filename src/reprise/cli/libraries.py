"""``reprise libraries``: the roots that Reprise looks after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, emit_facts, example, opened, write_json, write_table
from reprise.core.items import display_path

if TYPE_CHECKING:
    from reprise.core.items import LibraryKind

HOLDS = {"folder": "music", "video": "videos", "people": "people"}
"""What a library of each kind holds, in words."""


@click.group(invoke_without_command=True)
@common_options
@click.pass_context
@example("reprise libraries")
def libraries(context: click.Context, owner: str | None, home: Path | None, as_json: bool) -> int:
    """List, add and remove libraries."""
    if context.invoked_subcommand:
        return 0
    with opened(owner, home, as_json=as_json) as app:
        found = []
        for library in app.catalogue().libraries.all(app.owner):
            counts = app.catalogue().libraries.counts(app.owner, library.id)
            found.append((library, counts))
        if as_json:
            for library, counts in found:
                write_json(
                    {
                        "library_id": library.id,
                        "name": library.name,
                        "kind": library.kind,
                        "root": display_path(library.root),
                        "exclude": list(library.exclude),
                        "items": counts.items,
                        "missing": counts.missing,
                    }
                )
            return 0
        rows: list[tuple[object, ...]] = [
            (library.id, HOLDS[library.kind], library.name, counts.items, counts.missing,
             display_path(library.root), " ".join(library.exclude))
            for library, counts in found
        ]  # fmt: skip
        write_table("", ("id", "holds", "name", "items", "missing", "folder", "exclude"), rows)
        return 0


@libraries.command()
@click.argument("folder", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Leave files out, as in .gitignore ('' for none)."
)
@click.option(
    "--kind",
    type=click.Choice(["folder", "video"]),
    help="Of music (folder, which is usual) or of videos; a folder may be both.",
)
@common_options
@example("reprise libraries add ~/Music --exclude 'Samples/'")
def add(
    folder: Path,
    exclude: tuple[str, ...],
    kind: LibraryKind | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Add a folder as a library without embedding it yet; for a known one, set what it leaves out."""
    with opened(owner, home, as_json=as_json) as app:
        library, _ = app.library_of(folder, exclude, kind)
        facts = {"event": "library", "library_id": library.id, "root": display_path(library.root)}
        emit_facts(facts, [f"library {library.id}: {display_path(library.root)}"], as_json=as_json)
        return 0


@libraries.command()
@click.argument("library_id", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@example("reprise libraries remove 2 --yes")
def remove(library_id: int, yes: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Forget a library with its embeddings. No file of yours is touched."""
    with opened(owner, home, as_json=as_json) as app:
        library = app.catalogue().libraries.get(app.owner, library_id)
        if not yes:
            click.confirm(f"forget {display_path(library.root)} and its embeddings?", abort=True, err=True)
        count = app.forget_library(library)
        facts = {"event": "library_removed", "library_id": library_id, "items": count}
        emit_facts(facts, [f"forgot {counted(count, 'item')}; the files are untouched"], as_json=as_json)
        return 0
