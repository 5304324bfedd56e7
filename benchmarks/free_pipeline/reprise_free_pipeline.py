"""The pipeline of videos with models that cost nothing, and take down what they look at.

A package that stands before the built-in one on the import path: a film is a file that holds the number of its scenes.
``FREE_PIPELINE_LOG``: a file to which is appended what each model looks at: its name, and how many items it were.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject
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
from reprise.models.lexical import Lexical
from reprise.models.person import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.ports import Document
    from reprise.errors import ItemError

DIMENSION = 512
SCENE_SECONDS = 10.0


def note(model: str, items: int) -> None:
    with open(os.environ["FREE_PIPELINE_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{model} {items}\n")


class Free:
    """A ``ReadingModel`` whose vector comes out of the digest of what it is shown."""

    name = ""
    subject = Subject(ItemKind.SCENE)

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(
            self.name, DIMENSION, "none", 0, "none", "none", 0, 0, "none", "l2", 0, 1, (), self.subject
        )
        return ModelCard(self.name, "costs nothing", spec, Execution.PER_CORE, "MIT", "the benchmarks", 64)

    def load(self) -> None:
        """There is nothing to load."""

    def read(self, document: Document) -> NDArray[np.float32]:
        note(self.name, 1)
        seed = hashlib.blake2b(document.text.encode() + document.file).digest()
        return np.resize(np.frombuffer(seed, np.uint8).astype(np.float32) - 127.5, DIMENSION)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return list(np.eye(2, DIMENSION, dtype=np.float32))


class SceneTranscript(Free):
    name = "scene-transcript"
    subject = Subject(ItemKind.SCENE, "transcript")


class SceneVisual(Free):
    name = "scene-visual"
    subject = Subject(ItemKind.SCENE, "visual")


class SceneSummary(Free):
    name = "scene-summary"
    subject = Subject(ItemKind.SCENE, "summary")


class SceneImage(Free):
    name = "scene-image"
    subject = Subject(ItemKind.SCENE, "image")


class ScenePersons(Free):
    name = "scene-persons"
    subject = Subject(ItemKind.FRAME, "image")


class PersonPhoto(Free):
    name = "person-photo"
    subject = Subject(ItemKind.PHOTO, "image")


class CountedPerson(Person):
    def work(
        self, owner: str, space: str, operations: Sequence[Operation]
    ) -> Sequence[NDArray[np.float32] | ItemError]:
        note(self.name, len(operations))
        return super().work(owner, space, operations)


class CountedLexical(Lexical):
    def work(self, owner: str, space: str, operations: Sequence[Operation]) -> Sequence[None]:
        note(self.name, len(operations))
        return super().work(owner, space, operations)


class Told:
    """A ``TellingModel``; nothing is decoded."""

    name = ""
    subject = Subject(ItemKind.VIDEO)

    def __init__(self) -> None:
        self._choices = ModelChoices()

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(
            self.name, 0, "none", 0, "none", "none", 0, 0, "none", "none", 0, 1, (), self.subject
        )
        return ModelCard(self.name, "decodes nothing", spec, Execution.PER_CORE, "MIT", "the benchmarks", 64)

    def load(self) -> None:
        """There is nothing to load."""


class VideoScenes(Told):
    """Scenes of ten seconds, each with a line of speech and a picture of its own, which is no picture."""

    name = "video-scenes"

    def tell(self, document: Document) -> Extract:
        film = Path(os.fsdecode(document.file))
        count = int(film.read_text().split()[0])
        said = tuple(
            Segment(SCENE_SECONDS * n, SCENE_SECONDS * (n + 1), f"In {film.stem} they say line {n} of it.")
            for n in range(count)
        )
        scenes = tuple(
            FoundScene(n, one.start, one.end, (self._frame(f"{film.name} {n}", one.start),))
            for n, one in enumerate(said)
        )
        facts = VideoFacts(SCENE_SECONDS * count, 1280, 720, 25.0, has_audio=True, has_video=True)
        return Extract(facts, scenes, Transcript(TextSource.SIDECAR, said, "en"))

    def _frame(self, content: str, at: float) -> SavedFrame:
        digest = hashlib.sha256(content.encode()).digest()
        name = f"{digest.hex()[:2]}/{digest.hex()}.jpg"
        target = Path(self._choices.media, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        return SavedFrame(FrameKind.KEYFRAME, 0, at, name.encode(), digest, 1280, 720)


class SceneDescription(Told):
    name = "scene-description"
    subject = Subject(ItemKind.SCENE, "image")

    def tell(self, document: Document) -> Description:
        words = Path(os.fsdecode(document.file)).read_text()
        return Description(f"A street in the rain, as in {words}.", f"Rain: {words}", ("street", "rain"))


MODELS = {
    "video-scenes": VideoScenes,
    "scene-description": SceneDescription,
    "scene-transcript": SceneTranscript,
    "scene-visual": SceneVisual,
    "scene-summary": SceneSummary,
    "scene-image": SceneImage,
    "scene-persons": ScenePersons,
    "person-photo": PersonPhoto,
    "person": CountedPerson,
    "lexical": CountedLexical,
}
NAMES = {name: kind.__qualname__ for name, kind in MODELS.items()}
