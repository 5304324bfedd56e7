"""Cuts: tracks that lie inside a longer file, as a cue sheet tells, and how their paths are written.

The path of such a track is its file's path, a NUL byte and the cut: ``b"album.flac\\0" + b"02:13500-27650"``, and
without a last number when the track lasts to the end of the file. No name on a disk holds a NUL, so no file can be
mistaken for a cut; and being the smallest byte it sorts the tracks right behind their file. Whoever touches the disk
takes the path apart with ``split_path`` first; people are shown ``album.flac, track 2``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from reprise.errors import ItemError

FRAMES_PER_SECOND = 75
"""The unit of a cue sheet: a sector of an audio CD, 588 samples at 44,100 Hz."""

CUT_MARK = 0
"""The byte between the file's path and the cut."""

_CUT = re.compile(rb"(\d{2,3}):(\d+)-(\d*)")


class Cut(NamedTuple):
    """From frame ``start`` up to, but without, frame ``end``; ``None`` is the end of the file.

    Frames are those of FRAMES_PER_SECOND. ``number`` is the track's in its sheet, 1 to 999.
    """

    number: int
    start: int
    end: int | None

    @property
    def start_seconds(self) -> float:
        return self.start / FRAMES_PER_SECOND

    @property
    def end_seconds(self) -> float | None:
        return None if self.end is None else self.end / FRAMES_PER_SECOND

    @property
    def seconds(self) -> float | None:
        """How long it lasts; unknown without an end."""
        return None if self.end is None else (self.end - self.start) / FRAMES_PER_SECOND

    @property
    def bounds(self) -> bytes:
        """Start and end as a path states them: what tells two cuts of one file apart, whatever their numbers."""
        return b"%d-%s" % (self.start, b"" if self.end is None else b"%d" % self.end)

    def samples(self, rate: int) -> tuple[int, int | None]:
        """The first sample and the one behind the last, at ``rate`` Hz.

        Rounded down at both ends, so that neighbours neither overlap nor leave a gap.
        """
        end = None if self.end is None else self.end * rate // FRAMES_PER_SECOND
        return self.start * rate // FRAMES_PER_SECOND, end

    def path_in(self, file: bytes) -> bytes:
        """The path of this cut of ``file``."""
        return b"%s\0%02d:%s" % (file, self.number, self.bounds)


@dataclass(frozen=True, slots=True)
class SplitTrack:
    """What became of one track that was to be written as a file of its own.

    ``source`` is the track's path and ``target`` the file's, both absolute; ``error`` says why there is none.
    """

    source: bytes
    target: bytes
    state: Literal["written", "unchanged", "failed"]
    error: ItemError | None = None


def split_path(path: bytes) -> tuple[bytes, Cut | None]:
    """The file of an item's path, and the cut; ``None`` when the item is the whole file."""
    file, mark, text = path.partition(b"\0")
    found = _CUT.fullmatch(text) if mark else None
    if found is None:
        return path, None
    number, start, end = found.groups()
    return file, Cut(int(number), int(start), int(end) if end else None)
