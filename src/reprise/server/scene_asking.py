"""The search for scenes as a server does it: a few questions at a time, each text read once and remembered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from starlette.concurrency import run_in_threadpool

from reprise.scene_search import CHANNEL_SECONDS, SceneSearch
from reprise.server.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App
    from reprise.core.ports import Vectors
    from reprise.installed import InstalledModels
    from reprise.search.scenes.answer import SceneAnswer
    from reprise.search.scenes.query import SceneQuery
    from reprise.server.house import House

AT_ONCE = 12
"""Questions that are answered at the same time. Those that wait for a model must not take all threads of the server."""


@dataclass(frozen=True, slots=True)
class KeptReader:
    """Implements ``core.ports.QueryEncoder`` by the server's reader of texts."""

    texts: Texts
    installed: InstalledModels

    def fingerprint(self, model: str) -> str:
        return self.installed.fingerprint(model)

    def encode(self, model: str, texts: Sequence[str]) -> Vectors:
        """Raises ``ModelBusy`` when it takes too long, ``ModelError`` kinds."""
        return np.stack(
            [self.texts.read_here(self.installed, model, text, CHANNEL_SECONDS) for text in texts]
        )


class SceneAsking:
    """Implements ``server.house.Service``."""

    name = "scenes"

    def __init__(self, house: House) -> None:
        self._house = house
        self._places = asyncio.Semaphore(AT_ONCE)

    def start(self) -> None:
        """Nothing runs before somebody asks."""

    def stop(self) -> None:
        """Nothing: what is read for a question ends with the service that reads."""

    def trouble(self) -> str:
        return ""

    async def search(self, app: App, query: SceneQuery) -> SceneAnswer:
        """Raises as ``SceneSearch.search`` does."""
        reader = KeptReader(self._house.service(Texts), app.installed)
        async with self._places:
            return await run_in_threadpool(SceneSearch(app, reader).search, query)
