"""``reprise similar``: what sounds like a track, or like several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.finding.options import (
    exclusion_options,
    limit_option,
    models_of,
    playlist_options,
    query_of,
    seeds_of,
    taste_options,
)

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("tracks", metavar="TRACK...", nargs=-1, required=True)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="Which model compares; several times for several.",
)
@limit_option(10)
@click.option(
    "--weight",
    "weights",
    type=float,
    multiple=True,
    metavar="W",
    help="How much each TRACK counts, in their order.",
)
@click.option(
    "--blend",
    type=click.Choice(["mean", "any"]),
    default="mean",
    show_default=True,
    help="Like all TRACKs at once, or like any of them.",
)
@taste_options
@exclusion_options
@playlist_options
@common_options
@example("reprise similar 'Karma Police' -n 30 --m3u > like-karma-police.m3u8")
def similar(
    tracks: tuple[str, ...],
    models: tuple[str, ...],
    weights: tuple[float, ...],
    blend: str,
    owner: str | None,
    home: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Find music that sounds like TRACK: a path, a title (with artist, if need be), or an id."""
    with opened(owner, home, as_json=as_json) as app:
        chosen = models_of(app, models)
        from reprise.cli.finding.output import Output
        from reprise.search.find import find

        seeds = seeds_of(app, tracks, weights)
        found = find(app.search_ports(), query_of(app, seeds, chosen, options, blend))
        names = ", ".join(seed.label for seed in seeds)
        first = [seed.what for seed in seeds if not isinstance(seed.what, str)]
        title = f"sounds like {names} ({found.model})"
        return Output(app, as_json=as_json, options=options).found(found, title, first)
