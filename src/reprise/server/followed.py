"""One library that is followed: its changes are scanned at once, and what is new is embedded beside that."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.following import tidy
from reprise.core.ports import WHOLE
from reprise.engine.arrivals import LOOK_SECONDS, Arrivals
from reprise.engine.scan import ScanStopped
from reprise.errors import LibraryError, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reprise.app import App
    from reprise.core.items import Library
    from reprise.core.ports import Part

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 10.0
"""How long a library that cannot be watched now is left alone."""
MOST_PARTS = 200
"""More than this is looked at by a process of its own, which looks at everything."""


@dataclass(slots=True)
class _Asked:
    """What the next scan is to look at. ``full``: with the tags of all files."""

    parts: list[Part] = field(default_factory=list)
    full: bool = False


class Followed:
    """Three threads: one is told of changes, one scans, one sees to embedding. No scan waits for embedding."""

    def __init__(self, app: App, library: Library, arrivals: Arrivals | None, whole: threading.Lock) -> None:
        """``whole``: held while a whole library is scanned, so that several take turns. Without ``arrivals``: only
        scan."""
        self.library = library
        self.app, self.arrivals = app, arrivals
        self.polls = ""
        self.trouble = ""
        self.scanning = False
        self._whole = whole
        self._asked = _Asked()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._scanned = threading.Condition()
        self._scans = 0
        self._threads: list[threading.Thread] = []

    def start(self, *, watch: bool) -> None:
        """``watch``: follow its changes; that begins with a look at what changed while nobody did."""
        self._run(self._scan_what_is_asked, "scan")
        if self.arrivals is not None:
            arrivals = self.arrivals
            self._run(lambda: arrivals.serve(self._stop), "arrivals")
        if watch:
            self._run(self._watch, "watch")

    def stop(self) -> None:
        """End the threads; a scan under way ends in good order."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()

    def look(self, parts: Collection[Part], *, full: bool = False) -> int:
        """Have these parts scanned soon; returns what :meth:`wait_scanned` takes."""
        with self._lock:
            self._asked.parts += parts
            self._asked.full = self._asked.full or full
            self._wake.set()
            return self._scans + (2 if self.scanning else 1)

    def wait_scanned(self, ticket: int, seconds: float) -> bool:
        """Wait for the scan that was asked for."""
        with self._scanned:
            return self._scanned.wait_for(lambda: self._scans >= ticket or self._stop.is_set(), seconds)

    def _run(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=f"{name} of library {self.library.id}")
        self._threads.append(thread)
        thread.start()

    def _watch(self) -> None:
        while not self._stop.is_set():
            watcher = self.app.watcher(self.library)
            try:
                for parts in watcher.changes(self._stop):
                    self.polls = watcher.polls
                    if parts:
                        self.look(parts)
            except LibraryError as error:
                self._complain(error)
                self._stop.wait(AGAIN_SECONDS)

    def _complain(self, error: RepriseError) -> None:
        if self.trouble != error.message:
            logger.warning("%s: %s", self.library.name, error.message)
        self.trouble = error.message

    def _scan_what_is_asked(self) -> None:
        while not self._stop.is_set():
            if not self._wake.wait(LOOK_SECONDS):
                continue
            with self._lock:
                asked, self._asked = self._asked, _Asked()
                self._wake.clear()
                self.scanning = bool(asked.parts)
            if asked.parts:
                self._scan(tidy(asked.parts), full=asked.full)
            with self._scanned:
                with self._lock:
                    self._scans, self.scanning = self._scans + bool(asked.parts), False
                self._scanned.notify_all()

    def _scan(self, parts: list[Part], *, full: bool) -> None:
        """Scan, and leave what is new to be embedded. A library that cannot be scanned now costs the others nothing."""
        began = time.time()
        whole = WHOLE in parts or len(parts) > MOST_PARTS
        try:
            # Every whole scan makes up for what was missed before, whenever that was.
            if whole:
                with self._whole:
                    self._scan_apart(full=full)
            else:
                self.app.scan(self.library, self.app.recorder(), self._stop.is_set, parts=parts)
        except ScanStopped:
            return
        except RepriseError as error:
            self._complain(error)
            return
        self.trouble = ""
        if self.arrivals is not None:
            self.arrivals.owe(None if whole else began, [WHOLE] if whole else parts)

    def _scan_apart(self, *, full: bool) -> None:
        """Look at the whole library in a process of its own: requests shall not wait for it."""
        command = [sys.executable, "-m", "reprise", "scan", os.fsdecode(self.library.root), "--json"]
        command += ["--home", str(self.app.home), "--owner", self.app.owner, "--kind", self.library.kind]
        command += ["--full"] if full else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            last = _last_line(process, self._stop)
        if self._stop.is_set():
            raise ScanStopped
        if process.returncode:
            raise LibraryError(last.get("message") or f"the scan ended with code {process.returncode}")


def _last_line(process: subprocess.Popen[bytes], stop: threading.Event) -> dict[str, str]:
    """The last event of a command; one that is under way at a stop is told to end."""
    watcher = threading.Thread(target=_end_at_stop, args=(process, stop), name="scan process", daemon=True)
    watcher.start()
    last = b""
    for line in process.stdout or ():
        last = line if line.strip() else last
    process.wait()
    watcher.join()
    try:
        found: dict[str, str] = json.loads(last)
    except ValueError:
        return {}
    return found


def _end_at_stop(process: subprocess.Popen[bytes], stop: threading.Event) -> None:
    while process.poll() is None:
        if stop.wait(LOOK_SECONDS):
            process.terminate()
            return
