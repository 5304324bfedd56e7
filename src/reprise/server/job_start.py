"""What a person or a program sends to start a job, and the request that it becomes."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field, field_validator

from reprise.app import App
from reprise.core.items import Library
from reprise.core.job import Clear, JobRequest, Purpose
from reprise.core.plan import Selection, Wanted
from reprise.errors import JobConflict, ModelError, NotFound, UnknownModel
from reprise.server.access import Admin, TheHouse
from reprise.server.house import House

LARGEST = 2**63 - 1
Owner = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]


class Start(BaseModel):
    """Which tracks of a library, and which models, in the order in which they run."""

    library_id: int = Field(ge=1, le=LARGEST)
    models: list[Annotated[str, Field(max_length=100)]] = Field(
        max_length=100, description="Names of installed models, each once, one at least: see /api/v1/models"
    )
    wanted: Wanted = Field(
        default=Wanted.MISSING, description="What is missing or stale; all of it; what failed"
    )
    clear: Clear = Field(
        default=Clear.NOTHING,
        description="What becomes of the vectors that are there: nothing; they go after, or first",
    )
    folder: str = Field(default="", max_length=4096, description="Only this folder, relative to the root")
    since: float | None = Field(
        default=None, ge=0, le=1e12, allow_inf_nan=False, description="Only tracks changed at or after it"
    )
    batch_size: int = Field(
        default=0, ge=0, le=4096, description="Windows at once, at most; 0: as the settings say"
    )
    owner: Owner | None = Field(default=None, description="Whose library; left out: of who asks")

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        parts = folder.rstrip("/").split("/")
        if "\0" in folder or folder.startswith("/") or ".." in parts or "" in parts[1:]:
            raise ValueError("a folder inside the library, as Artist/Album")
        try:
            os.fsencode(folder)
        except UnicodeEncodeError:
            raise ValueError("it is no text: half a surrogate pair is in it") from None
        return folder.rstrip("/")


def app_of(house: House, owner: str) -> App:
    """The installation as the owner sees it. Raises ``NotFound`` for one who has no library."""
    if not house.app.catalogue().libraries.all(owner):
        raise NotFound(f"{owner!r} has no library", cure="see: /api/v1/libraries")
    return house.of(owner)


def acting(
    house: TheHouse,
    asking: Admin,
    owner: Annotated[Owner | None, Query(description="Whose jobs; left out: of who asks")] = None,
) -> App:
    """The installation as the owner sees it for whom an administrator acts."""
    return house.of(asking.owner) if owner in {None, asking.owner} else app_of(house, owner or "")


Acting = Annotated[App, Depends(acting)]


def starting(house: TheHouse, asking: Admin, start: Start) -> App:
    """The same, the owner being named in the body."""
    return acting(house, asking, start.owner)


Starting = Annotated[App, Depends(starting)]


def request_of(app: App, start: Start) -> JobRequest:
    """Raises ``NotFound`` for the library, ``UnknownModel`` naming the allowed ones when the models do not fit."""
    app.catalogue().libraries.get(app.owner, start.library_id)
    selection = Selection(app.owner, start.library_id, os.fsencode(start.folder), start.wanted, start.since)
    return JobRequest(selection, _models(app, start.models), start.clear, batch_size=start.batch_size)


def _models(app: App, names: list[str]) -> tuple[str, ...]:
    if not names:
        raise _refused(app, "no model is named")
    if len(set(names)) < len(names):
        raise _refused(app, f"a model is named twice in {', '.join(names)}")
    try:
        return app.models(names)
    except UnknownModel as error:
        raise _refused(app, error.message.partition(";")[0]) from error
    except ModelError as error:
        raise _refused(app, error.message) from error


def _refused(app: App, problem: str) -> UnknownModel:
    allowed = ", ".join(sorted(app.installed.cards)) or "none"
    return UnknownModel(f"{problem}; there are: {allowed}", cure="name one or more of them, each once")


def refuse_while_in_use(app: App, library: Library) -> None:
    """Raises ``JobConflict`` when a job for the library is under way or waits."""
    for purpose in Purpose:
        request = JobRequest(Selection(app.owner, library.id), (), purpose=purpose)
        job = app.catalogue().jobs.active(app.owner, request.work_key)
        if job is not None:
            raise JobConflict(
                f"job {job.id} of the library {library.name!r} is {job.state}", cure="cancel it first"
            )
