"""A small file of what was found out at some cost and can be found out again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reprise.drafts import private_folder, write_private

if TYPE_CHECKING:
    from pathlib import Path

MOST_ENTRIES = 1000
RESTLESS_NS = 2_000_000_000
"""A file that changed so shortly ago may change again within the same tick of the clock: not remembered yet."""


class Remembered:
    """Facts by key in a JSON file. A file that is damaged is an empty one, and one that cannot be written is left:
    then the fact is found out again the next time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Any:
        """What was put there last, or ``None``."""
        return self._facts().get(key)

    def put(self, key: str, value: Any) -> None:
        """Written beside and renamed into place. Of two processes that put at once, one may be forgotten."""
        facts = self._facts()
        facts.pop(key, None)
        facts[key] = value
        newest = dict(list(facts.items())[-MOST_ENTRIES:])
        with suppress(OSError):
            private_folder(self._path.parent)
            write_beside(self._path, json.dumps(newest).encode())

    def _facts(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def write_beside(path: Path, content: bytes) -> None:
    """Replace the file wholly or not at all. Raises ``OSError``."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_private(draft, content)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


class Digests:
    """sha256 of large files, computed once for each state of a file: device, inode, size, and times of change.

    The time of the inode's change is among them, which no program can set back.
    """

    def __init__(self, path: Path) -> None:
        self._remembered = Remembered(path)

    def sha256(self, path: Path) -> str:
        """64 hexadecimal digits. Raises ``OSError``."""
        state = _state(path)
        key = str(path.absolute())
        known = self._remembered.get(key)
        if isinstance(known, list) and known[:-1] == state:
            return str(known[-1])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if _state(path) == state and not _restless(path):
            self._remembered.put(key, [*state, digest])
        return digest

    def learn(self, path: Path, digest: str) -> None:
        """Remember what whoever wrote the file knows anyway."""
        self._remembered.put(str(path.absolute()), [*_state(path), digest])


def _state(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _restless(path: Path) -> bool:
    return time.time_ns() - path.stat().st_ctime_ns < RESTLESS_NS
