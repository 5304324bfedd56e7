"""``reprise path``: from one track to another in even steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.finding.options import (
    exclusion_options,
    exclusions_of,
    models_of,
    playlist_options,
    tracks_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.cli.finding.output import Output
    from reprise.search.path import SongPath

MOST_STEPS = 200


@click.command()
@click.argument("start", metavar="FROM")
@click.argument("end", metavar="TO")
@click.option("--model", metavar="NAME", help="Which model compares.")
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
    model: str | None,
    steps: int,
    owner: str | None,
    home: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Find a path of songs that leads from FROM to TO in even steps, no track twice."""
    with opened(owner, home, as_json=as_json) as app:
        (chosen,) = models_of(app, (model,) if model else ())
        from reprise.cli.finding.output import Output
        from reprise.search.path import song_path

        first, last = tracks_of(app, (start, end))
        found = song_path(app.search_ports(), chosen, first, last, steps, exclusions_of(app, options))
        output = Output(app, as_json=as_json, options=options)
        _show(output, found)
        return output.playlists(found.items)


def _show(output: Output, found: SongPath) -> None:
    """Each track with its similarity to the one before."""
    scores = [None, *(math.cos(step) for step in found.steps)]
    facts = {
        "model": found.space_query.model,
        "space": found.space_query.space.name,
        "partial": found.space_query.partial,
    }
    output.warn(found.warnings)
    output.listed(
        f"from {found.items[0].label} to {found.items[-1].label} ({found.space_query.model})",
        ("#", "score", "track", "file", "id"),
        (
            (
                (place, score, item.label, item.display_path, item.id),
                output.facts(item, place, score) | facts,
            )
            for place, (item, score) in enumerate(zip(found.items, scores, strict=True), 1)
        ),
    )
