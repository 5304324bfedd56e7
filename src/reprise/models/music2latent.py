"""Music2Latent: the encoder of an autoencoder for music at 44.1 kHz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.core.windows import Windowing
from reprise.errors import WeightsRefused
from reprise.models.network import Anatomy, Network
from reprise.models.weights import Published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from reprise.models.music2latent_encoder import Encoder

SAMPLE_RATE = 44_100
"""Hz."""

BLOCK_FRAMES = 856
"""10 s are 861 spectra of 512 samples; rounded down to whole latents of 8 spectra each."""

HOP = BLOCK_FRAMES * 512
"""438,272 samples, 9.94 s: the next block's spectra follow on the last one's, so that none is lost or doubled."""

WINDOW = HOP + 3 * 512
"""439,808 samples, 9.97 s: a spectrum is 4 × 512 samples long, so that the last ones reach 3 × 512 further."""

FEATURES = 8192
LATENTS = 64

CHECKPOINT = "music2latent.pt"

PUBLISHED = Published(
    repository="SonyCSLParis/music2latent",
    revision="dfe05b5c770118a742047b29297cad0d93072250",
    files=(CHECKPOINT,),
    licence="CC-BY-NC-4.0",
    commercial_use=False,
    size_mb=233,
)

WHOLE = Windowing(window=WINDOW, hop=HOP)
SAMPLED = Windowing(window=WINDOW, hop=HOP, spread=3)

MEMORY_MB = 1500
"""Measured with weights of the published size: 1400 MB for one window, 2490 for two."""

BATCH = 1
"""One window is work enough for a device: two at once took 1.2 times as long as one after the other on a CPU."""

FACTS = (
    ("parameters", "16.3 million of the encoder (58.2 of the whole autoencoder)"),
    ("training data", "music (MTG-Jamendo) and speech, unlabelled"),
    ("paper", "arXiv 2408.06500"),
    ("stereo", "heard as its mean; upstream encodes left and right apart"),
    ("pitfall", "trained to rebuild sound: near in timbre and mix rather than in style"),
)


class Music2Latent(Network):
    """The features before the bottleneck, averaged over time.

    Its authors name these, not the 64 latents, for anything but rebuilding sound, and users of it average them. A
    latent's own mean says little: an autoencoder's channels swing around a value that is nearly the same for all.
    """

    anatomy = Anatomy(
        name="music2latent",
        summary="what an autoencoder keeps of the sound itself: timbre, mix, texture",
        sample_rate=SAMPLE_RATE,
        whole=WHOLE,
        sampled=SAMPLED,
        pooling="mean",
        layers="encoder features before the bottleneck",
        memory_mb=MEMORY_MB,
        batch=BATCH,
        epoch=1,
        published=PUBLISHED,
        facts=FACTS,
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        del config  # there is one published size, and no config.json
        return FEATURES

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.music2latent_encoder import MeanFeatures

        return MeanFeatures(_published_encoder(folder))


class Music2LatentEnriched(Network):
    """The source's vector: 64 complex latents as 192 rows, enriched to 576, over all of the track's frames.

    The published latents are real, and 192 is three times 64: so every imaginary part is 0 and the magnitude is the
    absolute value. A third of the vector is therefore 0.
    """

    anatomy = Anatomy(
        name="music2latent-enriched",
        summary="Music2Latent's latents with mean, spread and change, laid out as 64 complex channels",
        sample_rate=SAMPLE_RATE,
        whole=WHOLE,
        sampled=None,
        pooling="enriched",
        layers="latents: real part, imaginary part (0), magnitude",
        memory_mb=MEMORY_MB,
        batch=BATCH,
        epoch=1,
        published=PUBLISHED,
        weights_of="music2latent",
        facts=FACTS,
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        del config
        return 3 * 3 * LATENTS

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.music2latent_encoder import RealImaginaryMagnitude

        return RealImaginaryMagnitude(_published_encoder(folder))


def _published_encoder(folder: Path) -> Encoder:
    from reprise.models.music2latent_encoder import Shape, load_encoder

    encoder = load_encoder(folder / CHECKPOINT)
    shape = Shape.of(encoder.state_dict())
    if (shape.features, shape.latents) != (FEATURES, LATENTS):
        raise WeightsRefused(
            f"{folder / CHECKPOINT} gives {shape.features} features and {shape.latents} latents, "
            f"Music2Latent gives {FEATURES} and {LATENTS}"
        )
    return encoder
