"""The method ``clip``: CLIP ViT-B/32 of OpenAI (Radford et al. 2021, arXiv 2103.00020), pictures and English text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reprise.models.loading import whole_number
from reprise.models.picture_network import FILES, PictureNetwork
from reprise.models.weights import Published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from reprise.models.picture_network import TextTower


class ClipPictures(PictureNetwork):
    """512 dimensions for a picture, and for a text."""

    method: ClassVar[str] = "clip"
    title: ClassVar[str] = "CLIP ViT-B/32"
    published: ClassVar[Published] = Published(
        repository="openai/clip-vit-base-patch32",
        # The same weights as on the main branch, which holds them as a pickle only, saved as safetensors by the hub.
        revision="c237dc49a33fc61debc9276459120b7eac67e7ef",
        files=FILES,
        licence="MIT",
        commercial_use=True,
        size_mb=608,
    )
    published_dimension: ClassVar[int] = 512
    memory_mb: ClassVar[int] = 900  # measured with weights of this size: 750 to see, 630 to read
    epoch: ClassVar[int] = 1
    facts: ClassVar[tuple[tuple[str, str], ...]] = (
        ("parameters", "151.3 million: 87.8 see, 63.4 read"),
        ("training data", "400 million pairs of picture and English text, which OpenAI did not publish"),
        ("paper", "arXiv 2103.00020, github.com/openai/CLIP"),
        (
            "pitfall",
            "sees the middle square of a picture; its authors advise to test it before it is relied on",
        ),
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        return whole_number(config, "projection_dim", self.published_dimension)

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.clip_towers import read_sight

        return read_sight(folder)

    def build_text(self, folder: Path) -> TextTower:
        from reprise.models.clip_towers import ClipText

        return ClipText(folder)
