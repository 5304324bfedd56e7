"""A server as a process of its own, and people who use it over real sockets."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from tests.harness import PATIENCE_SECONDS, read_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.harness import Home

PASSWORD = "correct horse battery"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@dataclass
class Running:
    """A server that answers."""

    process: subprocess.Popen[str]
    url: str
    told: dict[str, Any]

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; returns the exit code and what stood on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, errors


@contextmanager
def running(home: Home, *arguments: str, port: int | None = None, **variables: str) -> Iterator[Running]:
    """``reprise serve``, ready; killed at the end when it still runs."""
    number = free_port() if port is None else port
    process = home.start(
        "serve", "--port", str(number), *arguments, **{"REPRISE_ADMIN_PASSWORD": PASSWORD, **variables}
    )
    with process:
        try:
            told = read_until(process, "listening")
            yield Running(process, f"http://127.0.0.1:{number}", told)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


@contextmanager
def administrator(server: Running) -> Iterator[httpx2.Client]:
    """The first administrator, as a browser has them."""
    with httpx2.Client(
        base_url=f"{server.url}/api/v1", headers={"Origin": server.url}, timeout=PATIENCE_SECONDS
    ) as client:
        answer = client.post("/auth/login", json={"name": "admin", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield client


@dataclass
class Heard:
    """One server-sent event."""

    name: str
    data: Any
    id: int | None


def events_of(answer: httpx2.Response) -> Iterator[Heard]:
    """The events of an open stream, as they come."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            yield Heard(fields["event"], json.loads(fields["data"]), number)
        fields = {}
