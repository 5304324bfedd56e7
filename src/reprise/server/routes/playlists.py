"""Playlists as files, or on a music server."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.items import Item
from reprise.errors import Forbidden
from reprise.search.playlist import m3u
from reprise.server.access import Role, Seen, SignedIn
from reprise.server.listing_view import VISIBLE_NAME, ItemId, all_items
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["playlists"])

CONTENT_TYPE = "audio/x-mpegurl"

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}, "description": "The playlist"}
}

_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
"""What some system does not allow in a file's name."""


class Tracks(BaseModel):
    """A name and the items in their order."""

    name: Annotated[str, Field(max_length=200, pattern=VISIBLE_NAME)]
    item_ids: Annotated[list[ItemId], Field(min_length=1, max_length=10_000)]


class Playlist(Tracks):
    """A playlist as a file. ``stream``: addresses of this server, which asks players to sign in."""

    format: Literal["m3u8"] = "m3u8"
    paths: Literal["relative", "absolute", "stream"] = "relative"


class Sent(BaseModel):
    """What a music server holds now. ``missing``: the tracks that it does not have."""

    name: str
    sent: int
    missing: list[str]


@router.post(
    "/playlists",
    response_class=Response,
    responses=_FILE | responses(401, 403, 404, 422),
)
def write_playlist(app: Seen, asking: SignedIn, request: Request, wanted: Playlist) -> Response:
    """The items as M3U8. Absolute paths are for administrators; ``X-Left-Out`` counts items whose file is missing."""
    if wanted.paths == "absolute" and asking.role is not Role.ADMIN:
        raise Forbidden("absolute paths are for administrators", cure="take paths: relative, or stream")
    items = all_items(app, wanted.item_ids)
    base = str(request.base_url).rstrip("/")
    playlist = m3u(
        [(item, _entry(app, item, wanted.paths, base)) for item in items], cuts=wanted.paths != "stream"
    )
    headers = {
        "Content-Disposition": attachment(f"{wanted.name}.m3u8"),
        "X-Left-Out": str(len(playlist.left_out)),
    }
    return Response(playlist.content, media_type=CONTENT_TYPE, headers=headers)


@router.post("/playlists/send", responses=responses(401, 404, 422, 502, 504))
def send_playlist(app: Seen, wanted: Tracks) -> Sent:
    """Make the playlist on the Subsonic server of the settings, or replace the one of that name."""
    sent = app.playlist_server().send(wanted.name, all_items(app, wanted.item_ids))
    return Sent(name=sent.name, sent=sent.sent, missing=[item.label for item in sent.not_found])


def _entry(app: App, item: Item, paths: str, base: str) -> bytes:
    if paths == "stream":
        return f"{base}/api/v1/items/{item.id}/audio".encode()
    return item.file if paths == "relative" else os.fsencode(app.path_of(item))


def attachment(name: str) -> str:
    """A Content-Disposition that saves under that name: as ASCII for old clients, and as it is (RFC 5987)."""
    fit = _UNFIT.sub("-", name).lstrip(".") or "playlist.m3u8"
    plain = fit.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(fit, safe='')}"
