"""The files of the media folder: what no row names any more is deleted from the disk."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reprise.core.pictures import Pictures

YOUNG_SECONDS = 86_400.0
"""A file written so recently may belong to a row that is still to come: a video is being taken apart."""

SWEEP_SECONDS = 86_400.0
_SWEPT = ".swept"
"""Its time is that of the last sweep."""

_PICTURE = re.compile(r"[0-9a-f]{64}\.jpg|\.reprise-.*")
"""Pictures by their digest, and drafts of them. What else lies there is somebody else's."""
_FOLDER = re.compile(r"[0-9a-f]{2}")
_PART = 500


class Orphan(NamedTuple):
    """A file that no row names. ``file``: relative to the media folder."""

    file: bytes
    bytes: int


class PictureFiles:
    """Deletes pictures. A video that is taken apart sets the time of one that is there already to now, which tells here
    that a row for it may be under way."""

    def __init__(self, folder: Path, records: Pictures) -> None:
        self._folder = folder
        self._records = records

    def clear(self, *, may_sweep: bool = False) -> int:
        """Delete what rows released and no row names; returns how many files it was. One that cannot be deleted, or was
        written since, is looked at again by the next call.

        ``may_sweep``: sweep as well, once a day: a big library has a million files to be looked at. Raises
        ``CatalogueError`` kinds.
        """
        if may_sweep and self._is_due():
            return self.sweep()
        return self._records.settle(self._remove)

    def sweep(self) -> int:
        """Delete the orphans too, in constant memory; returns how many files went. Raises ``CatalogueError`` kinds."""
        for orphans in _parts(self.orphans()):
            self._records.release([orphan.file for orphan in orphans], 0.0)
        removed = self.clear()
        with suppress(OSError):  # then it is swept once more
            self._folder.joinpath(_SWEPT).touch(mode=0o600)
        return removed

    def _is_due(self) -> bool:
        if not self._folder.is_dir():
            return False
        try:
            swept = self._folder.joinpath(_SWEPT).stat().st_mtime
        except OSError:
            return True
        return not 0 <= time.time() - swept < SWEEP_SECONDS

    def orphans(self) -> Iterator[Orphan]:
        """What a crash between a file and its row left: files that no row names, and drafts, older than a day."""
        before = time.time() - YOUNG_SECONDS
        for found in _parts(self._older_than(before)):
            named = self._records.named([one.file for one in found])
            yield from (one for one in found if one.file not in named)

    def _older_than(self, before: float) -> Iterator[Orphan]:
        for folder in _entries(self._folder):
            if not _FOLDER.fullmatch(folder.name):
                continue
            for entry in _entries(Path(folder.path)):
                with suppress(FileNotFoundError):  # a draft that became a picture
                    facts = entry.stat(follow_symlinks=False)
                    if facts.st_mtime < before and _PICTURE.fullmatch(entry.name):
                        yield Orphan(os.fsencode(f"{folder.name}/{entry.name}"), facts.st_size)

    def _remove(self, file: bytes, taken_up: float) -> bool:
        path = self._folder / os.fsdecode(file)
        try:
            written = path.stat().st_mtime
            if taken_up < written > time.time() - YOUNG_SECONDS:
                return False
            path.unlink()
        except FileNotFoundError:
            return True
        except OSError:  # whoever may not delete here leaves it to who may; ``reprise doctor`` tells
            return False
        return True


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:  # no such folder, or nobody may look into it: nothing is known to be too much
        return


def _parts(found: Iterable[Orphan]) -> Iterator[list[Orphan]]:
    everything = iter(found)
    while part := list(islice(everything, _PART)):
        yield part
