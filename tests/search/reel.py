"""An owner's videos with scenes, words, pictures and persons, in the real catalogue, vector store and lexical index."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.app import App
from reprise.catalog.video_writing import write_told
from reprise.core.items import InputState, ItemKind, Tags
from reprise.core.pipeline import VIDEO_PIPELINE
from reprise.core.ports import FoundFile, LexicalDocument
from reprise.core.records import ScanBatch
from reprise.core.space import SpaceState
from reprise.core.spec import ModelSpec, Subject, fingerprint
from reprise.core.video import (
    Description,
    Extract,
    FoundScene,
    FrameKind,
    SavedFrame,
    Segment,
    TextSource,
    Transcript,
    VideoFacts,
)
from reprise.errors import UsageError
from reprise.search.scenes.channels import ScenePorts
from reprise.search.scenes.find import find_scenes
from reprise.search.scenes.query import SceneQuery
from reprise.settings import load_settings
from tests.search.shelf import unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.space import Space
    from reprise.search.scenes.answer import SceneAnswer

DIMENSION = 8
SECONDS = 10.0
"""Each scene lasts so long, and what is said stands in its middle: no scene hears its neighbours."""

SUBJECTS = {
    "scene-transcript": Subject(ItemKind.SCENE, "transcript"),
    "scene-visual": Subject(ItemKind.SCENE, "visual"),
    "scene-summary": Subject(ItemKind.SCENE, "summary"),
    "scene-image": Subject(ItemKind.SCENE, "image"),
    "scene-persons": Subject(ItemKind.FRAME, "image"),
    "person-photo": Subject(ItemKind.PHOTO, "image"),
    "person": Subject(ItemKind.PERSON, "photos"),
    "lexical": Subject(ItemKind.SCENE, "lexical"),
}
READ = frozenset({"scene-transcript", "scene-visual", "scene-summary"})


@dataclass(frozen=True)
class Shot:
    """A scene: what is said in it, and what is written about it."""

    said: str = ""
    description: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()


def spec_of(
    model: str, options: Mapping[str, str] | None = None, *, epoch: int = 1, dimension: int = DIMENSION
) -> ModelSpec:
    return ModelSpec(
        model,
        dimension,
        "none",
        0,
        "none",
        "none",
        0,
        0,
        "none",
        "l2",
        0,
        epoch,
        tuple(sorted((options or {}).items())),
        SUBJECTS[model],
    )


def towards(axis: int, cosine: float = 1.0, other: int = DIMENSION - 1) -> NDArray[np.float32]:
    """A unit vector whose similarity to the axis is ``cosine``."""
    row = np.zeros(DIMENSION)
    row[axis], row[other] = cosine, np.sqrt(1 - cosine * cosine)
    return unit(row)


@dataclass
class Reader:
    """A ``QueryEncoder`` that knows some texts, of installed models of one epoch. What it was asked is kept."""

    texts: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    models: frozenset[str] = READ
    options: Mapping[str, str] = field(default_factory=dict)
    epoch: int = 1
    error: Exception | None = None
    wait: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def fingerprint(self, model: str) -> str:
        if model not in self.models:
            raise UsageError(f"{model} reads no text")
        return fingerprint(spec_of(model, self.options, epoch=self.epoch))

    def encode(self, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += [(model, text) for text in texts]
        time.sleep(self.wait)
        if self.error:
            raise self.error
        return np.stack([self.texts.get(text, towards(DIMENSION - 2)) for text in texts])


@dataclass
class Reel:
    """One owner's installation."""

    folder: Path
    owner: str = "default"
    app: App = field(init=False)

    def __post_init__(self) -> None:
        self.app = App(load_settings({"owner": self.owner}, {}, home=self.folder / "home"))
        self.library = self.library_at("videos")

    def library_at(self, name: str) -> int:
        root = self.folder / name / self.owner
        root.mkdir(parents=True, exist_ok=True)
        libraries = self.app.catalogue(create=True).libraries
        return libraries.add(self.owner, "video", name, str(root).encode(), ()).id

    def film(self, name: str, *shots: Shot, library: int | None = None) -> tuple[int, list[int]]:
        """A video with these scenes, each with a keyframe; returns its id and theirs."""
        catalogue, library = self.app.catalogue(), library or self.library
        added = [(FoundFile(name.encode(), 1, 1), Tags())]
        catalogue.items.apply(self.owner, library, ScanBatch(added=added), time.time())
        item = catalogue.items.by_path(self.owner, library, name.encode())
        assert item is not None
        state = InputState(1, 1, hashlib.sha256(name.encode()).digest())
        with catalogue._database.transaction() as transaction:  # type: ignore[attr-defined]
            write_told(transaction, self.owner, [(item.id, state, _extract(name, shots))], time.time())
        scenes = [scene.id for scene in catalogue.videos.scenes(self.owner, item.id)]
        for scene, shot in zip(scenes, shots, strict=True):
            if shot.description or shot.summary or shot.tags:
                told = Description(shot.description, shot.summary, shot.tags)
                catalogue.videos.describe(self.owner, scene, told, time.time())
        return item.id, scenes

    def lose(self, video: int) -> None:
        """Its file is gone from the disk."""
        batch = ScanBatch(missing=[video])
        self.app.catalogue().items.apply(self.owner, self.library, batch, time.time())

    def frames(self, scene: int) -> list[int]:
        return [frame for frame, _ in self.app.catalogue().videos.frames(self.owner, scene)]

    def index(self, scenes: Sequence[int]) -> Space:
        """The lexical index, with the words of these scenes."""
        space = self.space(spec_of("lexical", dimension=0))
        self.app.lexical.create(self.owner, space.name)
        words = self.app.catalogue().videos.lexical_documents(self.owner, scenes)
        videos = self.app.catalogue().videos.scenes_by_id(self.owner, scenes)
        documents = [LexicalDocument(key, videos[key].video_id, fields) for key, fields in words.items()]
        self.app.lexical.upsert(self.owner, space.name, documents)
        return space

    def embed(
        self,
        model: str,
        rows: Mapping[int, NDArray[np.float32]],
        *,
        epoch: int = 1,
        active: bool = True,
        **options: str,
    ) -> Space:
        """A space of the model, with a unit vector for each key."""
        space = self.space(spec_of(model, options, epoch=epoch), active=active)
        return self.put(space, rows)

    def put(self, space: Space, rows: Mapping[int, NDArray[np.float32]]) -> Space:
        store = self.app.store
        store.create(self.owner, space.name, space.dimension)
        if rows:
            store.upsert(self.owner, space.name, list(rows), np.stack(list(rows.values())))
        return space

    def space(self, spec: ModelSpec, *, active: bool = True) -> Space:
        spaces = self.app.catalogue().spaces
        space = spaces.ensure(self.owner, spec)
        if space.state is SpaceState.DRAFT:
            spaces.set_state(self.owner, space.id, SpaceState.FILLING)
        if active and space.state is not SpaceState.ACTIVE:
            spaces.set_state(self.owner, space.id, SpaceState.VERIFYING)
            spaces.switch(self.owner, spec.model, space.id, time.time())
        return spaces.get(self.owner, space.id)

    def person(self, name: str, vector: NDArray[np.float32] | None = None) -> int:
        """Somebody, known by a mean of photos, unless there is none."""
        person = self.app.catalogue().persons.add(self.owner, name, time.time()).id
        photos = spec_of("person-photo")
        self.space(photos)
        spec = spec_of("person")
        spec = ModelSpec(
            **{name: getattr(spec, name) for name in spec.__slots__} | {"weights": fingerprint(photos)}
        )
        self.put(self.space(spec), {} if vector is None else {person: vector})
        return person

    def ports(self, reader: Reader | None = None, **other: Any) -> ScenePorts:
        app = self.app
        given: dict[str, Any] = {
            "catalogue": app.catalogue(),
            "store": app.store,
            "lexical": app.lexical,
            "owner": self.owner,
            "encoder": reader or Reader(models=frozenset()),
            "pipeline": VIDEO_PIPELINE,
            "channel_seconds": 30.0,
        }
        return ScenePorts(**given | other)

    def find(self, text: str, reader: Reader | None = None, **chosen: Any) -> SceneAnswer:
        return find_scenes(self.ports(reader), SceneQuery(text, **chosen))


def keys(answer: SceneAnswer) -> list[int]:
    return [match.scene.id for match in answer.matches]


def _extract(name: str, shots: Sequence[Shot]) -> Extract:
    scenes = tuple(
        FoundScene(place, place * SECONDS, (place + 1) * SECONDS, (_frame(name, place),))
        for place in range(len(shots))
    )
    said = tuple(
        Segment(place * SECONDS + 4, place * SECONDS + 6, shot.said)
        for place, shot in enumerate(shots)
        if shot.said
    )
    transcript = Transcript(TextSource.SIDECAR, said) if said else None
    return Extract(VideoFacts(len(shots) * SECONDS, 320, 240, 25.0, 0, True, True), scenes, transcript)


def _frame(name: str, place: int) -> SavedFrame:
    digest = hashlib.sha256(f"{name} {place}".encode()).digest()
    file = f"{digest.hex()[:2]}/{digest.hex()}.jpg".encode()
    return SavedFrame(FrameKind.KEYFRAME, 0, place * SECONDS + 5, file, digest, 320, 240)
