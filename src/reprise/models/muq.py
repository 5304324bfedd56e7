"""MuQ: music as a self-supervised network hears it (Zhu et al. 2025, arXiv 2501.01108)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reprise.core.windows import Windowing
from reprise.models.network import Anatomy, Network
from reprise.models.weights import Published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

SAMPLE_RATE = 24_000
"""Hz."""

DEFAULTS = {"encoder_dim": 1024, "encoder_depth": 12, "conv_dim": 512}
"""What the published code takes where ``config.json`` says nothing; the length of the vector is ``encoder_dim``."""

CONTEXT = 30 * SAMPLE_RATE
"""Samples: what it was trained on."""

EXCERPT = 10 * SAMPLE_RATE

LICENCE = "CC-BY-NC-4.0"

PUBLISHED = Published(
    repository="OpenMuQ/MuQ-large-msd-iter",
    revision="0562a57814f6f8bbd9fdea0a25921a2fce1a841a",
    files=("model.safetensors", "config.json"),
    licence=LICENCE,
    commercial_use=False,
    size_mb=1334,
)

LAYERS = "last hidden state, mean over time"

FACTS = (
    ("parameters", "316 million"),
    ("training data", "the Million Song Dataset, unlabelled, 30 s at a time"),
    ("paper", "arXiv 2501.01108, github.com/tencent-ailab/MuQ"),
    ("pitfall", "a track shorter than a window is filled up with silence, which the network hears"),
)


class Muq(Network):
    """The mean of the last hidden state over time, and over the windows."""

    anatomy: ClassVar[Anatomy] = Anatomy(
        name="muq",
        summary="music by a self-supervised network of 316 million parameters; no text",
        sample_rate=SAMPLE_RATE,
        whole=Windowing(CONTEXT, CONTEXT),
        sampled=Windowing(EXCERPT, EXCERPT, spread=3),
        pooling="mean",
        layers=LAYERS,
        memory_mb=2200,
        batch=8,
        epoch=1,
        published=PUBLISHED,
        facts=FACTS,
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        if config and "w2v2_config" not in config:
            raise KeyError("w2v2_config")
        return count_in({**DEFAULTS, **config}, "encoder_dim")

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.muq_encoder import TimeMean, load_encoder

        return TimeMean(load_encoder(folder))


class MuqEnriched(Muq):
    """Windows of 120 s every 15 s, then mean, spread and change over them.

    Each second is heard up to eight times, and a window is four times as long as what the network was trained on: for
    comparing with collections that were made so.
    """

    anatomy: ClassVar[Anatomy] = Anatomy(
        name="muq-enriched",
        summary="MuQ over windows of 120 s every 15 s, with mean, spread and change; no text",
        sample_rate=SAMPLE_RATE,
        whole=Windowing(120 * SAMPLE_RATE, 15 * SAMPLE_RATE),
        sampled=None,
        pooling="enriched",
        layers=LAYERS,
        memory_mb=4000,
        batch=2,
        epoch=1,
        published=PUBLISHED,
        weights_of="muq",
        facts=FACTS,
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        return 3 * super().dimension(config)


def count_in(settings: Mapping[str, Any], name: str, of: int = 1) -> int:
    """A positive whole number that is a multiple of ``of``. Raises ``ValueError`` and ``KeyError``."""
    found = settings[name]
    if not isinstance(found, int) or isinstance(found, bool) or found < 1 or found % of:
        raise ValueError(f"{name} is {found!r}" + (f", no multiple of {of}" if of > 1 else ""))
    return found
