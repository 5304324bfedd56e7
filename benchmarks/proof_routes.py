"""Nobody gets in: every route of the server, asked by everybody who may knock.

    python -m benchmarks.proof_routes [--quick]

Routes come from the application's own router; who is let in is declared in ``tests/security/routes.py``. A hole is an
answer that is not what is declared for that route and that caller. ``--quick`` asks every route with good keys and none,
and with each bad key only every so many routes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.testclient import TestClient
from tests.harness import Home
from tests.security.callers import JWT_SECRET, PEOPLE, STRANGERS, Callers, ask, hole
from tests.security.routes import door_of, place_of, routes_of
from tests.server.conftest import TEST_HOST

from benchmarks.measure import Row, report
from reprise.server.api import create_api
from reprise.server.house import House

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI
    from tests.security.callers import Caller
    from tests.security.routes import Route


def tried(client: TestClient, callers: Callers, *, quick: bool) -> tuple[int, list[str]]:
    """How many questions were asked, and the holes."""
    api: FastAPI = client.app  # type: ignore[assignment]
    asked, holes = 0, list[str]()
    for number, route in enumerate(routes_of(api)):
        door = door_of(route)
        if door is None:
            holes.append(f"{route}: nobody has said whom it is for")
            continue
        for caller in _who(callers, number) if quick else list(callers):
            if found := hole(route, door, caller, ask(client, route, place_of(route), caller)):
                holes.append(found)
            asked += 1
            if route.path.endswith("/logout"):
                callers.sign_in_again()
    return asked, holes


def _who(callers: Callers, number: int) -> list[Caller]:
    """Good keys and none; and of the bad ones the next."""
    return [callers.named(name) for name in ("nobody", STRANGERS[1 + number % (len(STRANGERS) - 1)], *PEOPLE)]


def main(arguments: Sequence[str]) -> list[Row]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="bad keys on some routes only")
    quick = parser.parse_known_args(arguments)[0].quick
    with tempfile.TemporaryDirectory(prefix="reprise-routes-") as folder:
        home = Home(Path(folder), dict(os.environ))
        with home.app(allowed_hosts=TEST_HOST, jwt_secret=JWT_SECRET, watch=False) as app:
            app.catalogue(create=True)
            house = House(app)
            callers, api = Callers(house), create_api(house)
            routes: list[Route] = routes_of(api)
            with TestClient(api, client=("192.0.2.7", 50000), follow_redirects=False) as client:
                asked, holes = tried(client, callers, quick=quick)
    for found in holes:
        print(f"HOLE {found}", file=sys.stderr)
    kinds = len(STRANGERS) + len(PEOPLE)
    rows = [
        Row(
            "only who may gets past a route",
            f"{len(routes)} routes × {kinds} callers: {asked:,} asked, {len(holes)} holes",
            f"{len(STRANGERS)} of the callers have no key or a bad one",
            None,
            "0 holes",
            not holes and asked >= 6 * len(routes),
        )
    ]
    report(rows, arguments)
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
