"""``reprise rename references``: playlists and collections say the new names."""

from __future__ import annotations

from pathlib import Path

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.rename.carrying import tell_references


@click.command("references")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--session", metavar="SESSION", help="Which renaming; the latest if left out.")
@click.option(
    "--output",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the copies go; beside the originals if left out.",
)
@click.option("--in-place", is_flag=True, help="Replace the files; the originals are kept as NAME.bak.")
@click.option(
    "--known-as", metavar="PATH", default="", help="How that program calls the folder that was renamed in."
)
@common_options
@example("reprise rename references ~/Music/sets/*.m3u8 rekordbox.xml")
def command(
    files: tuple[Path, ...],
    session: str | None,
    output: Path | None,
    in_place: bool,
    known_as: str,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Write copies of FILES that name the music as it is called since a renaming, or again since its undo.

    FILES: playlists (M3U), cue sheets, Rekordbox XML, Traktor NML, Serato crates and databases. Nothing else in them
    changes, not a byte.
    """
    if in_place and output is not None:
        raise click.UsageError("--in-place replaces the files: give no --output")
    with opened(owner, home, as_json=as_json) as app:
        from reprise.renaming import Renaming

        renaming = Renaming(app)
        wanted = renaming.latest() if session is None else renaming.session(session)
        rewritten = renaming.rewrite(wanted, files, output=output, in_place=in_place, known_as=known_as)
    return tell_references(rewritten, as_json=as_json)
