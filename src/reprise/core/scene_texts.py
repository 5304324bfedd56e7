"""What is written about a scene, as the channels that models look at: composed by fixed rules, so that the same facts
always give the same bytes.

An empty channel has no text at all, never a filler. Lengths are in characters.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reprise.core.video import Segment

COMPOSITION = 1
"""Raised when these rules change: what older ones composed is composed anew then."""

TRANSCRIPT, VISUAL, SUMMARY, LEXICAL, IMAGE = "transcript", "visual", "summary", "lexical", "image"
LOOK = "look"
"""The picture of a scene that a model is to describe: not of each, see :func:`is_to_be_described`."""
TEXT_CHANNELS = (TRANSCRIPT, VISUAL, SUMMARY, LEXICAL)
"""The channels of a scene that are composed here; ``lexical`` holds fields as JSON."""

TRANSCRIPT_LETTERS = 4800
VISUAL_LETTERS = 3200
SUMMARY_LETTERS = 2000
TAG_LETTERS = 40
FEW_LETTERS = 200
"""A transcript shorter than this takes in what is said a little before and after."""
AROUND_SECONDS = 3.0
SHORT_SECONDS = 1.5
MANY_LETTERS = 50
"""A scene that is shorter than the one and has at least the other of transcript is told by its words."""

_SENTENCE_SHARE = 0.5
_WORD_SHARE = 0.7
"""A cut at a sentence, or a word, is taken when it keeps at least this share of what is allowed."""

_SENTENCE_END = re.compile(
    "(?:[.!?\u2026]+[\"'\u201d\u2019)\\]\u00bb]*(?=\\s|$)"
    "|[\u3002\uff01\uff1f\uff0e\uff61]+[\u300d\u300f\u201d\u2019\uff09]*)"
)
"""Scripts without spaces have full stops of their own, which nothing needs to follow."""


@dataclass(frozen=True, slots=True)
class SceneWords:
    """What is known of one scene. ``start`` and ``end`` in seconds; ``transcript``: what was given with the scene, or
    ``None``: then it is cut out of the video's. ``given``: a person, or another system, described it."""

    start: float
    end: float
    transcript: str | None = None
    description: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    given: bool = False


class Speech:
    """What is said in a video, ready to be asked for by time: thousands of scenes may ask."""

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self._segments = sorted(segments, key=lambda segment: (segment.start, segment.end))
        self._starts = [segment.start for segment in self._segments]
        # Subtitles may overlap: no segment before the first whose running maximum passes a time lasts beyond it.
        self._latest_ends = list(accumulate((segment.end for segment in self._segments), max))

    def between(self, start: float, end: float) -> str:
        """The words of the segments that truly overlap the time: those that only touch it do not count."""
        first = bisect_right(self._latest_ends, start)
        behind = bisect_left(self._starts, end)
        found = (segment.text for segment in self._segments[first:behind] if segment.end > start)
        return plain(" ".join(found))


def compose(words: SceneWords, speech: Speech, file_name: str) -> dict[str, str]:
    """The text of each channel that has one. ``file_name`` is that of the video, without its folder."""
    transcript = _transcript(words, speech)
    description, tags = cut(plain(words.description), VISUAL_LETTERS), clean_tags(words.tags)
    summary = cut(plain(words.summary), SUMMARY_LETTERS)
    fields = {
        "transcript": transcript,
        "description": description,
        "summary": summary,
        "combined": _combined(file_name, transcript, description, summary, tags),
        "tags": ", ".join(tags),
    }
    texts = {
        TRANSCRIPT: transcript,
        VISUAL: _visual(description, tags),
        SUMMARY: summary,
        LEXICAL: _canonical(fields),
    }
    return {channel: text for channel, text in texts.items() if text}


def is_to_be_described(words: SceneWords, transcript: str) -> bool:
    """Whether a model is to look at the picture of the scene. ``transcript``: as :func:`compose` has it.

    What somebody gave stands, and a short scene that is spoken through needs no second witness.
    """
    is_told = words.end - words.start < SHORT_SECONDS and len(transcript) >= MANY_LETTERS
    return not words.given and not is_told


def said(speech: Speech, start: float, end: float) -> str:
    """What is said in a scene, and a little around it where that is not much."""
    text = speech.between(start, end)
    if len(text) < FEW_LETTERS:
        text = speech.between(start - AROUND_SECONDS, end + AROUND_SECONDS)
    return cut(text, TRANSCRIPT_LETTERS)


def lexical_fields(text: str) -> Mapping[str, str]:
    """The fields of what ``compose`` wrote into the channel ``lexical``."""
    fields: dict[str, str] = json.loads(text)
    return fields


def input_digest(text: str) -> bytes:
    """32 bytes that tell whether an input is another one than before."""
    return hashlib.sha256(text.encode()).digest()


def plain(text: str) -> str:
    """The text on one line, with single spaces."""
    return " ".join(storable(text).split())


def storable(text: str) -> str:
    """The text without what no database takes: NUL characters and halves of surrogate pairs."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, in lower case, without what is longer than a tag may be."""
    lowered = (cut(plain(tag).lower(), TAG_LETTERS) for tag in tags)
    return tuple(dict.fromkeys(tag for tag in lowered if tag))


def cut(text: str, limit: int) -> str:
    """At most ``limit`` letters of the text: whole sentences if that keeps half of them, else whole words if that
    keeps 70 %, else all that fits."""
    if len(text) <= limit:
        return text
    seen = text[: limit + 1]
    ends = [match.end() for match in _SENTENCE_END.finditer(seen) if match.end() <= limit]
    if ends and ends[-1] >= limit * _SENTENCE_SHARE:
        return text[: ends[-1]]
    space = seen.rfind(" ")
    if space >= limit * _WORD_SHARE:
        return text[:space].rstrip()
    return text[: _letter_start(text, limit)].rstrip()


def _letter_start(text: str, place: int) -> int:
    """``place``, or where the letter begins whose accents, vowel signs or joined parts a cut there would take off."""
    start = place
    while start > 0 and (_is_mark(text[start]) or text[start - 1] == "\u200d"):
        start -= 1
    return start or place


def _is_mark(letter: str) -> bool:
    return letter == "\u200d" or unicodedata.category(letter).startswith("M")


def _transcript(words: SceneWords, speech: Speech) -> str:
    if words.transcript is not None:
        return cut(plain(words.transcript), TRANSCRIPT_LETTERS)
    return said(speech, words.start, words.end)


def _visual(description: str, tags: Iterable[str]) -> str:
    """The description and as many whole tags as there is room for."""
    text = description
    for tag in tags:
        longer = f"{text}, {tag}" if text and text != description else f"{text} {tag}".strip()
        if len(longer) > VISUAL_LETTERS:
            break
        text = longer
    return text


def _combined(file_name: str, transcript: str, description: str, summary: str, tags: Iterable[str]) -> str:
    labelled = {
        "File": plain(file_name),
        "Transcript": transcript,
        "Description": description,
        "Summary": summary,
        "Tags": ", ".join(tags),
    }
    return "\n".join(f"{label}: {text}" for label, text in labelled.items() if text)


def _canonical(fields: Mapping[str, str]) -> str:
    """Nothing when no field says anything."""
    if not any(fields.values()):
        return ""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
