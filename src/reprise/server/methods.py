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
    """Stands before the routers' own routes, and takes what none of an address's routes does.

    An address that is written out, as ``/jobs/estimate``, is that address, also where ``/jobs/{job_id}`` would fit it.
    """

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
        self._written_out: dict[str, set[str]] = {}
        for route in routes:
            if "{" not in route.path:
                self._written_out.setdefault(route.path, set()).update(route.methods or ())
        self._patterns = [(route.path_regex, route.methods or set()) for route in routes if "{" in route.path]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        allowed = self._allowed(scope["path"])
        if not allowed or scope["method"] in allowed:
            return Match.NONE, {}
        return Match.FULL, {_ALLOWED: allowed}

    def _allowed(self, path: str) -> set[str]:
        if written_out := self._written_out.get(path):
            return written_out
        return {method for pattern, methods in self._patterns if pattern.match(path) for method in methods}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        raise HTTPException(
            405,
            f"{scope['method']} is nothing that can be done with {scope['path']}",
            headers={"Allow": ", ".join(sorted(scope[_ALLOWED]))},
        )
