"""Items and libraries as the API tells of them."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from reprise.core.items import ItemKind, display_path
from reprise.core.listing import MOST_ID, Filters, ModelView, Sorting
from reprise.core.records import LibraryCounts
from reprise.errors import ModelError, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reprise.app import App
    from reprise.core.analysis import Analysis
    from reprise.core.items import Item, Library

LINES_AT_ONCE = 1000
"""Items that are read, and written out, at once when all of them are told as lines."""

VISIBLE_NAME = (
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
)
"""A name that can be seen: no control characters, and not only spaces."""


def _number(value: object) -> object:
    """JSON's 1.0 is a whole number, ``"1"`` and ``true`` are none."""
    if isinstance(value, str | bool):
        raise ValueError("a whole number is needed")  # noqa: TRY004 - what a validator raises
    return value


WHOLE = BeforeValidator(_number)
ItemId = Annotated[int, Field(ge=1, le=MOST_ID), WHOLE]


class HeardBrief(BaseModel):
    """What was heard of an item, in short; null is what cannot be told. All: /api/v1/items/ID/analysis."""

    bpm: float | None
    key: str | None = Field(description="As musicians write it: Am")
    camelot: str | None
    lufs: float | None


class ItemFacts(BaseModel):
    """One item."""

    id: int
    library_id: int
    path: str = Field(description="From the library's root, as people read it")
    title: str | None
    artist: str | None
    album: str | None
    album_artist: str | None
    genre: str | None
    year: int | None
    track: int | None
    disc: int | None
    bpm: float | None
    key: str | None
    duration: float | None = Field(description="Seconds")
    heard: HeardBrief | None = Field(description="null: nobody has listened to it")
    size: int = Field(description="Bytes")
    updated_at: float = Field(description="Seconds since the epoch")
    missing: bool = Field(description="Its file was not there at the last scan")
    label: str = Field(description="Artist - Title")
    models: dict[str, Literal["done", "failed", "pending", "stale"]] = Field(
        description="How far each model is with it; left out: not asked for"
    )


class LibraryFacts(BaseModel):
    """One library."""

    id: int
    name: str
    kind: str
    root: str
    exclude: list[str]
    watch: bool
    items: int
    missing: int
    audio_seconds: float
    bytes: int
    scanned_at: float | None
    problems: int
    online: bool = Field(description="Its folder is there now")


def item_facts(item: Item, models: Mapping[str, ModelView], heard: Analysis | None) -> dict[str, Any]:
    """The fields of ``ItemFacts``."""
    tags = item.tags
    return {
        "id": item.id,
        "library_id": item.library_id,
        "path": item.display_path,
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "album_artist": tags.album_artist,
        "genre": tags.genre,
        "year": tags.year,
        "track": tags.track,
        "disc": tags.disc,
        "bpm": _finite(tags.bpm),
        "key": tags.key,
        "duration": _finite(tags.duration),
        "heard": heard and _brief(heard),
        "size": item.state.size,
        "updated_at": item.updated_at,
        "missing": item.missing_since is not None,
        "label": item.label,
        "models": models,
    }


def _brief(heard: Analysis) -> dict[str, Any]:
    """The fields of ``HeardBrief``."""
    return {
        "bpm": heard.tempo and round(heard.tempo.bpm, 2),
        "key": heard.key and heard.key.key.name,
        "camelot": heard.key and heard.key.key.camelot,
        "lufs": heard.loudness and round(heard.loudness.integrated, 1),
    }


def items_facts(app: App, items: Sequence[Item]) -> list[dict[str, Any]]:
    """The facts of several items in their order, with how far each model is with them."""
    ids = {item.id for item in items}
    views = app.catalogue().listing.model_views(app.owner, ids)
    heard = app.catalogue().analyses.many(app.owner, ids)
    return [item_facts(item, views.get(item.id, {}), heard.get(item.id)) for item in items]


def facts_of(app: App, item_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The facts of those of the ids that are there, in their order."""
    found = app.catalogue().items.get(app.owner, item_ids)
    return items_facts(app, [found[item_id] for item_id in item_ids if item_id in found])


def one_item(app: App, item_id: int, *, of_any_kind: bool = False) -> Item:
    """A track, or an item ``of_any_kind``. Raises ``NotFound``."""
    item = app.catalogue().items.get(app.owner, [item_id]).get(item_id)
    if item is None or not (of_any_kind or item.kind is ItemKind.TRACK):
        raise NotFound(f"there is no item {item_id}", cure="see: /api/v1/items")
    return item


def all_items(app: App, item_ids: Sequence[int]) -> list[Item]:
    """The items in this order, each as often as it is named. Raises ``NotFound`` naming one that is not there."""
    found = app.catalogue().items.get(app.owner, set(item_ids))
    for item_id in item_ids:
        if item_id not in found or found[item_id].kind is not ItemKind.TRACK:
            raise NotFound(f"there is no item {item_id}", cure="see: /api/v1/items")
    return [found[item_id] for item_id in item_ids]


def item_lines(app: App, filters: Filters, sorting: Sorting) -> Iterator[bytes]:
    """All items that the filters leave as JSON lines, some at once, in constant memory and short reads."""
    listing, after = app.catalogue().listing, None
    while True:
        page = listing.page(app.owner, filters, sorting, limit=LINES_AT_ONCE, after=after)
        lines = [json.dumps(facts, ensure_ascii=False) for facts in facts_of(app, page.ids)]
        if lines:
            yield ("\n".join(lines) + "\n").encode()
        if (after := page.after) is None:
            return


def check_filters(app: App, filters: Filters) -> Filters:
    """The filters. Raises ``NotFound`` for a library of others, ``UnknownModel``, ``UsageError`` for a state of no model."""
    if filters.library_id is not None:
        app.catalogue().libraries.get(app.owner, filters.library_id)
    if filters.state is not None and filters.model is None:
        raise UsageError("a state is that of a model", cure="name it: model=acoustic&state=failed")
    if filters.model is not None:
        _check_model(app, filters.model)
    return filters


def _check_model(app: App, model: str) -> None:
    if any(space.model == model for space in app.catalogue().spaces.all(app.owner)):
        return
    with suppress(ModelError):  # one whose package is broken is known all the same
        app.installed.card(model)


def _finite(number: float | None) -> float | None:
    """A tag may say anything; JSON knows no infinity."""
    return number if number is not None and math.isfinite(number) else None


def library_facts(app: App, library: Library) -> dict[str, Any]:
    """The fields of ``LibraryFacts``."""
    catalogue = app.catalogue()
    if library.kind == "folder":
        counts = catalogue.listing.library_counts(app.owner).get(library.id, LibraryCounts(0, 0, 0.0, 0))
    else:  # the listing is of music
        counts = catalogue.libraries.counts(app.owner, library.id)
    return {
        "id": library.id,
        "name": library.name,
        "kind": library.kind,
        "root": display_path(library.root),
        "exclude": list(library.exclude),
        "watch": library.watch,
        "items": counts.items,
        "missing": counts.missing,
        "audio_seconds": counts.audio_seconds,
        "bytes": counts.bytes,
        "scanned_at": library.scanned_at,
        "problems": len(catalogue.libraries.problems(app.owner, library.id)),
        "online": os.access(library.root, os.R_OK | os.X_OK) and os.path.isdir(library.root),
    }
