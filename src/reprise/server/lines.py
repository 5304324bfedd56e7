"""Lines that are told one after the other, each when the client has taken those before."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request

LINES_TYPE = "application/x-ndjson"
PART_BYTES = 64 * 1024
IN_MEMORY_BYTES = 1024 * 1024
"""Of what is sent; more of it waits in a file without a name."""


def lines_answer(
    parts: Iterator[bytes], closing: Callable[[], bool], headers: dict[str, str] | None = None
) -> StreamingResponse:
    """An answer of the parts; nothing more is made for a client that has left, or when the server closes."""
    told = {"Cache-Control": "no-cache", **(headers or {})}
    return StreamingResponse(_told(parts, closing), media_type=LINES_TYPE, headers=told)


async def _told(parts: Iterator[bytes], closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    while not closing() and (part := await run_in_threadpool(next, parts, None)) is not None:
        yield part


def in_parts(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines, some together."""
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= PART_BYTES:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


async def received(request: Request, spool: IO[bytes]) -> None:
    """Write the body into the spool, as it comes, and go back to its beginning."""
    async for piece in request.stream():
        await run_in_threadpool(spool.write, piece)
    spool.seek(0)


def new_spool() -> IO[bytes]:
    """A place for a body: in memory, and in a file without a name when it is large."""
    return tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)
