"""Everybody who may knock: with no key, with every kind of bad key, and with good ones."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from reprise.core.accounts import Role, User
from reprise.server.access import COOKIE
from reprise.server.accounts import digest_of
from tests.security.routes import Door
from tests.server.conftest import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx2
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.security.routes import Route

JWT_SECRET = "a secret of sixty-four characters, which the longest hash of them asks for"
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"
"""Of no password: who is let in here signs in with none."""

STRANGERS = (
    "nobody", "expired session", "made-up session", "deleted user's session", "deleted user's token", "expired token",
    "made-up token", "jwt alg none", "jwt other alg", "jwt without end", "jwt expired", "jwt wrong key",
    "jwt of nobody", "jwt without name", "basic password",
)  # fmt: skip
"""Nobody of these is let in anywhere but where everybody is."""
PEOPLE = ("one-time password", "user", "other owner's user", "admin")


@dataclass(frozen=True)
class Caller:
    """What somebody sends besides the question."""

    name: str
    headers: Mapping[str, str]


class Callers:
    """All of them, of one installation."""

    def __init__(self, house: House) -> None:
        self._people = house.accounts.people
        self._house = house
        for name, role, owner, once in (
            ("ada", Role.ADMIN, "default", False), ("bob", Role.USER, "default", False),
            ("eve", Role.USER, "eve", False), ("new", Role.ADMIN, "default", True),
            ("gone", Role.ADMIN, "default", False),
        ):  # fmt: skip
            self._people.add(User(name, role, owner, must_change=once, created_at=time.time()), HASH)
        self._sent = self._made()

    def named(self, name: str) -> Caller:
        return Caller(name, self._sent[name])

    def sign_in_again(self) -> None:
        """The session that may have been signed out."""
        self.session("new")

    def __iter__(self) -> Iterator[Caller]:
        return (self.named(name) for name in (*STRANGERS, *PEOPLE))

    def _made(self) -> dict[str, dict[str, str]]:
        sent = {
            "nobody": {},
            "expired session": self.session("ada", ends=time.time() - 1),
            "made-up session": _cookie("x" * 43),
            "deleted user's session": self.session("gone"),
            "deleted user's token": _bearer(self._token("gone")),
            "expired token": _bearer(self._token("ada", days=1e-9)),
            "made-up token": _bearer("rpr_" + "x" * 43),
            "jwt alg none": _bearer(_unsigned({"sub": "ada", "exp": time.time() + 300})),
            "jwt other alg": _bearer(_jwt(algorithm="HS512")),
            "jwt without end": _bearer(_jwt(exp=None)),
            "jwt expired": _bearer(_jwt(exp=time.time() - 10)),
            "jwt wrong key": _bearer(_jwt(key=JWT_SECRET.upper())),
            "jwt of nobody": _bearer(_jwt(sub="nobody")),
            "jwt without name": _bearer(_jwt(sub=None)),
            "basic password": {"Authorization": "Basic " + base64.b64encode(b"ada:" + b"x" * 9).decode()},
            "one-time password": self.session("new"),
            "user": _bearer(self._token("bob")),
            "other owner's user": _bearer(_jwt(sub="eve")),
            "admin": _bearer(self._token("ada")),
        }
        self._people.remove("gone")
        return sent

    def session(self, name: str, ends: float | None = None) -> dict[str, str]:
        """A browser of somebody who has signed in, on a page of ours."""
        secret = f"session-of-{name}-{ends}".ljust(43, "x")
        now = time.time()
        self._people.end_session(digest_of(secret))
        self._people.open_session(digest_of(secret), name, now, ends or now + 900)
        return _cookie(secret)

    def _token(self, name: str, days: float | None = None) -> str:
        return self._house.accounts.make_token(name, "t", days)[1]


def _cookie(secret: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={secret}", "Origin": ORIGIN}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _jwt(*, key: str = JWT_SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    said = {"sub": "ada", "exp": time.time() + 300, **claims}
    return jwt.encode({name: value for name, value in said.items() if value is not None}, key, algorithm)


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        + "."
    )


def hole(route: Route, door: Door, caller: Caller, answer: httpx2.Response) -> str:
    """What is wrong about the answer; empty when it is what the door should give."""
    expected = _expected(door, caller.name, route.path)
    if route.method == "HEAD":  # an answer without a body says no more than its status
        expected = {"forbidden" if kind == "password_change_needed" else kind for kind in expected}
    found = _kind(answer)
    if found in expected:
        return ""
    return f"{route} for {caller.name}: {answer.status_code} {found}, not {' or '.join(sorted(expected))}"


def _kind(answer: httpx2.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    if error := said.get("subsonic-response", {}).get("error"):
        return {44: "not_signed_in", 50: "forbidden"}[error["code"]]
    status_codes = {401: "not_signed_in", 403: "forbidden", 500: "internal"}
    if answer.status_code in status_codes:
        return str(said.get("code", status_codes[answer.status_code]))
    return "let in"


def _expected(door: Door, who: str, path: str) -> set[str]:
    """The kinds of answer that are right. Whoever is let in may be told that there is no such thing."""
    if door is Door.PUBLIC:
        return {"let in", "not_signed_in"} if path.endswith("/login") else {"let in"}
    if who in STRANGERS:
        return {"not_signed_in"}
    if who == "one-time password":
        once = {Door.OWN: "let in", Door.PROGRAM: "not_signed_in"}.get(door, "password_change_needed")
        return {once, "forbidden"} if path.endswith("/password") else {once}
    for_admins = door in {Door.ADMIN, Door.LOCAL} or path.startswith("/rest/startScan")
    return {"forbidden"} if for_admins and who != "admin" else {"let in"}


def ask(client: TestClient, route: Route, place: str, caller: Caller) -> httpx2.Response:
    """Ask without a body, or with one that fits no route: what is decided is decided before it is looked at.

    An answer without an end is over when the house closes, which it does for that one question.
    """
    client.cookies.clear()  # each says who they are with every question
    method = "GET" if route.method == "MOUNT" else route.method
    query = {"f": "json"} if route.path.startswith("/rest/") else {}
    house: House = client.app.state.house  # type: ignore[attr-defined]
    if route.path.endswith("/events"):
        house.closing.set()
    try:
        return client.request(method, place, headers=dict(caller.headers), params=query)
    finally:
        house.closing.clear()
