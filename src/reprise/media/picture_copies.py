"""The pictures of the media folder on their way to another one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING

from reprise.core.moving import Page
from reprise.drafts import draft_of, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.core.moving import Key, Marks

PAGE_FILES = 50
_FOLDER = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class PicturesPart:
    """Implements ``core.moving.Part``: a row is a file's path below the folder, and a digest of its content."""

    source: Path
    target: Path
    size: int
    weight: int
    marks: Marks
    name: str = "pictures"

    @classmethod
    def of(cls, source: Path, target: Path, marks: Marks) -> PicturesPart:
        """Looks at all files once, for their number and their bytes."""
        sizes = [os.stat(source / os.fsdecode(file)).st_size for file in _files(source)]
        return cls(source, target, len(sizes), sum(sizes), marks)

    def read(self) -> Iterator[Page]:
        return _pages(self.source, keep=True)

    def read_back(self, *, ordered: bool = False) -> Iterator[Page]:
        del ordered
        return _pages(self.target, keep=False)

    def begin(self, mark: Key | None) -> None:
        """Files are named by their content, so what an earlier life left is written over with the same."""

    def write(self, page: Page, after: int) -> None:
        """Raises ``OSError`` kinds."""
        for (file,), content in zip(page.keys[after:], page.rows[after:], strict=True):
            path = self.target / os.fsdecode(file)
            private_folder(path.parent)
            with draft_of(path, private=True) as draft:
                draft.write(content)
        self.marks.put(self.name, page.keys[-1])

    def finish(self) -> None:
        """Files are ready as they are."""


def _files(folder: Path) -> Iterator[bytes]:
    """In byte order, without drafts."""
    if not folder.is_dir():
        return
    for name in sorted(os.listdir(os.fsencode(folder))):
        if _FOLDER.fullmatch(os.fsdecode(name)):
            inside = os.path.join(os.fsencode(folder), name)
            yield from (
                name + b"/" + file for file in sorted(os.listdir(inside)) if not file.startswith(b".")
            )


def _pages(folder: Path, *, keep: bool) -> Iterator[Page]:
    files = _files(folder)
    while part := list(islice(files, PAGE_FILES)):
        contents = [(folder / os.fsdecode(file)).read_bytes() for file in part]
        blobs = [
            file + b"\0" + blake2b(content).digest() for file, content in zip(part, contents, strict=True)
        ]
        yield Page([(file,) for file in part], blobs, contents if keep else [])
