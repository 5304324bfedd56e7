"""A text model of the sentence-transformers layout, loaded from its folder without that package.

What the layout says is obeyed: ``1_Pooling/config.json`` (mean, first or last token) and the prompts of
``config_sentence_transformers.json``. Vectors are brought to unit length.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel

from reprise.errors import WeightsRefused
from reprise.models.loading import fill
from reprise.models.runner import choose_device, device_error
from reprise.models.weights import read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices

MOST_TOKENS = 8192

MODULES = {"Transformer", "Pooling", "Normalize"}
"""The layers of a sentence-transformers layout that are known here."""


class TextEncoder:
    """Texts to vectors, one after the other: padding, and what it does to attention, does not exist.

    ``most_tokens``: of a text, where the layout allows fewer than the network. Raises ``WeightsRefused`` for a folder that holds another thing.
    """

    def __init__(
        self, folder: Path, pooling: str, choices: ModelChoices, most_tokens: int | None = None
    ) -> None:
        self._device = choose_device(choices.device)
        self._pooling = pooling
        _check_modules(folder)
        config = _read_config(folder)
        self._tokenizer = _read_tokenizer(folder)
        self._tokenizer.enable_truncation(min(_most_tokens(config), most_tokens or MOST_TOKENS))
        network = _read_network(folder, config).eval().requires_grad_(False)
        dtype = torch.float32 if choices.precision == "auto" else getattr(torch, choices.precision)
        self._network = network.to(self._device, dtype)

    def encode(self, text: str) -> NDArray[np.float32]:
        """Shape (dimension,), unit length. Raises ``MemoryError`` and ``DeviceLost``."""
        ids = torch.tensor([self._tokenizer.encode(text).ids], device=self._device)
        try:
            with torch.inference_mode():
                states = self._network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[
                    0
                ]
                vector = torch.nn.functional.normalize(self._pooled(states.float()), dim=0)
                array: NDArray[np.float32] = vector.cpu().numpy()
                return array
        except RuntimeError as error:
            raise device_error(error) from error

    def _pooled(self, states: torch.Tensor) -> torch.Tensor:
        """(tokens, dimension) to (dimension,)."""
        if self._pooling == "mean":
            return states.mean(0)
        return states[0 if self._pooling == "first token" else -1]


def _check_modules(folder: Path) -> None:
    """A layout with another layer behind the pooling would give other vectors without it."""
    path = folder / "modules.json"
    if not path.is_file():
        return
    try:
        kinds = [
            str(module["type"]).rpartition(".")[2] for module in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsRefused(f"{path} lists no modules: {error}") from error
    if odd := set(kinds) - MODULES:
        raise WeightsRefused(f"{path} asks for {', '.join(sorted(odd))}, which is not known here")


def _read_config(folder: Path) -> Any:
    try:
        return AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )  # no download  # nosec B615
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsRefused(
            f"{folder / 'config.json'} describes no network that is known: {reason}"
        ) from error


def _read_tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        raise WeightsRefused(f"{path} is no tokenizer: {error}") from error
    tokenizer.no_padding()
    return tokenizer


def _most_tokens(config: Any) -> int:
    """How long a text the network takes. The RoBERTa family counts positions from behind the padding token's."""
    positions = int(getattr(config, "max_position_embeddings", MOST_TOKENS))
    if "roberta" in config.model_type:
        positions -= config.pad_token_id + 1
    return min(positions, MOST_TOKENS)


def _read_network(folder: Path, config: Any) -> torch.nn.Module:
    """Of transformers' own class, with every weight from the file."""
    auto: Any = AutoModel
    try:
        network: Any = auto.from_config(config, dtype=torch.float32, trust_remote_code=False)
    except (ValueError, TypeError, KeyError) as error:
        raise WeightsRefused(f"{folder / 'config.json'} makes no text model: {error}") from error
    if hasattr(network, "pooler"):
        network.pooler = None  # a head of its first training, which no sentence vector is made with
    path = folder / "model.safetensors"
    tensors = _own_tensors(read_tensors(path), str(getattr(network, "base_model_prefix", "")))
    module: torch.nn.Module = network
    fill(module, tensors, path, derived={"position_ids"})
    return module


def _own_tensors(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Without heads: a checkpoint of a network with one names the body's tensors after the body."""
    body = {
        name.removeprefix(f"{prefix}."): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}.")
    }
    return {name: tensor for name, tensor in (body or tensors).items() if not name.startswith("pooler.")}
