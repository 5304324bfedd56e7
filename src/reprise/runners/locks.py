"""Locks as files: the operating system lets go of them when their process ends, however it ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from reprise.drafts import PRIVATE_FILE, private_folder
from reprise.errors import system_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FileLocks:
    """Implements ``engine.start.Locks`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Raises ``DiskFull`` and ``SystemTrouble`` when the file cannot be made."""
        lock = FileLock(self._folder / f"{name}.lock", mode=PRIVATE_FILE)
        try:
            private_folder(self._folder)
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        except OSError as error:
            raise system_error(error) from error
        try:
            yield True
        finally:
            lock.release()

    def held(self, name: str) -> bool:
        """Whether a living process holds the lock now."""
        if not (self._folder / f"{name}.lock").exists():
            return False
        with self.try_lock(name) as ours:
            return not ours
