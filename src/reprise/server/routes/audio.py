"""The sound of an item, whole or in parts."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from reprise.app import App
from reprise.core.items import Item
from reprise.core.listing import MOST_ID
from reprise.media.preview import PREVIEW, WHOLE, preview_path
from reprise.server.access import Seen, TheHouse
from reprise.server.file_answer import file_answer
from reprise.server.listing_view import one_item
from reprise.server.media_files import opened
from reprise.server.previews import Previews
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["audio"])

CONTENT_TYPES = {
    b".mp3": "audio/mpeg", b".m4a": "audio/mp4", b".m4b": "audio/mp4", b".mp4": "audio/mp4", b".aac": "audio/aac",
    b".flac": "audio/flac", b".ogg": "audio/ogg", b".oga": "audio/ogg", b".opus": "audio/ogg", b".wav": "audio/wav",
    b".wave": "audio/wav", b".aif": "audio/aiff", b".aiff": "audio/aiff", b".aifc": "audio/aiff",
    b".wma": "audio/x-ms-wma", b".asf": "audio/x-ms-wma", b".mka": "audio/x-matroska", b".webm": "audio/webm",
    b".ape": "audio/x-ape", b".wv": "audio/x-wavpack", b".mpc": "audio/x-musepack", b".tta": "audio/x-tta",
    b".tak": "audio/x-tak", b".dsf": "audio/x-dsf", b".dff": "audio/x-dff", b".ac3": "audio/ac3",
    b".caf": "audio/x-caf", b".au": "audio/basic",
}  # fmt: skip
"""By suffix in lower case."""

_SOUND: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "The sound"},
    206: {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "A part of it"},
    304: {"description": "It is as the client has it"},
}  # fmt: skip


@router.head("/items/{item_id}/audio", include_in_schema=False)
@router.get(
    "/items/{item_id}/audio",
    response_class=Response,
    responses=_SOUND | responses(401, 404, 416, 422),
)
async def play(
    house: TheHouse,
    app: Seen,
    request: Request,
    item_id: Annotated[int, Path(ge=1, le=MOST_ID)],
    format: Annotated[  # noqa: A002 - the parameter's name in the address
        Literal["file", "preview"], Query(description="preview: 30 seconds that every browser plays")
    ] = "file",
) -> Response:
    """The item's file, or the part of it that ``Range`` asks for. A track of a cue sheet is given as WAV."""
    item = await run_in_threadpool(one_item, app, item_id)
    descriptor = await run_in_threadpool(opened, app, item.library_id, item.file)
    if format == "file" and item.cut is None:
        suffix = os.path.splitext(item.file)[1].lower()
        return file_answer(request, descriptor, CONTENT_TYPES.get(suffix, "application/octet-stream"))
    os.close(descriptor)  # it was looked at: it is there and may be read
    form = PREVIEW if format == "preview" else WHOLE
    path = await run_in_threadpool(_path, app, item)
    if format == "preview":
        path = preview_path(path, item.tags.duration)
    made = await house.service(Previews).made(path, form, request.is_disconnected)
    if made is None:
        return Response(status_code=499)  # nobody reads it
    return file_answer(request, os.open(made, os.O_RDONLY | os.O_CLOEXEC), form.content_type)


def _path(app: App, item: Item) -> bytes:
    """The absolute path of the item, with its cut."""
    root = app.catalogue().libraries.get(app.owner, item.library_id).root
    return os.path.join(root, item.path)
