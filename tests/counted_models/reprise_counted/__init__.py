"""The pipeline's own models, which also take down what they look at: a package that stands before theirs on the path.

``COUNTED_LOG``: a file to which each item appends a line, the model and the item; ``COUNTED_SECONDS``: how long each
takes besides.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from reprise.models.lexical import Lexical
from reprise.models.person import Person
from reprise.models.scene_image import SceneImage
from reprise.models.scene_persons import PersonPhoto, ScenePersons
from reprise.models.video_scenes import VideoScenes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.ports import Document
    from reprise.core.video import Extract
    from reprise.errors import ItemError


def note(model: str, item: object) -> None:
    with open(os.environ["COUNTED_LOG"], "a", encoding="utf-8") as log:
        log.write(f"{model} {item}\n")
    time.sleep(float(os.environ.get("COUNTED_SECONDS", "0")))


def named(document: Document) -> str:
    return os.path.basename(os.fsdecode(document.file))


class CountedScenes(VideoScenes):
    def tell(self, document: Document) -> Extract:
        note(self.card.name, named(document))
        return super().tell(document)


class CountedImage(SceneImage):
    def read(self, document: Document) -> NDArray[np.float32]:
        note(self.name, named(document))
        return super().read(document)


class CountedPersons(ScenePersons):
    def read(self, document: Document) -> NDArray[np.float32]:
        note(self.name, named(document))
        return super().read(document)


class CountedPhoto(PersonPhoto):
    def read(self, document: Document) -> NDArray[np.float32]:
        note(self.name, named(document))
        return super().read(document)


class CountedPerson(Person):
    def work(
        self, owner: str, space: str, operations: Sequence[Operation]
    ) -> Sequence[NDArray[np.float32] | ItemError]:
        for operation in operations:
            note(self.name, operation.item_id)
        return super().work(owner, space, operations)


class CountedLexical(Lexical):
    def work(self, owner: str, space: str, operations: Sequence[Operation]) -> Sequence[None]:
        for operation in operations:
            note(self.name, operation.item_id)
        return super().work(owner, space, operations)


MODELS = {
    "video-scenes": CountedScenes,
    "scene-image": CountedImage,
    "scene-persons": CountedPersons,
    "person-photo": CountedPhoto,
    "person": CountedPerson,
    "lexical": CountedLexical,
}
