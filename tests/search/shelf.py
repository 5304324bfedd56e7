"""A catalogue and spaces of vectors that a test writes by hand, in the real database and the real store."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.app import App
from reprise.core.items import Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.core.space import SpaceState
from reprise.core.spec import ModelSpec
from reprise.search.find import Found, find
from reprise.search.query import Query, Seed
from reprise.search.space_queries import SearchPorts
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.items import Item
    from reprise.core.ports import QueryEncoder
    from reprise.core.space import Space


def spec_of(model: str, dimension: int, epoch: int = 1) -> ModelSpec:
    return ModelSpec(model, dimension, "none", 8000, "mean", "none", 1, 1, "none", "none", 0, epoch)


def unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def random_rows(count: int, dimension: int, seed: int = 0) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).standard_normal((count, dimension)))


def clustered_rows(
    clusters: int, each: int, dimension: int, seed: int = 0, spread: float = 0.25
) -> NDArray[np.float32]:
    """``each`` rows around each centre, cluster after cluster."""
    chance = np.random.default_rng(seed)
    centres = unit(chance.standard_normal((clusters, dimension)))
    noise = unit(chance.standard_normal((clusters * each, dimension)))
    return unit(np.repeat(centres, each, axis=0) + spread * noise)


@dataclass
class Shelf:
    """One owner's library. Items are numbered from 1 in the order in which they are put in."""

    folder: Path
    owner: str = "default"
    app: App = field(init=False)
    spaces: dict[str, Space] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "music" / self.owner).mkdir(parents=True, exist_ok=True)
        self.app = App(load_settings({"owner": self.owner}, {}, home=self.folder / "home"))
        self.library, _ = self.app.library_of(self.folder / "music" / self.owner)

    def put(self, *names: str, artists: Sequence[str | None] = (), **tags: Any) -> list[Item]:
        """Items at these paths; each title is the path unless it is given."""
        artists = artists or [None] * len(names)
        added = [
            (FoundFile(name.encode(), 1, 1), Tags(**{"title": name, "artist": artist} | tags))
            for name, artist in zip(names, artists, strict=True)
        ]
        items = self.app.catalogue().items
        items.apply(self.owner, self.library.id, ScanBatch(added=added), time.time())
        found = [items.by_path(self.owner, self.library.id, name.encode()) for name in names]
        assert None not in found
        return [item for item in found if item]

    def put_many(self, count: int, artists: Sequence[str | None] = ()) -> list[Item]:
        return self.put(*(f"{n:04d}.mp3" for n in range(count)), artists=artists)

    def lose(self, *items: Item) -> None:
        """Their files are gone from the disk."""
        batch = ScanBatch(missing=[item.id for item in items])
        self.app.catalogue().items.apply(self.owner, self.library.id, batch, time.time())

    def embed(
        self,
        model: str,
        items: Sequence[Item],
        rows: NDArray[np.float32],
        *,
        epoch: int = 1,
        active: bool = True,
    ) -> Space:
        """A space that serves, with a row (dimension,) for each item."""
        spaces, store = self.app.catalogue().spaces, self.app.store
        space = spaces.ensure(self.owner, spec_of(model, rows.shape[1], epoch))
        store.create(self.owner, space.name, rows.shape[1])
        store.upsert(self.owner, space.name, [item.id for item in items], np.asarray(rows, np.float32))
        if space.state is SpaceState.DRAFT:
            spaces.set_state(self.owner, space.id, SpaceState.FILLING)
        if active:
            spaces.set_state(self.owner, space.id, SpaceState.VERIFYING)
            spaces.switch(self.owner, model, space.id, time.time())
        self.spaces[model] = spaces.get(self.owner, space.id)
        return self.spaces[model]

    def ports(self, encoder: QueryEncoder | None = None) -> SearchPorts:
        return SearchPorts(self.app.catalogue(), self.app.store, self.owner, encoder)

    def find(
        self,
        seeds: Sequence[Item | str | Seed],
        *models: str,
        encoder: QueryEncoder | None = None,
        **chosen: Any,
    ) -> Found:
        asked = tuple(seed if isinstance(seed, Seed) else Seed(seed) for seed in seeds)
        return find(self.ports(encoder), Query(asked, models, **chosen))


def ids(found: Found) -> list[int]:
    return [match.item.id for match in found.matches]


@dataclass
class Dictionary:
    """A ``QueryEncoder`` that knows some texts; ``epoch`` as the installed model has it."""

    texts: Mapping[str, NDArray[np.float32]]
    epoch: int = 1
    asked: list[tuple[str, str]] = field(default_factory=list)

    def fingerprint(self, model: str) -> str:
        from reprise.core.spec import fingerprint

        dimension = len(next(iter(self.texts.values())))
        return fingerprint(spec_of(model, dimension, self.epoch))

    def encode(self, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += [(model, text) for text in texts]
        return np.stack([self.texts[text] for text in texts])
