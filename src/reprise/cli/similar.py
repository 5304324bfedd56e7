"""``reprise similar``: what sounds like a track."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.search.similar import Matches


@click.command()
@click.argument("track")
@click.option("--model", default="acoustic", show_default=True, metavar="NAME", help="Which model compares.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many."
)
@click.option(
    "--m3u", is_flag=True, help="Print an M3U playlist with absolute paths, the track itself first."
)
@common_options
@example("reprise similar 'Karma Police' -n 30 --m3u > like-karma-police.m3u8")
def similar(
    track: str, model: str, limit: int, m3u: bool, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Find music that sounds like TRACK: a path, a title (with artist, if need be), or an id."""
    with opened(owner, home, as_json=as_json) as app:
        app.models((model,))
        from reprise.search.resolve import resolve_item
        from reprise.search.similar import similar as find

        seed = resolve_item(app.catalogue(), app.owner, track)
        found = find(app.catalogue(), app.store, app.owner, seed, model, limit)
        if m3u:
            _write_m3u(app, found)
        elif as_json:
            _write_json(app, found)
        else:
            _write_table(found)
        return 0


def _write_table(found: Matches) -> None:
    title = f"sounds like {found.seed.label} ({found.model})"
    rows: list[tuple[object, ...]] = [
        (place, match.score, match.item.label, match.item.display_path, match.item.id)
        for place, match in enumerate(found.matches, 1)
    ]
    write_table(title, ("#", "score", "track", "file", "id"), rows)
    if found.partial:
        click.echo("the first embedding of this library is not finished: more may come", err=True)


def _write_json(app: App, found: Matches) -> None:
    for place, match in enumerate(found.matches, 1):
        write_json(
            {
                "event": "match",
                "place": place,
                "score": round(match.score, 6),
                "item_id": match.item.id,
                "artist": match.item.tags.artist,
                "title": match.item.tags.title,
                "album": match.item.tags.album,
                "path": os.fsencode(app.path_of(match.item)).decode("utf-8", "replace"),
                "model": found.model,
                "space": found.space,
                "partial": found.partial,
            }
        )


def _write_m3u(app: App, found: Matches) -> None:
    """Paths go out as the raw bytes that the file system knows; a name with a line break cannot be listed."""
    out = sys.stdout.buffer
    out.write(b"#EXTM3U\n")
    for item in (found.seed, *(match.item for match in found.matches)):
        path = os.fsencode(app.path_of(item))
        if b"\n" in path or b"\r" in path:
            click.echo(f"left out, its name holds a line break: {item.display_path}", err=True)
            continue
        seconds = round(item.tags.duration or -1)
        out.write(f"#EXTINF:{seconds},{item.label}\n".encode())
        out.write(path + b"\n")
    out.flush()
