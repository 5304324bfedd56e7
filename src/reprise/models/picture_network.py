"""What CLIP and SigLIP 2 share: weights from a hub, the way from a picture to pixels, a tower that sees, one that reads.

Nothing here imports PyTorch before ``load``. What each does of its own is in its file and in its towers'.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from reprise.core.spec import Execution, ModelCard
from reprise.errors import WeightsRefused
from reprise.models.loading import import_transformers, read_settings, whole_number
from reprise.models.pictures import canary_pictures, import_pillow, read_picture
from reprise.models.soundless import soundless_spec
from reprise.models.weights import REFUSED, Published, Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Document, Vectors
    from reprise.core.spec import Subject
    from reprise.models.runner import Engine

FILES = ("model.safetensors", "config.json", "preprocessor_config.json", "tokenizer.json")
"""Of safetensors alone: no pickle is read."""

WEIGHTS, CONFIG, PREPROCESSOR, TOKENIZER = FILES

FILTERS = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of the ways of resampling that these networks were taught with."""

USUAL = {"do_resize": True, "do_normalize": True, "do_rescale": True, "rescale_factor": 1 / 255}
"""What ``preprocessor_config.json`` must say unless it is silent of it."""


class TextTower(Protocol):
    """The part of a network that reads."""

    def encode(self, text: str) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From a picture to what the network sees, as ``preprocessor_config.json`` says, computed as transformers does.

    ``side``: of the square, in pixels. ``crop``: the shorter side is brought to it, and the middle cut out; otherwise
    both sides are, and the picture is squeezed. ``resample``: a key of ``FILTERS``. ``mean`` and ``deviation`` of red,
    green and blue on a scale of 0 to 1.
    """

    side: int
    crop: bool
    resample: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def read(cls, path: Path) -> Preprocessing:
        """Raises ``WeightsMissing``, and ``WeightsRefused`` for one that asks for something else."""
        settings = read_settings(path)
        for name, usual in USUAL.items():
            if abs(float(settings.get(name, usual)) - usual) > 1e-9:
                raise WeightsRefused(f"{path}: {name} is {settings[name]!r}, known is {usual!r}")
        try:
            return cls._of(settings)
        except (LookupError, TypeError, ValueError) as error:
            raise WeightsRefused(
                f"{path} does not say how pictures are prepared: {type(error).__name__}: {error}"
            ) from error

    @classmethod
    def _of(cls, settings: Mapping[str, Any]) -> Preprocessing:
        crop = bool(settings.get("do_center_crop", False))
        size = _square(settings["size"])
        if crop and _square(settings["crop_size"]) != size:
            raise ValueError(f"crop_size is {settings['crop_size']!r}, size {settings['size']!r}")
        if not crop and isinstance(settings["size"], dict) and "shortest_edge" in settings["size"]:
            raise ValueError("the network would see pictures of any shape")
        if settings["resample"] not in FILTERS:
            raise ValueError(f"resample is {settings['resample']!r}, known are {FILTERS}")
        mean, deviation = (tuple(map(float, settings[name])) for name in ("image_mean", "image_std"))
        if len(mean) != 3 or len(deviation) != 3 or min(deviation) <= 0:
            raise ValueError("image_mean and image_std are not of three colours")
        return cls(size, crop, int(settings["resample"]), mean, deviation)

    def pixels(self, picture: Image) -> NDArray[np.float32]:
        """(3, side, side) of an RGB picture."""
        import numpy as np

        box = (self.side, self.side)
        resample = import_pillow().Resampling(self.resample)
        if self.crop:
            shorter, longer = sorted(picture.size)
            long = self.side * longer // shorter
            box = (self.side, long) if picture.width <= picture.height else (long, self.side)
        square = self._middle(picture.resize(box, resample))
        levels = np.asarray(square).astype(np.float32) / np.float32(255)
        coloured = (levels - np.array(self.mean, np.float32)) / np.array(self.deviation, np.float32)
        return np.ascontiguousarray(coloured.transpose(2, 0, 1))

    def _middle(self, picture: Image) -> Image:
        left, top = (picture.width - self.side) // 2, (picture.height - self.side) // 2
        return picture.crop((left, top, left + self.side, top + self.side))


def _square(size: Any) -> int:
    """The side of ``224``, ``{"shortest_edge": 224}`` or ``{"height": 224, "width": 224}``."""
    if isinstance(size, dict):
        sides = {size["shortest_edge"]} if "shortest_edge" in size else {size["height"], size["width"]}
        (size,) = sides
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ValueError(f"the size is {size!r}")
    return size


class PictureNetwork(ABC):
    """``reprise.models.picture_methods.PictureMethod`` for a network of two towers."""

    method: ClassVar[str]
    title: ClassVar[str]
    published: ClassVar[Published]
    published_dimension: ClassVar[int]
    memory_mb: ClassVar[int]
    epoch: ClassVar[int]
    facts: ClassVar[tuple[tuple[str, str], ...]]

    def __init__(self, choices: ModelChoices) -> None:
        self._choices = choices
        self._preprocessing: Preprocessing | None = None
        self._runner: Engine | None = None
        self._text: TextTower | None = None

    @abstractmethod
    def dimension(self, config: Mapping[str, Any]) -> int:
        """By the folder's ``config.json``; of the published model when that is empty. Raises ``WeightsRefused``."""

    @abstractmethod
    def build(self, folder: Path) -> torch.nn.Module:
        """Pixels (n, 3, side, side) to vectors (n, dimension) of unit length, in float32 on the CPU.

        Raises ``WeightsRefused`` when the files are not of this model.
        """

    @abstractmethod
    def build_text(self, folder: Path) -> TextTower:
        """Raises ``WeightsRefused`` when the files are not of this model."""

    @property
    def weights(self) -> Weights:
        return Weights(self.method, self.published, self._choices)

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        dimension, digest, missing = self._found()
        published = self.published
        return ModelCard(
            name=name,
            summary=f"{summary}, by {self.title}",
            spec=soundless_spec(
                name,
                subject,
                dimension=dimension,
                weights=digest,
                epoch=self.epoch,
                options=(("image_model", self.method),),
            ),
            execution=Execution.EXCLUSIVE,
            licence=published.licence,
            source=published.repository,
            memory_mb=self.memory_mb,
            commercial_use=published.commercial_use,
            batch=32,
            reads_text=True,
            coverage="whole picture, made small",
            repository=published.repository,
            revision=published.revision,
            missing=missing,
            facts=(("method", self.title), ("weights MB", str(published.size_mb)), *self.facts),
        )

    def _found(self) -> tuple[int, str, str]:
        """Dimension, digest, and what is missing or wrong."""
        weights = self.weights
        try:
            dimension = self.dimension(weights.config())
            return dimension, weights.digest(), ", ".join(weights.missing)
        except WeightsRefused as error:
            return self.published_dimension, REFUSED, error.message

    def fetch(self, told: Callable[[str], None]) -> None:
        """Also refuses weights that are there and are none of this model's, before anything is planned with them."""
        self.weights.fetch(told)
        self.dimension(self.weights.config())
        self.weights.digest()

    def load(self) -> None:
        from reprise.models.runner import start

        folder, key = self._checked()
        self._runner = start(lambda: self.build(folder), self._choices, self.canaries(), key)

    def load_text(self) -> None:
        folder, _ = self._checked()
        self._text = self.build_text(folder)

    def _checked(self) -> tuple[Path, str]:
        """The folder, and what its network is remembered under. Raises ``ModelError`` kinds."""
        import_transformers()
        weights = self.weights
        digest = weights.digest()
        folder = weights.checked(digest)
        return folder, f"{self.method}|{self.epoch}|{digest}"

    def read(self, document: Document) -> NDArray[np.float32]:
        """(3, side, side). Without the weights: only what says how pictures are prepared is read."""
        return self.preprocessing.pixels(read_picture(document.file))

    @property
    def preprocessing(self) -> Preprocessing:
        if self._preprocessing is None:
            self._preprocessing = Preprocessing.read(self.weights.folder / PREPROCESSOR)
        return self._preprocessing

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """On the CPU one by one, which costs little there, and a vector is the same to the bit in any company."""
        import numpy as np

        runner = self._runner
        if runner is None:
            raise RuntimeError(f"{self.method} encodes before it is loaded")
        if runner.placement.startswith("cpu"):
            return np.stack([runner.features([picture])[0] for picture in prepared])
        return np.stack(runner.features(prepared))

    def encode_text(self, text: str) -> NDArray[np.float32]:
        if self._text is None:
            raise RuntimeError(f"{self.method} reads before its text tower is loaded")
        return self._text.encode(text)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        pillow = import_pillow()
        prepare = self.preprocessing
        return [prepare.pixels(pillow.fromarray(picture)) for picture in canary_pictures(prepare.side)]


def check_side(folder: Path, config: Mapping[str, Any]) -> None:
    """Raises ``WeightsRefused`` when pictures are prepared in another size than the network takes."""
    side = Preprocessing.read(folder / PREPROCESSOR).side
    sees = whole_number(config, "image_size", side)
    if sees != side:
        raise WeightsRefused(
            f"{folder / PREPROCESSOR} makes pictures of {side} pixels, the network takes {sees}"
        )
