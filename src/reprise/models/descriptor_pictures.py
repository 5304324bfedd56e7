"""The method ``descriptor``: pictures by their colours, layout and edges, without weights and without PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.spec import Execution, ModelCard, Subject
from reprise.errors import ModelLoadFailed
from reprise.models.pictures import canary_pictures, import_pillow, read_picture
from reprise.models.soundless import soundless_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Document, Vectors

EPOCH = 1

MEMORY_MB = 150
"""Measured, the whole process: 41 MB with a JPEG of 12 megapixels, which is read smaller than it is; 136 with a PNG."""


class DescriptorPictures:
    """``reprise.models.picture_methods.PictureMethod``. What it computes is in ``picture_descriptor.py``."""

    def card(self, name: str, summary: str, subject: Subject) -> ModelCard:
        from reprise.models.picture_descriptor import DIMENSION

        return ModelCard(
            name=name,
            summary=f"{summary}, by colours, layout and edges",
            spec=soundless_spec(
                name,
                subject,
                dimension=DIMENSION,
                weights="none",
                epoch=EPOCH,
                options=(("image_model", "descriptor"),),
            ),
            execution=Execution.PER_CORE,
            licence="MIT",
            source="reprise",
            memory_mb=MEMORY_MB,
            coverage="whole picture",
            facts=(
                ("method", "descriptor: colour layout, colour histograms, oriented gradients; no weights"),
                ("finds", "pictures that look alike; it knows no things, no faces and no words"),
            ),
        )

    def fetch(self, told: Callable[[str], None]) -> None:
        """There is nothing to fetch."""

    def load(self) -> None:
        """Raises ``ExtraMissing`` without Pillow: then no picture could be read."""
        import_pillow()

    def load_text(self) -> None:
        raise ModelLoadFailed(
            "the picture descriptor reads no text", cure="set image_model to clip or siglip2"
        )

    def read(self, document: Document) -> NDArray[np.float32]:
        """The picture, small: shape (SIDE, SIDE, 3), 0 to 255."""
        import numpy as np

        from reprise.models.picture_descriptor import SIDE

        picture = read_picture(document.file, enough=SIDE)
        small = picture.resize((SIDE, SIDE), import_pillow().Resampling.BILINEAR)
        return np.asarray(small).astype(np.float32)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        import numpy as np

        from reprise.models.picture_descriptor import describe

        return np.stack([describe(picture.astype(np.uint8)) for picture in prepared])

    def encode_text(self, text: str) -> NDArray[np.float32]:
        raise ModelLoadFailed(f"the picture descriptor reads no text: {text!r}")

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        import numpy as np

        from reprise.models.picture_descriptor import SIDE

        return [picture.astype(np.float32) for picture in canary_pictures(SIDE)]
