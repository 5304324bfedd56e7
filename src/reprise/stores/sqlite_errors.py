"""What SQLite and the system say about a file of vectors, told as our errors with the cure."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.disks import is_damaged, is_full
from reprise.errors import DiskFull, RepriseError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CURE_DAMAGED = "drop the space, then restore a snapshot of it or embed again"
CURE_LOCKED = "another program holds the file; end it or wait, then try again"
CURE_FOREIGN = "point REPRISE_HOME at another folder, or move that file away; Reprise has not changed it"
CURE_DISK = "look at the system log for what its disk says, then run the same command again"
CURE_ACCESS = "make the file and its folder readable and writable for the user that runs Reprise"

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class DamagedFile(StoreError):
    """SQLite cannot make sense of the file. What is still right in it cannot be told from what is not."""

    retryable = False
    default_cure = CURE_DAMAGED


class Locked(StoreError):
    """Another program held the file for longer than we wait."""

    default_cure = CURE_LOCKED


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Errors of the body about the file ``path`` come out as ``StoreError`` or ``DiskFull``."""
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(path, error) from error
    except OSError as error:
        raise of_system(path, error) from error


def of_system(path: Path, error: OSError) -> RepriseError:
    if error.errno in _NO_ROOM:
        return DiskFull(f"no room left to write {path}")
    return StoreError(f"{path}: {error.strerror or error}", cure=CURE_ACCESS)


def _of_sqlite(path: Path, error: sqlite3.Error) -> RepriseError:
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and is_full(path.parent)):
        return DiskFull(f"no room left to write {path}")
    if primary in _LOCKED:
        return Locked(f"{path} is locked")
    if primary == sqlite3.SQLITE_NOTADB or (primary == sqlite3.SQLITE_CORRUPT and is_damaged(path)):
        return DamagedFile(f"{path} is damaged: {error}")
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT):
        return StoreError(f"{path} cannot be read or written: {error}", cure=CURE_DISK)
    return StoreError(f"{path}: {error}", cure=CURE_ACCESS)
