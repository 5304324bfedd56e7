"""The settings of a CLAP checkpoint, from its folder; what could not be computed rightly is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.errors import WeightsRefused
from reprise.models.clap import FILES
from reprise.models.loading import described_by, fill, import_transformers, read_settings
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS, CONFIG, PREPROCESSOR, TOKENIZER = FILES

DERIVED = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")
"""Tensors that the network computes when it is made. Whether a file holds them depends on who saved it."""


def read_config(folder: Path) -> Any:
    """``ClapConfig`` of a folder. Raises ``WeightsRefused`` when it is of another model or of a fused CLAP."""
    transformers = import_transformers()
    path = folder / CONFIG
    settings = read_settings(path)
    kind = settings.get("model_type")
    if kind != "clap":
        raise WeightsRefused(f"{path} is of the kind {kind!r}, not of CLAP")
    names = ("text_config", "audio_config", "projection_dim", "projection_hidden_act")
    chosen = {name: settings[name] for name in names if name in settings}
    with described_by(path):
        config = transformers.ClapConfig(**chosen)
    if config.audio_config.enable_fusion:
        raise WeightsRefused(
            f"{path} is of a fused CLAP, which hears parts of a clip chosen by dice; take an unfused one"
        )
    return config


def read_tower(folder: Path, name: str) -> Any:
    """transformers' class ``name`` for one tower, with its tensors. The other tower's stay in the file."""
    config = read_config(folder)
    side = config.audio_config if "Audio" in name else config.text_config
    with described_by(folder / CONFIG):
        network = getattr(import_transformers(), name)(side)
    path = folder / WEIGHTS
    parts = tuple(f"{part}." for part, _ in network.named_children())
    tensors = {key: tensor for key, tensor in read_tensors(path).items() if key.startswith(parts)}
    fill(network, tensors, path, derived=DERIVED)
    return network
