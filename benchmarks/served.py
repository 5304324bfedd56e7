"""A server as its users start it, in a process of its own, with somebody signed in."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import psutil

from benchmarks.measure import PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PASSWORD = "a long password for a benchmark"
PATIENCE_SECONDS = 120.0


class Served:
    """A running server. ``client`` is an administrator with a token; ``ready_seconds``: from start to ready."""

    def __init__(self, process: subprocess.Popen[str], url: str, began: float) -> None:
        self.process = process
        self.url = url
        self.ready_seconds = _until_ready(url, began)
        self.token = _token(url)
        self.client = httpx2.Client(base_url=f"{url}/api/v1", headers=self.headers, timeout=60.0)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def memory_mb(self) -> float:
        """Resident memory of the server's own process, in MiB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of one answer. Raises for anything but a success."""
        return self.client.get(path, params=query).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.client.post(path, json=dict(body)).raise_for_status().json()


@contextmanager
def served(home: Path, **variables: str) -> Iterator[Served]:
    """Start ``reprise serve`` on a free port, and end it in order."""
    environment = {**os.environ, "REPRISE_HOME": str(home), "REPRISE_ADMIN_PASSWORD": PASSWORD, **variables}
    port = _free_port()
    command = [PYTHON, "-m", "reprise", "serve", "--port", str(port), "--json"]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    try:
        server = Served(process, f"http://127.0.0.1:{port}", began)
        yield server
        server.client.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _until_ready(url: str, began: float) -> float:
    """Seconds until the server calls itself ready."""
    while time.perf_counter() - began < PATIENCE_SECONDS:
        try:
            if httpx2.get(f"{url}/api/v1/health/ready", timeout=5.0).status_code == httpx2.codes.OK:
                return time.perf_counter() - began
        except httpx2.TransportError:
            time.sleep(0.02)
    raise TimeoutError(f"the server at {url} does not get ready")


def _token(url: str) -> str:
    with httpx2.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=60.0) as client:
        client.post("/auth/login", json={"name": "admin", "password": PASSWORD}).raise_for_status()
        made = client.post("/auth/tokens", json={"name": "benchmark"}).raise_for_status()
        return str(json.loads(made.text)["token"])


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
