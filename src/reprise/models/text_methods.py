"""How texts become vectors: by a text model in a folder, by one at an endpoint, or not at all."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reprise.core.spec import Execution, ModelCard, Subject
from reprise.errors import EndpointLost, ExtraMissing, WeightsMissing, WeightsRefused
from reprise.models.soundless import soundless_spec
from reprise.models.text_endpoint import BATCH, PATIENCE, EmbeddingEndpoint, LearntDimension
from reprise.models.text_layout import TextFolder
from reprise.models.weights import MISSING, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Vectors
    from reprise.models.description_text import TextEncoder

EPOCH = 1

MEMORY_MB = 700
"""The whole process; measured: 480 MB with all-MiniLM-L6-v2. It grows with the weights."""

UNKNOWN_DIMENSION = 1
"""Until a model's is known; no vector is ever stored under such a spec."""


class TextMethod(Protocol):
    """One way of turning texts into vectors. Constructing it costs nothing and loads nothing."""

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        """Never raises for what is missing or wrong: the card says so."""

    def fetch(self, told: Callable[[str], None]) -> None: ...

    def load(self) -> None:
        """Raises ``ModelError`` kinds."""

    def documents(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension)."""

    def query(self, text: str) -> NDArray[np.float32]:
        """(dimension,)."""


class NoTexts:
    """No text model is chosen."""

    CURE = "set text_model to a folder in the layout of sentence-transformers, or to endpoint"

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        return ModelCard(
            name=name,
            summary=summary,
            spec=soundless_spec(
                name, subject, dimension=UNKNOWN_DIMENSION, weights=MISSING, epoch=EPOCH, options=()
            ),
            execution=Execution.EXCLUSIVE,
            licence="that of the text model",
            source="text_model",
            memory_mb=MEMORY_MB,
            coverage="the whole text",
            missing=self.CURE,
        )

    def fetch(self, told: Callable[[str], None]) -> None:  # noqa: ARG002 - there is nothing to tell
        raise self._missing()

    def load(self) -> None:
        raise self._missing()

    def documents(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002 - none is embedded
        raise self._missing()

    def query(self, text: str) -> NDArray[np.float32]:  # noqa: ARG002 - none is embedded
        raise self._missing()

    def _missing(self) -> WeightsMissing:
        return WeightsMissing("no text model is chosen", cure=self.CURE)


def folder_of(choices: ModelChoices) -> TextFolder:
    """What ``text_model`` names: a folder anywhere, or the name of one below ``weights``."""
    return TextFolder(Path(choices.weights) / Path(choices.text_model).expanduser(), choices.cache)


class FolderTexts:
    """A text model on this machine, of the layout that sentence-transformers writes."""

    def __init__(self, choices: ModelChoices) -> None:
        self._choices = choices
        self._folder = folder_of(choices)
        self._encoder: TextEncoder | None = None
        self._prompts: dict[str, str] = {}

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        dimension, pooling, prefix, digest, missing = self._found()
        return ModelCard(
            name=name,
            summary=summary,
            spec=soundless_spec(
                name,
                subject,
                dimension=dimension,
                weights=digest,
                epoch=EPOCH,
                options=(("prefix", prefix),),
                pooling=pooling,
            ),
            execution=Execution.EXCLUSIVE,
            licence="that of the text model",
            source=self._folder.folder.name,
            memory_mb=MEMORY_MB,
            reads_text=True,
            coverage="the whole text",
            missing=missing,
            facts=(("text model", str(self._folder.folder)),),
        )

    def _found(self) -> tuple[int, str, str, str, str]:
        """Dimension, pooling, prompt of documents, digest, and what is missing or wrong."""
        folder = self._folder
        try:
            digest = folder.digest()
            _ = folder.most_tokens
            return folder.dimension, folder.pooling, folder.prompts["document"], digest, ""
        except WeightsMissing as error:
            return UNKNOWN_DIMENSION, "none", "", MISSING, error.message
        except WeightsRefused as error:
            return UNKNOWN_DIMENSION, "none", "", REFUSED, error.message

    def fetch(self, told: Callable[[str], None]) -> None:  # noqa: ARG002 - there is nothing to tell
        """Nobody fetches it; raises ``WeightsMissing`` and ``WeightsRefused`` when it is not there, or not known."""
        folder = self._folder
        _ = folder.digest(), folder.dimension, folder.pooling, folder.prompts, folder.most_tokens

    def load(self) -> None:
        from reprise.models.runner import import_torch

        self.fetch(lambda _: None)
        import_torch()
        try:
            from reprise.models.description_text import TextEncoder
        except ImportError as error:
            raise ExtraMissing(f"text models need transformers ({error})") from error
        folder = self._folder
        self._prompts = folder.prompts
        self._encoder = TextEncoder(folder.folder, folder.pooling, self._choices, folder.most_tokens)

    def documents(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        return np.stack([self._embed("document", text) for text in texts])

    def query(self, text: str) -> NDArray[np.float32]:
        return self._embed("query", text)

    def _embed(self, role: str, text: str) -> NDArray[np.float32]:
        if self._encoder is None:
            raise RuntimeError("texts are embedded before the text model is loaded")
        return self._encoder.encode(self._prompts[role] + text)


class EndpointTexts:
    """A text model at an OpenAI-compatible address. Only its name is part of the spec, and how long its vectors are."""

    def __init__(self, choices: ModelChoices) -> None:
        self._choices = choices

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        choices = self._choices
        known = self._learnt.known()
        return ModelCard(
            name=name,
            summary=summary,
            spec=soundless_spec(
                name,
                subject,
                dimension=known or UNKNOWN_DIMENSION,
                weights="endpoint" if known else MISSING,
                epoch=EPOCH,
                options=(("text_endpoint_model", choices.text_endpoint_model),),
            ),
            execution=Execution.EXCLUSIVE,
            licence="that of the model at the endpoint",
            source=choices.text_endpoint_model or "endpoint",
            memory_mb=100,
            batch=BATCH,
            reads_text=True,
            coverage="the whole text",
            missing="" if known else "a job asks the endpoint how long its vectors are",
            patience_seconds=PATIENCE.item,
            facts=(
                ("what leaves this machine", "the words of each scene, and what is searched for"),
                ("text model", choices.text_endpoint_model),
            ),
        )

    @cached_property
    def _learnt(self) -> LearntDimension:
        return LearntDimension(self._choices)

    @cached_property
    def _endpoint(self) -> EmbeddingEndpoint:
        return EmbeddingEndpoint(self._choices)

    def fetch(self, told: Callable[[str], None]) -> None:  # noqa: ARG002 - there is nothing to tell
        """Learn how long the vectors are. Raises ``ModelLoadFailed`` and ``EndpointLost``."""
        self._learnt.learn()

    def load(self) -> None:
        """Raises ``ModelLoadFailed`` for settings that cannot be right."""
        _ = self._endpoint

    def documents(self, texts: Sequence[str]) -> Vectors:
        vectors = self._endpoint.vectors(texts)
        known = self._learnt.known()
        if known not in {None, vectors.shape[1]}:
            raise EndpointLost(
                f"the endpoint's vectors have {vectors.shape[1]} numbers, earlier they had {known}",
                cure="delete endpoints.json in the folder cache, and run the command again",
            )
        return vectors

    def query(self, text: str) -> NDArray[np.float32]:
        import numpy as np

        vector = self.documents([text])[0]
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
