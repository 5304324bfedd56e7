"""Cue sheets of a folder: which of its files they cut into tracks, and why some cut nothing.

A sheet speaks of files by name. It applies to the file of that name in its own folder, in whatever case, or to the
one of the same stem (``album.wav`` in the sheet, ``album.flac`` on the disk). A file for which a sheet names a single
track has nothing to cut and stays whole, as it does when the sheet is wrong: then a problem says why.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.cuts import FRAMES_PER_SECOND, Cut
from reprise.core.items import Tags, display_path
from reprise.core.ports import FoundFile, ScanProblem
from reprise.errors import ItemError
from reprise.media.cue import MAX_BYTES, CueError, files_of, parse_cue
from reprise.media.promised import sure_seconds
from reprise.media.tags import read_tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reprise.media.cue import CueSheet, CueTrack

CUE_SUFFIX = b".cue"
PROBLEM = "cue_sheet"
"""The code of a sheet that cannot be used; one that cannot be read at all is ``unreadable``, as a file is."""


@dataclass(slots=True)
class FolderCuts:
    """What the sheets of one folder say.

    ``tracks`` has, for each name of a file that is cut, the tracks with their tags; ``problems`` what is wrong with a
    sheet, by its name.
    """

    tracks: dict[bytes, list[tuple[FoundFile, Tags]]] = field(default_factory=dict)
    problems: dict[bytes, ScanProblem] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: bytes
    mtime_ns: int
    cue: CueSheet


@dataclass(frozen=True, slots=True)
class _Claim:
    """One sheet's view of one file."""

    sheet: _Sheet
    named: str
    tracks: Sequence[CueTrack]


def read_sheets(
    root: bytes,
    prefix: bytes,
    sheets: Collection[bytes],
    files: Mapping[bytes, FoundFile],
    odd: Collection[bytes] = (),
    left_out: Collection[bytes] = (),
) -> FolderCuts:
    """Apply the folder's sheets to its files.

    Args:
        root: the library's folder, ending with a slash.
        prefix: the folder's own path below it, ending with a slash unless it is empty.
        sheets: names of the sheets.
        files: the folder's audio files by name.
        odd: names of audio files that cannot be looked at; a sheet is right to name one.
        left_out: names that are excluded; a sheet that fits none of the others may mean one of them.
    """
    return _Reading(root, prefix, files, odd, left_out).read(sorted(sheets))


class _Reading:
    def __init__(
        self,
        root: bytes,
        prefix: bytes,
        files: Mapping[bytes, FoundFile],
        odd: Collection[bytes],
        left_out: Collection[bytes],
    ) -> None:
        self._root = root
        self._prefix = prefix
        self._files = files
        self._names = _Names([*files, *odd])
        self._left_out = _Names(left_out)
        self._found = FolderCuts()

    def read(self, sheets: Sequence[bytes]) -> FolderCuts:
        claims: dict[bytes, list[_Claim]] = {}
        for name in sheets:
            sheet = self._read_sheet(name)
            for file, claim in self._claims(sheet) if sheet else ():
                claims.setdefault(file, []).append(claim)
        for file, rivals in claims.items():
            # The sheet that names the file exactly comes first, then the first one by name.
            rivals.sort(key=lambda claim: (_fold(claim.named) != _fold(os.fsdecode(file)), claim.sheet.name))
            self._choose(file, rivals)
        return self._found

    def _read_sheet(self, name: bytes) -> _Sheet | None:
        try:
            content, mtime_ns = _content(self._root + self._prefix + name)
            return _Sheet(name, mtime_ns, parse_cue(content))
        except FileNotFoundError:
            return None  # gone since the folder was listed
        except OSError as error:
            self._tell(name, error.strerror or str(error), "unreadable")
        except CueError as error:
            self._tell(name, str(error))
        return None

    def _claims(self, sheet: _Sheet) -> Iterator[tuple[bytes, _Claim]]:
        """The files of this folder that the sheet cuts."""
        for path, tracks in files_of(sheet.cue).items():
            named = re.split(r"[\\/]", path)[-1]
            if len(tracks) < 2 or not any(track.is_audio for track in tracks):
                continue
            fitting = self._names.of(named)
            if not fitting and not self._left_out.of(named):
                self._tell(sheet.name, f"it names {named[:200]}, which is not in this folder")
            elif len(fitting) > 1:
                several = " and ".join(display_path(name) for name in fitting)
                self._tell(sheet.name, f"it names {named}, which may be {several}")
            elif fitting and fitting[0] in self._files:
                yield fitting[0], _Claim(sheet, named, tracks)

    def _choose(self, name: bytes, rivals: Sequence[_Claim]) -> None:
        """Cut the file by the first sheet that fits; the others are told of unless they say the same."""
        file = self._files[name]
        seconds, own = _facts(self._root + file.path)
        used: tuple[_Claim, list[Cut]] | None = None
        for claim in rivals:
            try:
                cuts = list(_cuts(claim.tracks, seconds, display_path(name)))
            except CueError as error:
                self._tell(claim.sheet.name, str(error))
                continue
            if used is None:
                used = claim, cuts
            elif cuts != used[1]:
                other = display_path(used[0].sheet.name)
                self._tell(claim.sheet.name, f"{display_path(name)} is cut by another sheet already: {other}")
        if used is not None:
            claim, cuts = used
            mtime_ns = max(file.mtime_ns, claim.sheet.mtime_ns)
            heard = [track for track in claim.tracks if track.is_audio]
            self._found.tracks[name] = [
                (FoundFile(cut.path_in(file.path), file.size, mtime_ns), _tags(claim.sheet.cue, track, cut, seconds, own))
                for cut, track in zip(cuts, heard, strict=True)
            ]  # fmt: skip

    def _tell(self, sheet: bytes, message: str, code: str = PROBLEM) -> None:
        """One problem for each sheet, whatever is wrong with it."""
        before = self._found.problems.get(sheet)
        whole = f"{before.message}; {message}" if before else message
        self._found.problems[sheet] = ScanProblem(self._prefix + sheet, code, whole, is_folder=False)


class _Names:
    """Finds the file that a sheet means. Systems differ in case and in how they compose accents."""

    def __init__(self, files: Collection[bytes]) -> None:
        self._texts = {name: _fold(os.fsdecode(name)) for name in files}

    def of(self, named: str) -> list[bytes]:
        """The one file that fits best, or all that fit equally well."""
        wanted = _fold(named)
        stems = {wanted, os.path.splitext(wanted)[0]}
        exact = [name for name in self._texts if os.fsdecode(name) == named]
        folded = [name for name, text in self._texts.items() if text == wanted]
        alike = [name for name, text in self._texts.items() if os.path.splitext(text)[0] in stems]
        return exact or folded or alike


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _content(path: bytes) -> tuple[bytes, int]:
    """What a sheet holds, and its time. Raises ``OSError`` and ``CueError``."""
    # A pipe named like a sheet must not make the scan wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise CueError("it is no regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise CueError(f"it has more than {MAX_BYTES:,} bytes: that is no cue sheet")
    return content, status.st_mtime_ns


def _facts(path: bytes) -> tuple[float | None, Tags]:
    """How long the file surely is, in seconds, and its own tags. One that cannot be read tells when it is embedded."""
    try:
        own = read_tags(path)
        return sure_seconds(path, own.duration), own
    except (ItemError, OSError):
        return None, Tags()


def _cuts(tracks: Sequence[CueTrack], seconds: float | None, name: str) -> Iterator[Cut]:
    """The audible tracks of one file. Raises ``CueError`` for one that is not in the file or not in order.

    A track lasts from its INDEX 01 to the next one's, as players have it: the gap before a track (from its INDEX 00)
    belongs to the track before, and what lies before the first INDEX 01 to none. Where data follow, sound ends with
    their gap.
    """
    starts = [_start(track) for track in tracks]
    length = None if seconds is None else seconds * FRAMES_PER_SECOND
    for place, (track, start) in enumerate(zip(tracks, starts, strict=True)):
        if length is not None and start >= length:
            raise CueError(
                f"track {track.number} begins at {_clock(start)}, but {name} ends at {_clock(int(length))}"
            )
        end = None
        if place + 1 < len(tracks):
            after = tracks[place + 1]
            end = starts[place + 1] if after.is_audio or after.pregap is None else after.pregap
            if end <= start:
                raise CueError(f"track {after.number} does not begin after track {track.number}")
        if track.is_audio:
            yield Cut(track.number, start, end)


def _start(track: CueTrack) -> int:
    if track.start is None:
        raise CueError(f"track {track.number} has no INDEX 01")
    return track.start


def _clock(frames: int) -> str:
    """``mm:ss:ff``, as a sheet has it."""
    seconds, rest = divmod(frames, FRAMES_PER_SECOND)
    return f"{seconds // 60:02}:{seconds % 60:02}:{rest:02}"


def _tags(sheet: CueSheet, track: CueTrack, cut: Cut, seconds: float | None, own: Tags) -> Tags:
    """The sheet's words, and the file's own for what concerns the record as a whole."""
    record = sheet.performer or own.album_artist or own.artist
    length = cut.seconds
    if length is None and seconds is not None:
        length = seconds - cut.start_seconds
    return Tags(
        title=track.title,
        artist=track.performer or record,
        album=sheet.title or own.album,
        album_artist=record,
        genre=track.genre or sheet.genre or own.genre,
        year=track.year or sheet.year or own.year,
        track=track.number,
        disc=sheet.disc or own.disc,
        duration=length,
    )
