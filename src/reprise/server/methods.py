"""A known address that is asked in a way it does not know: 405 with what it does, and never the panel's page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.types import Receive, Scope, Send

_ALLOWED = "reprise.allowed"


class OtherMethods(BaseRoute):
    """Stands behind the routers' own routes: what comes here has a method that none of them takes."""

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        self._routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        allowed = {
            method
            for route in self._routes
            if route.path_regex.match(scope["path"])
            for method in route.methods or ()
        }
        return (Match.FULL, {_ALLOWED: allowed}) if allowed else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        raise HTTPException(
            405,
            f"{scope['method']} is nothing that can be done with {scope['path']}",
            headers={"Allow": ", ".join(sorted(scope[_ALLOWED]))},
        )
