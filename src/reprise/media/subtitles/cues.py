"""Cues: what is shown, from when to when. From lines of text to segments of a transcript."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.speech_quality import without_music
from reprise.core.video import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_GUESS = 5.0
"""Seconds that a cue stays at most whose end nobody knows."""

LONGEST_CUE = 10_000
"""Characters of one cue; what is longer is no subtitle, and is cut."""

_ABUTTING = 0.1  # seconds between two cues that follow each other at once

_MARKUP = re.compile(
    r"\{\\[^{}]{0,500}\}"  # {\an8}, {\i1}
    r"|</?[A-Za-z][^<>]{0,500}>"  # <i>, <font color="#fff">, <v Bob>, <c.yellow>
    r"|<[\d:.]{1,20}>"  # <00:00:01.500>
)
_DRAWING = re.compile(r"\{[^{}]{0,500}\\p[1-9]")
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff]+")


class Cue(NamedTuple):
    """``start`` and ``end`` in seconds, as they were written; ``end`` may be before ``start``."""

    start: float
    end: float
    lines: tuple[str, ...]


def plain_lines(text: str) -> tuple[str, ...]:
    r"""What is left of a cue's text without the tags of HTML, WebVTT and ASS; ``\N`` is a new line.

    A drawing of ASS is no text.
    """
    text = text[:LONGEST_CUE]
    if _DRAWING.search(text):
        return ()
    text = _MARKUP.sub("", text).replace("\\N", "\n").replace("\\h", " ")
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    lines = (" ".join(_CONTROL.sub(" ", line).split()) for line in text.splitlines())
    return tuple(line for line in lines if line)


def segments(cues: Iterable[Cue], seconds: float = 0.0) -> tuple[Segment, ...]:
    """Cues as they are said: by time, within the video's length ``seconds`` (0: unknown), without markers of music.

    Cues that overlap stay as they are. A cue that ends before zero, or begins after the video, is dropped; one that
    ends before it begins lasts until the next, at most five seconds. A line that stays from the cue before, as in
    captions that roll up, counts once.
    """
    ordered = sorted(cues, key=lambda cue: cue.start)
    found: list[Segment] = []
    before: tuple[str, ...] = ()
    for index, cue in enumerate(ordered):
        following = ordered[index + 1].start if index + 1 < len(ordered) else None
        start, end = max(0.0, cue.start), _end(cue, following)
        if end <= 0.0 or (seconds and start >= seconds):
            continue
        rolled = bool(found) and start - found[-1].end <= _ABUTTING
        text = without_music(" ".join(_new_lines(cue.lines, before if rolled else ())))
        before = cue.lines
        end = max(start, min(end, seconds) if seconds else end)
        if text:
            found.append(Segment(start, end, text))
        elif rolled:  # nothing new is said, but it stays
            found[-1] = replace(found[-1], end=max(end, found[-1].end))
    return tuple(found)


def _end(cue: Cue, following: float | None) -> float:
    if cue.end > cue.start:
        return cue.end
    guess = cue.start + LONGEST_GUESS
    return guess if following is None else min(guess, following)


def _new_lines(lines: Sequence[str], before: Sequence[str]) -> Sequence[str]:
    """``lines`` without those at their beginning that end ``before``."""
    for count in range(min(len(lines), len(before)), 0, -1):
        if tuple(lines[:count]) == tuple(before[-count:]):
            return lines[count:]
    return lines
