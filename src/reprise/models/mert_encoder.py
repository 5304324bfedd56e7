"""MERT's network: transformers' HuBERT, filled with MERT's tensors, from waveforms to states of its layers."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import parametrize

from reprise.errors import WeightsRefused
from reprise.models.loading import described_by, fill, import_transformers, read_settings
from reprise.models.mert import FILES, SAMPLE_RATE
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WEIGHTS, CONFIG, PREPROCESSOR = FILES

KINDS = ("mert_model", "hubert")
"""What ``model_type`` may be: the authors' name, and that of the same network saved by transformers."""

OTHER_NETWORKS = {
    "feature_extractor_cqt": "it hears a constant-Q transform beside the waveform",
    "deepnorm": "its layers add up by DeepNorm",
}
"""Settings that make MERT another network than HuBERT, and how."""

OLD_NAMES = {
    ".weight_g": ".parametrizations.weight.original0",
    ".weight_v": ".parametrizations.weight.original1",
}
"""How PyTorch before 2.1, with which the tensors were published, named the two parts of a normalised weight."""

FOR_TRAINING = "masked_spec_embed"
"""What a masked moment is replaced by in training; nothing else uses it."""


def read_hubert(folder: Path) -> tuple[torch.nn.Module, bool]:
    """The network, and whether it wants waveforms of zero mean and unit variance.

    Raises ``WeightsRefused`` when the folder holds something else than MERT, and ``WeightsMissing``.
    """
    normalises = _check_preprocessor(folder / PREPROCESSOR)
    network = _empty(folder / CONFIG)
    fill(network, _renamed(read_tensors(folder / WEIGHTS)), folder / WEIGHTS)
    position = network.encoder.pos_conv_embed.conv
    if parametrize.is_parametrized(position):
        # Its weight is normalised anew with each pass otherwise, and no engine exports that.
        parametrize.remove_parametrizations(position, "weight")
    return network, normalises


def _check_preprocessor(path: Path) -> bool:
    settings = read_settings(path)
    rate = settings.get("sampling_rate")
    if rate != SAMPLE_RATE:
        raise WeightsRefused(f"{path} is for sound at {rate} Hz; MERT v1 hears {SAMPLE_RATE} Hz")
    return bool(settings.get("do_normalize", False))


def _empty(path: Path) -> Any:
    """The network that ``config.json`` describes, on the meta device: rolling numbers that are replaced takes seconds."""
    transformers = import_transformers()
    settings = read_settings(path)
    kind = settings.get("model_type")
    if kind not in KINDS:
        raise WeightsRefused(f"{path} is of the kind {kind!r}, not of MERT")
    for name, reason in OTHER_NETWORKS.items():
        if settings.get(name):
            raise WeightsRefused(
                f"{path} sets {name}: {reason}, which only the code that comes with it computes"
            )
    # ``attention_relax`` is not looked at: it only matters beside DeepNorm, and softmax is the same with and without.
    # Of the network only: what all configurations have in common says how it is run, and that is ours to say.
    known = {field.name for field in fields(transformers.HubertConfig)}
    known -= {field.name for field in fields(transformers.PreTrainedConfig)}
    chosen = {name: value for name, value in settings.items() if name in known}
    chosen |= {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    with described_by(path), torch.device("meta"):
        return transformers.HubertModel(transformers.HubertConfig(**chosen))


def _renamed(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The published names are those of an older PyTorch; files that a newer one saved are taken as they are."""
    renamed = {}
    for name, tensor in tensors.items():
        ending = next((old for old in OLD_NAMES if name.endswith(old)), "")
        renamed[name.removesuffix(ending) + OLD_NAMES.get(ending, "")] = tensor
    renamed.pop(FOR_TRAINING, None)
    return renamed


class _Mert(torch.nn.Module):
    """Waveforms at 24 kHz to the network's states."""

    def __init__(self, hubert: torch.nn.Module, normalises: bool) -> None:
        super().__init__()
        self.hubert = hubert
        self.normalises = normalises

    def means(self, waveforms: torch.Tensor) -> list[torch.Tensor]:
        """(n, samples) to the means over time of all states, each (n, hidden): what enters the first layer, and what
        leaves each of them."""
        if self.normalises:
            mean = waveforms.mean(dim=-1, keepdim=True)
            variance = waveforms.var(dim=-1, keepdim=True, correction=0)
            waveforms = (waveforms - mean) / torch.sqrt(variance + 1e-7)
        heard = self.hubert(waveforms, output_hidden_states=True)
        # The 330M normalises what leaves its last layer. transformers 5 gives the last of ``hidden_states`` without
        # that, transformers 4 and the authors' code with it.
        states = [*heard.hidden_states[:-1], heard.last_hidden_state]
        return [state.float().mean(dim=1) for state in states]


class MeanOfLayers(_Mert):
    """(n, samples) to (n, hidden)."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return torch.stack(self.means(waveforms)).mean(dim=0)


class LayersSideBySide(_Mert):
    """(n, samples) to (n, (layers + 1) × hidden), the first state first."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return torch.cat(self.means(waveforms), dim=-1)
