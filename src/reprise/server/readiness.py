"""Whether what the server needs is there: looked at in the background, told within a second."""

from __future__ import annotations

import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

from reprise.core.health import DEGRADED, OFF, OK, Component
from reprise.diagnosis import LEAST_FREE_MB
from reprise.errors import CatalogueMissing, RepriseError
from reprise.server.model_list import ModelList

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.server.house import House

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 0.8
MODELS_SECONDS = 0.1
"""How long models are waited for on top: they are imported when they are first looked at, and that is no reason to
call a server that answers anything unready."""
"""How long an answer waits for a look that is under way."""


class Readiness:
    """A ``Service`` that looks when somebody asks, at most every few seconds. Threads may share it."""

    name = "health"

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._seen = threading.Event()
        self._answered = threading.Event()
        self._essential = threading.Event()
        self._looking = False
        self._at = 0.0
        self._found: dict[str, Component] = {}
        self._checks: dict[str, Callable[[], Component]] = {
            "catalogue": self._catalogue,
            "disk": self._disk,
            "store": self._store,
            "models": self._models,
        }

    def start(self) -> None:
        """Nothing is looked at before somebody asks."""

    def stop(self) -> None:
        """A look that is under way ends by itself."""

    def trouble(self) -> str:
        return ""

    def usable(self) -> bool:
        """Whether the catalogue can be used, as far as is known."""
        found = self._found.get("catalogue")
        return found is None or found.status != DEGRADED

    def components(self) -> list[Component]:
        """What is known within a second."""
        with self._lock:
            if not self._looking and time.monotonic() - self._at > FRESH_SECONDS:
                self._looking = True
                self._seen.clear()
                self._answered.clear()
                self._essential.clear()
                threading.Thread(target=self._look, name="health", daemon=True).start()
        self._essential.wait(PATIENCE_SECONDS)
        self._seen.wait(MODELS_SECONDS)
        found = [self._found.get(name, Component(name, OFF, "is being looked at")) for name in self._checks]
        if not self._answered.is_set():
            slow = Component("health", DEGRADED, "the catalogue takes long", "is the disk slow, or busy?")
            found = [*found, slow]
        services = (
            service for service in self._house.services if service.name not in {*self._checks, self.name}
        )
        return found + [_service(service.name, service.trouble()) for service in services]

    def _look(self) -> None:
        try:
            for name, check in self._checks.items():
                self._found[name] = self._checked(name, check)
                self._answered.set()  # the catalogue is the first; importing models may well take longer
                if name == "store":
                    self._essential.set()
        finally:
            with self._lock:
                self._looking, self._at = False, time.monotonic()
            self._seen.set()
            self._essential.set()
            self._answered.set()

    def _checked(self, name: str, check: Callable[[], Component]) -> Component:
        try:
            return check()
        except RepriseError as error:
            return Component(name, DEGRADED, error.message, error.cure)
        except OSError as error:
            return Component(name, DEGRADED, str(error), "look with: reprise doctor")

    def _catalogue(self) -> Component:
        app = self._house.app
        if not app.storage.exists:  # who has it open would go on reading what nobody will find again
            raise CatalogueMissing(f"there is no catalogue at {app.catalogue_path} any more")
        app.catalogue().feed.newest()
        return Component("catalogue", OK)

    def _disk(self) -> Component:
        free_mb = shutil.disk_usage(self._house.app.home).free / 2**20
        detail = f"{free_mb:,.0f} MB free"
        if free_mb < LEAST_FREE_MB:
            return Component("disk", DEGRADED, detail, "free some space")
        return Component("disk", OK, detail)

    def _store(self) -> Component:
        """Asks one space of each model that search answers from, as a search would."""
        app = self._house.app
        folder = app.home / "spaces"
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            return Component("store", DEGRADED, f"{folder} cannot be written", "give back the right to")
        pointers = app.catalogue().spaces.pointers(app.owner)
        spaces = [pointer.space for pointer in pointers if pointer.space.dimension]
        count = sum(app.store.count(app.owner, space.name) for space in spaces)
        return Component("store", OK, f"{count:,} vectors answer searches")

    def _models(self) -> Component:
        """Of those that search answers with: the others are only missed once a job asks for them."""
        app = self._house.app
        try:
            shelf = self._house.service(ModelList).shelf(app.owner)
        except LookupError:
            return Component("models", OFF)
        for pointer in app.catalogue().spaces.pointers(app.owner):
            if error := shelf.broken.get(pointer.model):
                return Component("models", DEGRADED, error.message, error.cure)
            if pointer.model not in shelf.cards:
                return Component(
                    "models",
                    DEGRADED,
                    f"{pointer.model} answers searches, and is not installed any more",
                    "install its package again",
                )
        return Component("models", OK, f"{len(shelf.cards)} installed")


def _service(name: str, trouble: str) -> Component:
    return Component(name, DEGRADED, trouble, "look with: reprise doctor") if trouble else Component(name, OK)
