"""Whether a query looks something up or asks for a meaning."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"""^\s*(["'“”„«»「『‹]).+(["'“”»«」』›])\s*$""")

_MOST_WORDS = 3


def is_lookup(text: str) -> bool:
    """Something is looked up that has a name: in quotation marks, all in capitals (``NASA``), with digits in it
    (``GX-350``, ``2024``), or two and three words with capitals (``Eiffel Tower``). Everything else asks for a meaning."""
    if _QUOTED.match(text):
        return True
    words = text.split()
    if not 1 <= len(words) <= _MOST_WORDS:
        return False
    if all(_is_sign(word) for word in words):
        return True
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _is_sign(word: str) -> bool:
    return any(map(str.isdigit, word)) or (len(word) > 1 and word.isupper())
