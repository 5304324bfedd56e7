"""What MuQ-MuLan reads: its tokenizer, and its text tower without the part that hears."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reprise.errors import WeightsRefused
from reprise.models.loading import read_settings
from reprise.models.muq_towers import CONFIG, ROBERTA_CONFIG, Head, TowerShape, fill_tower
from reprise.models.text_tokens import read_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

TOKENIZER = "xlm-roberta-base/tokenizer.json"


class TextTower:
    """One text at a time, on the CPU: a query is short, and an accelerator may be busy with a library.

    The transformer over XLM-RoBERTa has no mask, so that padding, and with it the longest text of a batch, would change
    a vector. Raises ``WeightsRefused`` when the folder holds something else than MuQ-MuLan, and ``WeightsMissing``.
    """

    def __init__(self, folder: Path) -> None:
        settings = folder / CONFIG
        shape = TowerShape.of("text", read_settings(settings), settings)
        roberta = _read_roberta_config(folder / ROBERTA_CONFIG)
        if roberta.hidden_size != shape.width:
            raise WeightsRefused(
                f"{settings} wants {shape.width} dimensions of XLM-RoBERTa, not {roberta.hidden_size}"
            )
        self._network = _make_reader(roberta, shape, folder / ROBERTA_CONFIG)
        fill_tower(self._network, "text", folder)
        self._network.eval().requires_grad_(False)
        # Positions are counted from behind the padding token's number on.
        longest = roberta.max_position_embeddings - roberta.pad_token_id - 1
        self._tokenizer = read_tokenizer(folder / TOKENIZER, longest, roberta.vocab_size)

    def tokens(self, text: str) -> list[int]:
        """What goes beyond the tower's longest text, 512 tokens with their marks, is left out."""
        numbers: list[int] = self._tokenizer.encode(text).ids
        return numbers

    def encode(self, text: str) -> NDArray[np.float32]:
        """(latents,), length one."""
        with torch.inference_mode():
            vector: NDArray[np.float32] = self._network(torch.tensor([self.tokens(text)]))[0].numpy()
        return vector


class _Reader(Head):
    """Tokens (1, T) to a vector (1, latents)."""

    def __init__(self, config: Any, shape: TowerShape) -> None:
        from transformers import XLMRobertaModel

        super().__init__(shape)
        self.source = XLMRobertaModel(config, add_pooling_layer=False)

    def forward(self, tokens: Tensor) -> Tensor:
        # Told outright, because the source's own kinds of token stayed on the meta device.
        read = self.source(
            tokens, attention_mask=torch.ones_like(tokens), token_type_ids=torch.zeros_like(tokens)
        )
        return super().forward(read.last_hidden_state)


def _make_reader(config: Any, shape: TowerShape, path: Path) -> _Reader:
    try:
        with torch.device("meta"):  # no memory is filled with random numbers first
            return _Reader(config, shape)
    except (ValueError, TypeError, RuntimeError) as error:
        raise WeightsRefused(f"{path} describes no network: {error}") from error


def _read_roberta_config(path: Path) -> Any:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import XLMRobertaConfig

    settings = read_settings(path)
    if settings.get("model_type") != "xlm-roberta":
        raise WeightsRefused(f"{path} is of the kind {settings.get('model_type')!r}, not of XLM-RoBERTa")
    try:
        return XLMRobertaConfig(**settings)
    except (StrictDataclassError, ValueError, TypeError, AttributeError) as error:
        raise WeightsRefused(f"{path} describes no XLM-RoBERTa: {str(error).splitlines()[0]}") from error
