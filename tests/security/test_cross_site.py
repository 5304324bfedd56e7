"""A web page elsewhere, in a browser that is signed in here: no route that writes, and no GET that does something.

How the guard reads each header is in ``tests/server/test_guard.py``; here it is asked of every route there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reprise.server.api import create_api
from reprise.server.following import Follower
from reprise.server.guard import WRITES
from tests.security.routes import place_of, routes_of
from tests.server.conftest import ORIGIN

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.security.callers import Callers
    from tests.security.routes import Route

EVIL = {"Origin": "https://evil.example"}
SAME_SITE = {"Origin": ORIGIN.replace("http://", "http://music."), "Sec-Fetch-Site": "same-site"}
NEIGHBOUR = {"Origin": f"{ORIGIN}:3000", "Sec-Fetch-Site": "same-site"}
"""Another program of the same machine: browsers send it the cookies of all ports."""
NOTHING: dict[str, str] = {}


@pytest.mark.parametrize(
    "sent", [EVIL, SAME_SITE, NEIGHBOUR, NOTHING], ids=["foreign", "same site", "port", "none"]
)
def test_no_route_that_writes_takes_a_cookie_from_elsewhere(
    client: TestClient, callers: Callers, house: House, sent: dict[str, str]
) -> None:
    cookie = {"Cookie": callers.session("ada")["Cookie"], **sent}
    writing = [route for route in routes_of(create_api(house)) if route.method in WRITES]
    assert len(writing) > 50
    taken = []
    for route in writing:
        answer = client.request(route.method, place_of(route), headers=cookie, json={})
        if (answer.status_code, answer.json()["code"]) != (403, "foreign_origin"):
            taken.append((str(route), answer.status_code))
    assert taken == []


def test_no_route_answers_to_a_name_that_is_not_ours(
    client: TestClient, callers: Callers, house: House
) -> None:
    """DNS rebinding: a page of evil.example that a browser takes for a page of this server."""
    known = {**callers.named("admin").headers, "Host": "evil.example"}
    taken = [
        str(route)
        for route in routes_of(create_api(house))
        if client.request(_method(route), place_of(route), headers=known).status_code != 421
    ]
    assert taken == []


def test_a_get_that_does_something_takes_no_cookie(
    client: TestClient, callers: Callers, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``startScan`` is a GET in the Subsonic API: an ``<img>`` on any page of this machine can have a browser make it."""
    started: list[object] = []
    monkeypatch.setattr(house.service(Follower), "scan", lambda library, full: started.append(library))
    house.app.library_of(house.app.home)
    for path in ("/rest/startScan", "/rest/startScan.view"):
        cookie = callers.session("ada")
        answer = client.get(path, params={"f": "json"}, headers=cookie).json()["subsonic-response"]
        assert (answer["status"], answer["error"]["code"]) == ("failed", 44)
    assert started == []
    token = callers.named("admin").headers
    answer = client.get("/rest/startScan", params={"f": "json"}, headers=dict(token)).json()
    assert (answer["subsonic-response"]["status"], len(started)) == ("ok", 1)


def test_no_answer_lets_another_site_read_it(client: TestClient, callers: Callers, house: House) -> None:
    """No CORS: not for a preflight either."""
    asks = {
        **EVIL,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
    }
    for path in sorted({place_of(route) for route in routes_of(create_api(house))}):
        answer = client.options(path, headers=asks)
        assert not [name for name in answer.headers if name.startswith("access-control-")], path
    answer = client.get("/api/v1/auth/me", headers={**callers.session("ada"), **EVIL})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def _method(route: Route) -> str:
    return "GET" if route.method == "MOUNT" else route.method
