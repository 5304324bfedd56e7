"""How pictures become vectors: what each method has to say and do, and the model that hands on to the chosen one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol

from reprise.core.choices import ModelChoices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Document, Vectors
    from reprise.core.spec import ModelCard, Subject


class PictureMethod(Protocol):
    """One way of turning pictures into vectors. Constructing it costs nothing and loads nothing."""

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        """Of a model that uses it. Never raises for weights that are missing or wrong: the card says so."""

    def fetch(self, told: Callable[[str], None]) -> None:
        """Bring its weights, if it has any. Raises ``ModelError`` kinds."""

    def load(self) -> None:
        """Raises ``ModelError`` kinds."""

    def load_text(self) -> None:
        """What reading texts needs, and no more. Raises ``ModelLoadFailed`` when it reads none."""

    def read(self, document: Document) -> NDArray[np.float32]:
        """The picture as ``encode`` takes it. Raises ``ItemError`` kinds."""

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """(n, dimension). Raises ``MemoryError`` and ``DeviceLost``."""

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """The text's vector, shape (dimension,), unit length."""

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        """Two pictures that look nothing alike, prepared."""


class PictureModel:
    """``ReadingModel``, ``ChoosableModel`` and ``DownloadableModel`` by the method that was chosen."""

    name: ClassVar[str]
    summary: ClassVar[str]
    subject: ClassVar[Subject]

    def __init__(self) -> None:
        self._choices = ModelChoices()

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    def choose(self, choices: ModelChoices) -> PictureMethod:
        """The method that the settings name."""
        return picture_method(choices)

    @cached_property
    def method(self) -> PictureMethod:
        return self.choose(self._choices)

    @property
    def card(self) -> ModelCard:
        return self.method.card(self.name, self.summary, self.subject)

    def fetch(self, told: Callable[[str], None]) -> None:
        self.method.fetch(told)

    def load(self) -> None:
        self.method.load()

    def read(self, document: Document) -> NDArray[np.float32]:
        return self.method.read(document)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        return self.method.encode(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return self.method.canaries()


def picture_method(choices: ModelChoices) -> PictureMethod:
    """What the setting ``image_model`` names."""
    if choices.image_model == "clip":
        from reprise.models.clip_image import ClipPictures

        return ClipPictures(choices)
    if choices.image_model == "siglip2":
        from reprise.models.siglip_image import SiglipPictures

        return SiglipPictures(choices)
    from reprise.models.descriptor_pictures import DescriptorPictures

    return DescriptorPictures()
