"""``reprise path``: from one track to another in even steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.finding.options import exclusion_options, exclusions_of, playlist_options, tracks_of

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.cli.finding.output import Desk
    from reprise.search.path import SongPath

MOST_STEPS = 200


@click.command()
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@click.option("--model", default="acoustic", show_default=True, metavar="NAME", help="Which model compares.")
@click.option(
    "--steps",
    type=click.IntRange(1, MOST_STEPS),
    default=8,
    show_default=True,
    metavar="N",
    help="How many tracks lie between the two.",
)
@exclusion_options
@playlist_options
@common_options
@example("reprise path 'Karma Police' 'So What' --steps 10")
def path(
    start: str,
    end: str,
    model: str,
    steps: int,
    owner: str | None,
    home: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Find a path of songs that leads from FROM to TO in even steps, no track twice."""
    with opened(owner, home, as_json=as_json) as app:
        app.models((model,))
        from reprise.cli.finding.output import Desk
        from reprise.search.path import song_path

        first, last = tracks_of(app, (start, end))
        found = song_path(app.ears(), model, first, last, steps, exclusions_of(app, options))
        desk = Desk(app, as_json=as_json, options=options)
        _show(desk, found)
        return desk.playlists(found.items)


def _show(desk: Desk, found: SongPath) -> None:
    """Each track with its similarity to the one before."""
    scores = [None, *(math.cos(step) for step in found.steps)]
    facts = {"model": found.voice.model, "space": found.voice.space.name, "partial": found.voice.partial}
    desk.warn(found.warnings)
    desk.listed(
        f"from {found.items[0].label} to {found.items[-1].label} ({found.voice.model})",
        ("#", "score", "track", "file", "id"),
        (
            (
                (place, score, item.label, item.display_path, item.id),
                desk.facts(item, place, score) | facts,
            )
            for place, (item, score) in enumerate(zip(found.items, scores, strict=True), 1)
        ),
    )
