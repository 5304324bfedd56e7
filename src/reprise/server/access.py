"""Who asks, and what they may: dependencies of the routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from reprise.app import App
from reprise.core.accounts import Role, User
from reprise.errors import Forbidden, NotSignedIn, PasswordChangeNeeded
from reprise.server.house import House

__all__ = [
    "COOKIE", "Admin", "Anyone", "Caller", "Person", "Role", "Seen", "SignedIn", "TheHouse", "address_of", "admin",
    "caller", "house_of", "person",
]  # fmt: skip

COOKIE = "reprise_session"

_BEARER = HTTPBearer(scheme_name="token", description="An API token, or an HS256 JWT", auto_error=False)
_SESSION = APIKeyCookie(
    name=COOKIE, scheme_name="session", description="What signing in sets", auto_error=False
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``owner``: whose libraries they see."""

    name: str
    role: Role
    owner: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the session of the browser that they ask with; empty for a program."""

    user: User
    session: str


def house_of(request: Request) -> House:
    """The house that the server was made with."""
    house: House = request.app.state.house
    return house


# What waits for nothing is asynchronous: the framework sends everything else through a thread.


async def the_house(request: Request) -> House:
    return house_of(request)


def caller(
    house: Annotated[House, Depends(the_house)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    session: Annotated[str | None, Security(_SESSION)],
) -> Caller:
    """Who asks, as the catalogue knows them now. A token goes before a cookie. Raises ``NotSignedIn``."""
    if bearer is not None:
        user = house.accounts.of_bearer(bearer.credentials)
        if user is None:
            raise NotSignedIn("the token is not known, or has expired")
        return Caller(user, "")
    user = house.accounts.of_session(session) if session else None
    if user is None:
        raise NotSignedIn("nobody is signed in")
    return Caller(user, session or "")


async def person(asking: Annotated[Caller, Depends(caller)]) -> Person:
    """Who asks, with a password of their own. Raises ``NotSignedIn``, ``PasswordChangeNeeded``."""
    user = asking.user
    if user.must_change:
        raise PasswordChangeNeeded("the password was for a single use")
    return Person(user.name, user.role, user.owner)


async def admin(asking: Annotated[Person, Depends(person)]) -> Person:
    """Who asks, when they are an administrator. Raises ``NotSignedIn``, ``Forbidden``."""
    if asking.role is not Role.ADMIN:
        raise Forbidden("only administrators may do this")
    return asking


async def seen(
    house: Annotated[House, Depends(the_house)], asking: Annotated[Person, Depends(person)]
) -> App:
    """The installation as who asks sees it."""
    return house.of(asking.owner)


def address_of(request: Request) -> str:
    """Where the request comes from; over the Unix socket there is no address."""
    return request.client.host if request.client else "unix"


TheHouse = Annotated[House, Depends(the_house)]
Anyone = Annotated[Caller, Depends(caller)]
SignedIn = Annotated[Person, Depends(person)]
Admin = Annotated[Person, Depends(admin)]
Seen = Annotated[App, Depends(seen)]
