"""Listening: on TCP, on a Unix socket, until somebody says stop."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

from reprise.server.api import create_api
from reprise.server.house import House

if TYPE_CHECKING:
    from reprise.app import App

PATIENCE_SECONDS = 5
"""How long requests that are under way may take when the server stops."""


def serve_until_told(app: App, *, as_json: bool) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    house = House(app)
    server = _Server(
        uvicorn.Config(
            create_api(house),
            timeout_graceful_shutdown=PATIENCE_SECONDS,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        ),
        house,
    )
    server.run(sockets=[_tcp(app.settings.text("host"), app.settings.whole("port"))])
    return 0


class _Server(uvicorn.Server):
    """Tells the house at once that it closes, so that endless answers end."""

    def __init__(self, config: uvicorn.Config, house: House) -> None:
        super().__init__(config)
        self._house = house

    def handle_exit(self, sig: int, frame: object) -> None:
        self._house.closing.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]


def _tcp(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), reuse_port=False)
