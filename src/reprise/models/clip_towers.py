"""The towers of CLIP as transformers has them, each with its own tensors of a checkpoint; the other's stay on the disk."""

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
"""Tensors that the network computes when it is made; older files hold them."""


class Sight(torch.nn.Module):
    """Pixels (n, 3, side, side) to vectors (n, dimension) of unit length."""

    def __init__(self, tower: torch.nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(self.tower(pixel_values=pixels).image_embeds, dim=-1)


class ClipText:
    """One text at a time, on the CPU: a query is short, and an accelerator may be busy with a library.

    Raises ``WeightsRefused`` when the folder holds something else than CLIP, and ``WeightsMissing``.
    """

    def __init__(self, folder: Path) -> None:
        self._network = _read_tower(folder, "CLIPTextModelWithProjection").eval().requires_grad_(False)
        settings = self._network.config
        self._tokenizer = read_tokenizer(
            folder / TOKENIZER, settings.max_position_embeddings, settings.vocab_size
        )

    def encode(self, text: str) -> NDArray[np.float32]:
        """(dimension,), length one. What goes beyond 77 tokens is left out, and the end's mark is not."""
        tokens = torch.tensor([self._tokenizer.encode(text).ids])
        with torch.inference_mode():
            read = self._network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).text_embeds
        vector: NDArray[np.float32] = torch.nn.functional.normalize(read[0], dim=-1).numpy()
        return vector


def read_sight(folder: Path) -> Sight:
    """Raises ``WeightsRefused``, also for pictures of another size than the network takes."""
    tower = _read_tower(folder, "CLIPVisionModelWithProjection")
    check_side(folder, tower.config.to_dict())
    return Sight(tower)


def _read_tower(folder: Path, name: str) -> Any:
    config = _read_config(folder)
    side = config.vision_config if "Vision" in name else config.text_config
    side.projection_dim = config.projection_dim
    with described_by(folder / CONFIG):
        network = getattr(import_transformers(), name)(side)
    path = folder / WEIGHTS
    parts = tuple(f"{part}." for part, _ in network.named_children())
    tensors = {key: tensor for key, tensor in read_tensors(path).items() if key.startswith(parts)}
    fill(network, tensors, path, derived=DERIVED)
    return network


def _read_config(folder: Path) -> Any:
    path = folder / CONFIG
    settings = read_settings(path)
    if settings.get("model_type") != "clip":
        raise WeightsRefused(f"{path} is of the kind {settings.get('model_type')!r}, not of CLIP")
    chosen = {
        name: settings[name]
        for name in ("text_config", "vision_config", "projection_dim")
        if name in settings
    }
    with described_by(path):
        return import_transformers().CLIPConfig(**chosen)
