"""What CLAP reads: its tokenizer and its text tower, without the part that hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from reprise.errors import CanaryFailed
from reprise.models.clap_settings import TOKENIZER, read_tower
from reprise.models.text_tokens import read_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

UNLIKE = ("a heavy metal guitar solo", "a slow sad piano ballad")
"""Two texts that mean nothing alike."""

MOST_ALIKE = 0.99
"""The cosine of those above which a tower says the same of everything. Reported for such pairs: 0.07 to 0.44 by this
checkpoint, 0.9990 and more by the broken ``larger_clap_music``."""


class TextTower:
    """One text at a time, on the CPU: a query is short, and an accelerator may be busy with a library.

    Raises ``WeightsRefused`` when the folder holds something else than CLAP, ``WeightsMissing``, and ``CanaryFailed``.
    """

    def __init__(self, folder: Path) -> None:
        self._network = read_tower(folder, "ClapTextModelWithProjection").eval().requires_grad_(False)
        settings = self._network.config
        # Positions are counted from behind the padding token's number on.
        longest = settings.max_position_embeddings - settings.pad_token_id - 1
        self._tokenizer = read_tokenizer(folder / TOKENIZER, longest, settings.vocab_size)
        first, second = (self.encode(text) for text in UNLIKE)
        if float(first @ second) > MOST_ALIKE:
            raise CanaryFailed(
                f"the text tower in {folder} says the same of {UNLIKE[0]!r} and {UNLIKE[1]!r}",
                cure="take the checkpoint laion/larger_clap_general; larger_clap_music is published with this fault",
            )

    def encode(self, text: str) -> NDArray[np.float32]:
        """(dimension,), length one. What goes beyond the tower's longest text is left out."""
        tokens = torch.tensor([self._tokenizer.encode(text).ids])
        with torch.inference_mode():
            read = self._network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).text_embeds
        vector: NDArray[np.float32] = torch.nn.functional.normalize(read[0], dim=-1).numpy()
        return vector
