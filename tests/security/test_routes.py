"""Every route × everybody who may knock: who is let in is what is declared for the route, and no route is undeclared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.proof_routes import tried
from fastapi import APIRouter, FastAPI
from starlette.routing import WebSocketRoute

from reprise.server.api import create_api
from tests.security.callers import STRANGERS, hole
from tests.security.routes import DOORS, PUBLIC, Door, Route, door_of, place_of, routes_of

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.security.callers import Callers


def test_every_route_is_declared_and_every_declared_one_is_there(house: House) -> None:
    found = {str(route) for route in routes_of(create_api(house))}
    assert found - DOORS.keys() == set(), "say in tests/security/routes.py whom these are for"
    panel = {"MOUNT ", "GET /{path:path}"}  # one or the other
    assert DOORS.keys() - found <= panel, "these are there no more"
    assert len(found & panel) == 1
    assert all(PUBLIC.values()), "each with its reason"


def test_a_route_of_a_kind_that_nobody_has_thought_of_is_no_way_in() -> None:
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    api.router.routes.append(WebSocketRoute("/ws", lambda: None))
    with pytest.raises(TypeError, match="/ws"):
        routes_of(api)


def test_a_new_route_is_seen_however_deep_it_is_included() -> None:
    inner, outer, api = APIRouter(prefix="/c"), APIRouter(prefix="/b"), FastAPI(openapi_url=None)

    @inner.get("/d")
    def new() -> None: ...

    outer.include_router(inner)
    api.include_router(outer, prefix="/a")
    assert [str(route) for route in routes_of(api)] == ["GET /a/b/c/d"]
    assert door_of(routes_of(api)[0]) is None


def test_everybody_is_let_in_where_they_should_be_and_nowhere_else(
    client: TestClient, callers: Callers
) -> None:
    """Every route with and without a good key; bad keys, which are read in one place, each where another one is not."""
    asked, holes = tried(client, callers, quick=True)
    assert holes == []
    assert asked > 5 * len(DOORS)


@pytest.mark.parametrize("door", [Door.PERSON, Door.ADMIN])
def test_a_door_that_stands_open_is_a_hole(client: TestClient, callers: Callers, door: Door) -> None:
    route = Route("GET", "/api/v1/health/live")
    for name in (*STRANGERS, "one-time password"):
        answer = client.get(place_of(route), headers=dict(callers.named(name).headers))
        assert hole(route, door, callers.named(name), answer)
