"""The follower: watches the libraries of all owners, and a music server if there is one."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from reprise.core.following import RecentErrors
from reprise.core.ports import WHOLE
from reprise.engine.arrivals import Arrivals, Patience
from reprise.errors import RepriseError
from reprise.filming import Filming
from reprise.server.followed import Followed
from reprise.server.music_server import MusicServerFollower

if TYPE_CHECKING:
    from reprise.core.following import RecentError
    from reprise.core.items import Library
    from reprise.server.house import House

logger = logging.getLogger(__name__)

TEND_SECONDS = 2.0
"""How often new, changed and forgotten libraries are looked for."""


class Follower:
    """A ``Service``. Libraries are known by their ids, which no two owners share."""

    name = "following"

    def __init__(self, house: House) -> None:
        self._house = house
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._followed: dict[int, Followed] = {}
        self._errors: dict[str, RecentErrors] = {}
        self._whole = threading.Lock()
        self._thread: threading.Thread | None = None
        self.server: MusicServerFollower | None = None

    @property
    def enabled(self) -> bool:
        """Whether the settings want it."""
        return self._house.app.settings.flag("watch")

    def start(self) -> None:
        if not self.enabled:
            return
        self._thread = threading.Thread(target=self._tend, name="following")
        self._thread.start()
        self.server = MusicServerFollower(self._house, self)
        self.server.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.server is not None:
            self.server.stop()
        with self._lock:
            followed, self._followed = list(self._followed.values()), {}
        for one in followed:
            one.stop()

    def trouble(self) -> str:
        """What is wrong with what is followed, in one line."""
        parts = [f"{one.library.name}: {one.trouble}" for one in self.all() if one.trouble]
        parts += [one.arrivals.trouble for one in self.all() if one.arrivals and one.arrivals.trouble]
        if self.server is not None and self.server.trouble:
            parts.append(self.server.trouble)
        return "; ".join(parts)

    def all(self, owner: str | None = None) -> list[Followed]:
        """The libraries that have been looked after, of one owner or of all."""
        with self._lock:
            return [one for one in self._followed.values() if owner in (None, one.library.owner)]

    def recent_errors(self, owner: str) -> list[RecentError]:
        """What went wrong in embedding what scans found, the newest first, a hundred at most."""
        return self._errors_of(owner).newest_first()

    def scan(self, library: Library, *, full: bool = False) -> None:
        """Have the whole library looked at soon, also one that is not followed."""
        self.followed(library).look([WHOLE], full=full)

    def followed(self, library: Library) -> Followed:
        """What looks after the library; it begins with that when it has not yet."""
        with self._lock:
            known = self._followed.get(library.id)
            if known is None:
                known = self._followed[library.id] = self._made(library)
            return known

    def _made(self, library: Library) -> Followed:
        app = self._house.of(library.owner)
        arrivals = None
        if self.enabled:
            stages = Filming(app).arrivals if library.kind == "video" else None
            arrivals = Arrivals(app, library, self._patience(), self._errors_of(library.owner), stages)
        followed = Followed(app, library, arrivals, self._whole)
        followed.start(watch=self.enabled and library.watch)
        return followed

    def _errors_of(self, owner: str) -> RecentErrors:
        return self._errors.setdefault(owner, RecentErrors())

    def _patience(self) -> Patience:
        settings = self._house.app.settings
        return Patience(
            retries=settings.whole("embed_retries"),
            first=settings.number("embed_retry_wait"),
            cap=settings.number("embed_retry_cap"),
            progress_seconds=settings.number("embed_progress_seconds"),
        )

    def _tend(self) -> None:
        """Follow libraries that came or were changed, and leave those that went."""
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._look_after({library.id: library for library in self._wanted()})
            except RepriseError as error:
                logger.warning("libraries cannot be followed now: %s", error.message)
            self._stop.wait(max(0.0, TEND_SECONDS - (time.monotonic() - began)))

    def _wanted(self) -> list[Library]:
        return [
            library for library in self._house.app.catalogue().libraries.watched() if not self._stop.is_set()
        ]

    def _look_after(self, wanted: dict[int, Library]) -> None:
        with self._lock:
            over = [one for one in self._followed.values() if _changed(one, wanted.get(one.library.id))]
            for one in over:
                del self._followed[one.library.id]
        for one in over:
            one.stop()
        for library in wanted.values():
            self.followed(library)


def _changed(followed: Followed, library: Library | None) -> bool:
    """Whether the library is to be followed in another way from now on, or not at all."""
    before = followed.library
    if library is None:
        return before.watch
    return (before.watch, before.root, before.exclude) != (library.watch, library.root, library.exclude)
