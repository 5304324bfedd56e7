"""A job in a process of its own, as a server starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(slots=True)
class JobProcess:
    """Runs one job, until it ends or pauses. It pauses by itself when the process that started it is gone."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, home: Path, owner: str, job_id: str, variables: Mapping[str, str]) -> JobProcess:
        """Launch without waiting. What it logs goes to our standard error.

        It leads a session of its own, so that Ctrl-C in a terminal reaches the server alone, which pauses it in order.
        ``variables`` are added to the environment.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "reprise", "jobs", "resume", job_id, "--hosted", "--json",
             "--owner", owner, "--home", str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **variables},
            start_new_session=True,
        )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> str | None:
        """How it ended, for people; ``None`` while it lives."""
        code = self.process.poll()
        if code is None:
            return None
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def pause(self) -> None:
        """Ask it to pause in order; doing it twice is fine."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it and all it has started, at once; what is committed stays."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Let go of it, once it has ended."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
