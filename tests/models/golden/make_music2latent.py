"""Makes music2latent.npz with the upstream implementation, once; the tests only read it.

In a folder with the package's files (``pip download music2latent==0.1.8 --no-deps``, unzipped; they are CC-BY-NC and
not ours to ship) and an environment with PyTorch, NumPy, soundfile and huggingface_hub:

    PYTHONPATH=. python …/tests/models/golden/make_music2latent.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from music2latent import audio, models

SAMPLES = 48 * 512

SIZES = {
    "base_channels": 8,
    "multipliers_list": [1] * 5,
    "bottleneck_base_channels": 16,
    "bottleneck_channels": 16,
}


def sound() -> torch.Tensor:
    """Two waveforms of 0.56 s: noise of four levels, and a chord with a silent stretch, shape (2, 24576)."""
    generator = torch.Generator().manual_seed(11)
    levels = torch.tensor([0.5, 0.05, 0.005, 0.3]).repeat_interleave(SAMPLES // 4)
    noise = torch.randn(SAMPLES, generator=generator) * levels
    time = torch.arange(SAMPLES) / 44_100
    chord = sum(0.2 * torch.sin(2 * torch.pi * hertz * time) for hertz in (110.0, 440.0, 6000.0))
    return torch.stack([noise, torch.where((time > 0.3) & (time < 0.5), 0.0, chord)])


def randomised(encoder: torch.nn.Module) -> torch.nn.Module:
    """Every parameter random, so that none that starts at 0 or 1 hides a fault."""
    generator = torch.Generator().manual_seed(12)
    for name, parameter in encoder.named_parameters():
        fan = parameter[0].numel() if parameter.ndim > 1 else 1
        spread = fan**-0.5 if parameter.ndim > 1 and "scale" not in name else 0.3
        centre = 1.0 if name.endswith(("norm1.weight", "norm2.weight", "norm.weight", "scale")) else 0.0
        parameter.data = centre + spread * torch.randn(parameter.shape, generator=generator)
    return encoder


def main() -> None:
    vars(models).update(SIZES)  # where the classes look them up when they are constructed
    waveforms = sound()
    count = (SAMPLES // 512 - 3) // 8 * 8  # what upstream's encode crops to
    encoder = randomised(models.Encoder()).eval()
    with torch.no_grad():
        spectra = audio.to_representation_encoder(waveforms[:, : (count + 3) * 512])
        arrays = {
            "sound": waveforms.numpy(),
            "spectra": spectra[:, :, ::37, ::5].numpy(),
            "features": encoder(spectra, extract_features=True).numpy(),
            "latents": encoder(spectra).numpy(),
        }
    weights = {f"encoder.{name}": tensor.numpy() for name, tensor in encoder.state_dict().items()}
    np.savez_compressed(Path(__file__).with_name("music2latent.npz"), **arrays, **weights)


if __name__ == "__main__":
    main()
