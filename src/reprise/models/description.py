"""Tracks by what is said of them: a caption or a supplied text, embedded by a text model."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from reprise.core.choices import ModelChoices
from reprise.core.ports import Described
from reprise.core.spec import Execution, ModelCard, ModelSpec
from reprise.core.windows import Windowing
from reprise.errors import ModelLoadFailed, NoDescription, WeightsRefused
from reprise.models.text_layout import read_pooling, read_prompts
from reprise.models.weights import Published, Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Audio, Vectors
    from reprise.models.description_captions import Captioner
    from reprise.models.description_text import TextEncoder

SAMPLE_RATE = 16_000
"""Hz; what servers that listen bring sound to."""

EXCERPT = Windowing(window=10 * SAMPLE_RATE, hop=10 * SAMPLE_RATE, spread=3)
"""30 s from three places: as long as such models listen to at once, 1.3 MB as it is sent."""

PUBLISHED = Published(
    repository="intfloat/multilingual-e5-small",
    revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
    files=("model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json"),
    licence="MIT",
    commercial_use=True,
    size_mb=488,
)
PUBLISHED_DIMENSION = 384

E5_PROMPTS = {"query": "query: ", "document": "passage: "}
"""E5 wants them; its folder, unlike those of later models, does not say so."""

EPOCH = 1

MEMORY_MB = 1000
"""Measured with weights of the published size: 940 MB, the whole process."""

PATIENCE_SECONDS = 240.0
"""A caption is waited for that long, with all attempts."""

CANARIES = (
    "Slow, quiet piano music with a warm cello.",
    "Fast and loud death metal, screamed over blast beats.",
)


class Description:
    """``EmbeddingModel``, ``ChoosableModel``, ``DownloadableModel`` and ``TextModel``.

    Decoding processes get the words: from beside the track, else from the endpoint, which hears an excerpt. Words
    travel as the bytes of their UTF-8. The encoding process makes vectors of them.
    """

    def __init__(self) -> None:
        self._choices = ModelChoices()
        self._encoder: TextEncoder | None = None

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def weights(self) -> Weights:
        return Weights("description", PUBLISHED, self._choices)

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name="description",
            summary="what a listening language model, or you, say of a track, embedded as text",
            spec=self._spec(),
            execution=Execution.EXCLUSIVE,
            licence=PUBLISHED.licence,
            source=PUBLISHED.repository,
            memory_mb=MEMORY_MB,
            reads_text=True,
            coverage="3 windows of 10 s, or the text beside the track",
            repository=PUBLISHED.repository,
            revision=PUBLISHED.revision,
            missing=", ".join(self.weights.missing),
            patience_seconds=PATIENCE_SECONDS,
            facts=self._facts(),
        )

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("captions by", self._captioner_name),
            ("what leaves this machine", "30 s of each track without a text, to the endpoint that you set"),
            ("weights MB", str(PUBLISHED.size_mb)),
            ("parameters", "118 million (the text model)"),
            ("training data", "text pairs in 94 languages"),
            ("paper", "arXiv 2402.05672"),
            ("pitfall", "a changed or new text beside a track is taken up with --force only"),
        )

    @property
    def _captioner_name(self) -> str:
        return (self._choices.endpoint_model or "unnamed") if self._choices.endpoint else "none"

    def _spec(self) -> ModelSpec:
        from reprise.media.decode import MONO, RESAMPLER, decoder_major
        from reprise.models.description_captions import PROMPT_VERSION

        dimension = self.weights.config().get("hidden_size", PUBLISHED_DIMENSION)
        if not isinstance(dimension, int):
            raise WeightsRefused(f"{self.weights.folder / 'config.json'}: hidden_size is {dimension!r}")
        return ModelSpec(
            model="description",
            dimension=dimension,
            weights=self.weights.digest(),
            sample_rate=SAMPLE_RATE,
            mono=MONO,
            resampler=RESAMPLER,
            window=EXCERPT.window,
            hop=EXCERPT.hop,
            pooling=self._pooling(),
            normalisation="l2",
            decoder_major=decoder_major(),
            epoch=EPOCH,
            options=(
                ("captioner", self._captioner_name),
                ("prefix", self._prompts()["document"]),
                ("prompt", str(PROMPT_VERSION)),
                ("spread", str(EXCERPT.spread)),
            ),
        )

    def _pooling(self) -> str:
        """Raises ``WeightsRefused`` for a way of pooling that is not known here, or for several together."""
        return "mean" if self.weights.missing else read_pooling(self.weights.folder)

    def _prompts(self) -> dict[str, str]:
        """What goes before a query and before a description."""
        return read_prompts(self.weights.folder, E5_PROMPTS) if self._choices.weights else E5_PROMPTS

    def fetch(self, told: Callable[[str], None]) -> None:
        self.weights.fetch(told)

    def load(self) -> None:
        """Raises ``ModelError`` kinds, also for an endpoint whose settings cannot be right."""
        if self._choices.endpoint:
            _ = self._captioner
        self.load_text()

    def load_text(self) -> None:
        from reprise.models.runner import import_torch

        import_torch()
        from reprise.models.description_text import TextEncoder

        spec = self._spec()
        folder = self.weights.checked(spec.weights)
        self._encoder = TextEncoder(folder, spec.pooling, self._choices)

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        """The words, as bytes of UTF-8.

        Raises ``NoDescription``, ``BadDescription``, ``Unreadable``, ``EndpointFailed``, decoding errors, ``TooShort``
        and ``Silent``, and ``EndpointLost`` when no other track would fare better.
        """
        supplied = audio.description() if isinstance(audio, Described) else None
        if supplied is not None:
            return words_to_array(supplied)
        if not self._choices.endpoint:
            raise NoDescription("there is no text beside the track, and no endpoint is set to caption it")
        import numpy as np

        captioner = self._captioner
        excerpt = np.concatenate(list(EXCERPT.cut(audio)))
        return words_to_array(captioner.caption(excerpt, SAMPLE_RATE))

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """(n, dimension), unit length."""
        import numpy as np

        prefix = self._prompts()["document"]
        return np.stack([self._embed(prefix + array_to_words(array)) for array in prepared])

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """A query's vector, shape (dimension,), to compare with descriptions."""
        return self._embed(self._prompts()["query"] + text)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return [words_to_array(words) for words in CANARIES]

    def _embed(self, text: str) -> NDArray[np.float32]:
        if self._encoder is None:
            raise ModelLoadFailed("description encodes before it is loaded")
        return self._encoder.encode(text)

    @cached_property
    def _captioner(self) -> Captioner:
        from reprise.models.description_captions import Captioner
        from reprise.models.endpoint import Patience

        choices = self._choices
        patience = Patience(item=PATIENCE_SECONDS)
        return Captioner(choices.endpoint, choices.endpoint_model, choices.endpoint_key, patience)


def words_to_array(words: str) -> NDArray[np.float32]:
    """What a prepared item may be: numbers, here the bytes of UTF-8, shape (n,)."""
    import numpy as np

    return np.frombuffer(words.encode(), np.uint8).astype(np.float32)


def array_to_words(array: NDArray[np.float32]) -> str:
    import numpy as np

    return array.astype(np.uint8).tobytes().decode()
