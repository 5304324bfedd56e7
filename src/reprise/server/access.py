"""Who asks, and what they may: dependencies of the routes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from reprise.app import App
from reprise.errors import Forbidden, NotSignedIn
from reprise.server.house import House


class Role(StrEnum):
    """An ``ADMIN`` runs the installation; a ``USER`` reads and searches what their owner has."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``owner``: whose libraries they see."""

    name: str
    role: Role
    owner: str


def house_of(request: Request) -> House:
    """The house that the server was made with."""
    house: House = request.app.state.house
    return house


def person(request: Request) -> Person:
    """Who asks. Raises ``NotSignedIn``."""
    raise NotSignedIn("nobody is signed in")


def admin(asking: Annotated[Person, Depends(person)]) -> Person:
    """Who asks, when they are an administrator. Raises ``NotSignedIn``, ``Forbidden``."""
    if asking.role is not Role.ADMIN:
        raise Forbidden("only administrators may do this")
    return asking


def seen(house: Annotated[House, Depends(house_of)], asking: Annotated[Person, Depends(person)]) -> App:
    """The installation as who asks sees it."""
    return house.of(asking.owner)


TheHouse = Annotated[House, Depends(house_of)]
SignedIn = Annotated[Person, Depends(person)]
Admin = Annotated[Person, Depends(admin)]
Seen = Annotated[App, Depends(seen)]
