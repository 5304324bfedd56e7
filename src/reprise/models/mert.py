"""MERT: music as a self-supervised speech-style network hears it (Li et al. 2023, arXiv 2306.00107).

The published checkpoints bring Python code of their own; it is not run. With their settings it computes what
transformers' own HuBERT does (``mert_encoder.py``), and other settings are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reprise.core.windows import Windowing
from reprise.models.loading import whole_number
from reprise.models.network import Anatomy, Network
from reprise.models.weights import Published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

SAMPLE_RATE = 24_000
"""Hz."""

FILES = ("pytorch_model.bin", "config.json", "preprocessor_config.json")

LICENCE = "CC-BY-NC-4.0"

CONTEXT = 5 * SAMPLE_RATE
"""Both networks were trained on 5 s at a time; longer windows cost more and tell them nothing that they know to use."""

PAPER = "arXiv 2306.00107, huggingface.co/m-a-p"


class Mert(Network):
    """MERT-v1-95M: the mean over time of the mean of its 13 states, with equal weights.

    Which layer tells most differs by task; the authors' example weighs the states by learned weights, and for likeness
    in general there is nothing to learn them from.
    """

    anatomy: ClassVar[Anatomy] = Anatomy(
        name="mert",
        summary="music by a self-supervised network of 95 million parameters; no text",
        sample_rate=SAMPLE_RATE,
        whole=Windowing(CONTEXT, CONTEXT),
        sampled=Windowing(CONTEXT, CONTEXT, spread=6),
        pooling="mean",
        layers="mean of all 13 states",
        memory_mb=950,
        batch=8,
        epoch=1,
        published=Published(
            repository="m-a-p/MERT-v1-95M",
            revision="12af15fef9d0ac838c3f475bfbbf26d2060dd4f5",
            files=FILES,
            licence=LICENCE,
            commercial_use=False,
            size_mb=378,
        ),
        facts=(
            ("parameters", "94.4 million"),
            ("training", "20,000 hours of music, 5 s at a time"),
            ("paper", PAPER),
            ("pitfalls", "a track shorter than 5 s is filled up with silence, which the network hears"),
        ),
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        return whole_number(config, "hidden_size", 768)

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.mert_encoder import MeanOfLayers, read_hubert

        return MeanOfLayers(*read_hubert(folder))


class MertEnriched(Network):
    """MERT-v1-330M: all 25 states side by side for windows of 30 s every 5 s, then mean, spread and change over them.

    Six times the work of windows that do not overlap, and the length of the vector is 76,800: for comparing with
    collections that were made so.
    """

    anatomy: ClassVar[Anatomy] = Anatomy(
        name="mert-enriched",
        summary="music by a self-supervised network of 315 million parameters, all its layers; no text",
        sample_rate=SAMPLE_RATE,
        whole=Windowing(30 * SAMPLE_RATE, CONTEXT),
        sampled=None,
        pooling="enriched",
        layers="all 25 states side by side",
        memory_mb=2500,
        batch=2,
        epoch=1,
        published=Published(
            repository="m-a-p/MERT-v1-330M",
            revision="0e06c986db0527c0fd1b47181c40f006805e3de0",
            files=FILES,
            licence=LICENCE,
            commercial_use=False,
            size_mb=1260,
        ),
        weights_of="mert-330m",
        facts=(
            ("parameters", "315 million"),
            ("training", "160,000 hours of music, 5 s at a time"),
            ("paper", PAPER),
            ("pitfalls", "each second is heard up to six times; 307 kB a vector"),
        ),
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        states = 1 + whole_number(config, "num_hidden_layers", 24)
        return 3 * states * whole_number(config, "hidden_size", 1024)

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.mert_encoder import LayersSideBySide, read_hubert

        return LayersSideBySide(*read_hubert(folder))
