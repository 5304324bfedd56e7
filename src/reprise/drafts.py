"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def draft_of(target: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """A file beside ``target`` that takes its place when all of it is on the disk; on any exception it goes.

    Whoever reads sees the old file or the new one, after a power cut too. ``private``: for its owner's eyes only.
    Raises ``OSError`` kinds.
    """
    descriptor, name = tempfile.mkstemp(prefix=".reprise-", suffix=target.suffix, dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not private:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)  # a draft is made for its maker alone
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
