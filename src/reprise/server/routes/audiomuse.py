"""The three endpoints of AudioMuse-AI that music servers' plug-ins ask, with the music server's own ids.

A plug-in that knows AudioMuse-AI takes an address and a token, and asks these. ``distance`` is 1 minus the cosine
similarity, 0 to 2. Tracks that the music server does not know are left out: it could not play them.
"""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.following import NAVIDROME
from reprise.core.items import Item
from reprise.core.listing import Filters, SortBy, Sorting
from reprise.core.names import song_key
from reprise.errors import NotFound
from reprise.search import query as question
from reprise.search.artists import similar_artists
from reprise.search.find import Match, find
from reprise.search.path import song_path
from reprise.server.access import Seen
from reprise.server.problems import responses
from reprise.server.search_view import models_of

router = APIRouter(prefix="/api", tags=["audiomuse"], responses=responses(401, 403, 404, 422))

SPARE = 3
"""How many times as many tracks are looked for: some the music server does not know, some are the same song."""
ARTIST_TRACKS = 24
"""So many of an artist's tracks speak for the artist."""
VARIETY = 0.5
"""How varied an answer with ``radius_similarity`` is."""

ForeignId = Annotated[str, Query(min_length=1, max_length=200)]


class Track(BaseModel):
    item_id: str = Field(description="The music server's id")
    title: str
    author: str
    album: str
    distance: float = Field(ge=0, le=2)


class TrackPath(BaseModel):
    path: list[Track]


class Song(BaseModel):
    item_id: str
    title: str


class ComponentMatch(BaseModel):
    artist1_representative_songs: list[Song]
    artist2_representative_songs: list[Song]


class Artist(BaseModel):
    artist: str
    artist_id: str = Field(description="Empty: music servers find artists by their names")
    distance: float
    component_matches: list[ComponentMatch] = []


@router.get("/similar_tracks")
def similar_tracks(
    app: Seen,
    item_id: ForeignId,
    n: Annotated[int, Query(ge=1, le=500)] = 10,
    eliminate_duplicates: bool = True,
    radius_similarity: bool = False,
) -> list[Track]:
    """Tracks that sound like one, nearest first."""
    seed = _item(app, item_id)
    asked = question.Query(
        (question.Seed(seed),), models_of(app, ()), n * SPARE, diversity=VARIETY if radius_similarity else 0.0
    )
    found = find(app.search_ports(), asked).matches
    matches = _one_of_each_song(seed, found) if eliminate_duplicates else found
    return _tracks(app, [(match.item, 1.0 - match.score) for match in matches])[:n]


@router.get("/find_path")
def find_path(
    app: Seen,
    start_song_id: ForeignId,
    end_song_id: ForeignId,
    count: Annotated[int | None, Query(ge=2, le=200)] = None,
    max_steps: Annotated[int, Query(ge=2, le=200)] = 25,
) -> TrackPath:
    """Songs that lead from one to the other, both of them included; at most ``count``, else ``max_steps``."""
    start, end = _item(app, start_song_id), _item(app, end_song_id)
    between = (count or max_steps) - 2
    found = song_path(app.search_ports(), models_of(app, ())[0], start, end, between, question.Exclusions())
    steps = [0.0, *(1.0 - math.cos(step) for step in found.steps)]
    return TrackPath(path=_tracks(app, list(zip(found.items, steps, strict=True))))


@router.get("/similar_artists")
def artists_like(
    app: Seen,
    artist: Annotated[str, Query(min_length=1, max_length=500)],
    n: Annotated[int, Query(ge=1, le=100)] = 10,
    include_component_matches: bool = False,
) -> list[Artist]:
    """Artists who sound alike, with the songs that say so."""
    tracks = _tracks_of(app, artist)
    found = similar_artists(app.search_ports(), models_of(app, ())[0], artist, tracks, n)
    pairs = [pair for match in found for pair in match.pairs]
    known = _foreign(app, [item for pair in pairs for item in (pair.own, pair.other)])
    answer = []
    for match in found:
        songs = [
            ComponentMatch(
                artist1_representative_songs=[_song(pair.own, known)],
                artist2_representative_songs=[_song(pair.other, known)],
            )
            for pair in match.pairs
            if pair.own.id in known and pair.other.id in known
        ]
        shown = songs if include_component_matches else []
        distance = round(1.0 - match.score, 6)
        answer.append(Artist(artist=match.artist, artist_id="", distance=distance, component_matches=shown))
    return answer


def _item(app: App, foreign_id: str) -> Item:
    """The item that the music server means. Raises ``NotFound``."""
    item_id = app.catalogue().foreign_ids.item_of(app.owner, NAVIDROME, foreign_id)
    item = app.catalogue().items.get(app.owner, [item_id]).get(item_id) if item_id is not None else None
    if item is None:
        raise NotFound(
            f"no track is known by the music server's id {foreign_id!r}",
            cure="is the server followed? Admin says so, and the page about Navidrome how",
        )
    return item


def _tracks_of(app: App, artist: str) -> list[Item]:
    """Some of the artist's tracks, spread over all of them."""
    listing, filters = app.catalogue().listing, Filters(artist=artist)
    page = listing.page(app.owner, filters, Sorting(SortBy.ALBUM), limit=10_000)
    step = max(1, len(page.ids) // ARTIST_TRACKS)
    ids = page.ids[::step][:ARTIST_TRACKS]
    items = app.catalogue().items.get(app.owner, ids)
    return [items[item_id] for item_id in ids if item_id in items]


def _one_of_each_song(seed: Item, matches: list[Match]) -> list[Match]:
    """Without further files of a song that is there already, or that was asked about."""
    seen: set[object] = {song_key(seed.tags) or seed.id}
    kept = []
    for match in matches:
        song = song_key(match.item.tags) or match.item.id
        if song not in seen:
            seen.add(song)
            kept.append(match)
    return kept


def _tracks(app: App, found: list[tuple[Item, float]]) -> list[Track]:
    known = _foreign(app, [item for item, _ in found])
    return [
        Track(
            item_id=known[item.id],
            title=item.tags.title or item.label,
            author=item.tags.artist or "",
            album=item.tags.album or "",
            distance=round(min(2.0, max(0.0, distance)), 6),
        )
        for item, distance in found
        if item.id in known
    ]


def _foreign(app: App, items: list[Item]) -> dict[int, str]:
    ids = {item.id for item in items}
    return app.catalogue().foreign_ids.of_items(app.owner, NAVIDROME, ids)


def _song(item: Item, known: dict[int, str]) -> Song:
    return Song(item_id=known[item.id], title=item.tags.title or item.label)
