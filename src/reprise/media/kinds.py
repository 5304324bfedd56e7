"""What kind of thing a path is, in words; and that it is a file with something in it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from reprise.errors import EmptyFile, Unreadable, Vanished

if TYPE_CHECKING:
    from reprise.errors import ItemError


def file_kind(mode: int) -> str:
    """What ``st_mode`` says the entry is, in words: "a folder", "a FIFO"."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a device",
        stat.S_IFCHR: "a device",
        stat.S_IFLNK: "a link",
    }
    return kinds.get(stat.S_IFMT(mode), "a special file")


def regular_size(path: bytes, other: type[ItemError]) -> int:
    """The size of a regular file in bytes. The kind is looked at before anything opens it: opening a FIFO waits for ever.

    Raises ``Vanished``, ``Unreadable``, ``EmptyFile``, and ``other`` for what is no regular file.
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise Vanished("the file is gone") from None
    except OSError as error:
        raise Unreadable(reason_of(error)) from None
    if not stat.S_ISREG(status.st_mode):
        raise other(f"{file_kind(status.st_mode)}, not a regular file")
    if status.st_size == 0:
        raise EmptyFile("0 bytes")
    return status.st_size


def reason_of(error: Exception) -> str:
    """What the system or FFmpeg says, without numbers and paths."""
    return str(getattr(error, "strerror", None) or error)
