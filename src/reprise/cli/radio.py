"""``reprise radio``: one track after the other."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.finding.options import (
    exclusion_options,
    exclusions_of,
    limit_option,
    models_of,
    playlist_options,
    seeds_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.cli.finding.output import Output, Row
    from reprise.core.items import Item
    from reprise.search.radio import Radio


@click.command()
@click.argument("tracks", metavar="TRACK...", nargs=-1, required=True)
@click.option("--model", metavar="NAME", help="Which model compares.")
@limit_option(25)
@click.option(
    "--weight",
    "weights",
    type=float,
    multiple=True,
    metavar="W",
    help="How much each TRACK counts, in their order.",
)
@click.option(
    "--drift",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    metavar="X",
    help="0 stays with TRACK, 1 goes where the music leads.",
)
@click.option(
    "--spacing",
    type=click.IntRange(0, 1000),
    default=5,
    show_default=True,
    metavar="N",
    help="Other tracks between two of one artist.",
)
@click.option("--seed", type=int, default=0, metavar="N", help="Another number, another list.")
@exclusion_options
@playlist_options
@common_options
@example("reprise radio 'Karma Police' 'So What' -n 100 --save evening.m3u8")
def radio(
    tracks: tuple[str, ...],
    model: str | None,
    limit: int,
    weights: tuple[float, ...],
    drift: float,
    spacing: int,
    seed: int,
    owner: str | None,
    home: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Play on from TRACK: a list without repeats that drifts with the music. The same list for the same --seed."""
    with opened(owner, home, as_json=as_json) as app:
        (chosen,) = models_of(app, (model,) if model else ())
        from reprise.cli.finding.output import Output
        from reprise.search.radio import Radio, Station

        seeds = seeds_of(app, tracks, weights)
        station = Station(drift, spacing, seed)
        playing = Radio(app.search_ports(), chosen, seeds, exclusions_of(app, options), station)
        output = Output(app, as_json=as_json, options=options)
        output.warn(playing.warnings)
        items = [seed.what for seed in seeds if not isinstance(seed.what, str)]
        title = f"radio from {', '.join(seed.label for seed in seeds)} ({chosen})"
        output.listed(title, ("#", "score", "track", "file", "id"), _rows(output, playing, limit, items))
        if len(items) < len(seeds) + limit:
            output.warn([f"only {len(items) - len(seeds)} other tracks may be played"])
        return output.playlists(items)


def _rows(
    output: Output, playing: Radio, limit: int, items: list[Item]
) -> Iterator[tuple[Row, dict[str, object]]]:
    """Each track as it is drawn; it is added to ``items``."""
    space_query = playing.space_query
    facts = {"model": space_query.model, "space": space_query.space.name, "partial": space_query.partial}
    for place, played in enumerate(islice(playing, limit), 1):
        item = played.item
        items.append(item)
        yield (
            (place, played.score, item.label, item.display_path, item.id),
            output.facts(item, place, played.score) | facts,
        )
