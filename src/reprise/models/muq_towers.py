"""MuQ-MuLan's two towers in plain PyTorch: a network that hears or reads, a small transformer over it, one vector.

Follows ``muq_mulan`` of the package ``muq`` 0.1.0 (MIT), which follows musiclm-pytorch. ``PREFIXES`` say how the
published ``pytorch_model.bin`` names the parameters. ``tests/models/golden/make_muq.py`` made the vectors that both towers
are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from reprise.errors import WeightsRefused
from reprise.models.loading import fill, read_settings
from reprise.models.muq import count_in
from reprise.models.muq_encoder import UNUSED, Encoder, Shape
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

WEIGHTS, CONFIG = "pytorch_model.bin", "config.json"
MUQ_CONFIG = "MuQ-large-msd-iter/config.json"
ROBERTA_CONFIG = "xlm-roberta-base/config.json"

SHARPNESS = 8.0
"""What the cosine of a query and a key is multiplied by."""

DEFAULTS = {"dim": 768, "tf_depth": 12, "heads": 8, "dim_head": 64, "ff_mult": 4}
"""What the published code takes for a transformer where ``config.json`` says nothing."""

PREFIXES = {
    "audio": {
        "mulan.audio.model.model.": "source.",
        "mulan.audio.transformer.": "transformer.",
        "mulan.audio.proj.": "proj.",
        "mulan.audio_to_latents.": "to_latents.",
    },
    "text": {
        "mulan.text.model.": "source.",
        "mulan.text.transformer.": "transformer.",
        "mulan.text.proj.": "proj.",
        "mulan.text_to_latents.": "to_latents.",
    },
}
"""By tower: beginnings of published names, and what the same parameters are called here."""

UNUSED_IN_TOWER = {
    "audio": (*(f"source.{name}" for name in UNUSED), "mulan.audio.aggregator."),
    "text": ("source.pooler.", "source.embeddings.position_ids", "source.embeddings.token_type_ids"),
}
"""What no vector passes through: parts of trainings, or what is computed when the network is made."""


@dataclass(frozen=True, slots=True)
class TowerShape:
    """``width``: of what the source gives. ``dim``: of the transformer over it. ``projected``: whether a linear layer
    lies between. ``latents``: the length of the vector. ``layer``: which of the source's hidden states."""

    width: int
    dim: int
    depth: int
    heads: int
    head_dim: int
    inner: int
    latents: int
    projected: bool
    layer: int

    @classmethod
    def of(cls, tower: str, config: Mapping[str, Any], file: Path) -> TowerShape:
        """Raises ``WeightsRefused`` when ``config.json`` does not describe the tower ``audio`` or ``text``."""
        try:
            source, transformer = config[f"{tower}_model"], {**DEFAULTS, **config[f"{tower}_transformer"]}
            dim = count_in(transformer, "dim")
            width = dim if source["model_dim"] is None else count_in(source, "model_dim")
            return cls(
                width=width,
                dim=dim,
                depth=count_in(transformer, "tf_depth"),
                heads=count_in(transformer, "heads"),
                head_dim=count_in(transformer, "dim_head"),
                inner=int(dim * transformer["ff_mult"] * 2 / 3),
                latents=count_in(config["mulan"], "dim_latent"),
                projected=tower == "audio" or width != dim,
                layer=int(source.get("use_layer_idx", -1)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WeightsRefused(f"{file} does not describe MuQ-MuLan: {error!r}") from error


class Head(nn.Module):
    """Frames or tokens (n, T, width) to vectors of unit length (n, latents)."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        self.proj = nn.Linear(shape.width, shape.dim) if shape.projected else nn.Identity()
        self.transformer = Transformer(shape)
        self.to_latents = nn.Linear(shape.dim, shape.latents)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.transformer(self.proj(x))
        return functional.normalize(self.to_latents(mixed.mean(dim=1)).float(), dim=-1)


class AudioTower(Head):
    """Waveforms (n, samples) at 24 kHz to vectors (n, latents)."""

    def __init__(self, source: Encoder, shape: TowerShape) -> None:
        super().__init__(shape)
        self.source = source
        self.layer = shape.layer

    def forward(self, waveforms: Tensor) -> Tensor:
        return super().forward(self.source.layers(waveforms)[self.layer])


class Transformer(nn.Module):
    """(n, T, dim) to the same. It knows no order: that is the source's part."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(shape) for _ in range(shape.depth))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class TransformerLayer(nn.ModuleList):
    """A list, because the published names number its two parts."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__([Attention(shape), feed_forward(shape.dim, shape.inner)])

    def forward(self, x: Tensor) -> Tensor:
        attention, feeding = self
        x = x + attention(x)
        changed: Tensor = x + feeding(x)
        return changed


class Norm(nn.Module):
    """Layer norm without a bias."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.learned_gamma = nn.Parameter(torch.empty(dim))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.learned_gamma)


class Attention(nn.Module):
    """Compares queries and keys by their cosine, each dimension of them scaled (Dehghani et al. 2023, arXiv 2302.05442)."""

    def __init__(self, shape: TowerShape) -> None:
        super().__init__()
        within = shape.heads * shape.head_dim
        self.heads = shape.heads
        self.norm = Norm(shape.dim)
        self.to_q = nn.Linear(shape.dim, within, bias=False)
        self.to_kv = nn.Linear(shape.dim, 2 * within, bias=False)
        self.q_scale = nn.Parameter(torch.empty(shape.head_dim))
        self.k_scale = nn.Parameter(torch.empty(shape.head_dim))
        self.to_out = nn.Sequential(nn.Linear(within, shape.dim, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        key, value = self.to_kv(x).chunk(2, dim=-1)
        query, key, value = (self._by_head(part) for part in (self.to_q(x), key, value))
        query = functional.normalize(query, dim=-1) * self.q_scale
        key = functional.normalize(key, dim=-1) * self.k_scale
        heard = functional.scaled_dot_product_attention(
            query.to(value.dtype), key.to(value.dtype), value, scale=SHARPNESS
        )
        changed: Tensor = self.to_out(heard.transpose(1, 2).flatten(2))
        return changed

    def _by_head(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class GatedGelu(nn.Module):
    """(…, 2 inner) to (…, inner)."""

    def forward(self, x: Tensor) -> Tensor:
        kept, gate = x.chunk(2, dim=-1)
        return functional.gelu(gate) * kept


def feed_forward(dim: int, inner: int) -> nn.Sequential:
    """Its fourth place is a dropout's: numbers of places are part of the published names."""
    return nn.Sequential(
        Norm(dim),
        nn.Linear(dim, 2 * inner, bias=False),
        GatedGelu(),
        nn.Identity(),
        nn.Linear(inner, dim, bias=False),
    )


def load_audio_tower(folder: Path) -> AudioTower:
    """Raises ``WeightsRefused`` when the folder holds something else than MuQ-MuLan, and ``WeightsMissing``."""
    settings, muq_settings = folder / CONFIG, folder / MUQ_CONFIG
    shape = TowerShape.of("audio", read_settings(settings), settings)
    muq = Shape.of(read_settings(muq_settings), muq_settings)
    if muq.dim != shape.width:
        raise WeightsRefused(
            f"{settings} wants {shape.width} dimensions of MuQ, {muq_settings} has {muq.dim}"
        )
    if not -muq.depth - 1 <= shape.layer <= muq.depth:
        raise WeightsRefused(f"{settings} wants hidden state {shape.layer} of MuQ's {muq.depth + 1}")
    with torch.device("meta"):  # no memory is filled with random numbers first
        tower = AudioTower(Encoder(muq), shape)
    fill_tower(tower, "audio", folder)
    return tower


def fill_tower(network: nn.Module, tower: str, folder: Path) -> None:
    """Give ``network`` the parameters of the tower ``audio`` or ``text``. Raises ``WeightsRefused``."""
    path = folder / WEIGHTS
    tensors: dict[str, Tensor] = {}
    for published, tensor in read_tensors(path).items():
        name = _named_here(published, PREFIXES[tower])
        if published.startswith(f"mulan.{tower}") and not name.startswith(UNUSED_IN_TOWER[tower]):
            tensors[name] = tensor
    fill(network, tensors, path)


def _named_here(published: str, prefixes: Mapping[str, str]) -> str:
    for there, here in prefixes.items():
        if published.startswith(there):
            return here + published.removeprefix(there)
    return published
