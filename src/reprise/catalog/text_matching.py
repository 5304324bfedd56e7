"""Texts that hold words, whatever their case, as a condition of SQL."""

from __future__ import annotations

_ASCII_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def matching(haystack: str, text: str) -> tuple[str, list[str]]:
    """The condition that ``haystack``, an expression, holds all words of the text, and its parameters.

    A text without words matches nothing.
    """
    words = [word for word in text.split() if any(character.isalnum() for character in word)]
    if not words:
        return "1 = 0", []
    cases = [_cases(word) for word in words]
    conditions = " AND ".join(
        "(" + " OR ".join([f"LOWER({haystack}) LIKE ? ESCAPE '\\'"] * len(case)) + ")" for case in cases
    )
    return conditions, [f"%{_escaped(word)}%" for case in cases for word in case]


def _cases(word: str) -> list[str]:
    """The word in the cases in which it may stand: SQLite's LOWER knows the letters A to Z only."""
    return sorted({case.translate(_ASCII_LOWER) for case in (word, word.lower(), word.upper(), word.title())})


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
