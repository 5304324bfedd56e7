"""What the server's routes and services share: one installation, seen as its owners see it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from reprise.errors import SettingHeld
from reprise.server.accounts import Accounts
from reprise.server.held_secrets import refuse_to_send_elsewhere
from reprise.settings import BY_NAME, Origin, reload_settings, write_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reprise.app import App
    from reprise.known_settings import Value
    from reprise.settings import Settings

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
        self.accounts = Accounts(app)
        self.started_at = time.time()
        self.closing = threading.Event()
        self.services: list[Service] = []
        self._views: dict[str, App] = {}
        self._lock = threading.Lock()
        self._configuring = threading.Lock()

    def of(self, owner: str) -> App:
        """The installation as the owner sees it, kept for the next time."""
        with self._lock:
            if owner not in self._views:
                self._views[owner] = self.app.of(owner)
            return self._views[owner]

    def configure(self, changes: Mapping[str, Value | None]) -> None:
        """Write settings into ``config.toml``, and go by them from now on.

        Raises ``SettingHeld`` when the environment or a flag is stronger, or a secret would go to another server,
        ``BadSetting`` for what is wrong.
        """
        with self._configuring:
            before = self.app.settings
            for name in changes:
                if (origin := before.origin(name)) in {Origin.ENVIRONMENT, Origin.FLAG}:
                    where = (
                        BY_NAME[name].variable if origin is Origin.ENVIRONMENT else "a flag of the command"
                    )
                    raise SettingHeld(
                        f"{name} is set by {where}, which is stronger than the file",
                        cure="take that away first",
                    )
            refuse_to_send_elsewhere(before, changes)
            write_settings(before.home, changes)
            self._go_by(reload_settings(before))

    def _go_by(self, settings: Settings) -> None:
        """Who holds a view keeps what it had; the next one gets the new settings."""
        with self._lock:
            self.app.settings = settings
            vars(self.app).pop("installed", None)
            self._views.clear()

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
