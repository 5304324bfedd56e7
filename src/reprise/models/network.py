"""What the neural models share: their card, their windows, their weights, their place on a device.

Each model's own file says what is its own: an ``Anatomy``, and how its network is built from a folder of weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.spec import Execution, ModelCard, ModelSpec, fingerprint
from reprise.errors import WeightsRefused
from reprise.models.weights import CONFIG, REFUSED, Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from reprise.core.ports import Audio
    from reprise.core.windows import Windowing
    from reprise.models.runner import Engine
    from reprise.models.weights import Published


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a model is, before any weights are there.

    ``whole`` covers a track once; ``sampled`` hears evenly spread windows, ``None`` for a model that always hears
    all. ``layers``: which outputs are used. ``memory_mb``: the whole process in float32 with one window.
    ``batch``: windows at once, at most. ``epoch`` is raised when the code's meaning changes. ``weights_of``: the model
    whose folder of weights this one shares.
    """

    name: str
    summary: str
    sample_rate: int
    whole: Windowing
    sampled: Windowing | None
    pooling: str
    layers: str
    memory_mb: int
    batch: int
    epoch: int
    published: Published
    weights_of: str = ""
    facts: tuple[tuple[str, str], ...] = ()


class Network(ABC):
    """``reprise.core.ports.WindowedModel``, ``ChoosableModel`` and ``DownloadableModel`` for a PyTorch network."""

    anatomy: ClassVar[Anatomy]
    reads_text: ClassVar[bool] = False

    def __init__(self) -> None:
        self._choices = ModelChoices()
        self._runner: Engine | None = None

    @abstractmethod
    def dimension(self, config: Mapping[str, Any]) -> int:
        """Length of the stored vector, by the folder's ``config.json``; of the published model when that is empty."""

    @abstractmethod
    def build(self, folder: Path) -> torch.nn.Module:
        """The network, in float32 on the CPU: waveforms (n, samples) to features (n, D) or (n, T, D).

        Raises ``WeightsRefused`` when the files are not of this model.
        """

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def weights(self) -> Weights:
        return Weights(self.anatomy.weights_of or self.anatomy.name, self.anatomy.published, self._choices)

    @property
    def windowing(self) -> Windowing:
        anatomy = self.anatomy
        if self._choices.coverage is Coverage.SAMPLED and anatomy.sampled is not None:
            return anatomy.sampled
        return anatomy.whole

    @property
    def card(self) -> ModelCard:
        anatomy, published = self.anatomy, self.anatomy.published
        dimension, digest, missing = self._found()
        return ModelCard(
            name=anatomy.name,
            summary=anatomy.summary,
            spec=self._spec(dimension, digest),
            execution=Execution.WINDOWED,
            licence=published.licence,
            source=published.repository,
            memory_mb=anatomy.memory_mb,
            commercial_use=published.commercial_use,
            batch=anatomy.batch,
            reads_text=self.reads_text,
            coverage=coverage_text(self.windowing, anatomy.sample_rate),
            repository=published.repository,
            revision=published.revision,
            missing=missing,
            facts=(("layers", anatomy.layers), ("weights MB", str(published.size_mb)), *anatomy.facts),
        )

    def _found(self) -> tuple[int, str, str]:
        """Dimension, digest, and what is missing or wrong: there is a card all the same, for people to see that."""
        weights = self.weights
        try:
            return self._measured(), weights.digest(), ", ".join(weights.missing)
        except WeightsRefused as error:
            return self.dimension({}), REFUSED, error.message

    def _measured(self) -> int:
        """The dimension, by the folder's ``config.json``. Raises ``WeightsRefused`` when that is another model's."""
        weights = self.weights
        try:
            return self.dimension(weights.config())
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise WeightsRefused(
                f"{weights.folder / CONFIG} does not describe this model: {error!r}"
            ) from error

    def _spec(self, dimension: int, digest: str) -> ModelSpec:
        from reprise.media.decode import MONO, RESAMPLER, decoder_major

        anatomy, windowing = self.anatomy, self.windowing
        return ModelSpec(
            model=anatomy.name,
            dimension=dimension,
            weights=digest,
            sample_rate=anatomy.sample_rate,
            mono=MONO,
            resampler=RESAMPLER,
            window=windowing.window,
            hop=windowing.hop,
            pooling=anatomy.pooling,
            normalisation="l2",
            decoder_major=decoder_major(),
            epoch=anatomy.epoch,
            options=(("layers", anatomy.layers), ("spread", str(windowing.spread))),
        )

    def fetch(self, told: Callable[[str], None]) -> None:
        """Also refuses weights that are there and are none of this model's, before anything is planned with them."""
        self.weights.fetch(told)
        self.weights.digest()
        self._measured()

    def load(self) -> None:
        from reprise.models.runner import start

        spec = self.card.spec
        folder = self.weights.checked(spec.weights)
        self._runner = start(lambda: self.build(folder), self._choices, self.canaries(), fingerprint(spec))

    def windows(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        return self.windowing.cut(audio)

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
        if self._runner is None:
            raise RuntimeError(f"{self.anatomy.name} encodes before it is loaded")
        return self._runner.features(windows)

    def placement(self) -> str:
        return self._runner.placement if self._runner else ""

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        """A fading chord, and clicking noise: one window each."""
        import numpy as np

        time = np.arange(self.windowing.window) / self.anatomy.sample_rate
        chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.18, 329.63))
        bursts = np.exp(-np.mod(time, 0.25) / 0.03)  # four clicks a second
        noise = np.random.default_rng(7).standard_normal(len(time)) * bursts
        return [(chord * 0.2 * np.exp(-time / 2.0)).astype(np.float32), (noise * 0.2).astype(np.float32)]


class TextTower(Protocol):
    """The part of a network that reads."""

    def encode(self, text: str) -> NDArray[np.float32]: ...


class TextNetwork(Network):
    """A network that reads as well: ``reprise.core.ports.TextModel``. Each model's ``load_text`` sets ``_text``."""

    reads_text: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._text: TextTower | None = None

    @abstractmethod
    def load_text(self) -> None:
        """Bring into memory what text needs, and no more. Raises ``ModelError`` kinds."""

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """The text's vector, shape (dimension,)."""
        if self._text is None:
            raise RuntimeError(f"{self.anatomy.name} reads before its text tower is loaded")
        return self._text.encode(text)


def coverage_text(windowing: Windowing, sample_rate: int) -> str:
    """``whole track in windows of 30 s``; ``3 windows of 10 s``; ``windows of 120 s every 15 s``."""
    seconds, hop = windowing.window / sample_rate, windowing.hop / sample_rate
    if windowing.spread:
        return f"{windowing.spread} windows of {seconds:.3g} s"
    if hop > 0.99 * seconds:  # so little overlap joins windows and covers nothing twice
        return f"whole track in windows of {seconds:.3g} s"
    return f"windows of {seconds:.3g} s every {hop:.3g} s"
