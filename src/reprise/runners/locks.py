"""Locks as files: the operating system lets go of them when their process ends, however it ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FileLocks:
    """Implements ``engine.start.Locks`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
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
