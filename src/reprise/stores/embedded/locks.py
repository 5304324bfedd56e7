"""A lock between processes that nobody waits for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.drafts import PRIVATE_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """True for the one process that holds it; False, at once, for all others."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=PRIVATE_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
