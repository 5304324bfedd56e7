"""Cues and beat grids for programs of DJs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from reprise.core.listing import MOST_ID
from reprise.errors import NotFound
from reprise.media.rekordbox import write_collection
from reprise.search.heard import heard_tracks
from reprise.server.access import Admin, TheHouse
from reprise.server.folder_paths import read_folder
from reprise.server.problems import responses
from reprise.server.routes.folders import FolderText
from reprise.server.routes.playlists import attachment

if TYPE_CHECKING:
    from reprise.core.analysis import Analysis
    from reprise.core.items import Item

router = APIRouter(prefix="/api/v1/cues", tags=["cues"])

CONTENT_TYPE = "application/xml"
CHUNK_BYTES = 256 * 1024

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}, "description": "The collection"}
}


@router.get(
    "/rekordbox", response_class=StreamingResponse, responses=_FILE | responses(401, 403, 404, 422, 507)
)
def rekordbox(
    house: TheHouse,
    asking: Admin,
    library_id: Annotated[int, Query(ge=1, le=MOST_ID)],
    folder: FolderText = "",
) -> StreamingResponse:
    """Tracks with beat grid, key and hot cues as Rekordbox imports them. ``X-Left-Out`` counts what it cannot hold.

    It holds absolute paths, so it is for administrators. 404 as well when none of the tracks has been listened to.
    """
    app = house.of(asking.owner)
    library, inside = app.catalogue().libraries.get(app.owner, library_id), read_folder(folder)
    left_out: list[str] = []

    def refused(_item: Item, reason: str) -> None:
        left_out.append(reason)

    def heard() -> Iterator[tuple[Item, Analysis]]:
        return heard_tracks(app.catalogue(), app.owner, library_id, inside)

    if next(heard(), None) is None:
        raise NotFound("none of these tracks has been listened to", cure="run: reprise analyze FOLDER")
    tracks = ((item, os.path.join(library.root, item.file), analysis) for item, analysis in heard())
    file = tempfile.TemporaryFile()  # noqa: SIM115 - sent after this has returned
    try:
        write_collection(file, tracks, refused)
    except BaseException:
        file.close()
        raise
    name = f"{library.name or 'rekordbox'}.xml"
    headers = {"Content-Disposition": attachment(name), "X-Left-Out": str(len(left_out))}
    return StreamingResponse(_sent(file), media_type=CONTENT_TYPE, headers=headers)


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(CHUNK_BYTES):
            yield piece
