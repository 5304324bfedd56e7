"""A map as a picture: a dot for each track, coloured by cluster, and the names of the clusters."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.search.map.atlas import Atlas

SIZE = 1000
EDGE = 40


def svg(atlas: Atlas) -> str:
    """A square picture of ``SIZE`` points; colours go once around the wheel."""
    return "\n".join(_lines(atlas)) + "\n"


def _lines(atlas: Atlas) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" font-family="sans-serif"'
        ' font-size="15" text-anchor="middle"><rect width="100%" height="100%" fill="#111"/>'
    )
    radius = max(1.0, min(4.0, 120 / max(1, len(atlas.points.ids)) ** 0.5))
    turn = 360 / max(1, len(atlas.base.centres))
    for cluster in atlas.clusters:
        places = atlas.points.places[atlas.points.clusters == cluster.id]
        dots = "".join(f"M{_at(x):.1f} {_at(-y):.1f}h0" for x, y in places.tolist())
        yield (
            f'<path d="{dots}" stroke="hsl({cluster.id * turn:.0f} 70% 60%)" stroke-width="{2 * radius:.1f}"'
            ' stroke-linecap="round" fill="none"/>'
        )
    for cluster in atlas.clusters:
        if cluster.label:
            yield (
                f'<text x="{_at(cluster.x):.0f}" y="{_at(-cluster.y):.0f}" fill="#fff" stroke="#111"'
                f' stroke-width="3" paint-order="stroke">{escape(_printable(cluster.label))}</text>'
            )
    yield "</svg>"


def _at(place: float) -> float:
    return EDGE + (place + 1) / 2 * (SIZE - 2 * EDGE)


def _printable(text: str) -> str:
    """XML knows no control characters, however they are written."""
    return "".join(c if c.isprintable() else " " for c in text)
