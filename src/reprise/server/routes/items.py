"""Items: pages, one, why it is in its state, and all of them as lines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from reprise.core.listing import (
    MOST_ID,
    Facet,
    Filters,
    ModelView,
    Order,
    SortBy,
    Sorting,
    length_warning,
    read_cursor,
    whole_list_rows,
    write_cursor,
)
from reprise.errors import UsageError
from reprise.server.access import Role, Seen, SignedIn, TheHouse
from reprise.server.lines import lines_answer
from reprise.server.listing_view import ItemFacts, check_filters, facts_of, item_lines, items_facts, one_item
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["items"])

ANY_ROWS = 2**31
"""As good as no limit."""


class LongList(BaseModel):
    """That a list is long."""

    level: str = Field(description="warning, critical")
    message: str
    suggestions: list[str]
    truncated: bool
    total_count: int


class ItemPage(BaseModel):
    """A page of items, or all of them when no limit was given."""

    items: list[ItemFacts]
    total_count: int
    offset: int
    limit: int
    next_cursor: str | None
    warning: LongList | None


class OneItem(ItemFacts):
    """One item and where it lies."""

    library: str
    absolute_path: str | None = Field(default=None, description="For administrators")


class FacetValue(BaseModel):
    value: str | int
    count: int


class Facets(BaseModel):
    """The most frequent values of a field."""

    items: list[FacetValue]


class ModelVerdict(BaseModel):
    """What one model has of an item, and why."""

    model: str
    space: str
    space_state: str
    state: str
    reason: str
    up_to_date: bool
    attempts: int
    job_id: str | None
    error_code: str | None
    error_message: str | None
    cure: str
    updated_at: float | None
    spec_version: str | None = Field(description="Of the pipeline whose job made it; null: made by none yet")
    differences: list[tuple[str, str, str]]


class Explanation(BaseModel):
    """Why an item is in its state, per model."""

    item_id: int
    label: str
    path: str
    size: int
    mtime_ns: int
    digest: str | None
    duration: float | None
    missing_since: float | None
    models: list[ModelVerdict]


_LINES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/x-ndjson": {}}, "description": "An item a line"}
}

Number = Annotated[int, Query(ge=1, le=MOST_ID)]
ItemNumber = Annotated[int, Path(ge=1, le=MOST_ID)]
Text = Annotated[str, Query(max_length=500)]


def filters_of(
    app: Seen,
    library_id: Number | None = None,
    q: Annotated[str, Query(max_length=500, description="Words of title, artist, album or path")] = "",
    artist: Text | None = None,
    genre: Text | None = None,
    key: Text | None = None,
    model: Annotated[str | None, Query(max_length=100)] = None,
    state: Annotated[ModelView | None, Query(description="Of the model")] = None,
    folder: Annotated[str, Query(max_length=4096, description="Relative to the library's root")] = "",
) -> Filters:
    """What narrows a list, checked."""
    inside = folder.strip("/").encode("utf-8", "surrogateescape")
    if b"\0" in inside or b".." in inside.split(b"/"):
        raise UsageError("a folder is named as it lies below the library's root", cure="leave out .. and NUL")
    filters = Filters(library_id, q, artist, genre, key, inside, model, state)
    return check_filters(app, filters)


def sorting_of(sort: SortBy = SortBy.ID, order: Order = Order.ASCENDING) -> Sorting:
    """The order of a list."""
    return Sorting(sort, order)


Narrowed = Annotated[Filters, Depends(filters_of)]
Sorted = Annotated[Sorting, Depends(sorting_of)]


@router.get("/items", response_model=ItemPage, responses=responses(401, 404, 422))
def list_items(
    app: Seen,
    filters: Narrowed,
    sorting: Sorted,
    offset: Annotated[int, Query(ge=0, le=ANY_ROWS)] = 0,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
    cursor: Annotated[
        str | None, Query(max_length=4096, description="next_cursor of the page before; offset is left out")
    ] = None,
) -> JSONResponse:
    """A page, from an offset or behind a cursor; without a limit all items, up to 25,000.

    Pages by cursor neither skip nor repeat an item while others come and go.
    """
    total = app.catalogue().listing.count(app.owner, filters)
    after = read_cursor(sorting, cursor) if cursor else None
    rows = limit or whole_list_rows(total)
    page = app.catalogue().listing.page(
        app.owner, filters, sorting, limit=max(1, rows), offset=offset, after=after
    )
    warning = length_warning(total, paged=limit is not None)
    return JSONResponse(
        {
            "items": facts_of(app, page.ids),
            "total_count": total,
            "offset": after.shown if after else offset,
            "limit": rows,
            "next_cursor": write_cursor(sorting, page.after) if page.after else None,
            "warning": asdict(warning) if warning else None,
        }
    )


@router.get("/items/facets", responses=responses(401, 404, 422))
def list_facets(
    app: Seen, filters: Narrowed, field: Facet, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Facets:
    """The values of a field among the items that the filters leave, the most frequent first."""
    found = app.catalogue().listing.facets(app.owner, filters, field, limit)
    return Facets(items=[FacetValue(value=one.value, count=one.count) for one in found])


@router.get(
    "/items/lines",
    response_class=StreamingResponse,
    responses=_LINES | responses(401, 404, 422),
)
def all_as_lines(house: TheHouse, app: Seen, filters: Narrowed, sorting: Sorted) -> StreamingResponse:
    """All items that the filters leave, one JSON object a line."""
    return lines_answer(item_lines(app, filters, sorting), house.closing.is_set)


@router.get(
    "/items/{item_id}",
    response_model_exclude_unset=True,
    response_model=OneItem,
    responses=responses(401, 404, 422),
)
def show_item(app: Seen, asking: SignedIn, item_id: ItemNumber) -> dict[str, Any]:
    """One item."""
    item = one_item(app, item_id)
    [facts] = items_facts(app, [item])
    facts["library"] = app.catalogue().libraries.get(app.owner, item.library_id).name
    if asking.role is Role.ADMIN:
        facts["absolute_path"] = app.path_of(item).encode("utf-8", "replace").decode()
    return facts


@router.get("/items/{item_id}/explain", responses=responses(401, 404, 422))
def explain_item(app: Seen, item_id: ItemNumber) -> Explanation:
    """Why the item is in its state, per model, and what helps."""
    from reprise.engine.explain import explain

    item = one_item(app, item_id, of_any_kind=True)
    rows = {row.space.name: row for row in app.catalogue().ledger.rows(app.owner, item_id)}
    verdicts = []
    for verdict in explain(app.catalogue(), app.installed.cards, item):
        row, facts = rows.get(verdict.space), asdict(verdict)
        facts["reason"] = facts.pop("why")
        verdicts.append(
            ModelVerdict.model_validate(
                facts
                | {
                    "error_code": row.error_code if row else None,
                    "error_message": row.error_message if row else None,
                    "updated_at": row.updated_at if row else None,
                    "spec_version": row.spec_version if row else None,
                }
            )
        )
    return Explanation(
        item_id=item.id,
        label=item.label,
        path=item.display_path,
        size=item.state.size,
        mtime_ns=item.state.mtime_ns,
        digest=item.state.digest.hex() if item.state.digest else None,
        duration=item.tags.duration,
        missing_since=item.missing_since,
        models=verdicts,
    )
