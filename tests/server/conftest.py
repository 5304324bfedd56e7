"""A server in this process, over a real installation, and clients of people who are signed in."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from reprise.server.access import Person, Role, person
from reprise.server.api import create_api
from reprise.server.house import House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from tests.harness import Home


@pytest.fixture
def house(home: Home) -> Iterator[House]:
    """The house of an installation with an empty catalogue."""
    with home.app() as app:
        app.catalogue(create=True)
        yield House(app)


@pytest.fixture
def api(house: House) -> FastAPI:
    return create_api(house)


@pytest.fixture
def client(api: FastAPI) -> Iterator[TestClient]:
    """Nobody in particular; the services run."""
    with TestClient(api) as opened:
        yield opened


@pytest.fixture
def as_person(api: FastAPI, client: TestClient) -> Iterator[Callable[[Person], TestClient]]:
    """The client with somebody signed in, without the cost of a password: routes of accounts have their own tests."""
    with ExitStack() as stack:

        def enter(who: Person) -> TestClient:
            api.dependency_overrides[person] = lambda: who
            stack.callback(api.dependency_overrides.clear)
            return client

        yield enter


@pytest.fixture
def admin(as_person: Callable[[Person], TestClient]) -> TestClient:
    return as_person(Person("ada", Role.ADMIN, "default"))


@pytest.fixture
def user(as_person: Callable[[Person], TestClient]) -> TestClient:
    """Somebody of the same owner who is no administrator."""
    return as_person(Person("bob", Role.USER, "default"))


@pytest.fixture
def stranger(as_person: Callable[[Person], TestClient]) -> TestClient:
    """An administrator's equal of another owner: nothing of ours is theirs."""
    return as_person(Person("eve", Role.USER, "eve"))
