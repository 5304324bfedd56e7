"""The towers of SigLIP as transformers has them, each with its own tensors of a checkpoint.

SigLIP 2 for pictures of one size is SigLIP's network with other weights and another tokenizer, and its ``config.json``
says so. The one for pictures of any shape (NaFlex) is another network, and is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reprise.errors import WeightsRefused
from reprise.models.loading import described_by, fill, import_transformers, read_settings
from reprise.models.picture_network import CONFIG, TOKENIZER, WEIGHTS, check_side
from reprise.models.text_tokens import read_tokenizer
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

DERIVED = ("position_ids",)

PADDING = "<pad>"
"""The token of Gemma's tokenizer that texts are filled up with: the network was taught with texts of full length."""


class Sight(torch.nn.Module):
    """Pixels (n, 3, side, side) to vectors (n, dimension) of unit length."""

    def __init__(self, tower: torch.nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(self.tower(pixel_values=pixels).pooler_output, dim=-1)


class SiglipText:
    """One text at a time, on the CPU, in lower case as in the training, filled up to the network's full length.

    Raises ``WeightsRefused`` when the folder holds something else than SigLIP, and ``WeightsMissing``.
    """

    def __init__(self, folder: Path) -> None:
        self._network = _read_tower(folder, "text").eval().requires_grad_(False)
        settings = self._network.config
        longest = settings.max_position_embeddings
        self._tokenizer = read_tokenizer(folder / TOKENIZER, longest, settings.vocab_size)
        padding = self._tokenizer.token_to_id(PADDING)
        if padding is None:
            raise WeightsRefused(f"{folder / TOKENIZER} has no {PADDING}: it is not SigLIP 2's tokenizer")
        self._tokenizer.enable_padding(pad_id=padding, pad_token=PADDING, length=longest)

    def encode(self, text: str) -> NDArray[np.float32]:
        """(dimension,), length one. What goes beyond 64 tokens is left out."""
        tokens = torch.tensor([self._tokenizer.encode(text.lower()).ids])
        with torch.inference_mode():
            read = self._network(input_ids=tokens).pooler_output
        vector: NDArray[np.float32] = torch.nn.functional.normalize(read[0], dim=-1).numpy()
        return vector


def read_sight(folder: Path) -> Sight:
    """Raises ``WeightsRefused``, also for pictures of another size than the network takes."""
    tower = _read_tower(folder, "vision")
    check_side(folder, tower.config.to_dict())
    return Sight(tower)


def _read_tower(folder: Path, side: str) -> Any:
    """``side``: ``vision`` or ``text``."""
    config = _read_config(folder)
    transformers = import_transformers()
    kind = transformers.SiglipVisionModel if side == "vision" else transformers.SiglipTextModel
    with described_by(folder / CONFIG):
        network = kind(getattr(config, f"{side}_config"))
    path, prefix = folder / WEIGHTS, f"{side}_model."
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in read_tensors(path).items()
        if name.startswith(prefix)
    }
    own = network.state_dict()
    if own and all(
        name.startswith(prefix) for name in own
    ):  # as transformers named them before its version 5
        tensors = {prefix + name: tensor for name, tensor in tensors.items()}
    fill(network, tensors, path, derived=DERIVED)
    return network


def _read_config(folder: Path) -> Any:
    path = folder / CONFIG
    settings = read_settings(path)
    kind = settings.get("model_type")
    if kind == "siglip2":
        raise WeightsRefused(
            f"{path} is of SigLIP 2 for pictures of any shape (NaFlex); take one for 224 pixels"
        )
    if kind != "siglip":
        raise WeightsRefused(f"{path} is of the kind {kind!r}, not of SigLIP")
    chosen = {name: settings[name] for name in ("text_config", "vision_config") if name in settings}
    with described_by(path):
        config = import_transformers().SiglipConfig(**chosen)
    if not config.vision_config.vision_use_head:
        raise WeightsRefused(f"{path} describes a network that gives no vector of a picture")
    return config
