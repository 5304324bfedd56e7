"""What a person wants to hear: seeds with weights, models, and what the answer must not be like."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reprise.errors import UsageError

if TYPE_CHECKING:
    from reprise.core.items import Item


class Merge(StrEnum):
    """How the answers of several models become one, see ``reprise.search.fusion``."""

    FUSION = "fusion"
    UNION = "union"
    INTERSECTION = "intersection"
    PRIORITY = "priority"


class Blend(StrEnum):
    """What several seeds mean. ``MEAN``: like all of them at once. ``ANY``: like one of them at least."""

    MEAN = "mean"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Seed:
    """A track, or a text for models that read text. ``weight`` above 0, relative to the other seeds'."""

    what: Item | str
    weight: float = 1.0

    @property
    def label(self) -> str:
        return name_of(self.what)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What may not be in an answer. ``folders``: (library id, path in it); ``artists`` as ``core.names.folded`` gives them."""

    items: frozenset[int] = frozenset()
    folders: tuple[tuple[int, bytes], ...] = ()
    artists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """One question. ``models`` in the order of their priority, each once.

    ``agreement``: how many models at least must list a track. ``negative_strength`` 0 to 1: how much a track loses
    for each point of its similarity to the nearest negative. ``diversity`` 0 (none) to 1 (as varied as possible).
    Raises ``UsageError`` for what makes no sense.
    """

    seeds: tuple[Seed, ...]
    models: tuple[str, ...]
    limit: int = 10
    blend: Blend = Blend.MEAN
    merge: Merge = Merge.FUSION
    agreement: int = 1
    negatives: tuple[Item | str, ...] = ()
    negative_strength: float = 0.5
    diversity: float = 0.0
    exclusions: Exclusions = field(default_factory=Exclusions)

    def __post_init__(self) -> None:
        _check_seeds(self)
        _check_models(self)
        if self.limit < 1:
            raise UsageError(f"{self.limit} tracks cannot be found", cure="ask for 1 at least")
        for name, value in (("diversity", self.diversity), ("negative strength", self.negative_strength)):
            if not 0 <= value <= 1:
                raise UsageError(f"the {name} is {value:g}", cure="it goes from 0 to 1")

    @property
    def named_items(self) -> frozenset[int]:
        """Items that the question itself names: they are no answers."""
        named = (*(seed.what for seed in self.seeds), *self.negatives)
        return frozenset(what.id for what in named if not isinstance(what, str))


def name_of(what: Item | str) -> str:
    """A seed or a negative, for people."""
    return f"{what!r}" if isinstance(what, str) else what.label


def _check_seeds(query: Query) -> None:
    if not query.seeds:
        raise UsageError("there is nothing to start from", cure="name a track")
    for seed in query.seeds:
        if not (math.isfinite(seed.weight) and seed.weight > 0):
            raise UsageError(
                f"the weight of {seed.label} is {seed.weight:g}",
                cure="weights are above 0; what should not be found is a negative",
            )
    for negative in query.negatives:
        if any(seed.what == negative for seed in query.seeds):
            raise UsageError(f"{name_of(negative)} is wanted and unwanted", cure="name it once")
    texts = [
        what for what in (*(seed.what for seed in query.seeds), *query.negatives) if isinstance(what, str)
    ]
    if any(not text.strip() for text in texts):
        raise UsageError("the text is empty", cure="describe what you want to hear")


def _check_models(query: Query) -> None:
    if not query.models or len(set(query.models)) != len(query.models):
        raise UsageError("name one model or several, each once", cure="list them with: reprise models")
    if not 1 <= query.agreement <= len(query.models):
        raise UsageError(
            f"{query.agreement} models are to agree, and {len(query.models)} are asked",
            cure="ask more models, or let fewer agree",
        )
