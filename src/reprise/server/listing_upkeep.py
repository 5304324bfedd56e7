"""The service that lists what scans found, a moment later, in steps that hold up nobody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reprise.errors import RepriseError

if TYPE_CHECKING:
    from reprise.server.house import House

LOOK_SECONDS = 0.25
"""How often it is looked whether something changed: two look-ups in an index."""

AT_ONCE = 2000
"""Items that one transaction lists: it keeps other writers waiting for a fraction of a second."""


class ListingUpkeep:
    """Implements ``server.house.Service``."""

    name = "listing"

    def __init__(self, house: House) -> None:
        self._house = house
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listing")
        self._trouble = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def trouble(self) -> str:
        return self._trouble

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._catch_up()
                self._trouble = ""
            except RepriseError as error:  # a locked or full disk passes; the next look tries again
                self._trouble = error.message

    def _catch_up(self) -> None:
        listing = self._house.app.catalogue().listing
        while listing.take_over(AT_ONCE) and not self._stopping.wait(LOOK_SECONDS / 10):
            pass
