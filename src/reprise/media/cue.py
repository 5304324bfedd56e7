"""Cue sheets: the text beside a record's image that says where each track begins.

Commands as in the CDRWIN manual, appendix A, read as players read them: in any case, with or without quotation
marks, unknown ones passed over. ``PREGAP`` and ``POSTGAP`` ask for silence that is not in the file, so they change
nothing here.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.cuts import FRAMES_PER_SECOND
from reprise.media.tags import clean_text, year_of

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 1024 * 1024
"""A sheet of 99 tracks has about ten thousand."""

MAX_TRACKS = 999
"""A CD has 99; sheets of long mixes have a few more."""

_DATA_FILES = frozenset({"BINARY", "MOTOROLA"})
"""Types of a ``FILE`` that is a disc's image and not a file of sound."""

_MOST_DIGITS = 9
"""Of any number in a sheet: whoever writes more means no number."""

_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_TIME = re.compile(rf"(?:(\d{{1,{_MOST_DIGITS}}}):)?(\d{{1,{_MOST_DIGITS}}}):(\d{{1,2}}):(\d{{1,2}})")


class CueError(ValueError):
    """What is wrong with the sheet, in words."""


@dataclass(frozen=True, slots=True)
class CueTrack:
    """One track. ``file`` is what ``FILE`` names at its INDEX 01; ``pregap`` and ``start`` are frames of 1/75 s.

    ``start`` (INDEX 01) is ``None`` when the sheet does not say. ``pregap`` (INDEX 00) lies in the same file if it is
    given. ``is_audio`` is false for data.
    """

    number: int
    file: str
    is_audio: bool
    start: int | None = None
    pregap: int | None = None
    title: str | None = None
    performer: str | None = None
    genre: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class CueSheet:
    """What a sheet says of a record as a whole, and its tracks in order."""

    tracks: tuple[CueTrack, ...]
    title: str | None = None
    performer: str | None = None
    genre: str | None = None
    year: int | None = None
    disc: int | None = None


def parse_cue(content: bytes) -> CueSheet:
    """Understand a sheet. Raises ``CueError``."""
    reader = _Reader()
    for number, line in enumerate(_LINE_ENDS.split(cue_text(content)), 1):
        try:
            reader.read(line)
        except CueError as error:
            raise CueError(f"line {number}: {error}") from None
    return reader.sheet()


def cue_text(content: bytes) -> str:
    """UTF-16 with a byte order mark, UTF-8 with or without one, else the Windows code page of western Europe."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.removeprefix(codecs.BOM_UTF8).decode("cp1252", "replace")


@dataclass(slots=True)
class _Facts:
    """What may be said of a record and of a track alike."""

    title: str | None = None
    performer: str | None = None
    genre: str | None = None
    year: int | None = None
    disc: int | None = None


@dataclass(slots=True)
class _Track:
    number: int
    file: str
    is_audio: bool
    facts: _Facts = field(default_factory=_Facts)
    start: int | None = None
    pregap: tuple[str, int] | None = None  # its file and frame

    def finished(self) -> CueTrack:
        facts = self.facts
        pregap = self.pregap[1] if self.pregap and self.pregap[0] == self.file else None
        return CueTrack(
            self.number, self.file, self.is_audio, self.start, pregap,
            facts.title, facts.performer, facts.genre, facts.year,
        )  # fmt: skip


class _Reader:
    """Follows a sheet line by line."""

    def __init__(self) -> None:
        self._record = _Facts()
        self._tracks: list[_Track] = []
        self._file: str | None = None
        self._file_is_sound = True
        self._commands: dict[str, Callable[[str], None]] = {
            "FILE": self._read_file,
            "TRACK": self._read_track,
            "INDEX": self._read_index,
            "TITLE": self._read_title,
            "PERFORMER": self._read_performer,
            "REM": self._read_remark,
        }

    def read(self, line: str) -> None:
        word, rest = _first_word(clean_text(line) or "")
        command = self._commands.get(word.upper())
        if command is not None:
            command(rest)

    def sheet(self) -> CueSheet:
        if not self._tracks:
            raise CueError("it names no track")
        if len(self._tracks) > MAX_TRACKS:
            raise CueError(f"it names {len(self._tracks):,} tracks")
        facts = self._record
        tracks = tuple(track.finished() for track in self._tracks)
        return CueSheet(tracks, facts.title, facts.performer, facts.genre, facts.year, facts.disc)

    @property
    def _facts(self) -> _Facts:
        return self._tracks[-1].facts if self._tracks else self._record

    def _read_file(self, rest: str) -> None:
        if rest.startswith('"') and rest.count('"') > 1:
            name, _, kind = rest[1:].rpartition('"')
        else:
            name, _, kind = rest.rpartition(" ")
            if "." in kind:  # the type is left out
                name, kind = rest, ""
        if not name.strip():
            raise CueError("FILE without a name")
        self._file = name.strip()
        self._file_is_sound = kind.strip().upper() not in _DATA_FILES

    def _read_track(self, rest: str) -> None:
        number, kind = _first_word(rest)
        if self._file is None:
            raise CueError("TRACK before any FILE")
        place = _number(number)
        if place is None or not 1 <= place <= MAX_TRACKS:
            raise CueError(f"TRACK {_short(number)} is no number of a track")
        is_audio = self._file_is_sound and kind.strip().upper() in {"AUDIO", ""}
        self._tracks.append(_Track(place, self._file, is_audio))

    def _read_index(self, rest: str) -> None:
        number, time = _first_word(rest)
        if not self._tracks or self._file is None:
            raise CueError("INDEX before any TRACK")
        track = self._tracks[-1]
        place = _number(number)
        if place == 0:
            track.pregap = self._file, frames_of(time)
        elif place == 1:
            # Rippers that leave a gap at the end of the file before name the next FILE between INDEX 00 and 01.
            track.file, track.start = self._file, frames_of(time)

    def _read_title(self, rest: str) -> None:
        self._facts.title = _string(rest)

    def _read_performer(self, rest: str) -> None:
        self._facts.performer = _string(rest)

    def _read_remark(self, rest: str) -> None:
        word, value = _first_word(rest)
        match word.upper():
            case "GENRE":
                self._facts.genre = _string(value)
            case "DATE" | "YEAR":
                self._facts.year = year_of(_string(value))
            case "DISCNUMBER":
                text = _string(value) or ""
                self._record.disc = _number(text) if text.isascii() else None


def frames_of(time: str) -> int:
    """Frames of 1/75 s of ``mm:ss:ff``, minutes of any length, or of ``hh:mm:ss:ff``. Raises ``CueError``."""
    if found := _TIME.fullmatch(time.strip()):
        hours, minutes, seconds, frames = (int(part or 0) for part in found.groups())
        if seconds < 60 and frames < FRAMES_PER_SECOND:
            return ((hours * 60 + minutes) * 60 + seconds) * FRAMES_PER_SECOND + frames
    raise CueError(f"{_short(time)} is no time of the form mm:ss:ff, with 75 frames a second")


def files_of(sheet: CueSheet) -> dict[str, list[CueTrack]]:
    """The tracks of each file that the sheet names, in its order."""
    files: dict[str, list[CueTrack]] = {}
    for track in sheet.tracks:
        files.setdefault(track.file, []).append(track)
    return files


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _short(text: str) -> str:
    """What a message quotes; a sheet may hold anything."""
    return repr(text if len(text) <= 20 else f"{text[:20]}…")


def _first_word(line: str) -> tuple[str, str]:
    word, *rest = line.split(maxsplit=1) or [""]
    return word, rest[0].strip() if rest else ""


def _string(text: str) -> str | None:
    """A string in quotation marks, which may hold more of them, or to the end of the line without."""
    if text.startswith('"'):
        inner, mark, _ = text[1:].rpartition('"')
        text = inner if mark else text[1:]
    return clean_text(text)
