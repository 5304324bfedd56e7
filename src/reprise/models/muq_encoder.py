"""The MuQ encoder in plain PyTorch; its parameters are named as in the published ``model.safetensors``.

Follows the package ``muq`` 0.1.0 (MIT; arXiv 2501.01108): decibels of a mel spectrogram, two residual convolutions that
keep every fourth frame, conformer layers (Gulati et al. 2020, arXiv 2005.08100) with rotary positions (arXiv 2104.09864).
``tests/models/golden/make_muq.py`` made the tensors that it is compared with, layer by layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from reprise.errors import WeightsRefused
from reprise.models.loading import fill, read_settings
from reprise.models.muq import DEFAULTS, count_in
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

SAMPLE_RATE = 24_000
"""Hz."""

FFT = 2048
HOP = 240
"""Samples; 100 spectra a second."""

MELS = 128
QUIETEST_POWER = 1e-10
"""-100 dB: what a power is raised to before its logarithm is taken."""

SUBSAMPLING = 4
"""100 spectra a second become 25 frames."""

UNUSED = (
    "linear.",  # guesses the tokens of masked frames in training
    "recon_proj.",
    "cls_token",
    "rvq.",
    "quantizer_",
    "conformer.pos_conv_embed.",  # the conformer makes it and never calls it
)
"""What a checkpoint holds beside the encoder: parts of the training that no feature passes through."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What ``config.json`` says. ``mean`` and ``std``: decibels, of the mel spectrogram over the training data."""

    dim: int
    depth: int
    heads: int
    inner: int
    channels: int
    kernel: int
    epsilon: float
    mean: float
    std: float

    @classmethod
    def of(cls, config: Mapping[str, Any], file: Path) -> Shape:
        """Raises ``WeightsRefused`` when something is missing, or is another than this encoder can do."""
        try:
            config = {**DEFAULTS, **config}
            conformer, stat = config["w2v2_config"], config["stat"]
            _demand(file, "label_rate", config.get("label_rate", 25), SAMPLE_RATE // HOP // SUBSAMPLING)
            _demand(file, "hop_length", config.get("hop_length", HOP), HOP)
            _demand(file, "n_mels", config.get("n_mels", MELS), MELS)
            _demand(file, "position_embeddings_type", conformer["position_embeddings_type"], "rotary")
            _demand(file, "hidden_act", conformer["hidden_act"], "swish", "silu")
            return cls(
                dim=count_in(config, "encoder_dim", of=2 * count_in(conformer, "num_attention_heads")),
                depth=count_in(config, "encoder_depth"),
                heads=count_in(conformer, "num_attention_heads"),
                inner=count_in(conformer, "intermediate_size"),
                channels=count_in(config, "conv_dim"),
                kernel=_odd(count_in(conformer, "conv_depthwise_kernel_size")),
                epsilon=float(conformer["layer_norm_eps"]),
                mean=float(stat["melspec_2048_mean"]),
                std=float(stat["melspec_2048_std"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsRefused(f"{file} does not describe a MuQ encoder: {error!r}") from error


class Encoder(nn.Module):
    """Waveforms (n, samples) at 24 kHz to frames (n, T, dim), 25 a second.

    Waveforms of one length only: padding one changes its frames.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.spectrum = Spectrum(shape.mean, shape.std)
        self.conv = Subsampling(shape.channels, shape.dim)
        self.conformer = Conformer(shape)

    def forward(self, waveforms: Tensor) -> Tensor:
        return self.layers(waveforms)[-1]

    def layers(self, waveforms: Tensor) -> list[Tensor]:
        """``depth`` + 1 tensors: what goes into each conformer layer, and what the last gives, normalised."""
        hidden: list[Tensor] = self.conformer(self.conv(self.spectrum(waveforms)))
        return hidden


class TimeMean(nn.Module):
    """Waveforms (n, samples) to the mean of the last hidden state over time, (n, dim)."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, waveforms: Tensor) -> Tensor:
        frames: Tensor = self.encoder(waveforms)
        return frames.float().mean(dim=1)


class Spectrum(nn.Module):
    """Waveforms (n, samples) to decibels of 128 mel bands, normalised over the training data, (n, 128, T).

    As ``torchaudio.transforms.MelSpectrogram(24000, 2048, hop_length=240, n_mels=128)`` and ``AmplitudeToDB()`` do it,
    without the last spectrum; always in single precision, whatever the rest runs in.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std
        self.register_buffer("window", torch.hann_window(FFT, device="cpu"), persistent=False)
        self.register_buffer("filters", mel_filters(), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        with torch.autocast(waveforms.device.type, enabled=False):
            spectra = torch.stft(
                waveforms.float(),
                FFT,
                HOP,
                window=self.window,
                center=True,
                pad_mode="reflect",
                return_complex=True,
            )
            power = torch.view_as_real(spectra).square().sum(dim=-1)[..., :-1]
            mel = (power.transpose(1, 2) @ self.filters).transpose(1, 2)
            decibels = 10.0 * torch.log10(mel.clamp(min=QUIETEST_POWER))
            return (decibels - self.mean) / self.std


def mel_filters() -> Tensor:
    """Triangles over the bins of a spectrum, shape (1025, 128), from 0 Hz to half the rate, none of them scaled.

    Frequencies in mel are 2595 log10(1 + Hz / 700), as in HTK. In single precision, as torchaudio has it: that is
    what the network was trained on.
    """
    nyquist = SAMPLE_RATE / 2
    bins = torch.linspace(0, nyquist, FFT // 2 + 1, device="cpu")
    mels = torch.linspace(0, 2595.0 * math.log10(1.0 + nyquist / 700.0), MELS + 2, device="cpu")
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    widths = edges.diff()
    distances = edges - bins.unsqueeze(1)
    rising, falling = -distances[:, :-2] / widths[:-1], distances[:, 2:] / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0.0)


class Subsampling(nn.Module):
    """(n, 128, T) to (n, T / 4, dim), rounded up."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(Residual(1, channels), Residual(channels, channels))
        self.linear = nn.Linear(channels * MELS // SUBSAMPLING, dim)

    def forward(self, spectrum: Tensor) -> Tensor:
        bands: Tensor = self.conv(spectrum.unsqueeze(1))  # (n, channels, 32, T / 4)
        frames: Tensor = self.linear(bands.flatten(1, 2).transpose(1, 2))
        return frames


class Residual(nn.Module):
    """Halves bands and time: (n, before, F, T) to (n, after, F / 2, T / 2)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv3 = nn.Conv2d(before, after, 3, stride=2, padding=1)
        self.bn3 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        changed = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(self.bn3(self.conv3(x)) + changed)


class Conformer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_positions = Rotary(shape.dim // shape.heads)
        self.layer_norm = nn.LayerNorm(shape.dim, eps=shape.epsilon)
        self.layers = nn.ModuleList(ConformerLayer(shape) for _ in range(shape.depth))

    def forward(self, x: Tensor) -> list[Tensor]:
        cosine, sine = self.embed_positions(x.shape[1])
        hidden = [x]
        for layer in self.layers:
            x = layer(x, cosine, sine)
            hidden.append(x)
        hidden[-1] = self.layer_norm(x)
        return hidden


class Rotary(nn.Module):
    """Angles of rotary positions. The frequencies, half as many as a head has dimensions, come with the weights."""

    inv_freq: Tensor

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", torch.empty(head_dim // 2))

    def forward(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine, each (length, 1, head_dim)."""
        times = torch.arange(length, device=self.inv_freq.device, dtype=self.inv_freq.dtype)
        angles = (times.unsqueeze(1) * self.inv_freq).repeat(1, 2).unsqueeze(1)
        return angles.cos(), angles.sin()


class ConformerLayer(nn.Module):
    """(n, T, dim) to the same: half a feed-forward, attention, convolution, half a feed-forward."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.ffn1_layer_norm = nn.LayerNorm(shape.dim)
        self.ffn1 = FeedForward(shape.dim, shape.inner)
        self.self_attn_layer_norm = nn.LayerNorm(shape.dim)
        self.self_attn = SelfAttention(shape.dim, shape.heads)
        self.conv_module = ConvolutionModule(shape.dim, shape.kernel)
        self.ffn2_layer_norm = nn.LayerNorm(shape.dim)
        self.ffn2 = FeedForward(shape.dim, shape.inner)
        self.final_layer_norm = nn.LayerNorm(shape.dim)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
        x = x + self.self_attn(self.self_attn_layer_norm(x), cosine, sine)
        x = x + self.conv_module(x)
        x = x + 0.5 * self.ffn2(self.ffn2_layer_norm(x))
        normalised: Tensor = self.final_layer_norm(x)
        return normalised


class FeedForward(nn.Module):
    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(dim, inner)
        self.output_dense = nn.Linear(inner, dim)

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.output_dense(functional.silu(self.intermediate_dense(x)))
        return changed


class SelfAttention(nn.Module):
    """Turns its input by the rotary angles before it becomes queries and keys, not after; values are not turned."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(dim, dim)
        self.linear_k = nn.Linear(dim, dim)
        self.linear_v = nn.Linear(dim, dim)
        self.linear_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        turned = self._turned(x, cosine, sine)
        query, key, value = self.linear_q(turned), self.linear_k(turned), self.linear_v(x)
        heard = functional.scaled_dot_product_attention(
            self._by_head(query), self._by_head(key), self._by_head(value)
        )
        changed: Tensor = self.linear_out(heard.transpose(1, 2).flatten(2))
        return changed

    def _turned(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        by_head = x.view(*x.shape[:2], self.heads, -1)
        first, second = by_head.chunk(2, dim=-1)
        return (by_head * cosine + torch.cat([-second, first], dim=-1) * sine).flatten(2)

    def _by_head(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class ConvolutionModule(nn.Module):
    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(dim)
        self.pointwise_conv1 = nn.Conv1d(dim, 2 * dim, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(dim, dim, kernel, padding=(kernel - 1) // 2, groups=dim, bias=False)
        self.batch_norm = nn.BatchNorm1d(dim)
        self.pointwise_conv2 = nn.Conv1d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gated = functional.glu(self.pointwise_conv1(self.layer_norm(x).transpose(1, 2)), dim=1)
        changed: Tensor = self.pointwise_conv2(
            functional.silu(self.batch_norm(self.depthwise_conv(gated)))
        ).transpose(1, 2)
        return changed


def load_encoder(folder: Path) -> Encoder:
    """The encoder of a folder with ``config.json`` and ``model.safetensors``.

    Raises ``WeightsRefused`` when they are of another model, ``WeightsMissing``.
    """
    settings, weights = folder / "config.json", folder / "model.safetensors"
    with torch.device("meta"):  # no memory is filled with random numbers first
        encoder = Encoder(Shape.of(read_settings(settings), settings))
    named = {name.removeprefix("model."): tensor for name, tensor in read_tensors(weights).items()}
    fill(encoder, {name: tensor for name, tensor in named.items() if not name.startswith(UNUSED)}, weights)
    return encoder


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise ValueError(f"conv_depthwise_kernel_size is {kernel}, which has no middle")
    return kernel


def _demand(file: Path, name: str, found: object, *known: object) -> None:
    if found not in known:
        raise WeightsRefused(f"{file} has {name} {found!r}; known is {' or '.join(map(repr, known))}")
