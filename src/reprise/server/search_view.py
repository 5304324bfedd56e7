"""Questions of search as the API takes them, and answers as it tells them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from reprise.core.names import folded
from reprise.core.spec import TRACKS
from reprise.errors import UsageError
from reprise.search.query import Exclusions
from reprise.search.serving import answering_models, model_of_choice
from reprise.search.timing import TimedStore
from reprise.server.listing_view import ItemFacts, items_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.app import App
    from reprise.core.items import Item
    from reprise.core.ports import QueryEncoder
    from reprise.search.space_queries import SearchPorts, SpaceQuery


class FoundItem(ItemFacts):
    """One track of an answer."""

    score: float | None = Field(
        description="Cosine similarity, -1 to 1; of several models what their merging gives; none: where it begins"
    )
    scores: dict[str, float] = Field(description="By each model that has embedded it")


class FoundItems(BaseModel):
    """An answer, best first."""

    model: str = Field(description="Names of the models that answered, with commas between")
    space: str = Field(description="The spaces that answered, in the models' order")
    partial: bool = Field(description="The first embedding of the library is not finished: more may come")
    warnings: list[str]
    items: list[FoundItem]
    seconds: float = Field(description="That finding took on the server")
    store_seconds: float = Field(description="Of them, those in which the store searched")


class Stopwatch:
    """The time of one question, and the store's part of it."""

    def __init__(self, app: App) -> None:
        self._began = time.perf_counter()
        self._app = app
        self._store = TimedStore(app.store)

    def ports(self, encoder: QueryEncoder | None = None) -> SearchPorts:
        ports = self._app.search_ports()
        return replace(ports, store=self._store, encoder=encoder or ports.encoder)

    def answer(
        self,
        space_queries: Sequence[SpaceQuery],
        warnings: Sequence[str],
        matches: Sequence[tuple[Item, float | None, dict[str, float]]],
    ) -> JSONResponse:
        """A ``FoundItems``, written without being checked once more."""
        facts = items_facts(self._app, [item for item, _, _ in matches])
        for told, (_, score, scores) in zip(facts, matches, strict=True):
            told["score"] = None if score is None else round(score, 6)
            told["scores"] = {model: round(own, 6) for model, own in scores.items()}
        answer: dict[str, Any] = {
            "model": ",".join(space_query.model for space_query in space_queries),
            "space": ",".join(space_query.space.name for space_query in space_queries),
            "partial": any(space_query.partial for space_query in space_queries),
            "warnings": list(warnings),
            "items": facts,
            "store_seconds": round(self._store.seconds, 6),
            "seconds": round(time.perf_counter() - self._began, 6),
        }
        return JSONResponse(answer)


def models_of(app: App, named: Sequence[str]) -> tuple[str, ...]:
    """The models named, or the one that search answers with. Raises ``UnknownModel``."""
    return app.models(named or (model_of_choice(app.catalogue(), app.owner),))


def readers_of(app: App, named: Sequence[str]) -> tuple[str, ...]:
    """Models that read text: those named, or the first that has embedded something.

    Raises ``UsageError`` that names those which do, ``UnknownModel``.
    """
    cards = app.installed.cards
    readers = [name for name, card in cards.items() if card.reads_text and card.spec.subject == TRACKS]
    for name in app.models(named) if named else ():
        if name not in readers:
            raise UsageError(f"{name} reads no text", cure=f"models that do: {', '.join(readers) or 'none'}")
    if named:
        return app.models(named)
    embedded = [name for name in answering_models(app.catalogue(), app.owner) if name in readers]
    if not embedded:
        raise UsageError(
            "nothing is embedded by a model that reads text",
            cure=f"embed with one that does: {', '.join(readers) or 'none is installed'}",
        )
    return (embedded[0],)


def exclusions_of(app: App, library_id: int | None, artists: Sequence[str]) -> Exclusions:
    """All libraries but one, and artists. Raises ``NotFound`` for a library that is not there."""
    libraries = app.catalogue().libraries
    others: tuple[tuple[int, bytes], ...] = ()
    if library_id is not None:
        kept = libraries.get(app.owner, library_id)
        others = tuple((library.id, b"") for library in libraries.all(app.owner) if library.id != kept.id)
    return Exclusions(frozenset(), others, frozenset(folded(name) for name in artists))
