"""A file as an answer, whole or in parts, never read whole into memory."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from reprise.server.problems import problem

if TYPE_CHECKING:
    from starlette.requests import Request

CHUNK_BYTES = 256 * 1024

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.IGNORECASE)


def file_answer(
    request: Request, descriptor: int, content_type: str, *, tag: str = "", cache: str = ""
) -> Response:
    """The open file, or the part of it that the request asks for. The descriptor is closed when all is sent.

    Of several ranges at once the whole file is given, which HTTP allows. ``tag``: what marks its content, instead of
    size and time; ``cache``: for how long clients may keep it, instead of asking each time.
    """
    status = os.fstat(descriptor)
    size = status.st_size
    tag = f'"{tag}"' if tag else f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    modified = int(status.st_mtime)
    headers = {
        "ETag": tag,
        "Last-Modified": formatdate(modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": cache or "private, no-cache",
    }
    if _is_known(request, tag):
        os.close(descriptor)
        return Response(status_code=304, headers=headers)
    part = _part(request, size, tag, modified)
    if part is None:
        os.close(descriptor)
        headers["Content-Range"] = f"bytes */{size}"
        message = f"the file has {size} bytes, and none of those that were asked for"
        return problem(416, "range", message, "ask for a range that begins inside of it", headers)
    start, end = part
    headers["Content-Length"] = str(end - start)
    if _asks_for_part(request, tag, modified):
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    code = 206 if "Content-Range" in headers else 200
    if request.method == "HEAD":
        os.close(descriptor)
        return Response(status_code=code, headers=headers, media_type=content_type)
    return StreamingResponse(_bytes(descriptor, start, end), code, headers, content_type)


async def _bytes(descriptor: int, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from ``start`` up to ``end``, each piece read when the client has taken the one before."""
    try:
        while start < end:
            piece = await run_in_threadpool(os.pread, descriptor, min(CHUNK_BYTES, end - start), start)
            if not piece:
                return  # the file was cut off meanwhile; the client sees fewer bytes than were promised
            start += len(piece)
            yield piece
    finally:
        os.close(descriptor)


def _is_known(request: Request, tag: str) -> bool:
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or "*" in known


def _asks_for_part(request: Request, tag: str, modified: int) -> bool:
    """Whether there is one range, in bytes, of the file as it is now."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or not any(found.groups()):
        return False
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return False
    condition = request.headers.get("If-Range", "").strip()
    return not condition or condition == tag or _same_time(condition, modified)


def _same_time(text: str, modified: int) -> bool:
    with suppress(ValueError, OverflowError):
        return int(parsedate_to_datetime(text).timestamp()) == modified
    return False


def _part(request: Request, size: int, tag: str, modified: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last; ``None`` when nothing of what is asked for is there."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or not _asks_for_part(request, tag, modified):
        return 0, size
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    return (start, end) if start < end else None
