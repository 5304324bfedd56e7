"""The picture of a library."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.errors import NotFound, UnknownModel
from reprise.search.serving import model_of_choice, serving_space
from reprise.server.access import Admin, Seen, TheHouse
from reprise.server.maps import MapAnswer, Maps
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["map"])

RETRY_SECONDS = 2
ModelName = Annotated[
    str | None,
    Query(max_length=100, description="A model's name; the one that search answers with if left out"),
]


class MapColumn(BaseModel):
    """A property of all points."""

    names: list[str]
    of: list[int] = Field(description="For each point its place in `names`; -1: not known")


class MapCluster(BaseModel):
    id: int
    label: str = Field(description="The genre, artist or key that is most over-represented; may be empty")
    count: int
    x: float
    y: float


class LibraryMap(BaseModel):
    """Columns: the point `ids[i]` lies at `x[i]`, `y[i]`."""

    state: Literal["ready", "computing", "none"]
    model: str
    space: str = ""
    method: str = Field(default="", description="`pca+tsne`; `pca` for very few tracks")
    made_at: float | None = Field(default=None, description="When it was last laid out from nothing")
    count: int = 0
    seen: int = Field(default=0, description="Vectors that the space held when it was drawn")
    ids: list[int] = []
    x: list[float] = Field(default=[], description="-1 to 1")
    y: list[float] = Field(default=[], description="-1 to 1, upwards")
    cluster: list[int] = []
    genre: MapColumn = MapColumn(names=[], of=[])
    key: MapColumn = Field(
        default=MapColumn(names=[], of=[]), description="In the order of the circle of fifths"
    )
    clusters: list[MapCluster] = []
    problem: str = Field(default="", description="Why it could not be drawn the last time")


@router.get(
    "/map",
    response_model=LibraryMap,
    responses={
        202: {"model": LibraryMap, "description": "It is being drawn: ask again"},
        304: {"description": "What `If-None-Match` names"},
        **responses(401, 404, 422, 503),
    },
)
def library_map(request: Request, app: Seen, house: TheHouse, model: ModelName = None) -> Response:
    """All tracks of the library as points: those that sound alike lie together.

    It is drawn in the background when somebody first asks for it, and again when the library has changed.
    """
    name = _known(app, model)
    try:
        space = serving_space(app.catalogue(), app.owner, name).name
    except NotFound:
        return _without_points("none", name, "")
    maps = house.service(Maps)
    answer = maps.answer(app, space)
    maps.refresh_if_stale(app, name, answer)
    if answer is not None:
        return _as_asked(request, answer)
    problem = maps.problem(app.owner, name)
    return _without_points("none" if problem else "computing", name, problem)


@router.post(
    "/map/refresh", status_code=202, response_model=LibraryMap, responses=responses(401, 403, 404, 422, 503)
)
def refresh_map(admin: Admin, app: Seen, house: TheHouse, model: ModelName = None) -> Response:
    """Lay the map out from nothing, in the background."""
    del admin
    name = _known(app, model)
    serving_space(app.catalogue(), app.owner, name)
    house.service(Maps).want(app.owner, name, anew=True)
    return _without_points("computing", name, "")


def _known(app: App, model: str | None) -> str:
    """The model that is meant. Raises ``NotFound`` for one that is not installed."""
    name = model or model_of_choice(app.catalogue(), app.owner)
    try:
        app.models((name,))
    except UnknownModel as error:
        raise NotFound(error.message, cure=error.cure) from error
    return name


def _without_points(state: Literal["computing", "none"], model: str, problem: str) -> Response:
    told = LibraryMap(state=state, model=model, problem=problem).model_dump()
    if state == "none":
        return JSONResponse(told)
    return JSONResponse(told, 202, {"Retry-After": str(RETRY_SECONDS)})


def _as_asked(request: Request, answer: MapAnswer) -> Response:
    """Packed or plain, or only that nothing has changed. The bytes are made once for all who ask."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    mark = f'"{answer.mark}{"-gzip" if packed else ""}"'
    headers = {"ETag": mark, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie"}
    if mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    content = answer.packed if packed else answer.plain
    return Response(content, media_type="application/json", headers=headers)
