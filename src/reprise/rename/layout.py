"""What goes with a value that is missing: brackets around nothing, a dash that parts nothing."""

from __future__ import annotations

import re

GAP = "\0"
"""Stands where a value is missing."""

_VALUE = "\ud800-\udbff"
"""Stand-ins of values that are there."""

_INSIDE = rf"[^(){{}}\[\]{_VALUE}{GAP}]*{GAP}[^(){{}}\[\]{_VALUE}]*"
_HOLLOW = re.compile(rf"\({_INSIDE}\)|\[{_INSIDE}\]|\{{{_INSIDE}\}}")
_BETWEEN = r"\s\-–—_.,;·•~+&=#"
_RUN = re.compile(rf"[{_BETWEEN}]*{GAP}[{_BETWEEN}{GAP}]*")
_DASHES = re.compile(r"[-–—]")


def tidied(text: str) -> str:
    """``text`` without gaps, and without what stood around them for nothing.

    Brackets without any value go whole. Of the separators on both sides of a gap one stays, a dash before others;
    none stays at the beginning or the end, or just inside a bracket.
    """
    while (hollowed := _HOLLOW.sub(GAP, text)) != text:
        text = hollowed
    return _RUN.sub(_joint, text)


def _joint(run: re.Match[str]) -> str:
    text = run.string
    before, after = text[: run.start()][-1:], text[run.end() :][:1]
    if before in ("", *"([{") or after in ("", *")]}"):
        return ""
    if after in "([{":
        return " " if " " in run.group() else ""
    separators = [part for part in run.group().split(GAP) if part.strip()]
    dashes = [part for part in separators if _DASHES.search(part)]
    best = (dashes or separators)[:1]
    return best[0] if best else " " if " " in run.group() else ""
