"""``reprise rename context``: albums, parts of one, singles; and the template that suits each."""

from __future__ import annotations

from pathlib import Path

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table


@click.command("context")
@click.argument("folder", type=click.Path(path_type=Path, readable=False))
@common_options
@example("reprise rename context ~/Music/New")
def command(folder: Path, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Say what lies in each folder of FOLDER, how sure that is and why, and which preset suits it."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.renaming import Renaming

        found = Renaming(app).context(folder)
        for warning in found.warnings:
            _warn(warning, as_json=as_json)
        if as_json:
            for context in found.items:
                write_json({"event": "context", **context.as_dict()})
            return 0
        rows: list[tuple[object, ...]] = [
            (one.name, " ".join(filter(None, (one.album, one.disc and f"disc {one.disc}"))), one.tracks,
             one.kind.replace("_", " "), f"{one.level} ({one.confidence:.2f})", one.reason, one.preset)
            for one in found.items
        ]  # fmt: skip
        columns = ("folder", "album", "tracks", "kind", "sure", "why", "preset")
        write_table("", columns, rows, whole=("kind", "sure", "preset"))
        return 0


def _warn(text: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"event": "warning", "message": text})
    else:
        click.echo(f"warning: {text}", err=True)
