"""Following a music server: its events where it gives them, its scan status where it does not."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from reprise.engine.foreign import follow_songs
from reprise.errors import BadSetting, RemoteError, RepriseError

if TYPE_CHECKING:
    from reprise.core.following import MusicServer
    from reprise.core.items import Library
    from reprise.core.ports import Part
    from reprise.server.following import Follower
    from reprise.server.house import House

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 60.0
"""Between two tries to hear events; the first wait is a second, each is twice the last."""
SETTLED_SECONDS = 60.0
"""A connection that lasted this long makes the next wait a short one again."""
SCAN_SECONDS = 600.0
"""How long songs wait for our own scan of their folders before their ids are left for the next time."""


class MusicServerFollower:
    """A thread that learns of each scan of the server what it found. ``how``: events, asking, or nothing."""

    def __init__(self, house: House, follower: Follower) -> None:
        self._house, self._follower = house, follower
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._server: MusicServer | None = None
        self._last_scan = ""
        self.how = ""
        self.trouble = ""
        self.synced_at: float | None = None

    def start(self) -> None:
        """An address that is none is told as trouble: the rest of the server works without it."""
        try:
            self._server = self._house.app.navidrome()
        except BadSetting as error:
            self._complain(error)
        if self._server is not None:
            self._thread = threading.Thread(target=self._follow, args=(self._server,), name="music server")
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def follows(self) -> bool:
        return self._server is not None

    def start_scan(self, *, full: bool) -> None:
        """Have the server scan. Raises ``RemoteError`` kinds; nothing happens when none is followed."""
        if self._server is not None:
            self._server.start_scan(full=full)

    def _follow(self, server: MusicServer) -> None:
        """Listen for events; between two tries, and for as long as there are none, ask."""
        wait = 1.0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._last_scan = server.status().last_scan
                self._sync(server)
                self._listen(server)
            except RepriseError as error:
                self._complain(error)
            wait = 1.0 if time.monotonic() - began > SETTLED_SECONDS else min(LONGEST_WAIT_SECONDS, 2 * wait)
            self._ask_for(wait, server)

    def _listen(self, server: MusicServer) -> None:
        self.how = "events"
        self.trouble = ""
        for _word in server.scans(self._stop):
            self._sync(server)

    def _ask_for(self, seconds: float, server: MusicServer) -> None:
        """Ask for the status for so long. A fast scan is over between two questions: the time of the last one tells."""
        until = time.monotonic() + seconds
        pause = min(seconds, self._house.app.settings.number("watch_poll_seconds"))
        while not self._stop.wait(pause) and time.monotonic() < until:
            try:
                status = server.status()
                self.how = "asking"
                if not status.scanning and status.last_scan != self._last_scan:
                    self._last_scan = status.last_scan
                    self._sync(server)
            except RepriseError as error:
                self._complain(error)

    def _complain(self, error: RepriseError) -> None:
        if self.trouble != error.message:
            logger.warning("the music server: %s", error.message)
        self.trouble = error.message
        if isinstance(error, RemoteError) and self.how == "events":
            self.how = ""

    def _sync(self, server: MusicServer) -> None:
        """Learn the server's ids of our items; where it knows files that we do not, look ourselves, then again."""
        for owner, libraries in self._libraries().items():
            look = self._learn(server, owner, libraries)
            tickets = [(self._follower.followed(one), look.get(one.id, set())) for one in libraries]
            asked = [(followed, followed.look(parts)) for followed, parts in tickets if parts]
            scanned = [followed.wait_scanned(ticket, SCAN_SECONDS) for followed, ticket in asked]
            if any(scanned) and not self._stop.is_set():
                self._learn(server, owner, libraries)
        self.synced_at = time.time()

    def _learn(self, server: MusicServer, owner: str, libraries: list[Library]) -> dict[int, set[Part]]:
        """Parts of our libraries that are there and need a look."""
        catalogue = self._house.of(owner).catalogue()
        look = follow_songs(catalogue, owner, libraries, server.songs())
        roots = {library.id: library.root for library in libraries}
        return {
            library_id: {
                part for part in parts if os.path.isdir(os.path.join(roots[library_id], part.folder))
            }
            for library_id, parts in look.items()
        }

    def _libraries(self) -> dict[str, list[Library]]:
        found: dict[str, list[Library]] = {}
        for library in self._house.app.catalogue().libraries.watched():
            found.setdefault(library.owner, []).append(library)
        return found
