"""Two calls of the Subsonic API, for programs that have a music server scan with them: ``startScan``, ``getScanStatus``.

Who asks says so with a token: in the header ``Authorization``, or as ``apiKey``, OpenSubsonic's own way. Passwords with a
salt are not taken: they would have to be kept as they are. Neither are cookies: a GET that does something, which any page
can have a browser make. As in Subsonic an error is an answer of HTTP status 200.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from xml.etree import ElementTree  # only writes  # nosec B405

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from reprise import __version__
from reprise.app import App
from reprise.server.access import Person, Role, house_of
from reprise.server.asking import program_if_any
from reprise.server.following import Follower
from reprise.server.house import House

router = APIRouter(prefix="/rest", tags=["subsonic"])

VERSION = "1.16.1"
NAMESPACE = "http://subsonic.org/restapi"
NOT_ALLOWED, BAD_KEY = 50, 44
"""Of the error codes of OpenSubsonic."""

Key = Annotated[str, Query(alias="apiKey", max_length=4096)]
Form = Annotated[Literal["xml", "json"], Query(alias="f", description="The form of the answer")]
Full = Annotated[bool, Query(alias="fullScan", description="Read the tags of all files anew")]
FORMS: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "application/xml": {}}}}


@router.get("/startScan", responses=FORMS, response_class=Response)
@router.get("/startScan.view", responses=FORMS, response_class=Response, include_in_schema=False)
async def start_scan(request: Request, full: Full = False, key: Key = "", form: Form = "xml") -> Response:
    """Look at all libraries of who asks in the background; for administrators."""
    asking = await _asking(request, key)
    if asking is None:
        return _answer(form, error=(BAD_KEY, "no token that is known: send it as apiKey"))
    if asking.role is not Role.ADMIN:
        return _answer(form, error=(NOT_ALLOWED, "only administrators may start a scan"))
    house = house_of(request)
    await run_in_threadpool(_scan, house, house.of(asking.owner), full=full)
    return _answer(form, await run_in_threadpool(_status, house, house.of(asking.owner)))


@router.get("/getScanStatus", responses=FORMS, response_class=Response)
@router.get("/getScanStatus.view", responses=FORMS, response_class=Response, include_in_schema=False)
async def scan_status(request: Request, key: Key = "", form: Form = "xml") -> Response:
    """Whether a library of who asks is being scanned, and how many tracks there are."""
    asking = await _asking(request, key)
    if asking is None:
        return _answer(form, error=(BAD_KEY, "no token that is known: send it as apiKey"))
    house = house_of(request)
    return _answer(form, await run_in_threadpool(_status, house, house.of(asking.owner)))


async def _asking(request: Request, key: str) -> Person | None:
    if not key:
        return await program_if_any(request)
    user = await run_in_threadpool(house_of(request).accounts.of_bearer, key)
    return None if user is None or user.must_change else Person(user.name, user.role, user.owner)


def _scan(house: House, app: App, *, full: bool) -> None:
    follower = house.service(Follower)
    for library in app.catalogue().libraries.all(app.owner):
        follower.scan(library, full=full)


def _status(house: House, app: App) -> dict[str, Any]:
    libraries = app.catalogue().libraries
    music = [library.id for library in libraries.all(app.owner) if library.kind == "folder"]
    count = sum(libraries.counts(app.owner, library_id).items for library_id in music)
    return {"scanning": any(one.scanning for one in house.service(Follower).all(app.owner)), "count": count}


def _answer(
    form: str, status: dict[str, Any] | None = None, error: tuple[int, str] | None = None
) -> Response:
    facts = {
        "status": "failed" if error else "ok",
        "version": VERSION,
        "type": "reprise",
        "serverVersion": __version__,
        "openSubsonic": True,
    }
    part = ("error", {"code": error[0], "message": error[1]}) if error else ("scanStatus", status or {})
    if form == "json":
        return JSONResponse({"subsonic-response": {**facts, part[0]: part[1]}})
    root = ElementTree.Element("subsonic-response", {"xmlns": NAMESPACE, **_words(facts)})
    ElementTree.SubElement(root, part[0], _words(part[1]))
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(content, media_type="application/xml")


def _words(facts: dict[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in facts.items()
    }
