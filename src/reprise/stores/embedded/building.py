"""Building an index in a process of its own: what it takes in memory goes when the process does."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

log = logging.getLogger(__name__)


def build_apart(folder: Path, owner: str, space: str) -> None:
    """Run this module for one owner's space; a build that fails is told, and the rows are searched exactly."""
    command = [sys.executable, "-m", __name__, json.dumps([str(folder), owner, space])]
    ended = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    if ended.returncode:
        told = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        log.warning(
            "no index was built, the rows are searched exactly: %s", told[-1] if told else ended.returncode
        )


def main() -> None:
    from reprise.stores.embedded.store import EmbeddedStore

    folder, owner, space = json.loads(sys.argv[1])
    store = EmbeddedStore(Path(folder))
    try:
        store.build_index(owner, space)
    finally:
        store.close()


if __name__ == "__main__":
    main()
