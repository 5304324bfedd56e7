"""The method ``siglip2``: SigLIP 2 of Google (Tschannen et al. 2025, arXiv 2502.14786), pictures and text in many languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reprise.errors import WeightsRefused
from reprise.models.loading import whole_number
from reprise.models.picture_network import CONFIG, FILES, PictureNetwork
from reprise.models.weights import Published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from reprise.models.picture_network import TextTower


class SiglipPictures(PictureNetwork):
    """768 dimensions for a picture, and for a text: the base model for pictures of one size."""

    method: ClassVar[str] = "siglip2"
    title: ClassVar[str] = "SigLIP 2 base, 224 pixels"
    published: ClassVar[Published] = Published(
        repository="google/siglip2-base-patch16-224",
        revision="75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
        files=FILES,
        licence="Apache-2.0",
        commercial_use=True,
        size_mb=1535,
    )
    published_dimension: ClassVar[int] = 768
    memory_mb: ClassVar[int] = 1600  # measured with weights of this size: 780 to see, 1480 to read
    epoch: ClassVar[int] = 1
    facts: ClassVar[tuple[tuple[str, str], ...]] = (
        ("parameters", "375 million: 93 see, 282 read"),
        ("training data", "WebLI: pictures with texts in 109 languages"),
        ("paper", "arXiv 2502.14786"),
        ("pitfall", "a picture is squeezed into a square"),
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        sight = config.get("vision_config", {})
        if not isinstance(sight, dict):
            raise WeightsRefused(f"{CONFIG}: vision_config is {sight!r} instead of settings")
        return whole_number(sight, "hidden_size", self.published_dimension)

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.siglip_towers import read_sight

        return read_sight(folder)

    def build_text(self, folder: Path) -> TextTower:
        from reprise.models.siglip_towers import SiglipText

        return SiglipText(folder)
