"""Files that appear whole or not at all, and folders that are nobody else's."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


@contextmanager
def draft_of(target: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """A file beside ``target`` that takes its place when all of it is on the disk; on any exception it goes.

    Whoever reads sees the old file or the new one, after a power cut too. ``private``: for its owner's eyes only; else the
    umask says who may read it. Raises ``OSError`` kinds.
    """
    name = target.with_name(f".reprise-{secrets.token_hex(8)}{target.suffix}")
    # The kernel takes the umask off. To ask for the umask one has to set it, for all threads of the process.
    mode = PRIVATE_FILE if private else 0o666
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def private_folder(folder: Path) -> None:
    """Make the folder, and those above it that are missing, for their owner alone; what is there stays as it is.

    Whatever is in it then is out of reach for others, whatever the umask. Raises ``OSError`` kinds.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        private_folder(folder.parent)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def private_opener(path: str, flags: int) -> int:
    """For ``open``: a file that this makes is for its owner alone, whatever the umask."""
    return os.open(path, flags | os.O_CLOEXEC, PRIVATE_FILE)


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner's eyes only, not safe from a crash in between. Raises ``OSError`` kinds."""
    with open(path, "wb", opener=private_opener) as file:
        file.write(content)
