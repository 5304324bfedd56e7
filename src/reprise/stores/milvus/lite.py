"""Milvus Lite: the engine of one folder, run by threads of this process behind a port of this machine alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from reprise.errors import DiskFull, StoreError, StoreRefused

if TYPE_CHECKING:
    from pathlib import Path

CURE_LOCKED = "end the other program; Milvus Lite lets one process in at a time: for several, set store_url to a Milvus server"
CURE_DAMAGED = (
    "if the folder is damaged, restore it from a backup, or name a new one in store_url and embed again"
)
GRACE = 2.0  # seconds that calls in flight may go on for when the engine stops


class LiteEngine:
    """Holds the folder's lock from ``start`` to ``stop``. Its writers must take turns: ``writing`` is the turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writing = threading.Lock()
        self._running: tuple[Any, Any] | None = None

    def start(self) -> str:
        """The address it listens at. Raises ``StoreError`` when the folder is held by another process or damaged."""
        try:
            from milvus_lite.adapter.grpc.server import start_server_in_thread
            from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError
        except ImportError as error:
            raise StoreRefused(
                f"store_url names a folder of Milvus Lite, which is not installed: {error}",
                cure="install it with: pip install 'reprise[milvus,milvus-lite]'",
            ) from error
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreError(
                f"{self.folder} is a file; Milvus Lite 3 keeps a folder",
                cure="name another place in store_url",
            )
        try:
            server, database, port = start_server_in_thread(str(self.folder), host="127.0.0.1", port=0)
        except DataDirLockedError as error:
            raise StoreError(f"another process has {self.folder} open", cure=CURE_LOCKED) from error
        except OSError as error:
            raise _disk_error(self.folder, error) from error
        except (MilvusLiteError, ValueError) as error:
            raise StoreError(f"{self.folder} cannot be opened: {error}", cure=CURE_DAMAGED) from error
        self._running = server, database
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        server, database = running
        server.stop(grace=GRACE).wait()
        database.close()


def _disk_error(folder: Path, error: OSError) -> StoreError | DiskFull:
    import errno

    if error.errno == errno.ENOSPC:
        return DiskFull(f"the disk of {folder} is full")
    return StoreError(
        f"{folder} cannot be opened: {error.strerror or error}",
        cure="name a folder that Reprise may write to",
    )
