"""A process that a server started for one job: it gives way to other programs, and pauses when the server is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

LAST_SECONDS = 60.0
"""How long an orderly pause may take once the server is gone; then the process ends, which is safe as well."""


def give_way(niceness: int) -> None:
    """Lower this process's priority, and that of all it starts, by ``niceness`` (0 to 19)."""
    if hasattr(os, "nice"):
        os.nice(niceness)


def follow_parent() -> None:
    """Pause as soon as standard input ends: the server holds its other end, and however it dies, that end closes.

    The kernel's own way, a signal at the parent's death, comes when the thread ends that started us, and not on every
    system.
    """
    threading.Thread(target=_wait_for_end, args=(sys.stdin.fileno(),), name="parent", daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    """Reads the descriptor itself: a thread inside Python's reader would hold its lock when the process ends."""
    while os.read(descriptor, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_SECONDS)
    os._exit(1)
