"""What a stranger sends: heads without an end, bodies without an end, bodies that grow when they are read.

What is read of a known person's body is in ``tests/server/test_guard.py``; pictures that grow are in ``test_persons.py``.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from itertools import product
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.server import bounded
from reprise.server.bounded import MOST_HEAD_BYTES
from reprise.server.guard import MIB, MOST_BYTES, MOST_BYTES_OF
from tests.harness import Home, plugin_environment
from tests.server.running import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.testclient import TestClient

    from tests.security.callers import Callers
    from tests.server.running import Running

JSON = {"Content-Type": "application/json"}
SPARE = 24 * MIB
"""What a server's memory may grow by meanwhile, for whatever else it does."""

LARGE = ("/embed/audio", "/api/v1/persons/1/photos", "/api/v1/videos/import", "/api/v1/videos/1/transcript")


@pytest.fixture(scope="module")
def server(plugin_path: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(Home(tmp_path_factory.mktemp("server") / "home", plugin_environment(plugin_path))) as opened:
        yield opened


def connected(server: Running) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def pushed(client: socket.socket, begin: bytes, mebibytes: int) -> int:
    """How many bytes of nothing were taken before the server hung up."""
    taken = 0
    try:
        client.sendall(begin)
        for _ in range(mebibytes * 16):
            client.sendall(b"a" * (MIB // 16))
            taken += MIB // 16
    except OSError:
        return taken
    return taken


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ",
        b"GET /",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
    ],
    ids=["header", "address", "trailer"],
)
def test_what_comes_before_a_request_is_bounded(server: Running, begin: bytes) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with connected(server) as client:
        taken = pushed(client, begin, 64)
    assert taken < 32 * MIB, "the server hangs up; what the system holds back is not its own"
    assert process.memory_info().rss - before < SPARE
    with connected(server) as client:
        client.sendall(b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")


def test_many_headers_without_an_end_are_one_head(server: Running) -> None:
    with connected(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        try:
            for number in range(MOST_HEAD_BYTES):
                client.sendall(b"X-%d: %s\r\n" % (number, b"a" * 100))
            answer = client.recv(4096)
        except OSError:
            return  # hung up while we were still talking
    assert answer.startswith(b"HTTP/1.1 431") or not answer


class _Heard(asyncio.Transport):
    """A connection that notes what is done with it."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.sent, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


async def _idle(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def _spoken(pieces: list[bytes], then: float) -> tuple[_Heard, Any]:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    heard = _Heard()
    protocol = bounded.BoundedHttp(Config(_idle, lifespan="off", log_config=None), ServerState(), {})
    protocol.connection_made(heard)
    for piece in pieces:
        protocol.data_received(piece)
        await asyncio.sleep(0.02)
    await asyncio.sleep(then)
    closed = heard.closed
    protocol.connection_lost(None)
    return heard, closed


def test_a_head_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slowloris: a connection costs a stranger nothing, so it ends; one that has asked is left to its answer."""
    monkeypatch.setattr(bounded, "HEAD_SECONDS", 0.1)
    whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert asyncio.run(_spoken([], 0.3))[1], "who says nothing"
    assert asyncio.run(_spoken([whole[:9], *(whole[n : n + 1] for n in range(9, 16))], 0.3))[1], "who drips"
    heard, closed = asyncio.run(_spoken([whole], 0.3))
    assert (heard.sent[:12], closed) == (b"HTTP/1.1 204", False)
    heard, closed = asyncio.run(_spoken([whole, whole[:20]], 0.3))
    assert closed, "nor is a later request on the same connection"


def test_strangers_send_no_more_than_a_mebibyte_to_any_route(server: Running) -> None:
    """Bodies are read before anybody is asked who they are; eight strangers with 60 MiB each took half a gigabyte."""
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    for path in LARGE:
        assert any(taken.match(path) for taken, _ in MOST_BYTES_OF), path
        for framing in (b"Content-Length: %d" % (15 * MIB), b"Transfer-Encoding: chunked"):
            head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n\r\n"
            with connected(server) as client:
                client.sendall(head % (path.encode(), framing))
                assert client.recv(4096).startswith(b"HTTP/1.1 401"), (path, framing)
    assert process.memory_info().rss - before < SPARE


def test_of_a_stranger_with_a_cookie_of_his_own_nothing_is_taken_either(
    client: TestClient, callers: Callers
) -> None:
    for name in ("made-up session", "made-up token", "one-time password", "jwt alg none"):
        headers = {**callers.named(name).headers, **JSON}
        answer = client.post("/api/v1/videos/import", content=b" " * (2 * MIB), headers=headers)
        assert answer.json()["code"] in {"not_signed_in", "password_change_needed"}, name
    known = {**callers.named("admin").headers, **JSON}
    assert client.post("/api/v1/videos/import", content=b"\n" * (2 * MIB), headers=known).status_code == 200


def test_two_framings_of_one_body_are_refused(server: Running) -> None:
    """What two readers of one connection read differently, a second request hides in."""
    for framing in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked",
        b"Content-Length: 4\r\nContent-Length: 5",
    ):
        with connected(server) as client:
            client.sendall(
                b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n0\r\n\r\n" % framing
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 400"), framing


# what grows when it is read


def test_packed_bodies_are_not_unpacked(client: TestClient, callers: Callers) -> None:
    admin = callers.named("admin").headers
    bomb = gzip.compress(b" " * (64 * MIB))
    assert len(bomb) < MOST_BYTES
    for coding, body in (("gzip", bomb), ("deflate", zlib.compress(b" " * MIB))):
        headers = {**admin, **JSON, "Content-Encoding": coding}
        assert client.put("/api/v1/auth/preferences", content=body, headers=headers).status_code in {400, 422}
        found = client.post("/api/v1/videos/import", content=body, headers=headers)
        assert found.status_code == 200
        assert found.json()["refused"] > 0, "each is one line that is no JSON"


HURTFUL = [
    b"[" * 400_000,
    b'{"a":' * 100_000,
    b'{"limit": ' + b"9" * 500_000 + b"}",
    b'{"limit": 1e' + b"9" * 5_000 + b"}",
    b'{"limit": -1' + b"0" * 400 + b".5}",
    b'"\\ud800"',
    b"\xff\xfe" + b"{" * 100,
    b'{"query": NaN, "limit": Infinity}',
]
"""JSON that is deep, long or no number at all."""


def test_json_that_hurts_its_reader_is_refused(client: TestClient, callers: Callers) -> None:
    headers = {**callers.named("admin").headers, **JSON}
    routes = (
        ("POST", "/scenes/search"),
        ("PATCH", "/settings"),
        ("POST", "/jobs"),
        ("PUT", "/auth/preferences"),
    )
    for body, (method, path) in product(HURTFUL, routes):
        answer = client.request(method, f"/api/v1{path}", content=body, headers=headers)
        assert answer.status_code in {400, 422}, (path, body[:40], answer.status_code, answer.text[:200])
        assert len(answer.content) < 64 * 1024, "what is refused is not sent back"


def test_a_line_of_an_import_that_hurts_is_one_wrong_line(client: TestClient, callers: Callers) -> None:
    headers = {**callers.named("admin").headers, "Content-Type": "application/x-ndjson"}
    lines = [
        b"[" * 200_000,
        b'{"kind": "video", "size": ' + b"9" * 20_000 + b"}",
        b'{"kind": ' * 50_000,
        b"\xff",
        b"7",
    ]
    answer = client.post("/api/v1/videos/import", content=b"\n".join(lines), headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["problems"]) == len(lines)


def test_a_picture_of_few_bytes_and_many_points_is_not_opened(client: TestClient, callers: Callers) -> None:
    """50,000 × 50,000 points of one colour: 2.5 GB when they are unpacked, 60 KB as they are sent."""
    side = 50_000
    rows = zlib.compressobj(9)
    pixels = b"".join(rows.compress(b"\0" * (side // 8 + 1)) for _ in range(1000)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    admin = dict(callers.named("admin").headers)
    person = client.post("/api/v1/persons", json={"name": "Ada"}, headers=admin).json()["id"]
    process = psutil.Process()
    before = process.memory_info().rss
    answer = client.post(
        f"/api/v1/persons/{person}/photos", content=bomb, headers={**admin, "Content-Type": "image/png"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert process.memory_info().rss - before < 100 * MIB


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
