"""Tokenizers from a file, for a network that knows so many words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.errors import WeightsRefused

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer


def read_tokenizer(path: Path, longest: int, words: int) -> Tokenizer:
    """Without padding, at most ``longest`` tokens. Raises ``WeightsRefused`` for none, or for one of more ``words``."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise WeightsRefused(f"{path} is no tokenizer: {error}") from error
    if tokenizer.get_vocab_size() > words:
        raise WeightsRefused(f"{path} knows {tokenizer.get_vocab_size()} tokens, the network {words}")
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer
