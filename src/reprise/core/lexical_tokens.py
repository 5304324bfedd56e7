"""Texts of any language as words: one way to cut documents and queries, whatever index keeps them.

An index is given the words with spaces between them and has to split at spaces only, so every index finds the same.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby, pairwise

from reprise.core.words import UNSPACED, folded

TOKENS_VERSION = 1
"""Raised when the same text gives other words: what was indexed before is stale then."""

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]")
"""Soft hyphens, joiners and what chooses between shapes of a sign: they stand inside words and are none."""

_PLURAL_LETTERS = 4
"""Shorter words keep their s: ``gas``, ``bus``, ``is``."""


def query_terms(text: str) -> list[str]:
    """The words of a query in their order, some perhaps twice.

    Width, case and accents do not matter (NFKC, case folding), nor an English plural's s. Scripts that write no spaces
    (Chinese, Japanese, Korean, Thai and others) give overlapping pairs of letters, a single letter for itself. Signs
    and emojis are no words.
    """
    return [term for run, unspaced in _runs(text) for term in (_pairs(run) if unspaced else [_singular(run)])]


def document_terms(text: str) -> list[str]:
    """The words of a document. Beside its pairs each letter of a script without spaces, for queries of one letter."""
    return [
        term
        for run, unspaced in _runs(text)
        for term in (
            [*_pairs(run), *run] if unspaced and len(run) > 1 else [run if unspaced else _singular(run)]
        )
    ]


def _runs(text: str) -> list[tuple[str, bool]]:
    """Stretches of letters and digits; of each whether its script writes no spaces."""
    if text.isascii():
        return [(word, False) for word in _ASCII_WORD.findall(text.lower())]
    plain = _INVISIBLE.sub("", folded(unicodedata.normalize("NFKC", text)))
    stretches = ((kind, "".join(letters)) for kind, letters in groupby(plain, key=_kind))
    return [(run, kind == "unspaced") for kind, run in stretches if kind and any(map(str.isalnum, run))]


@lru_cache(maxsize=4096)
def _kind(letter: str) -> str:
    if _UNSPACED.match(letter):
        return "unspaced"
    # vowel signs of Indian scripts are marks, not letters, and do not end a word
    return "word" if letter.isalnum() or unicodedata.category(letter) in {"Mn", "Mc"} else ""


def _pairs(run: str) -> list[str]:
    return [first + second for first, second in pairwise(run)] or [run]


def _singular(word: str) -> str:
    """Without the s of a plural: Harman, "How effective is suffixing?", JASIS 42 (1991), the S stemmer."""
    if len(word) < _PLURAL_LETTERS or not word.endswith("s") or not word.isascii():
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]
