"""Names of people and songs, as they are compared."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """Capitals, the number of spaces and how letters are put together (NFKC) do not matter."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
