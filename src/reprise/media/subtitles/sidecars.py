"""Subtitle files that lie beside a video: ``film.srt``, ``film.en.srt``, ``film.mkv.de.forced.vtt``."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from reprise.errors import BadSubtitles, Unreadable
from reprise.media.kinds import file_kind
from reprise.media.sniff import HEAD_BYTES, sniff
from reprise.media.subtitles.encodings import decoded
from reprise.media.subtitles.languages import language_code
from reprise.media.subtitles.parsing import parsed

if TYPE_CHECKING:
    from reprise.media.subtitles.cues import Cue

SUFFIXES = (".srt", ".vtt")

LARGEST_BYTES = 16 * 1024 * 1024
"""Eight hours of captions with a time for each word are 5 MB."""

_FORCED = frozenset(["forced", "foreign"])
_FOR_THE_DEAF = frozenset(["sdh", "cc", "hi"])
_OTHER_WORDS = frozenset(["default", "full", "normal", "auto", "subs", "sub"])

_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f]")
_BINARY_SHARE = 0.02
"""Share of control characters from which on a text is none."""


class Sidecar(NamedTuple):
    """A subtitle file. ``language``: ISO 639-1 or empty. ``forced``: it translates a few lines only."""

    path: bytes
    language: str
    forced: bool
    for_the_deaf: bool
    named: bool
    """Whether anything but the suffix follows the video's name."""

    @property
    def name(self) -> str:
        return os.fsdecode(os.path.basename(self.path))


def sidecars(video: bytes) -> list[Sidecar]:
    """What lies beside the video, the one to take first: the one without a word of its own in its name; then those for
    hearing people, before those for the deaf; by language in alphabetical order; ``.srt`` before ``.vtt``. Those that
    are forced come last.

    A name with a word that is no language and no such remark belongs to another video. Raises ``Unreadable``.
    """
    folder, name = os.path.split(video)
    try:
        names = os.listdir(folder or b".")
    except OSError as error:
        raise Unreadable(f"the folder of the video cannot be read: {error.strerror}") from None
    found = (_sidecar(folder, beside, os.fsdecode(name)) for beside in names)
    return sorted(filter(None, found), key=_rank)


def _rank(one: Sidecar) -> tuple[bool, bool, bool, str, str, bytes]:
    suffix = os.path.splitext(one.name)[1].casefold()
    return one.forced, one.named, one.for_the_deaf, one.language or "~", suffix, one.path


def _sidecar(folder: bytes, beside: bytes, video: str) -> Sidecar | None:
    stem, suffix = os.path.splitext(os.fsdecode(beside))
    if suffix.casefold() not in SUFFIXES:
        return None
    for own in (video, os.path.splitext(video)[0]):
        if stem == own or stem.startswith(f"{own}."):
            words = [word.casefold() for word in stem[len(own) :].split(".") if word]
            return _of_words(os.path.join(folder, beside), words)
    return None


def _of_words(path: bytes, words: list[str]) -> Sidecar | None:
    """``None`` when one of the words is none that subtitles are named with."""
    language, remarks = "", set()
    for word in words:
        code = language_code(word)
        if code and not language:
            language = code
        elif word in _FORCED | _FOR_THE_DEAF | _OTHER_WORDS or (language and (code or word.isdecimal())):
            remarks.add(word)
        else:
            return None
    return Sidecar(path, language, bool(remarks & _FORCED), bool(remarks & _FOR_THE_DEAF), bool(words))


def cues_of(sidecar: Sidecar) -> list[Cue]:
    """The cues of the file; none of an empty one.

    Raises ``BadSubtitles`` (larger than 16 MiB, no text, a text without times, not a regular file) and ``Unreadable``.
    """
    content = _content(sidecar)
    text = decoded(content, sidecar.language)
    if not text.strip():
        return []
    if len(_CONTROLS.findall(text)) > _BINARY_SHARE * len(text):
        kind = sniff(content[:HEAD_BYTES])
        raise BadSubtitles(f"{sidecar.name} is no text" + (f": it looks like {kind}" if kind else ""))
    cues = parsed(text)
    if not cues and not text.startswith("WEBVTT"):
        raise BadSubtitles(f"{sidecar.name} holds no times, so it is neither SubRip nor WebVTT")
    return cues


def _content(sidecar: Sidecar) -> bytes:
    try:
        status = os.stat(sidecar.path)
        if not stat.S_ISREG(status.st_mode):  # looked at first: opening a FIFO waits for ever
            raise BadSubtitles(f"{sidecar.name} is not a regular file but {file_kind(status.st_mode)}")
        with open(sidecar.path, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"{sidecar.name} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_BYTES:
        raise BadSubtitles(f"{sidecar.name} is larger than {LARGEST_BYTES >> 20} MiB")
    return content
