"""Pictures that people send: read within a limit, as they are or in a form, a few of them opened at once."""

from __future__ import annotations

import asyncio
from email.message import Message
from email.parser import BytesHeaderParser
from functools import partial
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from reprise.errors import TooLarge, UsageError
from reprise.filming import Filming
from reprise.media.photos import MOST_BYTES

if TYPE_CHECKING:
    from starlette.requests import Request

    from reprise.app import App
    from reprise.core.video import Photo

AT_ONCE = 2
"""Pictures that are open at once. One of 100 million points takes 400 MB for a moment."""

FIELD = "photo"
"""What a form calls the picture."""

MOST_PARTS = 20
MOST_HEAD_BYTES = 16 * 1024
"""Of a form and of one of its parts; more is not looked at."""

_FORM_CURE = f"send the picture itself as the body, or a form with the file in the field {FIELD!r}"


class Uploads:
    """Implements ``server.house.Service``."""

    name = "uploads"

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    def start(self) -> None:
        """Nothing is open before somebody sends something."""

    def stop(self) -> None:
        """Nothing: each picture is closed before its request is answered."""

    def trouble(self) -> str:
        return ""

    async def photo(self, app: App, person_id: int, content: bytes) -> Photo:
        """Keep a photo of a person. Raises as ``Filming.add_photo`` does."""
        add = partial(Filming(app).add_photo, person_id, content)
        async with self._places:
            return await run_in_threadpool(add)


async def picture_of(request: Request) -> bytes:
    """The picture that a request brings. Raises ``TooLarge``, and ``UsageError`` for a form without one."""
    body = await request.body()
    given = request.headers.get("content-type", "")
    is_form = given.lower().startswith("multipart/")
    content = await run_in_threadpool(file_in_form, given, body) if is_form else body
    if len(content) > MOST_BYTES:
        raise TooLarge(
            f"the photo has {len(content) / 2**20:.1f} MiB", cure=f"send at most {MOST_BYTES >> 20} MiB"
        )
    return content


def file_in_form(content_type: str, body: bytes) -> bytes:
    """The file of the field ``photo``, or the first file of all. Raises ``UsageError`` when there is none."""
    header = Message()
    header["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise UsageError("the form says nowhere what parts it", cure=_FORM_CURE)
    files: dict[str, bytes] = {}
    mark = b"\r\n--" + boundary.encode("utf-8", "replace")
    for part in (b"\r\n" + body).split(mark, MOST_PARTS)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if part.startswith(b"--") or len(head) > MOST_HEAD_BYTES:
            break
        headers = BytesHeaderParser().parsebytes(head.lstrip())
        name = headers.get_param("name", "", "content-disposition")
        if headers.get_filename() is not None or name == FIELD:
            files.setdefault(str(name), content)
    if not files:
        raise UsageError("the form holds no file", cure=_FORM_CURE)
    return files.get(FIELD, next(iter(files.values())))
