"""Artists who sound alike: whose tracks lie nearest to an artist's own, and which pairs of tracks say so."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.names import folded
from reprise.errors import NotFound
from reprise.search.admission import Admission
from reprise.search.geometry import cosines
from reprise.search.neighbours import Neighbours
from reprise.search.query import Blend, Exclusions, Query, Seed
from reprise.search.space_queries import space_queries_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.items import Item
    from reprise.core.ports import Vectors
    from reprise.search.space_queries import SearchPorts

NEAR_EACH = 40
"""Nearest tracks that are looked at for each track of the artist, and one more for each artist that is wanted."""

PAIRS = 3
"""How many pairs of tracks make an artist's score, and are shown for it: one lucky pair is no likeness."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One of the artist's own tracks, and the track of the other artist that is near to it. ``score``: their cosine."""

    own: Item
    other: Item
    score: float


@dataclass(frozen=True, slots=True)
class ArtistMatch:
    """``score``: the mean of the best pairs' cosines, as if missing pairs had 0; -1 to 1."""

    artist: str
    score: float
    pairs: tuple[Pair, ...]


def similar_artists(
    ports: SearchPorts, model: str, artist: str, tracks: Sequence[Item], limit: int
) -> list[ArtistMatch]:
    """The artists nearest to the one whose ``tracks`` these are, best first.

    Raises ``NotFound`` when none of the tracks is embedded.
    """
    if not tracks:
        raise NotFound(f"there is no track of {artist!r}", cure="check the spelling")
    query = Query(tuple(map(Seed, tracks)), (model,), blend=Blend.ANY)
    space_query = space_queries_of(ports, query)[0][0]
    own = _embedded(ports, space_query.space.name, tracks)
    exclusions = Exclusions(artists=frozenset({folded(artist)}))
    admission = Admission(ports.catalogue, ports.owner, exclusions, {track.id for track in tracks})
    neighbours = Neighbours(ports.store, ports.owner, space_query.space.name, admission)
    count = NEAR_EACH + limit
    keys = {hit.key for row in own.values() for hit in neighbours.nearest(row, count)}
    return _ranked(own, {track.id: track for track in tracks}, neighbours, admission, keys)[:limit]


def _embedded(ports: SearchPorts, space: str, tracks: Sequence[Item]) -> dict[int, Vectors]:
    return dict(ports.store.get(ports.owner, space, [track.id for track in tracks]))


def _ranked(
    own: dict[int, Vectors],
    tracks: dict[int, Item],
    neighbours: Neighbours,
    admission: Admission,
    keys: set[int],
) -> list[ArtistMatch]:
    others = neighbours.vectors(sorted(keys))
    if not others:
        return []
    own_ids, other_ids = list(own), list(others)
    scores = cosines(np.stack(list(own.values())), np.stack(list(others.values())))
    pairs: dict[str, list[Pair]] = defaultdict(list)
    for place, key in enumerate(other_ids):
        item = admission.item(key)
        if item.tags.artist:
            best = int(scores[:, place].argmax())
            pair = Pair(tracks[own_ids[best]], item, float(scores[best, place]))
            pairs[folded(item.tags.artist)].append(pair)
    matches = [_match(found) for found in pairs.values()]
    return sorted(matches, key=lambda match: (-match.score, match.artist))


def _match(pairs: list[Pair]) -> ArtistMatch:
    best = sorted(pairs, key=lambda pair: (-pair.score, pair.other.id))[:PAIRS]
    score = sum(max(0.0, pair.score) for pair in best) / PAIRS
    return ArtistMatch(best[0].other.tags.artist or "", score, tuple(best))
