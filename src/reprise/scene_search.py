"""Composition root of the search in videos."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reprise.core.video_records import SearchPreferences
from reprise.search.scenes.channels import ScenePorts
from reprise.search.scenes.find import find_scenes
from reprise.search.scenes.query import Fusion, check_weights
from reprise.search.scenes.weights import chosen, to_keep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.app import App
    from reprise.core.ports import QueryEncoder
    from reprise.search.scenes.answer import SceneAnswer
    from reprise.search.scenes.query import SceneQuery

CHANNEL_SECONDS = 30.0
"""Reading a text may mean to load its model first."""


class SceneSearch:
    """Questions of the application's owner for scenes of their videos. For many threads."""

    def __init__(
        self, app: App, encoder: QueryEncoder | None = None, *, channel_seconds: float = CHANNEL_SECONDS
    ) -> None:
        """``encoder``: what reads texts, if not a process of its own for each. ``channel_seconds``: how long each channel
        is waited for; one that takes longer is left out of the answer and named."""
        self._app = app
        self._encoder = encoder or app.installed
        self._channel_seconds = channel_seconds

    @property
    def ports(self) -> ScenePorts:
        app = self._app
        return ScenePorts(
            app.catalogue(),
            app.store,
            app.lexical,
            app.owner,
            self._encoder,
            app.installed.pipeline,
            self._channel_seconds,
        )

    def search(self, query: SceneQuery) -> SceneAnswer:
        """Raises ``NotFound`` for a video, a library or a person that the owner does not have, ``SearchDown`` when no
        channel can answer and one of them should, ``CatalogueError`` kinds."""
        return find_scenes(self.ports, query)

    def preferences(self) -> SearchPreferences:
        """Those that the owner has saved, else the usual ones."""
        saved = self._app.catalogue().preferences.get(self._app.owner)
        return saved or SearchPreferences(chosen(None, None)[0], Fusion.MINMAX)

    def save_preferences(self, weights: Mapping[str, float] | None, fusion: Fusion) -> SearchPreferences:
        """Keep weights (within their bounds; ``None``: the usual ones) and fusion; returns what is kept.

        Raises ``UsageError`` for weights that make no sense.
        """
        if weights is not None:
            check_weights(weights)
        kept = SearchPreferences(to_keep(*chosen(weights, None)), fusion)
        self._app.catalogue().preferences.put(self._app.owner, kept, time.time())
        return kept
