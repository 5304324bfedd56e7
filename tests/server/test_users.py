"""People and their roles: what administrators do with them, and when it counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.accounts import Role, User
from reprise.errors import AccountConflict
from tests.server.conftest import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

USERS = "/api/v1/users"
ME = "/api/v1/auth/me"

ROUTES = [
    ("GET", "/api/v1/auth/me", 200, 200),
    ("GET", "/api/v1/auth/tokens", 200, 200),
    ("PUT", "/api/v1/auth/preferences", 422, 422),
    ("POST", "/api/v1/auth/tokens", 422, 422),
    ("GET", USERS, 403, 200),
    ("POST", USERS, 403, 422),
    ("PATCH", f"{USERS}/nobody", 403, 422),
    ("DELETE", f"{USERS}/nobody", 403, 404),
]
"""Method, path, and what a user and an administrator get for a request without a body."""


@pytest.mark.parametrize(("method", "path", "user", "admin"), ROUTES)
def test_each_route_asks_for_its_role(
    signed_in: Callable[..., TestClient],
    browser: Callable[..., TestClient],
    method: str,
    path: str,
    user: int,
    admin: int,
) -> None:
    nobody = browser().request(method, path)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "not_signed_in")
    assert signed_in("bob").request(method, path).status_code == user
    assert signed_in("ada", Role.ADMIN).request(method, path).status_code == admin


def test_every_route_that_is_described_as_guarded_is(client: TestClient) -> None:
    """Whatever module a route is in: what is described as guarded is. Of the accounts only the door is open."""
    paths: dict[str, dict[str, Any]] = client.get("/api/v1/openapi.json").json()["paths"]
    unguarded = {
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not operation.get("security")
    }
    assert {entry for entry in unguarded if "/auth/" in entry or "/users" in entry} == {
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/logout",
    }
    for path, operations in paths.items():
        for method, operation in operations.items():
            if operation.get("security"):
                answer = client.request(method, path.replace("{", "").replace("}", ""))
                assert answer.status_code == 401, f"{method} {path}"


def test_an_administrator_adds_changes_and_removes_people(
    signed_in: Callable[..., TestClient], browser: Callable[..., TestClient]
) -> None:
    ada = signed_in("ada", Role.ADMIN)
    added = ada.post(USERS, json={"name": "bob", "role": "user"})
    assert added.status_code == 201
    bob = added.json()
    assert (bob["owner"], bob["role"], bob["must_change"]) == ("bob", "user", True)
    signing_in = browser().post("/api/v1/auth/login", json={"name": "bob", "password": bob["password"]})
    assert signing_in.status_code == 200

    given = ada.post(USERS, json={"name": "eve", "role": "user", "owner": "default", "password": PASSWORD})
    assert "password" not in given.json()
    assert given.json()["must_change"] is False
    assert [user["name"] for user in ada.get(USERS).json()["items"]] == ["ada", "bob", "eve"]

    changed = ada.patch(f"{USERS}/bob", json={"role": "admin", "owner": "default"})
    assert (changed.json()["role"], changed.json()["owner"]) == ("admin", "default")
    assert ada.delete(f"{USERS}/bob").status_code == 204
    assert ada.delete(f"{USERS}/bob").status_code == 404
    assert ada.patch(f"{USERS}/bob", json={"role": "user"}).status_code == 404


def test_a_name_is_given_once(signed_in: Callable[..., TestClient]) -> None:
    ada = signed_in("ada", Role.ADMIN)
    again = ada.post(USERS, json={"name": "ada", "role": "user"})
    assert (again.status_code, again.json()["code"]) == (409, "account_conflict")


def test_the_last_administrator_stays(signed_in: Callable[..., TestClient]) -> None:
    ada = signed_in("ada", Role.ADMIN)
    signed_in("bob")
    for answer in (ada.delete(f"{USERS}/ada"), ada.patch(f"{USERS}/ada", json={"role": "user"})):
        assert (answer.status_code, answer.json()["code"]) == (409, "account_conflict")
    assert ada.get(ME).json()["role"] == "admin"
    ada.patch(f"{USERS}/bob", json={"role": "admin"})
    assert ada.delete(f"{USERS}/ada").status_code == 204
    assert ada.get(ME).status_code == 401


def test_what_changes_counts_from_the_next_request_on(
    signed_in: Callable[..., TestClient], client: TestClient
) -> None:
    ada, bob = signed_in("ada", Role.ADMIN), signed_in("bob")
    token = bob.post("/api/v1/auth/tokens", json={"name": "player"}).json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert bob.get(USERS).status_code == 403
    ada.patch(f"{USERS}/bob", json={"role": "admin"})
    assert bob.get(USERS).status_code == 200
    ada.patch(f"{USERS}/bob", json={"role": "user", "owner": "elsewhere"})
    assert bob.get(USERS).status_code == 403
    assert client.get(ME, headers=bearer).json()["owner"] == "elsewhere"
    ada.delete(f"{USERS}/bob")
    assert bob.get(ME).status_code == 401
    assert client.get(ME, headers=bearer).status_code == 401
    ada.post(USERS, json={"name": "bob", "role": "user"})
    assert bob.get(ME).status_code == 401, "a new user of that name is somebody else"


def test_a_password_that_an_administrator_sets_signs_out_everywhere(
    signed_in: Callable[..., TestClient], browser: Callable[..., TestClient]
) -> None:
    ada, bob = signed_in("ada", Role.ADMIN), signed_in("bob")
    assert ada.patch(f"{USERS}/bob", json={"password": "a new password"}).status_code == 200
    assert bob.get(ME).status_code == 401
    again = {"name": "bob", "password": "a new password"}
    assert browser().post("/api/v1/auth/login", json=again).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "role": "user"},
        {"name": "..", "role": "user"},
        {"name": "a/b", "role": "user"},
        {"name": "a\n", "role": "user"},
        {"name": "a\0", "role": "user"},
        {"name": "x" * 65, "role": "user"},
        {"name": "x", "role": "root"},
        {"name": "x", "role": "user", "password": "short"},
        {"name": "x", "role": "user", "owner": ""},
        {"name": "x", "role": "user", "owner": "a\0"},
        {"name": "x", "role": "user", "groups": []},
        {"name": 7, "role": "user"},
        [],
    ],
)
def test_odd_people_are_refused(signed_in: Callable[..., TestClient], body: Any) -> None:
    ada = signed_in("ada", Role.ADMIN)
    answer = ada.post(USERS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unfit")
    assert len(ada.get(USERS).json()["items"]) == 1


def test_the_first_administrator_sees_the_installations_owner_and_is_made_once(house: House) -> None:
    made = house.accounts.make_first()
    assert made is not None
    user, password = made
    assert (user.name, user.role, user.owner, user.must_change) == ("admin", Role.ADMIN, "default", True)
    assert password
    assert len(password) >= 16
    assert house.accounts.make_first() is None
    signed, _ = house.accounts.sign_in("admin", password, "unix")
    assert signed == user


def test_many_starts_at_once_make_one_administrator(house: House) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: house.accounts.make_first(), range(4)))
    assert len([one for one in made if one]) == 1
    assert len(house.accounts.people.all()) == 1


def test_two_administrators_cannot_remove_each_other_at_once(house: House) -> None:
    people = house.accounts.people
    for _ in range(20):
        for name in {"ada", "bob"} - {user.name for user in people.all()}:
            people.add(User(name, Role.ADMIN, "default", must_change=False, created_at=0.0), "hash")
        with ThreadPoolExecutor(2) as pool:
            removals = [pool.submit(people.remove, name) for name in ("ada", "bob")]
        refused = [error for error in (removal.exception() for removal in removals) if error]
        assert [type(error) for error in refused] == [AccountConflict]
        assert len(people.all()) == 1


def test_the_settings_may_name_the_first_password(home: Home) -> None:
    from reprise.server.accounts import Accounts

    with home.app(admin_password=PASSWORD, owner="family") as app:
        app.catalogue(create=True)
        made = Accounts(app).make_first()
        assert made is not None
        user, shown = made
        assert shown is None
        assert (user.owner, user.must_change) == ("family", False)
        Accounts(app).sign_in("admin", PASSWORD, "unix")


def test_the_command_line_manages_people(home: Home) -> None:
    added = home.run("users", "add", "ada", "--role", "admin")
    assert added.code == 0
    assert added.last["event"] == "user_added"
    assert (added.last["role"], added.last["owner"]) == ("admin", "default")
    assert home.run("users", "add", "ada").last["code"] == "account_conflict"
    assert home.run("users", "add", "../ada").code == 2
    home.run("users", "add", "bob", "--owner", "family")
    listed = home.run("users", "list").events
    assert [(user["name"], user["owner"]) for user in listed] == [("ada", "default"), ("bob", "family")]
    reset = home.run("users", "reset-password", "bob").last
    assert reset["password"]
    with home.app() as app:
        from reprise.server.accounts import Accounts

        Accounts(app).sign_in("bob", reset["password"], "unix")
        Accounts(app).sign_in("ada", added.last["password"], "unix")
    assert home.run("users", "remove", "ada", "--yes").last["code"] == "account_conflict"
    assert home.run("users", "remove", "bob", "--yes").last == {"event": "user_removed", "name": "bob"}
    assert home.run("users", "reset-password", "bob").last["code"] == "not_found"
