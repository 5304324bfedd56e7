"""Texts that hold words, whatever their case, as a condition of SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprise.catalog.dialects import Dialect

_ASCII_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def matching(dialect: Dialect, haystack: str, text: str, *, path: str = "") -> tuple[str, list[str]]:
    """The condition that ``haystack``, an expression of text, or ``path``, one of bytes, holds each word of the text,
    and its parameters. Either may be empty: then it is not looked at.

    A text without words matches nothing.
    """
    words = [word for word in text.split() if any(character.isalnum() for character in word)]
    if not words:
        return "1 = 0", []
    conditions, values = list[str](), list[str]()
    for word in words:
        ways = list[str]()
        for case in _cases(word):
            if haystack:
                ways.append(f"{dialect.lowered(haystack)} LIKE ? ESCAPE '\\'")
                values.append(f"%{_escaped(case)}%")
            if path:
                ways.append(f"{dialect.lowered_path(path)} LIKE ? ESCAPE '\\'")
                values.append(f"%{_escaped(dialect.path_pattern(case))}%")
        conditions.append(f"({' OR '.join(ways)})")
    return " AND ".join(conditions), values


def _cases(word: str) -> list[str]:
    """The word in the cases in which it may stand: the databases' LOWER knows the letters A to Z only."""
    return sorted({case.translate(_ASCII_LOWER) for case in (word, word.lower(), word.upper(), word.title())})


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
