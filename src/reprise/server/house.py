"""What the server's routes and services share: one installation, seen as its owners see it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App

Wanted = TypeVar("Wanted")


class Service(Protocol):
    """Something that runs beside the routes while the server is up.

    ``start`` and ``stop`` are called once, in this order; ``stop`` returns when all threads and processes of the
    service have ended. ``trouble`` says what is wrong now, for the health page; empty when nothing is.
    """

    name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def trouble(self) -> str: ...


class House:
    """One installation with what serves it. Threads may share it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.started_at = time.time()
        self.closing = threading.Event()
        self.services: list[Service] = []
        self._views: dict[str, App] = {}
        self._lock = threading.Lock()

    def of(self, owner: str) -> App:
        """The installation as the owner sees it, kept for the next time."""
        with self._lock:
            if owner not in self._views:
                self._views[owner] = self.app.of(owner)
            return self._views[owner]

    def service(self, kind: type[Wanted]) -> Wanted:
        """The running service of that kind. Raises ``LookupError`` when the server was made without it."""
        for service in self.services:
            if isinstance(service, kind):
                return service
        raise LookupError(f"this server runs no {kind.__name__}")

    def start(self, services: Sequence[Service]) -> None:
        """Start them in their order; those that started are stopped again when one fails."""
        try:
            for service in services:
                service.start()
                self.services.append(service)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the services, the last first. What waits on ``closing`` ends now."""
        self.closing.set()
        while self.services:
            self.services.pop().stop()
