"""Scenes by their words: what is said (``scene-transcript``), what is seen, and the summary, each as one vector.

The same text model serves all three, by the setting ``text_model``: a folder in the layout of sentence-transformers, or
an endpoint. Texts go through it one by one, so that a vector does not depend on what is embedded beside it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.spec import Subject
from reprise.models.description import array_to_words, words_to_array
from reprise.models.text_methods import EndpointTexts, FolderTexts, NoTexts, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Document, Vectors
    from reprise.core.spec import ModelCard
    from reprise.models.text_methods import TextMethod

CANARIES = (
    "Two people talk quietly at a kitchen table.",
    "A red car drives fast along the coast at noon.",
)


class SceneText:
    """``ReadingModel``, ``TextModel``, ``ChoosableModel`` and ``DownloadableModel`` of one channel.

    Words travel as the bytes of their UTF-8.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    channel: ClassVar[str]

    def __init__(self) -> None:
        self._choices = ModelChoices()

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @cached_property
    def method(self) -> TextMethod:
        return text_method(self._choices)

    @property
    def card(self) -> ModelCard:
        return self.method.card(self.name, self.summary, Subject(ItemKind.SCENE, self.channel))

    def fetch(self, told: Callable[[str], None]) -> None:
        """Raises ``ModelError`` kinds when the text model is not there, or its server does not answer."""
        self.method.fetch(told)

    def load(self) -> None:
        self.method.load()

    def load_text(self) -> None:
        self.method.load()

    def read(self, document: Document) -> NDArray[np.float32]:
        return words_to_array(document.text)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """(n, dimension). Raises ``EndpointFailed`` and ``EndpointLost``, ``MemoryError`` and ``DeviceLost``."""
        return self.method.documents([array_to_words(array) for array in prepared])

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """A query's vector, shape (dimension,), to be compared with those of scenes."""
        return self.method.query(text)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [words_to_array(words) for words in CANARIES]


class SceneTranscript(SceneText):
    name: ClassVar[str] = "scene-transcript"
    summary: ClassVar[str] = "what is said in each scene"
    channel: ClassVar[str] = "transcript"


class SceneVisual(SceneText):
    name: ClassVar[str] = "scene-visual"
    summary: ClassVar[str] = "what is seen in each scene, as somebody described it"
    channel: ClassVar[str] = "visual"


class SceneSummary(SceneText):
    name: ClassVar[str] = "scene-summary"
    summary: ClassVar[str] = "the summary of each scene"
    channel: ClassVar[str] = "summary"


def text_method(choices: ModelChoices) -> TextMethod:
    """What the setting ``text_model`` names."""
    if not choices.text_model.strip():
        return NoTexts()
    return EndpointTexts(choices) if choices.text_model == "endpoint" else FolderTexts(choices)


def why_disabled(choices: ModelChoices) -> str:
    """Why texts cannot be embedded as the settings say, with what is to be done; empty: they can, as far as one sees."""
    if not choices.text_model.strip():
        return f"no text model is chosen; {NoTexts.CURE}"
    if choices.text_model == "endpoint":
        unset = [name for name in ("endpoint", "text_endpoint_model") if not getattr(choices, name)]
        return f"text_model is endpoint: set {' and '.join(unset)}" if unset else ""
    folder = folder_of(choices)
    if not folder.missing:
        return ""
    error = folder.absent()
    return f"{error.message}; {error.cure}"
