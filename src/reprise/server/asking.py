"""Who asks, looked up outside of a route's dependencies: later than at its start, or where nobody need be signed in."""

from __future__ import annotations

import ipaddress

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from reprise.errors import UsageError
from reprise.server.access import COOKIE, Person, caller, house_of, person

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""A request that has one of these has come through a proxy, from anywhere."""


async def person_of(request: Request) -> Person:
    """Who asks, as the catalogue knows them now. Raises ``NotSignedIn``, ``PasswordChangeNeeded``."""
    bearer = await HTTPBearer(auto_error=False)(request)
    session = request.cookies.get(COOKIE)
    return await person(await run_in_threadpool(caller, house_of(request), bearer, session))


async def person_if_any(request: Request) -> Person | None:
    """The same for a route that answers strangers too, with less."""
    try:
        return await person_of(request)
    except UsageError:
        return None


async def program_if_any(request: Request) -> Person | None:
    """Who asks with a token. A browser's cookie does not count: any page can have a browser send it with a GET."""
    return await person_if_any(request) if await HTTPBearer(auto_error=False)(request) else None


def is_of_this_machine(request: Request) -> bool:
    """Whether it comes over the Unix socket, or from a loopback address and through no proxy."""
    if any(name in request.headers for name in FORWARDED):
        return False
    if request.client is None:  # the Unix socket, which is for its user alone
        return True
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def compatible_owner(request: Request) -> str:
    """For whom a program of this machine may use the paths of earlier embedding services; empty: for nobody."""
    owner = house_of(request).app.settings.text("compat_owner")
    return owner if is_of_this_machine(request) and "authorization" not in request.headers else ""
