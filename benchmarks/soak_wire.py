"""The little of HTTP/1.1 that two hundred cheap clients in one process need: kept-alive lines, and a stream of events."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ANSWER_SECONDS = 60.0
"""An answer that takes longer counts as none."""

NARROW_BYTES = 4096
"""What the system keeps for a reader that is slow."""


class Refused(Exception):
    """The line broke, or no answer came, where one was owed. Says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Line:
    """One client's connection, opened again when the server has closed it between two requests, as it may."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    reopened: int = 0
    _ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", more: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises ``Refused``."""
        try:
            return await asyncio.wait_for(self._ask(method, path, body, more or {}), ANSWER_SECONDS)
        except TimeoutError:
            await self.close()
            raise Refused(f"no answer within {ANSWER_SECONDS:.0f} s: {path}") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise Refused(f"{type(error).__name__}: {path}") from error

    async def close(self) -> None:
        if self._ends is None:
            return
        _, writer = self._ends
        self._ends = None
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            return  # it had broken before

    async def _ask(self, method: str, path: str, body: bytes, more: Mapping[str, str]) -> Answer:
        words = request(method, path, self.host, {**self.headers, **more}, body)
        if self._ends is not None:
            try:
                return await self._exchange(words)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                    raise  # in the middle of an answer
                await self.close()  # it was closed while nothing was asked
                self.reopened += 1
        self._ends = await asyncio.open_connection(self.host, self.port)
        return await self._exchange(words)

    async def _exchange(self, words: bytes) -> Answer:
        assert self._ends is not None
        reader, writer = self._ends
        writer.write(words)
        await writer.drain()
        status, headers = await head(reader)
        if status in {204, 304}:
            body = b""
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = b"".join([part async for part in chunks(reader)])
        if headers.get("connection") == "close":
            await self.close()
        return Answer(status, headers, body)


@dataclass
class Heard:
    """What one listener heard, as ``(id, name)``, in stretches: a snapshot begins a new one.

    ``floor`` of a stretch: everything above this id is owed. Names that carry no id are counted apart.
    """

    stretches: list[tuple[int, list[tuple[int, str]]]] = field(default_factory=list)
    beside: Counter[str] = field(default_factory=Counter)

    @property
    def last(self) -> int | None:
        """The last id that was heard."""
        if not self.stretches:
            return None
        floor, events = self.stretches[-1]
        return events[-1][0] if events else floor

    def take(self, block: bytes) -> None:
        """One event as it came over the line."""
        facts = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
        name = facts.get(b"event", b"").decode()
        if not name:
            return  # a sign of life
        if b"id" not in facts:
            self.beside[name] += 1
        elif name == "snapshot":
            self.stretches.append((int(facts[b"id"]), []))
        elif self.stretches:
            self.stretches[-1][1].append((int(facts[b"id"]), name))


@dataclass
class Stream:
    """A listener's connection to the events. ``narrow``: one that reads slowly, and for which little is kept."""

    host: str
    port: int
    headers: Mapping[str, str]
    narrow: bool = False

    async def blocks(self, path: str, after: int | None) -> AsyncIterator[bytes]:
        """Events from ``after`` on until the caller leaves. Raises ``Refused`` when the server ends it."""
        more = {} if after is None else {"Last-Event-ID": str(after)}
        try:
            reader, writer = await self._open()
            try:
                writer.write(request("GET", path, self.host, {**self.headers, **more}, b""))
                status, _ = await head(reader)
                if status != 200:
                    raise Refused(f"{status}: {path}")
                async for block in _blocks(reader):
                    yield block
                raise Refused(f"the stream ended: {path}")
            finally:
                writer.transport.abort()  # as a browser does that goes away
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Refused(f"{type(error).__name__}: {path}") from error

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self.narrow:
            return await asyncio.open_connection(self.host, self.port)
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, (self.host, self.port))
        return await asyncio.open_connection(sock=line, limit=NARROW_BYTES)


def request(method: str, path: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request as it goes over the line."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {headers[name]}" for name in headers)]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """An answer's status and its headers, their names in small letters."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if ": " in line)
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The parts of a body that comes in chunks, to its end."""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


async def _blocks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    async for part in chunks(reader):
        *whole, rest = (rest + part).split(b"\n\n")
        for block in whole:
            yield block
