"""Where workers run the jobs: this server rings for them, and sees that none is forgotten."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from reprise.working import hosting, ticking_of

if TYPE_CHECKING:
    from reprise.server.house import House


class Ticking(Protocol):
    """What looks every few seconds which jobs nobody is at, and rings for them."""

    @property
    def trouble(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def at_once(self) -> None: ...

    def alive(self) -> bool: ...


class Doorbell:
    """A ``Service``. Any number of servers of an installation may have one."""

    name = "jobs"

    def __init__(self, house: House) -> None:
        self._house = house
        self._ticking: Ticking | None = None
        self._hosting = ExitStack()

    def start(self) -> None:
        """Raises ``BadSetting`` where workers cannot work, ``JobConflict`` when another server runs jobs itself."""
        self._hosting.enter_context(hosting(self._house.app))
        self._ticking = ticking_of(self._house.app)
        self._ticking.start()

    def stop(self) -> None:
        """Workers go on."""
        if self._ticking is not None:
            self._ticking.stop()
        self._hosting.close()

    def trouble(self) -> str:
        if self._ticking is None:
            return ""
        if not self._ticking.alive():
            return "workers are not woken any more: restart the server and look at its log"
        return self._ticking.trouble

    def ring(self) -> None:
        """Look at once which jobs nobody is at."""
        if self._ticking is not None:
            self._ticking.at_once()
