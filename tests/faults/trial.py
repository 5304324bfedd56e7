"""One command with a fault beneath it: how it ended, and what it left behind."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.means import running_in
from tests.harness import PATIENCE_SECONDS, Home, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HANGS_SECONDS = 4 * PATIENCE_SECONDS
HONEST_CODES = (0, 1, 2, 130)


@dataclass
class Ended:
    """What a command said, and what is wrong with how it ended; nothing is, when it was an error of ours or none."""

    code: int
    events: list[dict[str, Any]]
    stderr: str
    wrong: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("event") == "error"]

    @property
    def told(self) -> str:
        """In a word: the code of the error, or that it went on."""
        if self.errors:
            return str(self.errors[-1]["code"])
        return {0: "went on", 1: "went on, some failed", 130: "paused"}.get(self.code, f"code {self.code}")

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]


class FaultyHome(Home):
    """Commands run behind ``prefix`` and with ``variables`` beside those of the home."""

    def attempt(
        self,
        *arguments: str,
        prefix: Sequence[str] = (),
        on_event: Callable[[dict[str, Any], subprocess.Popen[str]], None] = lambda _event, _process: None,
        **variables: str,
    ) -> Ended:
        """Run to the end; ``on_event`` hears each line as it comes. What hangs is killed, and said to be wrong."""
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "reprise", *arguments, "--json"],
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        with process:
            hung = threading.Event()

            def end() -> None:
                hung.set()
                process.kill()

            watch = threading.Timer(HANGS_SECONDS, end)
            watch.start()
            try:
                return self._followed(process, on_event, hung)
            finally:
                watch.cancel()
                watch.join()
                if process.poll() is None:
                    process.kill()

    def _followed(self, process: subprocess.Popen[str], on_event: Any, hung: threading.Event) -> Ended:
        assert process.stdout is not None
        assert process.stderr is not None
        heard: list[str] = []
        errors = process.stderr
        listener = threading.Thread(target=lambda: heard.extend(errors))
        listener.start()
        events, strange = [], []
        for line in process.stdout:
            try:
                events.append(json.loads(line))
            except ValueError:
                strange.append(f"no JSON on standard output: {line!r}")
                continue
            on_event(events[-1], process)
        code = process.wait()
        ended = Ended(code, events, "", strange)
        ended.wrong += self._left_over()
        listener.join()
        ended.stderr = "".join(heard)
        ended.wrong += [f"it hung for {HANGS_SECONDS:.0f} s"] if hung.is_set() else _wrong_end(ended)
        return ended

    def _left_over(self) -> list[str]:
        """Model processes leave by themselves a moment after their parent."""
        try:
            wait_for(lambda: not running_in(self.state), PATIENCE_SECONDS / 2)
        except AssertionError:
            left = running_in(self.state)
            for process in left:
                process.kill()
            return [f"{len(left)} processes were left behind"]
        return []

    def broken_databases(self) -> list[str]:
        """What SQLite itself finds wrong with any file of this home."""
        return [text for path in sorted(self.state.rglob("*.sqlite")) for text in integrity(path)]


def integrity(path: Path) -> list[str]:
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        try:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
            rows += [
                (f"foreign key: {row}",) for row in connection.execute("PRAGMA foreign_key_check").fetchall()
            ]
        except sqlite3.Error as error:
            rows = [(str(error),)]
    return [f"{path.name}: {row[0]}" for row in rows if row[0] != "ok"]


def _wrong_end(ended: Ended) -> list[str]:
    wrong = []
    if "Traceback" in ended.stderr:
        wrong.append("a traceback")
    if ended.code not in HONEST_CODES:
        wrong.append(f"exit code {ended.code}")
    if ended.code == 2 and not ended.errors and "cure" not in ended.stderr:
        wrong.append("exit code 2 without an error")
    wrong += [
        f"an error without {name}: {event}"
        for event in ended.errors
        for name in ("code", "message", "cure")
        if not event.get(name)
    ]
    return wrong


def contents(folder: Path) -> dict[str, bytes]:
    """All files below the folder, hidden ones too, by their relative paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def environ_without_own() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("REPRISE_")}
