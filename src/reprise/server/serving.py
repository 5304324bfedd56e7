"""Serving until somebody says stop."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from reprise.errors import JobConflict
from reprise.server.api import create_api
from reprise.server.bounded import BoundedHttp
from reprise.server.house import House
from reprise.server.listening import Listening, listening

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reprise.app import App

PATIENCE_SECONDS = 5
"""How long requests that are under way may take when the server stops."""

LOCK = "server"
"""Held by a server as long as it lives, so that a state folder has one at most."""


def serve_until_told(app: App, ready: Callable[[Listening], None]) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code. ``ready`` hears once requests are answered.

    Raises ``JobConflict`` when a server of this state folder runs already, ``BadSetting`` for an address that cannot
    be had, and whatever a service raises that cannot start.
    """
    settings = app.settings
    with app.storage.machine_locks.try_lock(LOCK) as ours:
        if not ours:
            raise JobConflict(
                f"a server for {app.home} is running already", cure="stop it first, or name another --home"
            )
        house = House(app)
        api = _Watched(create_api(house))
        server = _Server(api, house, ready)
        with (
            server.capture_signals(),
            listening(settings.text("host"), settings.whole("port"), settings.text("uds")) as places,
        ):
            try:
                server.serve_on(places)
            except SystemExit:
                if api.failure is not None:
                    raise api.failure from None
                raise
            finally:
                house.stop()
    return 0


class _Watched:
    """The application; keeps why it could not start, which the HTTP server only writes into its log."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api
        self.failure: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._api(scope, receive, send)
        except BaseException as error:
            if scope["type"] == "lifespan":
                self.failure = error
            raise


class _Server(uvicorn.Server):
    """Tells when it is ready, and tells the house at once that it closes, so that endless answers end."""

    def __init__(self, api: ASGIApp, house: House, ready: Callable[[Listening], None]) -> None:
        super().__init__(
            uvicorn.Config(
                api,
                http=BoundedHttp,
                lifespan="on",
                timeout_graceful_shutdown=PATIENCE_SECONDS,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
            )
        )
        self._house = house
        self._ready = ready
        self._places: Listening | None = None

    def serve_on(self, places: Listening) -> None:
        """Until a signal comes. Raises ``SystemExit`` when the application cannot start."""
        self._places = places
        self.run(sockets=list(places.sockets))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._places:
            self._ready(self._places)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As the base does, but an end that was asked for is a good end: the signal is not raised again."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: object) -> None:
        self._house.closing.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]
