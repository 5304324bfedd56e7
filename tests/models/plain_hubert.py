"""HuBERT written down from its description, on the published tensors, without transformers: what MERT is tested by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping


class PlainHubert:
    """``state``: tensors under the published names. ``stable``: normalise before attention instead of behind it."""

    def __init__(self, state: Mapping[str, torch.Tensor], config: Mapping[str, Any]) -> None:
        self._state = state
        self._config = config
        self._stable = bool(config["do_stable_layer_norm"])

    def states(self, waveform: torch.Tensor) -> torch.Tensor:
        """(samples,) to (layers + 1, T, hidden)."""
        hidden = self._positioned(self._projected(self._convolved(waveform)))
        if not self._stable:
            hidden = self._norm("encoder.layer_norm", hidden)
        states = [hidden]
        for number in range(self._config["num_hidden_layers"]):
            hidden = self._layer(f"encoder.layers.{number}.", hidden)
            states.append(hidden)
        if self._stable:
            states[-1] = self._norm("encoder.layer_norm", states[-1])
        return torch.stack(states)

    def _convolved(self, waveform: torch.Tensor) -> torch.Tensor:
        """(samples,) to (channels, T)."""
        centred = waveform - waveform.mean()
        signal = (centred / torch.sqrt((centred**2).mean() + 1e-7))[None]
        for number, stride in enumerate(self._config["conv_stride"]):
            name = f"feature_extractor.conv_layers.{number}."
            signal = functional.conv1d(signal, self._state[f"{name}conv.weight"], stride=stride)
            if number == 0:  # each channel by itself, over time
                spread = signal.var(dim=1, keepdim=True, correction=0)
                signal = (signal - signal.mean(dim=1, keepdim=True)) / torch.sqrt(spread + 1e-5)
                scale, shift = self._state[f"{name}layer_norm.weight"], self._state[f"{name}layer_norm.bias"]
                signal = signal * scale[:, None] + shift[:, None]
            signal = functional.gelu(signal)
        return signal

    def _projected(self, signal: torch.Tensor) -> torch.Tensor:
        """(channels, T) to (T, hidden)."""
        return self._linear(
            "feature_projection.projection", self._norm("feature_projection.layer_norm", signal.T)
        )

    def _positioned(self, hidden: torch.Tensor) -> torch.Tensor:
        """Adds a convolution over time whose weight has one length for each place of its kernel."""
        direction = self._state["encoder.pos_conv_embed.conv.weight_v"]
        length = torch.sqrt((direction**2).sum(dim=(0, 1), keepdim=True))
        weight = self._state["encoder.pos_conv_embed.conv.weight_g"] * direction / length
        places = functional.conv1d(
            hidden.T,
            weight,
            self._state["encoder.pos_conv_embed.conv.bias"],
            padding=weight.shape[2] // 2,
            groups=self._config["num_conv_pos_embedding_groups"],
        )
        return hidden + functional.gelu(places[:, : len(hidden)]).T

    def _layer(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        if self._stable:
            hidden = hidden + self._attention(name, self._norm(f"{name}layer_norm", hidden))
            return hidden + self._feed_forward(name, self._norm(f"{name}final_layer_norm", hidden))
        hidden = self._norm(f"{name}layer_norm", hidden + self._attention(name, hidden))
        return self._norm(f"{name}final_layer_norm", hidden + self._feed_forward(name, hidden))

    def _attention(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        heads = self._config["num_attention_heads"]
        query, key, value = (
            self._linear(f"{name}attention.{part}_proj", hidden).reshape(len(hidden), heads, -1)
            for part in "qkv"
        )
        scores = torch.einsum("qhd,khd->hqk", query, key) / query.shape[2] ** 0.5
        mixed = torch.einsum("hqk,khd->qhd", torch.exp(torch.log_softmax(scores, dim=2)), value)
        return self._linear(f"{name}attention.out_proj", mixed.reshape(len(hidden), -1))

    def _feed_forward(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        wide = functional.gelu(self._linear(f"{name}feed_forward.intermediate_dense", hidden))
        return self._linear(f"{name}feed_forward.output_dense", wide)

    def _linear(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        return hidden @ self._state[f"{name}.weight"].T + self._state[f"{name}.bias"]

    def _norm(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        centred = hidden - hidden.mean(dim=1, keepdim=True)
        spread = torch.sqrt((centred**2).mean(dim=1, keepdim=True) + 1e-5)
        return centred / spread * self._state[f"{name}.weight"] + self._state[f"{name}.bias"]
