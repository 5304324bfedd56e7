"""The fixtures of the server's tests, and people with every kind of key, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from reprise.server.api import create_api
from reprise.server.house import House
from tests.security.callers import JWT_SECRET, Callers
from tests.server.conftest import TEST_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Home


@pytest.fixture
def house(home: Home) -> Iterator[House]:
    """The house of an installation with an empty catalogue, which takes signed tokens."""
    with home.app(allowed_hosts=TEST_HOST, jwt_secret=JWT_SECRET, watch=False) as app:
        app.catalogue(create=True)
        yield House(app)


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """Nobody in particular; the services run. The client asks from afar, as ``192.0.2.7``."""
    with TestClient(create_api(house), client=("192.0.2.7", 50000), follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def callers(house: House) -> Callers:
    return Callers(house)
