"""A radio: tracks like the seeds, one after the other, drifting on from what was played.

Each next track is drawn from those nearest to a mix of two directions: where the radio began, and where it is now (a mean
of what was played in which each older track weighs half). The draw depends on a seed number alone, so a list can be had
again. No track twice, no other file of the same artist and title, and no artist again too soon if something else is left.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.names import folded, song_key
from reprise.errors import UsageError
from reprise.search.admission import Admission
from reprise.search.geometry import weighted_mean
from reprise.search.neighbours import Neighbours
from reprise.search.query import Query, Seed
from reprise.search.space_queries import space_queries_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reprise.core.items import Item
    from reprise.core.ports import Hit, Vectors
    from reprise.search.query import Exclusions
    from reprise.search.space_queries import SearchPorts, SpaceQuery

HAT = 8
"""Of how many nearest tracks the next one is drawn."""

CLOSER = 0.6
"""How much less likely each next one of them is: the nearest has four chances in ten."""

MEMORY = 0.5
"""What of its weight a played track keeps when another one is played."""


@dataclass(frozen=True, slots=True)
class Station:
    """How a radio plays. ``drift`` 0 (stays with its seeds) to 1 (goes where the music leads). ``spacing``: how many
    other tracks at least between two of one artist. ``chance``: the same number gives the same list."""

    drift: float = 0.3
    spacing: int = 5
    chance: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.drift <= 1:
            raise UsageError(f"the drift is {self.drift:g}", cure="it goes from 0 to 1")
        if self.spacing < 0:
            raise UsageError(f"the spacing is {self.spacing}", cure="0 or more")


@dataclass(frozen=True, slots=True)
class Played:
    """``score``: the cosine similarity to the mix of directions that the track was drawn for, -1 to 1."""

    item: Item
    score: float


class Radio:
    """Plays until nothing is left. Raises ``NotFound`` when no seed is embedded by the model."""

    def __init__(
        self, ports: SearchPorts, model: str, seeds: Sequence[Seed], exclusions: Exclusions, station: Station
    ) -> None:
        query = Query(tuple(seeds), (model,), exclusions=exclusions)
        space_queries, warnings = space_queries_of(ports, query)
        self.space_query: SpaceQuery = space_queries[0]
        self.warnings = tuple(warnings)
        self._admission = Admission(ports.catalogue, ports.owner, exclusions, query.named_items)
        self._neighbours = Neighbours(ports.store, ports.owner, self.space_query.space.name, self._admission)
        self._station = station
        self._chance = random.Random(station.chance)
        self._home = self.space_query.questions[0]
        self._here = self._home
        self._played: set[int] = set()
        started = [seed.what for seed in seeds if not isinstance(seed.what, str)]
        self._songs = {song for item in started if (song := song_key(item.tags))}
        self._artists = [_artist(item) for item in started]

    def __iter__(self) -> Iterator[Played]:
        while (hit := self._next()) is not None:
            item = self._admission.item(hit.key)
            self._remember(item)
            yield Played(item, hit.score)

    def _next(self) -> Hit | None:
        """Draw from the nearest that may be played; with less spacing when nothing else is left."""
        direction = self._direction()
        asked = HAT
        while True:
            hits = self._neighbours.nearest(direction, asked, exclude=self._played)
            fresh = [hit for hit in hits if song_key(self._admission.item(hit.key).tags) not in self._songs]
            allowed = [hit for hit in fresh if self._pause(hit) >= self._station.spacing]
            if len(allowed) >= HAT or len(hits) < asked:
                return self._drawn(allowed) if allowed else self._longest_ago(fresh)
            asked *= 4

    def _direction(self) -> Vectors:
        drift = self._station.drift
        mixed = weighted_mean(np.stack([self._home, self._here]), np.array([1 - drift, drift]))
        return self._home if mixed is None else mixed

    def _drawn(self, allowed: Sequence[Hit]) -> Hit:
        hat = allowed[:HAT]
        return self._chance.choices(hat, [CLOSER**place for place in range(len(hat))])[0]

    def _longest_ago(self, fresh: Sequence[Hit]) -> Hit | None:
        """The one whose artist was not heard for the longest time; the nearest of several."""
        return max(fresh, key=self._pause, default=None)

    def _pause(self, hit: Hit) -> float:
        """How many tracks were played since the artist's last one; without end for one not heard or not known."""
        artist = _artist(self._admission.item(hit.key))
        if not artist or artist not in self._artists:
            return float("inf")
        return self._artists[::-1].index(artist)

    def _remember(self, item: Item) -> None:
        self._played.add(item.id)
        self._artists.append(_artist(item))
        if song := song_key(item.tags):
            self._songs.add(song)
        vector = self._neighbours.vectors([item.id]).get(item.id)
        if vector is not None:
            mixed = weighted_mean(np.stack([self._here, vector]), np.array([MEMORY, 1 - MEMORY]))
            self._here = vector if mixed is None else mixed


def _artist(item: Item) -> str:
    return folded(item.tags.artist or "")
