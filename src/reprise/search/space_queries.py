"""What each model makes of a question: its space, and the vectors of the seeds and negatives in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from reprise.core.space import SpaceState
from reprise.errors import NotFound, UsageError
from reprise.search.geometry import weighted_mean
from reprise.search.query import Blend, name_of
from reprise.search.serving import serving_space

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from reprise.core.items import Item
    from reprise.core.ports import Hit, QueryEncoder, Vectors
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.core.store_abilities import StoreAbilities
    from reprise.search.query import Query


@dataclass(frozen=True, slots=True)
class SpaceQuery:
    """One model's part in a question: what its space is asked.

    ``questions`` (q, dimension): what the space is asked, one row for a blend, else one per seed; ``weights`` (q,)
    between 0 and 1, the largest 1. ``negatives`` (n, dimension).
    """

    space: Space
    questions: Vectors
    weights: NDArray[np.float64]
    negatives: Vectors

    @property
    def model(self) -> str:
        return self.space.model

    @property
    def partial(self) -> bool:
        """The model's first space is still filling."""
        return self.space.state is not SpaceState.ACTIVE


class SearchedStore(Protocol):
    """What search asks of a ``VectorStore``."""

    @property
    def abilities(self) -> StoreAbilities: ...

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]: ...

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]: ...

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]: ...


@dataclass(frozen=True, slots=True)
class SearchPorts:
    """What a question goes through. Without an ``encoder`` there are no texts."""

    catalogue: Catalogue
    store: SearchedStore
    owner: str
    encoder: QueryEncoder | None = None


def space_queries_of(ports: SearchPorts, query: Query) -> tuple[list[SpaceQuery], list[str]]:
    """For each model that knows a seed its part of the question, and a warning for whatever is left out.

    Raises ``NotFound`` when no model knows any seed, ``UsageError`` for a text that cannot be compared.
    """
    space_queries: list[SpaceQuery] = []
    warnings: list[str] = []
    reasons: list[NotFound] = []
    for model in query.models:
        try:
            space_query, left_out = _space_query(ports, query, model)
        except NotFound as error:
            reasons.append(error)
            continue
        space_queries.append(space_query)
        warnings += left_out
    if not space_queries:
        raise reasons[0]
    return space_queries, [*(f"{error.message}; {error.cure}" for error in reasons), *warnings]


def _space_query(ports: SearchPorts, query: Query, model: str) -> tuple[SpaceQuery, list[str]]:
    space = serving_space(ports.catalogue, ports.owner, model)
    wanted = [*(seed.what for seed in query.seeds), *query.negatives]
    known = _vectors(ports, space, wanted)
    seeds = [(known[place], seed.weight) for place, seed in enumerate(query.seeds) if place in known]
    unknown = [what for place, what in enumerate(wanted) if place not in known]
    if not seeds:
        raise _unknown(unknown[0], model)
    negatives = [known[place] for place in range(len(query.seeds), len(wanted)) if place in known]
    questions, weights = _questions([row for row, _ in seeds], [weight for _, weight in seeds], query.blend)
    warnings = [f"{_unknown(what, model).message}: left out of the comparison" for what in unknown]
    return SpaceQuery(space, questions, weights, _stacked(negatives, space.dimension)), warnings


def _vectors(ports: SearchPorts, space: Space, wanted: Sequence[Item | str]) -> dict[int, Vectors]:
    """The vector of each thing that the model knows, by its place."""
    ids = {what.id for what in wanted if not isinstance(what, str)}
    stored: Mapping[int, Vectors] = ports.store.get(ports.owner, space.name, ids) if ids else {}
    texts = {what for what in wanted if isinstance(what, str)}
    read = _texts(ports, space, texts) if texts else {}
    return {
        place: read[what] if isinstance(what, str) else stored[what.id]
        for place, what in enumerate(wanted)
        if (what in read if isinstance(what, str) else what.id in stored)
    }


def _texts(ports: SearchPorts, space: Space, texts: Collection[str]) -> dict[str, Vectors]:
    """Texts as vectors of the space. The encoder must be of the space's own spec, or they mean nothing in it."""
    if ports.encoder is None:
        raise UsageError("no text can be read here", cure="name tracks instead")
    if ports.encoder.fingerprint(space.model) != space.fingerprint:
        raise UsageError(
            f"search with {space.model} answers from {space.name}, which another version of the model has made; "
            "a text read by the installed one cannot be compared with it",
            cure=f"run: reprise embed FOLDER --model {space.model}; or go back to that version",
        )
    wanted = sorted(texts)
    return dict(zip(wanted, ports.encoder.encode(space.model, wanted), strict=True))


def _questions(
    rows: Sequence[Vectors], weights: Sequence[float], blend: Blend
) -> tuple[Vectors, NDArray[np.float64]]:
    scale = np.asarray(weights, np.float64) / max(weights)
    if len(rows) == 1 or blend is Blend.ANY:
        return np.stack(rows), scale
    mean = weighted_mean(np.stack(rows), scale)
    if mean is None:
        raise UsageError("the seeds cancel each other out", cure="use --blend any, or other weights")
    return mean[None, :], np.ones(1)


def _stacked(rows: Sequence[Vectors], dimension: int) -> Vectors:
    return np.stack(rows) if rows else np.empty((0, dimension), np.float32)


def _unknown(what: Item | str, model: str) -> NotFound:
    cure = "" if isinstance(what, str) else f"see why with: reprise explain {what.id}"
    return NotFound(f"{name_of(what)} is not embedded by {model}", cure=cure)
