"""Search: by track, by text, paths and radios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from reprise.app import App
from reprise.core.listing import MOST_ID, Filters, Sorting
from reprise.errors import NotFound
from reprise.search import query as asking
from reprise.search.find import find
from reprise.search.path import song_path
from reprise.search.query import Blend, Exclusions, Merge, Seed
from reprise.search.radio import Radio, Station
from reprise.search.serving import serving_space
from reprise.server.access import Seen, TheHouse
from reprise.server.listing_view import ItemFacts, all_items, items_facts
from reprise.server.problems import responses
from reprise.server.search_view import FoundItems, Stopwatch, exclusions_of, models_of, readers_of
from reprise.server.texts import ReadTexts, Texts

router = APIRouter(prefix="/api/v1", tags=["search"])

TEXT_SECONDS = 30.0
"""For which a question waits for its text to be read."""

ItemNumber = Annotated[int, Query(ge=1, le=MOST_ID)]
ItemNumbers = Annotated[list[Annotated[int, Query(ge=1, le=MOST_ID)]], Query(min_length=1, max_length=20)]
Name = Annotated[str, Query(min_length=1, max_length=200)]
Model = Annotated[Name | None, Query(description="The one that search answers with if left out")]
Share = Annotated[float, Query(ge=0, le=1)]
ANSWERS = responses(401, 404, 422, 503)


@dataclass(frozen=True, slots=True)
class Taste:
    """What every question may say besides what it starts from."""

    models: list[str]
    limit: int
    merge: Merge
    agreement: int
    negatives: list[int]
    diversity: float
    library_id: int | None
    artists: list[str]

    def question(
        self, app: App, seeds: Sequence[Seed], models: tuple[str, ...], blend: Blend
    ) -> asking.Query:
        """Raises ``NotFound``, ``UsageError``."""
        return asking.Query(
            seeds=tuple(seeds),
            models=models,
            limit=self.limit,
            blend=blend,
            merge=self.merge,
            agreement=self.agreement,
            negatives=tuple(all_items(app, list(dict.fromkeys(self.negatives)))),
            diversity=self.diversity,
            exclusions=exclusions_of(app, self.library_id, self.artists),
        )


async def taste(
    model: Annotated[list[Name], Query(max_length=10, description="Several: their answers become one")] = [],  # noqa: B006 - the framework copies it
    limit: Annotated[int, Query(ge=1, le=500)] = 25,
    merge: Merge = Merge.FUSION,
    agreement: Annotated[
        int, Query(ge=1, le=10, description="How many models must list a track at least")
    ] = 1,
    negative_id: Annotated[
        list[ItemNumber], Query(max_length=20, description="Nothing that sounds like these")
    ] = [],  # noqa: B006
    diversity: Annotated[Share, Query(description="How different the tracks are from each other")] = 0.0,
    library_id: ItemNumber | None = None,
    exclude_artist: Annotated[list[Name], Query(max_length=50)] = [],  # noqa: B006
) -> Taste:
    """What the request says of it."""
    return Taste(model, limit, merge, agreement, negative_id, diversity, library_id, exclude_artist)


Tasted = Annotated[Taste, Depends(taste)]


@router.get("/similar", response_model=FoundItems, responses=ANSWERS)
def similar(app: Seen, wished: Tasted, item_id: ItemNumbers, blend: Blend = Blend.MEAN) -> JSONResponse:
    """Tracks that sound like one, or like several: like all at once (`mean`), or like one of them (`any`)."""
    watch = Stopwatch(app)
    models = models_of(app, wished.models)
    seeds = [Seed(item) for item in all_items(app, list(dict.fromkeys(item_id)))]
    return _found(watch, wished.question(app, seeds, models, blend), None)


@router.get("/search", response_model=FoundItems, responses=ANSWERS)
async def search(
    app: Seen,
    house: TheHouse,
    wished: Tasted,
    q: Annotated[str, Query(min_length=1, max_length=2000, description="What it sounds like")],
) -> JSONResponse:
    """Tracks that sound as a text describes them, by a model that reads text.

    Reading a text takes seconds the first time, as its model is loaded for it; after that it is remembered.
    """
    question, unread = await run_in_threadpool(_text_question, app, wished, q)
    texts = house.service(Texts)
    read = await texts.read(app.installed, unread, q, TEXT_SECONDS)
    return await run_in_threadpool(_found, Stopwatch(app), question, read)


def _text_question(app: App, wished: Taste, text: str) -> tuple[asking.Query, list[str]]:
    """The question, and the models that must read its text: those whose space is of the spec that is installed."""
    models = readers_of(app, wished.models)
    question = wished.question(app, [Seed(text)], models, Blend.MEAN)
    return question, [model for model in models if _comparable(app, model)]


def _comparable(app: App, model: str) -> bool:
    """Whether what the installed model reads belongs to the space that answers; if not, ``find`` says why."""
    try:
        space = serving_space(app.catalogue(), app.owner, model)
    except NotFound:
        return False
    return app.installed.fingerprint(model) == space.fingerprint


def _found(watch: Stopwatch, question: asking.Query, read: ReadTexts | None) -> JSONResponse:
    found = find(watch.ports(read), question)
    matches = [(match.item, match.score, match.scores) for match in found.matches]
    return watch.answer(found.space_queries, found.warnings, matches)


class Looked(BaseModel):
    """Tracks that a person may mean."""

    items: list[ItemFacts]


@router.get("/lookup", response_model=Looked, responses=responses(401, 422, 503))
def lookup(
    app: Seen,
    q: Annotated[str, Query(max_length=200, description="Beginnings of words of title, artist, album, path")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> JSONResponse:
    """Tracks whose words begin as those typed: for a box that completes."""
    if not q.strip():
        return JSONResponse({"items": []})
    catalogue = app.catalogue()
    page = catalogue.listing.page(app.owner, Filters(words=q), Sorting(), limit=2 * limit)
    found = catalogue.items.get(app.owner, page.ids)
    items = [found[item_id] for item_id in page.ids if item_id in found]
    there = [item for item in items if item.missing_since is None]
    items = there or catalogue.items.by_text(app.owner, q, limit)
    return JSONResponse({"items": items_facts(app, items[:limit])})


@router.get("/path", response_model=FoundItems, responses=ANSWERS)
def path(
    app: Seen,
    from_id: ItemNumber,
    to_id: ItemNumber,
    count: Annotated[int, Query(ge=1, le=200, description="Tracks between the two")] = 8,
    model: Model = None,
) -> JSONResponse:
    """A path of songs from one to the other in even steps; each score is the similarity to the track before."""
    watch = Stopwatch(app)
    (name,) = models_of(app, [model] if model else [])
    first, last = all_items(app, [from_id, to_id])
    found = song_path(watch.ports(), name, first, last, count, Exclusions())
    scores = [None, *(math.cos(step) for step in found.steps)]
    matches = [
        (item, score, {} if score is None else {name: score})
        for item, score in zip(found.items, scores, strict=True)
    ]
    return watch.answer([found.space_query], found.warnings, matches)


@router.get("/radio", response_model=FoundItems, responses=ANSWERS)
def radio(
    app: Seen,
    item_id: ItemNumbers,
    count: Annotated[int, Query(ge=1, le=500)] = 25,
    model: Model = None,
    drift: Annotated[
        Share, Query(description="0: stays with its seeds; 1: goes where the music leads")
    ] = 0.3,
    spacing: Annotated[int, Query(ge=0, le=1000, description="Tracks between two of one artist")] = 5,
    seed: Annotated[int, Query(ge=0, le=2**31, description="Another number, another list")] = 0,
) -> JSONResponse:
    """Tracks that play on from some, without repeats; the same list for the same `seed`."""
    watch = Stopwatch(app)
    (name,) = models_of(app, [model] if model else [])
    seeds = [Seed(item) for item in all_items(app, list(dict.fromkeys(item_id)))]
    playing = Radio(watch.ports(), name, seeds, Exclusions(), Station(drift, spacing, seed))
    played = list(islice(playing, count))
    warnings = list(playing.warnings)
    if len(played) < count:
        warnings.append(f"only {len(played)} other tracks may be played")
    matches = [(each.item, each.score, {name: each.score}) for each in played]
    return watch.answer([playing.space_query], warnings, matches)
