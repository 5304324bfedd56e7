"""A model hub on this machine: the part of the protocol that fetching uses, and the ways in which a hub fails."""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class LocalHub:
    """``files`` of one repository. ``mood`` is how it behaves, ``requests`` what it was asked."""

    files: dict[str, bytes]
    mood: str = "kind"
    status: int = 500
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    def checksum(self, name: str) -> str:
        """As the hub: git's blob digest for small text, sha256 for large files."""
        content = self.files[name]
        if name.endswith(".json"):
            return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return hashlib.sha256(content).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, hub: LocalHub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.leave = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that left is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub = self.server.hub
        hub.requests.append((self.command, self.path, self.headers.get("Range", "")))
        name = max((name for name in hub.files if self.path.endswith(f"/{name}")), key=len, default="")
        hub.tokens.append((self.headers["Host"].partition(":")[0], self.headers.get("Authorization", "")))
        if hub.mood == "redirects" and not self.path.startswith("/storage/"):
            self._redirect(name)
        elif hub.mood == "hangs" or (hub.mood == "hangs_later" and body):
            self.server.leave.wait(60)
            self.close_connection = True
        elif hub.mood == "refuses" or name not in hub.files:
            self.send_response(hub.status if hub.mood == "refuses" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._file(name, body=body)

    def _redirect(self, name: str) -> None:
        """As the hub does for large files: what they are is said here, they lie elsewhere."""
        hub = self.server.hub
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.server_port}/storage/{name}")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Etag", f'"{hub.checksum(name)}"')
        self.send_header("X-Linked-Size", str(len(hub.files[name])))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, name: str, *, body: bool) -> None:
        hub = self.server.hub
        content = hub.files[name]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        whole = len(content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"of-the-storage"')
        self.send_header("X-Linked-Etag", f'"{hub.checksum(name)}"')
        self.send_header("X-Linked-Size", str(whole))
        self.send_header("Content-Length", str(whole - start))
        self.end_headers()
        if body:
            self._send(content[start:])

    def _send(self, content: bytes) -> None:
        mood = self.server.hub.mood
        if mood == "half":
            content = content[: len(content) // 2]
            self.close_connection = True
        if mood == "wrong":
            content = bytes(len(content))
        if mood == "drips":
            self._drip(content)
            return
        self.wfile.write(content)

    def _drip(self, content: bytes) -> None:
        for place in range(len(content)):
            if self.server.leave.is_set():
                break
            self.wfile.write(content[place : place + 1])
            self.wfile.flush()
            time.sleep(0.05)


@contextmanager
def local_hub(files: dict[str, bytes]) -> Iterator[LocalHub]:
    hub = LocalHub(files)
    server = _Server(hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.leave.set()
        server.shutdown()
        server.server_close()
        thread.join()
