"""The installed models, looked at again after a while: a job may have fetched weights meanwhile."""

from __future__ import annotations

import importlib.util
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.spec import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.core.spec import ModelCard
    from reprise.errors import RepriseError
    from reprise.server.house import House

FRESH_SECONDS = 10.0
EXTRA = "models"
PACKAGES = ("torch", "transformers", "safetensors", "tokenizers", "huggingface_hub")
"""What the extra brings."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The models as they were at one moment. ``speeds``: seconds of sound per second, of those that are known."""

    cards: Mapping[str, ModelCard]
    broken: Mapping[str, RepriseError]
    speeds: Mapping[str, float]
    extra_there: bool


class ModelList:
    """A ``Service`` that keeps what it found for a few seconds. Threads may share it."""

    name = "models"

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Shelf]] = {}

    def start(self) -> None:
        """Nothing is looked at before somebody asks: that imports what the models need."""

    def stop(self) -> None:
        """Nothing runs."""

    def trouble(self) -> str:
        return ""

    def shelf(self, owner: str) -> Shelf:
        """The models as the owner has them: how much of a track they hear depends on what is stored."""
        with self._lock:
            at, shelf = self._found.get(owner, (0.0, None))
            if shelf is None or time.monotonic() - at > FRESH_SECONDS:
                shelf = self._look(owner)
                self._found[owner] = time.monotonic(), shelf
            return shelf

    def _look(self, owner: str) -> Shelf:
        view = self._house.app.of(owner)  # a new one: the house's own remembers its cards
        cards = view.installed.cards
        machine, speeds = view.installed.machine, view.catalogue().speeds
        known = {name: speeds.get(fingerprint(card.spec), machine) for name, card in cards.items()}
        return Shelf(
            cards,
            view.installed.broken,
            {name: speed.audio_seconds_per_second for name, speed in known.items() if speed},
            all(importlib.util.find_spec(package) for package in PACKAGES),
        )
