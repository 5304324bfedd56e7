"""The encoder of Music2Latent in plain PyTorch. Modules are named as in the published state dict, so that it loads.

Described in M. Pasini, S. Lattner, G. Fazekas: Music2Latent, Consistency Autoencoders for Latent Audio Compression
(ISMIR 2024, arXiv 2408.06500), and fixed by the published weights. Only what turns sound into latents is here: a
quarter of the autoencoder's parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.errors import WeightsRefused
from reprise.models.loading import fill
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOP = 512
"""Samples from one spectrum to the next."""

FRAME = 4 * HOP
"""Samples of one spectrum."""

BINS = FRAME // 2
"""1024: the spectrum without its last bin, at half the sample rate."""

EXPONENT = 0.65
GAIN = 0.34
"""Amplitudes are compressed to 0.34 |x|^0.65; the phase stays."""

SQUEEZED_FRAMES = 8
"""Spectra to one latent: three levels halve time."""

SQUEEZED_BANDS = 32
"""Bands that are left of 1024 bins: one level quarters them, three halve them."""

LATENT_SCALE = 0.06
"""Latents, which end in a tanh, are handed out divided by this."""

HEADS = 4
LEVELS = 5
FIRST_ATTENTIVE_LEVEL = 2
PREFIX = "encoder."


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels of the five levels, of the layers before the bottleneck (``depth`` blocks of them), of the latents."""

    levels: tuple[int, ...]
    bottleneck: int
    depth: int
    latents: int

    @property
    def features(self) -> int:
        """Values in each frame before the bottleneck: 8192 for the published weights."""
        return self.levels[-1] * SQUEEZED_BANDS

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Shape:
        """What the state dict of an encoder was made for. Raises ``WeightsRefused`` when it is none."""
        numbers = {int(found[1]) for found in map(_BOTTLENECK_BLOCK.match, tensors) if found}
        try:
            return cls(
                levels=tuple(
                    len(tensors[f"down_layers.{2 * level}.conv2.weight"]) for level in range(LEVELS)
                ),
                bottleneck=len(tensors["norm_out.weight"]),
                depth=len(numbers),
                latents=len(tensors["conv_out.weight"]),
            )
        except KeyError as error:
            raise WeightsRefused(f"no encoder of Music2Latent: there is no tensor {error}") from None


_BOTTLENECK_BLOCK = re.compile(r"bottleneck_layers\.(\d+)\.conv2\.weight$")

PUBLISHED = Shape(levels=(64, 128, 256, 256, 256), bottleneck=512, depth=4, latents=64)


class Spectrum(nn.Module):
    """Waveforms (n, samples) to compressed complex spectra (n, 2, 1024, frames), real part first.

    Frames without padding; their number is rounded down to a multiple of 8.
    """

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FRAME), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        count = (waveforms.shape[-1] - FRAME) // HOP + 1
        count -= count % SQUEEZED_FRAMES
        heard = waveforms[:, : FRAME + HOP * (count - 1)]
        complex_spectra = torch.stft(heard, FRAME, HOP, window=self.window, center=False, return_complex=True)
        spectra = torch.view_as_real(complex_spectra)[:, :BINS]  # (n, bins, frames, 2)
        amplitude = spectra.square().sum(-1, keepdim=True).clamp(min=1e-24).sqrt()
        compressed = GAIN * spectra * amplitude ** (EXPONENT - 1)
        return compressed.permute(0, 3, 1, 2)


class BandGain(nn.Module):
    """A learned factor for each frequency bin."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 1, BINS, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class SelfAttention(nn.Module):
    """Weights named as those of ``nn.MultiheadAttention``, without its special cases."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor) -> Tensor:
        """(n, positions, channels), each position looks at all."""
        count, positions, channels = x.shape
        joint = functional.linear(x, self.in_proj_weight, self.in_proj_bias)
        heads = joint.reshape(count, positions, 3 * HEADS, channels // HEADS).transpose(1, 2)
        query, key, value = heads.chunk(3, dim=1)
        seen = functional.scaled_dot_product_attention(query, key, value)
        return cast("Tensor", self.out_proj(seen.transpose(1, 2).flatten(2)))


class BandAttention(nn.Module):
    """Within each frame, bands attend to each other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.mha = SelfAttention(channels)

    def forward(self, x: Tensor) -> Tensor:
        count, channels, bands, frames = x.shape
        rows = self.norm(x).permute(0, 3, 2, 1).reshape(count * frames, bands, channels)
        seen = self.mha(rows).reshape(count, frames, bands, channels)
        together: Tensor = x + seen.permute(0, 3, 2, 1)
        return together


class Residual(nn.Module):
    """Two normalised convolutions beside a shortcut, over bands and frames (2 ``axes``) or frames alone (1)."""

    def __init__(self, before: int, after: int, *, axes: int, attentive: bool = False) -> None:
        super().__init__()
        convolution: Any = nn.Conv2d if axes == 2 else nn.Conv1d
        self.norm1 = _norm(before)
        self.conv1 = convolution(before, after, 3, padding=1)
        self.norm2 = _norm(after)
        self.conv2 = convolution(after, after, 3, padding=1)
        self.res_conv = convolution(before, after, 1) if before != after else nn.Identity()
        self.att = BandAttention(after) if attentive else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(functional.silu(self.norm1(x), inplace=True))
        inner = self.conv2(functional.silu(self.norm2(inner), inplace=True))
        return cast("Tensor", self.att(self.res_conv(x) + inner))


class Squeeze(nn.Module):
    """Fewer bands, a quarter of them and all frames (``bands_only``), or half of both."""

    def __init__(self, channels: int, *, bands_only: bool) -> None:
        super().__init__()
        self.norm = _norm(channels)
        if bands_only:
            self.c = nn.Conv2d(channels, channels, (5, 1), stride=(4, 1), padding=(2, 0))
        else:
            self.c = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.c(self.norm(x)))


class Encoder(nn.Module):
    """Spectra (n, 2, 1024, 8 T) to features or latents. Its state dict is the published one without ``encoder.``."""

    def __init__(self, shape: Shape = PUBLISHED) -> None:
        super().__init__()
        widths = (shape.levels[0], *shape.levels)
        layers: list[nn.Module] = []
        for level in range(LEVELS):
            attentive = level >= FIRST_ATTENTIVE_LEVEL
            layers.append(Residual(widths[level], widths[level + 1], axes=2, attentive=attentive))
            if level < LEVELS - 1:
                layers.append(Squeeze(widths[level + 1], bands_only=level == 0))
        blocks = [Residual(shape.bottleneck, shape.bottleneck, axes=1) for _ in range(shape.depth)]
        self.conv_inp = nn.Conv2d(2, shape.levels[0], 3, padding=1)
        self.gain = BandGain()
        self.down_layers = nn.ModuleList(layers)
        self.prenorm_1d_to_2d = _norm(shape.levels[-1])
        self.bottleneck_layers = nn.ModuleList([nn.Conv1d(shape.features, shape.bottleneck, 1), *blocks])
        self.norm_out = _norm(shape.bottleneck)
        self.conv_out = nn.Conv1d(shape.bottleneck, shape.latents, 1)

    def features(self, spectra: Tensor) -> Tensor:
        """Before the bottleneck: (n, 32 c, T) with c channels of the last level, all bands of a channel together."""
        x = self.gain(self.conv_inp(spectra))
        for layer in self.down_layers:
            x = layer(x)
        return cast("Tensor", self.prenorm_1d_to_2d(x).flatten(1, 2))

    def latents(self, spectra: Tensor) -> Tensor:
        """(n, latents, T), -1 to 1."""
        x = self.features(spectra)
        for layer in self.bottleneck_layers:
            x = layer(x)
        return torch.tanh(self.conv_out(functional.silu(self.norm_out(x))))


class MeanFeatures(nn.Module):
    """Waveforms (n, samples) to the features before the bottleneck, averaged over time: (n, 8192)."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.spectrum = Spectrum()
        self.encoder = encoder

    def forward(self, waveforms: Tensor) -> Tensor:
        return self.encoder.features(self.spectrum(waveforms)).mean(-1)


class RealImaginaryMagnitude(nn.Module):
    """Waveforms (n, samples) to the latents as complex numbers: (n, T, 3 × 64), real, imaginary part and magnitude.

    The latents are real: imaginary parts are 0, magnitudes are absolute values.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.spectrum = Spectrum()
        self.encoder = encoder

    def forward(self, waveforms: Tensor) -> Tensor:
        latents = self.encoder.latents(self.spectrum(waveforms)).transpose(1, 2) / LATENT_SCALE
        return torch.cat([latents, torch.zeros_like(latents), latents.abs()], dim=-1)


def load_encoder(path: Path) -> Encoder:
    """The encoder with the weights of a published checkpoint. Raises ``WeightsRefused`` when it is none."""
    tensors = _encoder_tensors(path)
    encoder = Encoder(Shape.of(tensors))
    fill(encoder, tensors, path)
    return encoder


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(channels // 4, 32), channels)


def _encoder_tensors(path: Path) -> dict[str, Tensor]:
    """The autoencoder's tensors whose names start with ``encoder.``, named without it."""
    with torch.serialization.safe_globals(_numpy_scalars()):
        tensors = read_tensors(path, entry="gen_state_dict")
    return {name.removeprefix(PREFIX): it for name, it in tensors.items() if name.startswith(PREFIX)}


def _numpy_scalars() -> list[Any]:
    """What makes a NumPy number when it is unpickled: the published file also holds some of its training's."""
    import numpy as np
    from numpy._core.multiarray import scalar

    makers = [(scalar, f"{package}.multiarray.scalar") for package in ("numpy.core", "numpy._core")]
    return [*makers, np.dtype, *{type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8")}]
