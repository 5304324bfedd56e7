"""``reprise map``: the library as a picture."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, example, opened, write_json, write_table

if TYPE_CHECKING:
    from reprise.search.map.atlas import Atlas


@click.command()
@click.option("--model", metavar="NAME", help="Whose vectors; the one that search answers with if left out.")
@click.option("--refresh", is_flag=True, help="Lay it out anew; otherwise only what is new gets a place.")
@click.option(
    "--svg",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it as a picture.",
)
@common_options
@example("reprise map --svg library.svg")
def map(  # noqa: A001 - a command's function has its name
    model: str | None,
    refresh: bool,
    picture: Path | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Draw the library as a map on which tracks that sound alike lie together, in clusters with names.

    The map is kept: the next time it does not jump, and only what is new is put in.
    """
    with opened(owner, home, as_json=as_json) as app:
        from reprise.search.serving import model_of_choice

        chosen = model or model_of_choice(app.catalogue(), app.owner)
        app.models((chosen,))
        atlas = app.draw_map(chosen, anew=refresh)
        if picture is not None:
            _save(picture, atlas)
        _tell(atlas, as_json=as_json)
        return 0


def _save(target: Path, atlas: Atlas) -> None:
    from reprise.errors import UsageError
    from reprise.search.map.svg import svg

    try:
        target.write_text(svg(atlas), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}", cure="choose a place where you may write"
        ) from error


def _tell(atlas: Atlas, *, as_json: bool) -> None:
    points = atlas.points
    if not as_json:
        title = f"{counted(len(points.ids), 'track')} in {counted(len(atlas.clusters), 'cluster')} ({atlas.model})"
        rows: list[tuple[object, ...]] = [(c.id, c.label or "–", c.count) for c in atlas.clusters]
        write_table(title, ("#", "known by", "tracks"), rows)
        return
    facts = {"model": atlas.model, "space": atlas.space, "method": atlas.base.method}
    write_json({"event": "map", **facts, "made_at": atlas.base.made_at, "tracks": len(points.ids)})
    for cluster in atlas.clusters:
        write_json({"event": "cluster", **asdict(cluster)})
    columns = (points.ids.tolist(), points.places.tolist(), points.clusters.tolist())
    for item_id, (x, y), number in zip(*columns, strict=True):
        write_json({"event": "point", "item_id": item_id, "x": x, "y": y, "cluster": number})
