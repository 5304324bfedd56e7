"""Persons and their reference photos."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from reprise.app import App
from reprise.core.video import Person, Photo
from reprise.errors import NotFound
from reprise.filming import Filming
from reprise.media.photos import MOST_BYTES
from reprise.server.access import Seen, SignedIn, TheHouse
from reprise.server.job_host import ring
from reprise.server.media_files import PICTURE, VERSION_HEADER, Mark, picture_answer
from reprise.server.problems import responses
from reprise.server.uploads import FIELD, Uploads, picture_of
from reprise.server.video_forms import NewPerson, PersonChange, PersonId, PhotoId
from reprise.server.video_view import (
    PersonList,
    PersonWhole,
    PhotoList,
    PhotoWhole,
    person_facts,
    photo_facts,
    spec_version,
)

router = APIRouter(prefix="/api/v1/persons", tags=["persons"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"A picture of at most {MOST_BYTES >> 20} MiB: itself, or as a file in a form",
        "content": {
            "image/jpeg": _BINARY,
            "image/png": _BINARY,
            "image/webp": _BINARY,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@router.get("", response_model=PersonList, responses=responses(401, 422))
def list_persons(
    app: Seen, archived: Annotated[bool, Query(description="Those that are archived, too")] = False
) -> JSONResponse:
    """Persons by name."""
    found = app.catalogue().persons.all(app.owner, archived=archived)
    return JSONResponse(
        {"items": [person_facts(person) for person in found], "spec_version": spec_version(app)}
    )


@router.post("", status_code=201, response_model=PersonWhole, responses=responses(401, 422))
def add_person(app: Seen, wanted: NewPerson) -> JSONResponse:
    """Add somebody who may be seen in videos; photos of them follow."""
    person = app.catalogue().persons.add(app.owner, wanted.name, time.time())
    return _person(app, person, 201)


@router.get("/{person_id}", response_model=PersonWhole, responses=responses(401, 404, 422))
def show_person(app: Seen, person_id: PersonId) -> JSONResponse:
    """One person."""
    return _person(app, app.catalogue().persons.get(app.owner, person_id))


@router.patch("/{person_id}", response_model=PersonWhole, responses=responses(401, 404, 422))
def change_person(app: Seen, person_id: PersonId, change: PersonChange) -> JSONResponse:
    """Give them another name, archive them, or take them back."""
    persons, now = app.catalogue().persons, time.time()
    persons.get(app.owner, person_id)
    if change.name is not None:
        persons.rename(app.owner, person_id, change.name, now)
    if change.archived is not None:
        persons.archive(app.owner, person_id, now, archived=change.archived)
    return _person(app, persons.get(app.owner, person_id))


@router.delete("/{person_id}", status_code=204, responses=responses(401, 404, 422))
def forget_person(app: Seen, response: Response, person_id: PersonId) -> None:
    """Forget a person, with their photos and vectors."""
    app.catalogue().persons.get(app.owner, person_id)
    Filming(app).remove_person(person_id)
    response.headers[VERSION_HEADER] = spec_version(app)


@router.get("/{person_id}/photos", response_model=PhotoList, responses=responses(401, 404, 422))
def list_photos(app: Seen, person_id: PersonId) -> JSONResponse:
    """The reference photos of a person."""
    persons = app.catalogue().persons
    persons.get(app.owner, person_id)
    found = persons.photos(app.owner, person_id)
    return JSONResponse({"items": [photo_facts(photo) for photo in found], "spec_version": spec_version(app)})


@router.post(
    "/{person_id}/photos",
    status_code=201,
    response_model=PhotoWhole,
    responses=responses(401, 404, 413, 422, 503),
    openapi_extra=_UPLOAD,
)
async def add_photo(
    house: TheHouse, asking: SignedIn, app: Seen, request: Request, person_id: PersonId
) -> JSONResponse:
    """Send a photo of a person. One that is there already stays the one it is. It is embedded by a job of its own."""
    await run_in_threadpool(app.catalogue().persons.get, app.owner, person_id)
    content = await picture_of(request)
    photo = await house.service(Uploads).photo(app, person_id, content)
    await run_in_threadpool(_embed_photos, house, app, asking.name)
    facts = photo_facts(photo) | {"spec_version": spec_version(app)}
    return JSONResponse(facts, 201)


@router.head("/{person_id}/photos/{photo_id}/file", include_in_schema=False)
@router.get(
    "/{person_id}/photos/{photo_id}/file",
    response_class=Response,
    responses=PICTURE | responses(401, 404, 416, 422),
)
async def show_photo(
    app: Seen, request: Request, person_id: PersonId, photo_id: PhotoId, v: Mark = ""
) -> Response:
    """The picture."""
    del v
    photo = await run_in_threadpool(_photo, app, person_id, photo_id)
    return await run_in_threadpool(picture_answer, request, app, photo.file)


@router.delete("/{person_id}/photos/{photo_id}", status_code=204, responses=responses(401, 404, 422))
def forget_photo(
    house: TheHouse, asking: SignedIn, app: Seen, response: Response, person_id: PersonId, photo_id: PhotoId
) -> None:
    """Forget a photo; what is known of the person is made anew of those that are left."""
    photo = _photo(app, person_id, photo_id)
    Filming(app).remove_photo(photo.id)
    _embed_photos(house, app, asking.name)
    response.headers[VERSION_HEADER] = spec_version(app)


def _photo(app: App, person_id: int, photo_id: int) -> Photo:
    photo = app.catalogue().persons.photo(app.owner, photo_id)
    if photo.person_id != person_id:
        raise NotFound(f"there is no photo {photo_id} of this person", cure="see: /api/v1/persons/ID/photos")
    return photo


def _embed_photos(house: TheHouse, app: App, asked_by: str) -> None:
    Filming(app).enqueue_photos(asked_by=asked_by)
    ring(house)


def _person(app: App, person: Person, status: int = 200) -> JSONResponse:
    return JSONResponse(person_facts(person) | {"spec_version": spec_version(app)}, status)
