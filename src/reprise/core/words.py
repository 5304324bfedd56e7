"""Words as people mean them: without case and accents, for sorting, filtering and finding."""

from __future__ import annotations

import re
import unicodedata

KEY_LETTERS = 200
"""Letters of a name that count when names are sorted and compared."""

_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
"""Letters that Unicode does not take apart, as keyboards without them write them."""

_KEPT = frozenset({0, 8})
"""Combining classes that are no accents: letters, and the marks that make one kana another."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7a3"  # Hangul
)
"""Letters of scripts that write no spaces, or that nobody is sure of; as part of a class of a regular expression."""

_TERMS = re.compile(f"[{UNSPACED}]|[^\\W_{UNSPACED}]+")


def folded(text: str) -> str:
    """The text without case, accents and spaces around it: ``" Björk"`` and ``"BJORK"`` are one."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in apart if unicodedata.combining(letter) in _KEPT)
    return unicodedata.normalize("NFKC", bare).translate(_PLAIN).strip()


def sort_key(text: str | None) -> str | None:
    """What a name is sorted and compared by; nothing for nothing. A name of accents alone stays itself."""
    if not text or not (bare := text.strip()):
        return None
    return (folded(bare) or bare)[:KEY_LETTERS]


def terms(text: str) -> list[str]:
    """The words of a text in their order.

    Where a script writes no spaces (Chinese, Japanese, Thai) each letter is one, so that any part of a name is found;
    Korean, whose spaces nobody is sure of, too.
    """
    return _TERMS.findall(folded(text))
