"""What kind of thing a path is, in words."""

from __future__ import annotations

import stat


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
