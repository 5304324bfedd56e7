"""A server in this process, over a real installation, and clients of people who are signed in."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from reprise.server.access import Person, Role, person
from reprise.server.api import create_api
from reprise.server.house import House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from tests.harness import Home


TEST_HOST = "testserver"
"""What the test client asks for."""

ORIGIN = f"http://{TEST_HOST}"
PASSWORD = "correct horse battery"


@pytest.fixture
def house(home: Home) -> Iterator[House]:
    """The house of an installation with an empty catalogue."""
    with home.app(allowed_hosts=TEST_HOST) as app:
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
def as_person(
    api: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Person], TestClient]]:
    """The client with somebody signed in, without the cost of a password: routes of accounts have their own tests."""
    with ExitStack() as stack:

        def enter(who: Person) -> TestClient:
            async def known(_: object) -> Person:
                return who

            monkeypatch.setattr("reprise.server.guard.person_of", known)  # the guard asks before a large body
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


@pytest.fixture
def browser(api: FastAPI) -> Iterator[Callable[..., TestClient]]:
    """A browser that nobody is signed in with: it keeps cookies and says where it comes from. No service runs."""
    with ExitStack() as stack:

        def open_one(**options: Any) -> TestClient:
            opened = TestClient(api, **{"headers": {"Origin": ORIGIN}, **options})
            stack.callback(opened.close)
            return opened

        yield open_one


@pytest.fixture
def signed_in(house: House, browser: Callable[..., TestClient]) -> Callable[..., TestClient]:
    """Somebody new who signs in with their password, as people do."""

    def enter(name: str, role: Role = Role.USER, owner: str = "default") -> TestClient:
        house.accounts.add(name, role, owner, PASSWORD)
        opened = browser()
        answer = opened.post("/api/v1/auth/login", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return opened

    return enter
