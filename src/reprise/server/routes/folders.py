"""The folders of a library, as they lie on the disk now."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from reprise.core.items import display_path
from reprise.core.listing import MOST_ID
from reprise.server.access import Seen
from reprise.server.folder_paths import read_folder, write_folder
from reprise.server.problems import responses

if TYPE_CHECKING:
    from reprise.core.ports import Source

router = APIRouter(prefix="/api/v1", tags=["folders"])

COUNTING_SECONDS = 3.0
"""How long the contents of the folders of a page are counted; a slow disk leaves some uncounted, not the page."""

FolderText = Annotated[
    str,
    Query(
        max_length=5000,
        description="Relative to the library's root, as answers write it; empty: the root itself",
        examples=["Boards of Canada/Geogaddi"],
    ),
]


class Folder(BaseModel):
    """One folder. The numbers are of what lies directly in it; null: not counted."""

    name: str = Field(description="As people read it", examples=["Geogaddi"])
    folder: str = Field(
        description="To ask with: relative to the root; `b64:` and base64 when it is not UTF-8",
        examples=["Boards of Canada/Geogaddi"],
    )
    folders: int | None = Field(examples=[0])
    tracks: int | None = Field(examples=[23])


class FolderPage(BaseModel):
    """The folders in a folder. ``parent``: of the folder that was asked for; null: it is the root."""

    library_id: int
    name: str = Field(description="Of the folder that was asked for; of the root that of the library")
    folder: str
    parent: str | None
    folders: int | None
    tracks: int | None
    items: list[Folder]
    total_count: int
    offset: int
    limit: int


@router.get("/folders", responses=responses(401, 404, 422))
def list_folders(
    app: Seen,
    library_id: Annotated[int, Query(ge=1, le=MOST_ID)],
    folder: FolderText = "",
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> FolderPage:
    """The folders in a folder of a library, as people sort them.

    Hidden folders, those that the library leaves out, and links are not there; nothing outside of the library is.
    """
    library = app.catalogue().libraries.get(app.owner, library_id)
    inside = read_folder(folder)
    source = app.source(library)
    names = sorted(source.folders(inside), key=lambda name: (display_path(name).casefold(), name))
    until = time.monotonic() + COUNTING_SECONDS
    own = source.counts(inside)
    paths = [os.path.join(inside, name) for name in names[offset : offset + limit]]
    return FolderPage(
        library_id=library_id,
        name=display_path(os.path.basename(inside)) if inside else library.name,
        folder=write_folder(inside),
        parent=write_folder(os.path.dirname(inside)) if inside else None,
        folders=own.folders if own else None,
        tracks=own.tracks if own else None,
        items=[_folder(source, path, until) for path in paths],
        total_count=len(names),
        offset=offset,
        limit=limit,
    )


def _folder(source: Source, path: bytes, until: float) -> Folder:
    counts = source.counts(path) if time.monotonic() < until else None
    return Folder(
        name=display_path(os.path.basename(path)),
        folder=write_folder(path),
        folders=counts.folders if counts else None,
        tracks=counts.tracks if counts else None,
    )
