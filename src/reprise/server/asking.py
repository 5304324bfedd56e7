"""Who asks, looked up outside of a route's dependencies: later than at its start, or where nobody need be signed in."""

from __future__ import annotations

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from reprise.errors import UsageError
from reprise.server.access import COOKIE, Person, caller, house_of, person


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
