"""Tracks that are the same recording or sound alike, with what speaks for it. Nothing is merged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.listing import MOST_ID
from reprise.search.duplicates import Duplicates, evidence_facts
from reprise.server.access import Seen, TheHouse
from reprise.server.duplicates import DuplicateFinder
from reprise.server.listing_view import ItemFacts, items_facts
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["duplicates"])


class PairEvidence(BaseModel):
    """What speaks for two items to be the same."""

    first: int = Field(description="An item's id, the lower one")
    second: int
    similarity: float = Field(description="Of the fingerprints where they overlap, 0 to 1")
    offset_seconds: float
    overlap_seconds: float
    cosine: float | None = Field(description="Of their vectors; null: one has none")
    seconds_apart: float = Field(description="How much longer the second is")
    bytes_apart: int
    kbps_apart: int | None
    formats: list[str]


class DuplicateGroup(BaseModel):
    """Items that belong together. ``evidence`` is the weakest of ``pairs``: the certainty is its."""

    certainty: float = Field(description="0 to 1; what only sounds alike stays below a half")
    kind: Literal["same_recording", "part", "alike"]
    evidence: PairEvidence
    pairs: list[PairEvidence]
    items: list[ItemFacts]


class DuplicatePage(BaseModel):
    """Groups, the surest first. While they are being looked for the page is empty and ``state`` says so."""

    state: Literal["ready", "computing"]
    problem: str = Field(description="Why they could not be looked for; empty: they could")
    items: list[DuplicateGroup]
    total_count: int
    offset: int
    limit: int


@router.get("/duplicates", response_model=DuplicatePage, responses=responses(401, 404, 422))
def list_duplicates(
    house: TheHouse,
    app: Seen,
    library_id: Annotated[int | None, Query(ge=1, le=MOST_ID)] = None,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JSONResponse:
    """Duplicates among all tracks that have been listened to, or those of one library.

    The first question has them looked for in the background; ask again after a moment.
    """
    if library_id is not None:
        app.catalogue().libraries.get(app.owner, library_id)
    found = house.service(DuplicateFinder).found(app, library_id)
    groups = found.groups if found else ()
    return JSONResponse(
        {
            "state": "ready" if found else "computing",
            "problem": found.problem if found else "",
            "items": [_group(app, group) for group in groups[offset : offset + limit]],
            "total_count": len(groups),
            "offset": offset,
            "limit": limit,
        }
    )


def _group(app: App, group: Duplicates) -> dict[str, Any]:
    items = {item.id: item for item in group.items}
    pairs = [evidence_facts(one, items[one.first], items[one.second]) for one in group.evidence]
    weakest = min(range(len(pairs)), key=lambda at: group.evidence[at].certainty)
    return {
        "certainty": round(group.certainty, 4),
        "kind": group.kind.value,
        "evidence": pairs[weakest],
        "pairs": pairs,
        "items": items_facts(app, group.items),
    }
