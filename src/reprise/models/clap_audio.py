"""What CLAP hears: a spectrogram in decibels, then a network of shifted windows over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reprise.errors import WeightsRefused
from reprise.models.clap import CLIP, SAMPLE_RATE
from reprise.models.clap_settings import PREPROCESSOR, read_tower
from reprise.models.loading import read_settings

if TYPE_CHECKING:
    from pathlib import Path

FRAME = 1024
HOP = 480
"""Samples: 10 ms."""

BANDS = 64
LOWEST, HIGHEST = 50, 14_000
"""Hz, of the mel bands (Slaney's scale, each of area one)."""

FLOOR = 1e-10
"""Least power of a band: -100 dB."""

FRONT_END = {
    "feature_size": BANDS,
    "fft_window_size": FRAME,
    "frequency_max": HIGHEST,
    "frequency_min": LOWEST,
    "hop_length": HOP,
    "nb_max_samples": CLIP,
    "sampling_rate": SAMPLE_RATE,
    "truncation": "rand_trunc",  # the word for unfused
}
"""What ``preprocessor_config.json`` has to say: the spectrogram here is that one and no other."""


def read_audio_tower(folder: Path) -> torch.nn.Module:
    """From 10 s at 48 kHz, (n, 480000), to vectors of length one, (n, dimension).

    Raises ``WeightsRefused`` when the folder holds something else than an unfused CLAP, and ``WeightsMissing``.
    """
    _check_front_end(folder / PREPROCESSOR)
    return AudioTower(read_tower(folder, "ClapAudioModelWithProjection"))


def _check_front_end(path: Path) -> None:
    settings = read_settings(path)
    for name, expected in FRONT_END.items():
        if settings.get(name) != expected:
            raise WeightsRefused(
                f"{path}: {name} is {settings.get(name)!r}, this model hears with {expected!r}"
            )


class LogMel(torch.nn.Module):
    """(n, samples) to decibels, (n, 1, 1 + samples // 480, 64); a full-scale sine is far above 0.

    The numbers of ``transformers.ClapFeatureExtractor``. In double precision, as there: between loud tones the power
    is so far below theirs that single precision leaves rounding noise, another on each device. Apple's has no other.
    """

    filters: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        from transformers.audio_utils import mel_filter_bank

        filters = mel_filter_bank(
            num_frequency_bins=FRAME // 2 + 1,
            num_mel_filters=BANDS,
            min_frequency=LOWEST,
            max_frequency=HIGHEST,
            sampling_rate=SAMPLE_RATE,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer(
            "filters", torch.from_numpy(filters.T.astype("float32")), persistent=False
        )  # (64, 513)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        device = waveforms.device
        exact = torch.float32 if device.type == "mps" else torch.float64
        taper = torch.hann_window(FRAME, dtype=exact, device=device)
        with torch.autocast(device.type, enabled=False):
            spectrum = torch.stft(
                waveforms.to(exact), FRAME, HOP, window=taper, pad_mode="reflect", return_complex=True
            )
            power = self.filters.to(exact) @ (spectrum.real.square() + spectrum.imag.square())
            decibels = 10.0 * torch.log10(power.clamp(min=FLOOR))
            return decibels.transpose(1, 2).unsqueeze(1).float()


class AudioTower(torch.nn.Module):
    """(n, 480000) to (n, dimension), length one."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.front_end = LogMel()
        self.network = network

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        heard = self.network(input_features=self.front_end(waveforms))
        return torch.nn.functional.normalize(heard.audio_embeds.float(), dim=-1)
