"""Scenes by the picture that stands for each: ``scene-image``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reprise.core.items import ItemKind
from reprise.core.spec import Subject
from reprise.models.picture_methods import PictureModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SceneImage(PictureModel):
    """Also ``reprise.core.ports.TextModel`` where its card says so: with CLIP and SigLIP 2 words find pictures."""

    name: ClassVar[str] = "scene-image"
    summary: ClassVar[str] = "the picture that stands for each scene"
    subject: ClassVar[Subject] = Subject(ItemKind.SCENE, "image")

    def load_text(self) -> None:
        self.method.load_text()

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """The text's vector, shape (dimension,), unit length."""
        return self.method.encode_text(text)
