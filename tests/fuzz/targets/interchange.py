"""JSON lines of videos, scenes and persons: a wrong line costs itself, and what went in comes out and goes in again."""

from __future__ import annotations

import hashlib
import shutil
from functools import cache
from typing import TYPE_CHECKING

from reprise.catalog.catalogue import SqlCatalogue
from reprise.catalog.sqlite import open_sqlite
from reprise.core.items import Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.errors import BadPhoto
from reprise.video.interchange import export_lines
from reprise.video.moving_in import MovingIn
from tests.fuzz.targets import scratch

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.video import Photo
    from reprise.video.moving_in import MovedIn

_OWNER = "me"
_VIDEOS = (b"a.mp4", b"b/c.mkv")


class _Shelf:
    """Photos in memory; what begins with ``P`` is one."""

    def __init__(self, catalogue: SqlCatalogue) -> None:
        self._catalogue = catalogue
        self._files: dict[bytes, bytes] = {}

    def read(self, file: bytes) -> bytes:
        return self._files[file]

    def add(self, person_id: int, content: bytes) -> Photo:
        if not content.startswith(b"P"):
            raise BadPhoto("no picture")
        digest = hashlib.sha256(content).digest()
        file = f"{digest.hex()}.jpg".encode()
        self._files[file] = content
        return self._catalogue.persons.add_photo(_OWNER, person_id, file, digest, 1.0)


def one(data: bytes) -> None:
    path = scratch() / "catalogue.sqlite"
    shutil.copyfile(_blank(), path)
    catalogue = SqlCatalogue(open_sqlite(path, create=False))
    try:
        _check(catalogue, data)
    finally:
        catalogue.close()


def _check(catalogue: SqlCatalogue, data: bytes) -> None:
    shelf = _Shelf(catalogue)
    lines = data.splitlines(keepends=True)
    first = _moved_in(catalogue, shelf, lines)
    assert first.refused <= len(lines)
    assert all(1 <= problem.line <= len(lines) and problem.message for problem in first.problems)
    out = b"".join(export_lines(catalogue, _OWNER, shelf))
    again = _moved_in(catalogue, shelf, out.splitlines(keepends=True))
    assert (again.refused, again.unknown_videos, again.problems) == (0, 0, [])
    assert b"".join(export_lines(catalogue, _OWNER, shelf)) == out


def _moved_in(catalogue: SqlCatalogue, shelf: _Shelf, lines: list[bytes]) -> MovedIn:
    return MovingIn(catalogue, _OWNER, shelf, 1.0).run(lines)


@cache
def _blank() -> Path:
    """A catalogue with two videos, made once."""
    path = scratch() / "blank.sqlite"
    catalogue = SqlCatalogue(open_sqlite(path, create=True))
    library = catalogue.libraries.add(_OWNER, "video", "films", b"/films", ())
    added = [(FoundFile(name, 10, 1), Tags(duration=60.0)) for name in _VIDEOS]
    catalogue.items.apply(_OWNER, library.id, ScanBatch(added=added), 1.0)
    catalogue.close()
    return path
