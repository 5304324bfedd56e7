"""Where in a template a fault is."""

from __future__ import annotations

import unicodedata


def pointed(template: str, position: int, length: int) -> tuple[str, str]:
    """The template, and below it carets under the fault."""
    shown = [character if character.isprintable() else "\ufffd" for character in template]
    before = sum(map(_columns, shown[:position]))
    under = sum(map(_columns, shown[position : position + length]))
    return f"  {''.join(shown)}", f"  {' ' * before}{'^' * max(under, 1)}"


def _columns(character: str) -> int:
    """How wide a terminal shows it."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
