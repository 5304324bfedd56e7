"""What each channel lists for a question: at most 200 scenes that reach its threshold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.ports import Hit
from reprise.core.space import SpaceState
from reprise.errors import ModelError, NotFound
from reprise.search.geometry import cosines
from reprise.search.neighbours import GROWTH, deeper
from reprise.search.scenes.fusion import Listed, Scale
from reprise.search.scenes.query import MODELS, TEXTS, Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reprise.core.pipeline import EmbeddingSpec
    from reprise.core.ports import LexicalIndex, QueryEncoder, Vectors
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.core.video import Person
    from reprise.search.scenes.spaces import Readings, Spaces
    from reprise.search.space_queries import SearchedStore

CANDIDATES = 200
"""Scenes that a channel lists at most."""

SCALES: Mapping[Channel, Scale] = {
    Channel.TRANSCRIPT: Scale(0.2, 0.5),
    Channel.VISUAL: Scale(0.15, 0.5),
    Channel.SUMMARY: Scale(0.2, 0.5),
    Channel.LEXICAL: Scale(),
    Channel.PERSON: Scale(0.3, 0.5),
}
"""The least cosine similarity that counts, and the one from which on it is sure. BM25 has neither."""

IMAGE_SCALES: Mapping[str, Scale] = {"clip": Scale(0.2, 0.3), "siglip2": Scale(0.05, 0.15)}
"""Text and picture are never very alike: CLIP's pairs lie around 0.3; SigLIP calls them a pair from 0.11 to 0.14 on."""

FRAMES_PER_SCENE = 4
"""A thumbnail and three keyframes: so many pictures may have to be passed over to come to the next scene."""

FEW_SCENES = 4000
"""Within so many items, comparing with each of them is faster than asking for the nearest of all."""

"""How many times deeper the next question goes when too few of the hits were admitted."""


@dataclass(frozen=True, slots=True)
class ScenePorts:
    """What questions for scenes go through, and whose they are.

    ``pipeline``: of this installation. ``channel_seconds``: how long a channel is waited for.
    """

    catalogue: Catalogue
    store: SearchedStore
    lexical: LexicalIndex
    owner: str
    encoder: QueryEncoder
    pipeline: EmbeddingSpec
    channel_seconds: float


@dataclass(frozen=True, slots=True)
class Within:
    """Where to look: ``videos`` and ``items``, the scenes and frames of these. Everywhere when ``videos`` is ``None``."""

    videos: frozenset[int] | None = None
    items: frozenset[int] = frozenset()

    def admits(self, key: int) -> bool:
        return self.videos is None or key in self.items


@dataclass(frozen=True, slots=True)
class Answered:
    """What a channel lists, and the space it comes from. ``missing``: of whom nothing is known."""

    listed: Listed
    space: Space
    missing: str = ""

    @property
    def partial(self) -> str:
        """Why this may not be all; empty: it is."""
        if self.space.state is not SpaceState.ACTIVE:
            return f"{self.space.name} is still being filled: more may come"
        return self.missing


@dataclass(frozen=True, slots=True)
class Asking:
    """One question, put to one channel after another; for many threads."""

    ports: ScenePorts
    spaces: Spaces
    readings: Readings
    text: str
    persons: Sequence[Person] = ()
    within: Within = field(default_factory=Within)
    threshold: float | None = None

    def ask(self, channel: Channel) -> Answered:
        """Raises ``UsageError`` kinds when the channel has nothing to answer from here, others when it cannot."""
        if channel is Channel.LEXICAL:
            return self._words()
        if channel is Channel.PERSON:
            return self._seen_persons()
        return self._meaning(channel)

    def _words(self) -> Answered:
        space = self.spaces.serving(MODELS[Channel.LEXICAL])
        if self.within.videos is not None and not self.within.videos:
            return Answered(Listed(()), space)
        hits = self.ports.lexical.search(
            self.ports.owner, space.name, self.text, CANDIDATES, videos=self.within.videos or ()
        )
        return Answered(Listed(hits, SCALES[Channel.LEXICAL]), space)

    def _meaning(self, channel: Channel) -> Answered:
        model = MODELS[channel]
        space = self.spaces.readable(model, self.ports.encoder)
        scale = self._scale(channel, space)
        vector = self.readings.vector(model, self.spaces.maker(space))
        return Answered(Listed(self._nearest(space, vector, CANDIDATES, scale.floor), scale), space)

    def _scale(self, channel: Channel, space: Space) -> Scale:
        if channel is Channel.IMAGE:
            method = str(self.spaces.inputs(space).get("option.image_model", ""))
            return IMAGE_SCALES.get(method, IMAGE_SCALES["clip"])
        usual = SCALES[channel]
        return usual if self.threshold is None or channel not in TEXTS else Scale(self.threshold, usual.sure)

    def _nearest(self, space: Space, vector: Vectors, count: int, floor: float) -> list[Hit]:
        """The ``count`` best that are admitted and reach the floor, best first."""
        if self.within.videos is not None and len(self.within.items) <= FEW_SCENES:
            return self._of_these(space, vector, count, floor)
        asked = count
        while True:
            hits = self.ports.store.search(self.ports.owner, space.name, vector, asked)
            found = [hit for hit in hits if hit.score >= floor and self.within.admits(hit.key)]
            if len(found) >= count or len(hits) < asked or hits[-1].score < floor:
                return found[:count]
            asked = deeper(asked, self.ports.store)

    def _of_these(self, space: Space, vector: Vectors, count: int, floor: float) -> list[Hit]:
        stored = self.ports.store.get(self.ports.owner, space.name, self.within.items)
        if not stored:
            return []
        scores = cosines(np.stack(list(stored.values())), vector[None, :])[:, 0]
        hits = [Hit(key, float(score)) for key, score in zip(stored, scores, strict=True) if score >= floor]
        return _best(hits, count)

    def _seen_persons(self) -> Answered:
        """Each scene by the picture that is most like the person; of several persons the mean, 0 for one not seen."""
        frames, persons = self.spaces.serving(MODELS[Channel.PERSON]), self.spaces.serving("person")
        known = self.ports.store.get(self.ports.owner, persons.name, [person.id for person in self.persons])
        missing = ", ".join(person.name for person in self.persons if person.id not in known)
        if not known:
            raise NotFound(f"no photo of {missing} is embedded", cure="see: reprise persons list")
        if not self.spaces.comparable(frames, persons):
            raise ModelError(
                f"{persons.name} and {frames.name} were not made by the same model, so nobody can be found",
                cure="run: reprise reprocess --scope all",
            )
        scale = SCALES[Channel.PERSON]
        hits = _best(_means([self._scenes_of(frames, vector, scale.floor) for vector in known.values()]))
        return Answered(Listed(hits, scale), frames, f"no photo of {missing} is embedded" if missing else "")

    def _scenes_of(self, frames: Space, vector: Vectors, floor: float) -> dict[int, float]:
        """The best score of each scene's pictures, of the best ``CANDIDATES`` scenes at least."""
        asked = CANDIDATES * FRAMES_PER_SCENE
        while True:
            hits = self._nearest(frames, vector, asked, floor)
            scenes = self.ports.catalogue.videos.scenes_of_frames(self.ports.owner, [hit.key for hit in hits])
            best = _best_of((scenes[hit.key], hit.score) for hit in hits if hit.key in scenes)
            if len(best) >= CANDIDATES or len(hits) < asked:
                return best
            asked *= GROWTH


def within(catalogue: Catalogue, owner: str, video_id: int | None, library_id: int | None) -> Within:
    """Raises ``NotFound`` for a video or a library that is not the owner's."""
    if video_id is None and library_id is None:
        return Within()
    videos: Collection[int]
    if video_id is not None:
        video = catalogue.videos.get(owner, video_id)
        videos = [video_id] if library_id in (None, video.library_id) else []
    else:
        assert library_id is not None
        catalogue.libraries.get(owner, library_id)
        count = catalogue.videos.count(owner, library_id)
        found, _ = catalogue.videos.page(owner, library_id=library_id, text="", limit=max(1, count), offset=0)
        videos = [video.id for video in found]
    return Within(frozenset(videos), frozenset(catalogue.videos.items_below(owner, videos)))


def _best(hits: Iterable[Hit], count: int = CANDIDATES) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.key))[:count]


def _means(told: Sequence[Mapping[int, float]]) -> list[Hit]:
    """Over all of them; one that says nothing of a key gives it 0."""
    keys = {key for scores in told for key in scores}
    return [Hit(key, sum(scores.get(key, 0.0) for scores in told) / len(told)) for key in keys]


def _best_of(scores: Iterable[tuple[int, float]]) -> dict[int, float]:
    found: dict[int, float] = {}
    for key, score in scores:
        found[key] = max(score, found.get(key, score))
    return found
