"""Libraries: list, add, change, forget."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.items import display_path
from reprise.core.listing import MOST_ID
from reprise.errors import LibraryError
from reprise.server.access import Admin, Seen, TheHouse
from reprise.server.job_start import refuse_while_in_use
from reprise.server.listing_view import VISIBLE_NAME, LibraryFacts, library_facts
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["libraries"])

LibraryId = Annotated[int, Path(ge=1, le=MOST_ID)]
Name = Annotated[str, Field(max_length=200, pattern=VISIBLE_NAME)]
Pattern = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
Patterns = Annotated[list[Pattern], Field(max_length=1000)]


class NewLibrary(BaseModel):
    """A folder to look after."""

    path: Annotated[str, Field(max_length=4096, pattern=r"^/[^\x00]*$")] = Field(
        description="Absolute, as this machine knows it"
    )
    name: Name | None = None
    kind: Literal["folder", "video"] = Field(
        default="folder", description="folder: of music; video: of videos"
    )
    exclude: Patterns = Field(default=[], description="What is left out, as in a .gitignore")
    owner: Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$", strict=True)] | None = Field(
        default=None, description="Whose it is; left out: of who asks"
    )


class LibraryChange(BaseModel):
    """What becomes different; what is left out stays."""

    name: Name | None = None
    exclude: Patterns | None = None
    watch: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="Whether it is scanned by itself when something changes"
    )


class Libraries(BaseModel):
    items: list[LibraryFacts]


class Trouble(BaseModel):
    """Something that the last scan could not look at."""

    code: str
    reason: str
    cure: str
    path: str


class Troubles(BaseModel):
    items: list[Trouble]


@router.get("/libraries", responses=responses(401))
def list_libraries(app: Seen) -> Libraries:
    """All libraries of the owner."""
    found = app.catalogue().libraries.all(app.owner)
    return Libraries(items=[LibraryFacts(**library_facts(app, library)) for library in found])


@router.post("/libraries", status_code=201, responses=responses(401, 403, 422))
def add_library(house: TheHouse, asking: Admin, wanted: NewLibrary) -> LibraryFacts:
    """Add a folder. It is embedded when somebody starts that, or when it is scanned.

    Videos are taken in by POST /api/v1/videos/ingest.
    """
    app = house.of(wanted.owner or asking.owner)
    folder = _folder(app, wanted.path)
    library, _ = app.library_of(folder, wanted.exclude, wanted.kind)
    if wanted.name:
        app.catalogue().libraries.set_name(app.owner, library.id, wanted.name)
    return _shown(app, library.id)


@router.get("/libraries/{library_id}", responses=responses(401, 404, 422))
def show_library(app: Seen, library_id: LibraryId) -> LibraryFacts:
    """One library."""
    return _shown(app, library_id)


@router.patch("/libraries/{library_id}", responses=responses(401, 403, 404, 422))
def change_library(app: Seen, _asking: Admin, library_id: LibraryId, change: LibraryChange) -> LibraryFacts:
    """Change its name, what it leaves out, or whether it is watched."""
    libraries = app.catalogue().libraries
    library = libraries.get(app.owner, library_id)
    if change.exclude is not None:
        patterns = tuple(pattern for pattern in change.exclude if pattern.strip())
        app.source(replace(library, exclude=patterns))  # refuses what is no pattern
        libraries.set_exclude(app.owner, library_id, patterns)
    if change.name is not None:
        libraries.set_name(app.owner, library_id, change.name)
    if change.watch is not None:
        libraries.set_watch(app.owner, library_id, watch=change.watch)
    return _shown(app, library_id)


@router.delete("/libraries/{library_id}", status_code=204, responses=responses(401, 403, 404, 409, 422))
def forget_library(app: Seen, _asking: Admin, library_id: LibraryId) -> None:
    """Forget the library with its embeddings. No file is touched."""
    library = app.catalogue().libraries.get(app.owner, library_id)
    refuse_while_in_use(app, library)
    app.forget_library(library)


@router.get("/libraries/{library_id}/problems", responses=responses(401, 404, 422))
def list_problems(app: Seen, library_id: LibraryId) -> Troubles:
    """What the last scan could not look at, each with its cure."""
    app.catalogue().libraries.get(app.owner, library_id)
    return Troubles(items=[Trouble(**problem) for problem in app.scan_problems(library_id)])


def _shown(app: App, library_id: int) -> LibraryFacts:
    return LibraryFacts(**library_facts(app, app.catalogue().libraries.get(app.owner, library_id)))


def _folder(app: App, path: str) -> FilePath:
    """The folder, when it can become a library of its own. Raises ``LibraryError``."""
    folder = FilePath(path)
    real = os.path.realpath(os.fsencode(path))
    if os.path.isdir(real) and not os.access(real, os.R_OK | os.X_OK):
        raise LibraryError(
            f"permission denied: the folder {path} cannot be read",
            cure="give the user that runs Reprise the right to read it",
        )
    for library in app.catalogue().libraries.all(app.owner):
        if real == library.root or real.startswith(library.root.rstrip(b"/") + b"/"):
            raise LibraryError(
                f"{display_path(real)} belongs to the library {library.name!r} ({display_path(library.root)})",
                cure="choose it when you start, or change what it leaves out",
            )
    return folder
