"""What of heard words is speech: recognisers write words for music, noise and silence too.

The thresholds are those of the system whose libraries may move in; the share of speech is of the time of all segments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.video import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_CHARACTERS = 40
"""Of a whole video; what is shorter is a cough that was taken for a word."""

LEAST_SPEECH = 0.3
"""Share, 0 to 1, of the time with heard words that has to be speech; below it the video is music or noise."""

NO_SPEECH = 0.8
"""Probability, 0 to 1, of there being no speech, from which on a segment is dropped."""

_SIGNS = re.compile("[♩♪♫♬♭♯🎵🎶🎼]+")

_BRACKETED = re.compile(r"[\[(*（［【〔「][^\[\](){}（）［］【】〔〕「」*]{0,80}[\])*）］】〕」]")

_MUSIC = re.compile(
    r"\b(?:background|instrumental|intro|outro|theme|closing|opening)?\s*"
    r"(?:music\w*|musik\w*|musique|m[uú]sica|musica|muzyka|m[uü]zik\w*|muziek|musiikki\w*|hudba|zene|glazba|muzica|"
    r"музыка\w*|музика|μουσική|موسيقى|מוזיקה|संगीत|nhạc|instrumental|humming)\b"
    r"|音楽|音乐|音樂|음악|노래|ดนตรี",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A segment as a recogniser gave it. ``start`` and ``end`` in seconds; ``no_speech``: probability, 0 to 1."""

    start: float
    end: float
    text: str
    no_speech: float = 0.0


def without_music(text: str) -> str:
    """The text without signs of music (♪) and without notes in brackets that name it: ``[Music]``, ``(음악)``.

    Empty when no letter and no digit is left. Words that are sung stay, and so do other sounds: ``[door slams]``.
    """
    text = _BRACKETED.sub(lambda note: "" if _MUSIC.search(note[0]) else note[0], text)
    text = " ".join(_SIGNS.sub(" ", text).split())
    return text if any(map(str.isalnum, text)) else ""


def speech(heard: Sequence[Heard]) -> tuple[Segment, ...]:
    """The segments that are speech, without markers of music; none when there is too little to be believed.

    A segment is dropped from a no-speech probability of 0.8 on, and when it is only music. All are when what is left
    has fewer than 40 characters, or lasts less than 0.3 of the time of all segments.
    """
    kept = [
        Segment(one.start, one.end, words)
        for one in heard
        if one.no_speech < NO_SPEECH and (words := without_music(one.text))
    ]
    characters = sum(len(segment.text) for segment in kept)
    spoken = sum(segment.end - segment.start for segment in kept)
    if characters < FEWEST_CHARACTERS or spoken < LEAST_SPEECH * sum(one.end - one.start for one in heard):
        return ()
    return tuple(kept)
