"""Reverse proxies: which are believed, and what they say."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from reprise.errors import BadSetting
from reprise.server.hosts import listed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reprise.settings import Settings

UNIX = "unix"


def trusted_proxies(settings: Settings) -> list[str]:
    """Addresses and networks of the setting, ``*`` and ``unix``. Raises ``BadSetting``."""
    proxies = listed(settings.text("trusted_proxies"))
    for proxy in proxies:
        if proxy not in {"*", UNIX}:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:
                raise BadSetting(
                    f"trusted_proxies: {error}", cure="addresses or networks, with commas between"
                ) from error
    return ["*"] if "*" in proxies else proxies


def is_local(scope: Scope) -> bool:
    """Whether it comes over the Unix socket, which no browser reaches: there the name means nothing."""
    server = scope.get("server")
    return server is None or server[1] is None


class Forwarded:
    """Takes from trusted proxies who really asks, and whether by https.

    Uvicorn's own middleware does it; it knows no name for the Unix socket, so that gets one when it is trusted.
    """

    def __init__(self, app: ASGIApp, proxies: list[str]) -> None:
        self._app: Any = ProxyHeadersMiddleware(cast("Any", app), proxies)
        self._names_socket = UNIX in proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._names_socket and scope["type"] == "http" and is_local(scope):
            scope["client"] = (UNIX, 0)
        await self._app(scope, receive, send)
