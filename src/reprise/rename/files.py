"""Giving files other names so that none is ever overwritten, whatever else happens in the folder meanwhile.

A folder is opened once and names are changed inside it, so a link that somebody puts in its place leads nowhere else.
Files stay in their folder: no name holds a slash, and so no rename can cross to another disk. Links are never
followed: it is the name itself that changes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import TracebackType

    Rename: TypeAlias = Callable[[int, bytes, bytes], None]
    """(folder's descriptor, old name, new name). Raises ``FileExistsError`` rather than replace anything."""

INODE_MASK = (1 << 63) - 1
"""Some file systems give numbers of 64 bits, a database takes 63."""

_RENAME_NOREPLACE = 1  # <linux/fs.h>
_RENAME_EXCL = 4  # <sys/stdio.h> of macOS
_UNKNOWN = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
"""How a file system says that it cannot rename without replacing."""
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


FEW_FOLDERS = 8
"""Up to here they are synced one by one: each costs a flush of the disk, but none of what others are writing."""


class UnsafeDisk(OSError):
    """The file system offers no way to rename that cannot overwrite a file."""


class Folder:
    """One folder, held open. Every method raises ``OSError`` kinds."""

    def __init__(self, path: bytes, rename: Rename) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.rename: Callable[[bytes, bytes], None] = partial(rename, self._descriptor)
        """(old name, new name). Raises ``FileExistsError`` when that is there, be it another name of the same file."""
        self.status: Callable[[bytes], os.stat_result] = partial(
            os.stat, dir_fd=self._descriptor, follow_symlinks=False
        )

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    def entries(self, names: Collection[bytes]) -> list[bytes]:
        """Those of the names that are in the folder's list, spelled so, in their order."""
        there = {os.fsencode(name) for name in os.listdir(self._descriptor)}
        return [name for name in names if name in there]

    def drop_second_name(self, name: bytes, other: bytes) -> None:
        """Take ``name`` away from a file that is also called ``other``, as a rename by links leaves it when killed."""
        one, two = self.status(name), self.status(other)
        if (one.st_dev, one.st_ino) != (two.st_dev, two.st_ino):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), other)
        os.unlink(name, dir_fd=self._descriptor)

    def sync(self) -> None:
        """From here on no power cut takes back what was renamed. Not every file system can promise that."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EROFS, errno.EBADF, errno.EACCES):
                raise

    @property
    def device(self) -> int:
        return os.fstat(self._descriptor).st_dev

    def sync_disk(self) -> bool:
        """The same for the whole disk that the folder is on; whether this system can."""
        function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if function is None:
            return False
        if function(self._descriptor):
            raise OSError(ctypes.get_errno(), "the disk cannot be synced")
        return True


def sync_folders(folders: Sequence[Folder]) -> None:
    """What was renamed in them stays so, whatever happens. A disk is asked once, if there are many."""
    if len(folders) <= FEW_FOLDERS:
        for folder in folders:
            folder.sync()
        return
    disks = {folder.device: folder for folder in folders}
    if not all(folder.sync_disk() for folder in disks.values()):
        for folder in folders:
            folder.sync()


def exclusive_rename() -> Rename:
    """How this system renames without replacing, told once a run."""
    native = _darwin() if sys.platform == "darwin" else _linux()
    if native is None:
        return _by_links

    def rename(folder: int, old: bytes, new: bytes) -> None:
        number = native(folder, old, new)
        if not number:
            return
        if number not in _UNKNOWN:
            raise OSError(number, os.strerror(number), old)
        _by_links(folder, old, new)

    return rename


def _linux() -> Callable[[int, bytes, bytes], int] | None:
    """``renameat2`` of the C library; gives the error's number, 0 for none."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    get_errno = ctypes.get_errno

    def rename(folder: int, old: bytes, new: bytes) -> int:
        return get_errno() if function(folder, old, folder, new, _RENAME_NOREPLACE) else 0

    return rename


def _darwin() -> Callable[[int, bytes, bytes], int] | None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameatx_np", None)
    if function is None:
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    get_errno = ctypes.get_errno

    def rename(folder: int, old: bytes, new: bytes) -> int:
        return get_errno() if function(folder, old, folder, new, _RENAME_EXCL) else 0

    return rename


def _by_links(folder: int, old: bytes, new: bytes) -> None:
    """A second name, then the first one goes: a kill in between leaves both, which :class:`Folder` can mend."""
    if not stat.S_ISREG(os.stat(old, dir_fd=folder, follow_symlinks=False).st_mode):
        raise UnsafeDisk(errno.EOPNOTSUPP, "only regular files can be renamed safely on this disk", old)
    try:
        os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        reason = "this disk has no way to rename that cannot overwrite a file"
        raise UnsafeDisk(errno.EOPNOTSUPP, reason, old) from None
    os.unlink(old, dir_fd=folder)


_CODES = {
    errno.EEXIST: ("name_taken", "a file of that name is there"),
    errno.ENOTEMPTY: ("name_taken", "a folder of that name is there"),
    errno.ENOENT: ("vanished", "the file is not there any more"),
    errno.ENOTDIR: ("vanished", "its folder is not there any more"),
    errno.EACCES: ("read_only", "the folder may not be changed by this user"),
    errno.EROFS: ("read_only", "the disk is read-only"),
    errno.EPERM: ("not_ours", "the file or its folder belongs to another user, or is locked"),
    errno.ENOSPC: ("disk_full", "no space left on the disk"),
    errno.EDQUOT: ("disk_full", "the user's share of the disk is used up"),
    errno.ENAMETOOLONG: ("too_long", "the name is too long for the disk"),
    errno.EILSEQ: ("bad_name", "the disk cannot hold that name"),
    errno.EINVAL: ("bad_name", "the disk cannot hold that name"),
    errno.EBUSY: ("busy", "another program holds the file"),
}

LOST = frozenset(
    number
    for name in ("ENOENT", "ENOTDIR", "EIO", "ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ETIMEDOUT", "EHOSTDOWN", "ESHUTDOWN")
    if (number := getattr(errno, name, None)) is not None
)  # fmt: skip
"""Errors after which it is worth asking whether the whole disk is gone."""


def trouble(error: OSError) -> tuple[str, str]:
    """Code and reason of a move that failed."""
    if isinstance(error, UnsafeDisk):
        return "unsafe_disk", str(error.strerror)
    known = _CODES.get(error.errno or 0)
    return known or ("disk_error", error.strerror or str(error))


def same_file(status: os.stat_result, inode: int, size: int, mtime_ns: int) -> bool:
    """Whether it is the very file, unchanged."""
    return status.st_size == size and status.st_mtime_ns == mtime_ns and status.st_ino & INODE_MASK == inode


def like_file(status: os.stat_result, size: int, mtime_ns: int) -> bool:
    """Whether it is as a scan tells an unchanged file: some disks number their files anew with each mount."""
    return stat.S_ISREG(status.st_mode) and status.st_size == size and status.st_mtime_ns == mtime_ns
