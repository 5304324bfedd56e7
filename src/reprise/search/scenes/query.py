"""What somebody wants to see: the words, where to look, and how the channels are to be weighed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_LETTERS = 1000
MOST_SCENES = 100


class Channel(StrEnum):
    """One way in which a scene can answer. All but ``PERSON`` answer the words of a query, together its *content*."""

    TRANSCRIPT = "transcript"
    VISUAL = "visual"
    SUMMARY = "summary"
    LEXICAL = "lexical"
    IMAGE = "image"
    PERSON = "person"


CONTENT: tuple[Channel, ...] = tuple(channel for channel in Channel if channel is not Channel.PERSON)
TEXTS = (Channel.TRANSCRIPT, Channel.VISUAL, Channel.SUMMARY)
"""Channels of which texts are compared with the query's by their meaning."""

MODELS: Mapping[Channel, str] = {
    Channel.TRANSCRIPT: "scene-transcript",
    Channel.VISUAL: "scene-visual",
    Channel.SUMMARY: "scene-summary",
    Channel.LEXICAL: "lexical",
    Channel.IMAGE: "scene-image",
    Channel.PERSON: "scene-persons",
}
"""The model whose space each channel asks."""


class Fusion(StrEnum):
    """How the channels' scores become one, see ``reprise.search.scenes.fusion``."""

    MINMAX = "minmax"
    RRF = "rrf"


@dataclass(frozen=True, slots=True)
class SceneQuery:
    """One question. ``text``: 1 to 1,000 characters; ``limit``: 1 to 100.

    ``video_id``, ``library_id``: only there. ``weights`` by channel, 0 to 1: what is not named counts nothing; ``None``:
    those that are saved, else the usual ones. ``fusion``: ``None`` likewise. ``threshold``: the least cosine similarity of
    texts, instead of each channel's own. ``least_score``: of what is found, 0 to 1. ``save``: keep weights and fusion.
    Raises ``UsageError`` for what makes no sense.
    """

    text: str
    video_id: int | None = None
    library_id: int | None = None
    limit: int = 10
    weights: Mapping[str, float] | None = None
    fusion: Fusion | None = None
    threshold: float | None = None
    least_score: float = 0.0
    use_saved: bool = True
    save: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise UsageError("the query is empty", cure="say what is to be seen or heard")
        if len(self.text) > MOST_LETTERS:
            raise UsageError(
                f"the query has {len(self.text):,} characters", cure=f"use {MOST_LETTERS:,} at most"
            )
        if not 1 <= self.limit <= MOST_SCENES:
            raise UsageError(f"{self.limit} scenes cannot be asked for", cure=f"ask for 1 to {MOST_SCENES}")
        for name, value in (("threshold", self.threshold or 0.0), ("least score", self.least_score)):
            if not 0 <= value <= 1:
                raise UsageError(f"the {name} is {value:g}", cure="it goes from 0 to 1")
        if self.weights is not None:
            check_weights(self.weights)


def check_weights(weights: Mapping[str, float]) -> None:
    """Raises ``UsageError`` naming the channel that is not there, or whose weight is none."""
    for name, weight in weights.items():
        if name not in list(Channel):
            raise UsageError(f"there is no channel {name!r}", cure=f"the channels are: {', '.join(Channel)}")
        if not (math.isfinite(weight) and 0 <= weight <= 1):
            raise UsageError(f"the weight of {name} is {weight:g}", cure="weights go from 0 to 1")
    if not any(weights.values()):
        raise UsageError("no channel has a weight", cure="give one of them a weight above 0")
