"""Writes the tracks of cue sheets as files of their own."""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

from reprise.core.cuts import SplitTrack, split_path
from reprise.core.items import AUDIO_SUFFIXES, display_path
from reprise.core.ports import FoundFile, ScanProblem
from reprise.errors import DiskFull, ItemError, Unreadable, UsageError
from reprise.media.flac import same_sound_and_tags, write_flac
from reprise.sources.cuesheets import CUE_SUFFIX, read_sheets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.items import Library, Tags
    from reprise.core.ports import Source

NAME_BYTES = 255
"""What Linux, macOS and Windows allow for a name."""

_SUFFIX = ".flac"
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\ufffd]')  # by some system that files get to; and what was no text
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""How file systems without hard links answer (FAT, some network shares)."""


def split_library(
    source: Source, library: Library, inside: bytes, output: bytes
) -> Iterator[SplitTrack | ScanProblem]:
    """As ``split_folder``. Raises ``UsageError`` when ``output`` lies in the library: a scan would find it too."""
    root = library.root.rstrip(b"/") + b"/"
    if os.path.join(output, b"").startswith(root):
        raise UsageError(
            f"{display_path(output)} is inside the library: each track would be found twice",
            cure="name a folder outside, or split without embedding: reprise split",
        )
    return split_folder(source, library.root, inside, output)


def split_folder(
    source: Source, root: bytes, inside: bytes, output: bytes
) -> Iterator[SplitTrack | ScanProblem]:
    """Write every track of the sheets in the folder ``inside`` the library (its path below ``root``, or nothing).

    A track lies below ``output`` where its album lies below the chosen folder. Raises ``DiskFull`` and ``UsageError``.
    """
    _prepare(output)
    prefix = os.path.join(inside, b"") if inside else b""
    for entry in source.walk():
        if not entry.path.startswith(prefix):
            continue
        if isinstance(entry, ScanProblem):
            if entry.path[-4:].lower() == CUE_SUFFIX:
                yield entry
        elif split_path(entry.path)[1] is not None:
            folder = os.path.join(output, os.path.dirname(entry.path[len(prefix) :]))
            try:
                tags = source.tags(entry.path)
            except ItemError as error:  # its sheet is gone since the folder was listed
                yield SplitTrack(os.path.join(root, entry.path), folder, "failed", error)
                continue
            yield _split(root, entry, tags, folder)


def split_sheet(sheet: bytes, output: bytes) -> Iterator[SplitTrack | ScanProblem]:
    """Write the tracks of one sheet into ``output``. Raises ``DiskFull`` and ``UsageError``."""
    root, name = os.path.split(os.path.abspath(sheet))
    _prepare(output)
    found = read_sheets(os.path.join(root, b""), b"", [name], _audio_in(root))
    for tracks in found.tracks.values():
        for file, tags in tracks:
            yield _split(root, file, tags, output)
    yield from found.problems.values()


def _prepare(output: bytes) -> None:
    try:
        os.makedirs(output, exist_ok=True)
        writable = os.access(output, os.W_OK | os.X_OK)
    except OSError as error:
        raise UsageError(
            f"{display_path(output)} cannot be made: {_reason(error)}",
            cure="name a folder that can be written to",
        ) from None
    if not writable:
        raise UsageError(
            f"{display_path(output)} cannot be written to", cure="name a folder that can be written to"
        )


def _audio_in(folder: bytes) -> dict[bytes, FoundFile]:
    """The regular files in the folder that have an audio suffix."""
    files = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                suffix = os.fsdecode(os.path.splitext(entry.name)[1]).lower()
                if suffix in AUDIO_SUFFIXES and entry.is_file():
                    status = entry.stat()
                    files[entry.name] = FoundFile(entry.name, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UsageError(
            f"{display_path(folder)} cannot be read: {_reason(error)}", cure="check its rights"
        ) from None
    return files


def _split(root: bytes, file: FoundFile, tags: Tags, folder: bytes) -> SplitTrack:
    path = os.path.join(root, file.path)
    target = os.path.join(folder, track_name(path, tags))
    try:
        os.makedirs(folder, exist_ok=True)
        return SplitTrack(path, target, _place(path, tags, target))
    except ItemError as error:
        return SplitTrack(path, target, "failed", error)
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(f"there is no space left for {display_path(target)}") from None
        cure = "name a folder that can be written to"
        return SplitTrack(path, target, "failed", Unreadable(f"cannot write it: {_reason(error)}", cure=cure))


def _place(path: bytes, tags: Tags, target: bytes) -> Literal["written", "unchanged"]:
    """Write beside, then under the name, which only a whole file ever has; another file there is left alone."""
    half = os.path.join(os.path.dirname(target), b".reprise-%s.part" % token_hex(8).encode())
    try:
        with open(half, "x+b") as file:
            write_flac(path, file, tags)
            file.flush()
            os.fsync(file.fileno())
        if _take_name(half, target):
            return "written"
        if not same_sound_and_tags(half, target):
            raise ItemError(
                "there is another file of that name", cure="move it away, or name another folder to write to"
            )
        return "unchanged"
    finally:
        with suppress(FileNotFoundError):
            os.unlink(half)


def _take_name(half: bytes, target: bytes) -> bool:
    """Give the file its name unless that is taken: a rename would replace what is there, a link does not."""
    try:
        os.link(half, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            return False
        os.rename(half, target)
    return True


def track_name(path: bytes, tags: Tags) -> bytes:
    """``NN - album - title.flac``, without what a file system may refuse, cut to what it takes."""
    file, cut = split_path(path)
    number = cut.number if cut else tags.track or 0
    album = tags.album or display_path(os.path.splitext(os.path.basename(file))[0])
    title = tags.title or f"Track {number}"
    name = f"{number:02} - {_plain(album)} - {_plain(title)}".rstrip(" .")
    room = NAME_BYTES - len(_SUFFIX)
    # A character cut in two is dropped.
    return name.encode("utf-8", "replace")[:room].decode("utf-8", "ignore").encode() + _SUFFIX.encode()


def _plain(text: str) -> str:
    shown = "".join(c if c.isprintable() else "_" for c in unicodedata.normalize("NFC", text))
    return _FORBIDDEN.sub("_", shown).strip(" .") or "_"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
