"""A rehearsal: a server in a folder that goes away, a library that grows, and whether what is new is found.

``reprise doctor --try`` plays it on a user's own machine, from the first start to an end in order.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reprise.diagnosis import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.1
SOCKET = "http"
"""Name of the server's socket: the path of one may be no longer than some hundred bytes."""


def rehearse(told: Callable[[str], None]) -> Iterator[Finding]:
    """Each step with what was seen; the first that fails is the last. ``told`` hears what is about to be done."""
    with tempfile.TemporaryDirectory(prefix="reprise-try-") as folder:
        try:
            yield from _steps(Path(folder), told)
        except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
            yield Finding(
                "rehearsal", False, str(error) or type(error).__name__, "reprise serve --log-level debug"
            )


def _steps(folder: Path, told: Callable[[str], None]) -> Iterator[Finding]:
    told("rendering a few songs")
    songs = _songs(folder / "songs")
    music = folder / "music"
    music.mkdir()
    shutil.copy(songs[0], music)
    told("starting a server")
    with _server(folder) as (process, ask):
        yield Finding("server", True, f"ready on its socket, process {process.pid}")
        library = ask("POST", "/libraries", {"path": str(music)})
        yield Finding("library", True, f"added: {library['name']}")
        yield _found(ask, "first scan", songs[0].name)
        began = time.monotonic()
        shutil.copy(songs[1], music)
        yield _found(ask, "new file", songs[1].name, began)
        (music / "broken.mp3").write_bytes(b"no sound at all")
        failure = _until(lambda: ask("GET", "/failures")["items"])[0]
        yield Finding("broken file", True, f"failed by itself: {failure['message']}")
        ready = ask("GET", "/health/ready")
        yield Finding("health", ready["status"] == "ok", ready["status"], _worst(ready))
        told("stopping it")
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_SECONDS)
        gone = not (folder / SOCKET).exists()
    yield Finding(
        "end", code == 0 and gone, f"exit code {code}, socket {'removed' if gone else 'left behind'}"
    )


def _songs(folder: Path) -> list[Path]:
    """Two short songs of the demo library."""
    from reprise.demo.library import make_demo_library

    make_demo_library(folder)
    return sorted(path for path in folder.rglob("*.flac"))[:2]


def _found(ask: Callable[..., Any], check: str, name: str, began: float | None = None) -> Finding:
    """Waits until search answers for the file."""

    def look() -> Any:
        items = ask("GET", f"/items?limit=10&q={quote(Path(name).stem)}")["items"]
        done = [item for item in items if "done" in item["models"].values()]
        return done and ask("GET", f"/similar?item_id={done[0]['id']}")

    found = _until(look)
    after = "" if began is None else f" after {time.monotonic() - began:.1f} s"
    return Finding(check, True, f"{name} can be searched with {found['model']}{after}")


def _until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"it did not happen within {PATIENCE_SECONDS:.0f} s")


def _worst(ready: dict[str, Any]) -> str:
    return "; ".join(
        f"{part['name']}: {part['cure'] or part['detail']}" for part in ready["components"] if part["cure"]
    )


@contextmanager
def _server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[..., Any]]]:
    """A server that knows nothing of the user's own state, and how to ask it."""
    password = secrets.token_urlsafe()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REPRISE_")}
    environment |= {"REPRISE_ADMIN_PASSWORD": password, "REPRISE_PORT": "0", "REPRISE_WATCH_DELAY": "0.2"}
    command = [
        sys.executable,
        "-m",
        "reprise",
        "serve",
        "--home",
        str(folder / "home"),
        "--uds",
        str(folder / SOCKET),
    ]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until(lambda: process.poll() is not None or (folder / SOCKET).exists())
            if process.poll() is not None:
                raise OSError(f"the server ended with exit code {process.returncode}")
            yield process, _asker(folder / SOCKET, password)
        finally:
            if process.poll() is None:
                process.kill()


def _asker(path: Path, password: str) -> Callable[..., Any]:
    cookies: dict[str, str] = {}

    def ask(method: str, address: str, body: dict[str, Any] | None = None) -> Any:
        """The answer's JSON; nothing for one that says: not yet, or not here."""
        headers = {"Origin": "http://localhost", "Content-Type": "application/json", **cookies}
        connection = _UnixConnection(path)
        try:
            connection.request(method, f"/api/v1{address}", json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            if cookie := answer.getheader("Set-Cookie"):
                cookies["Cookie"] = cookie.partition(";")[0]
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST and answer.status != http.client.NOT_FOUND:
            raise ValueError(f"{method} {address}: {answer.status} {content[:300].decode(errors='replace')}")
        return json.loads(content) if answer.status < http.client.BAD_REQUEST else None

    ask("POST", "/auth/login", {"name": "admin", "password": password})
    return ask


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
