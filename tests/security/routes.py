"""Every way into the server, from the application's own router, and who may take it.

What is not listed here fails ``test_routes.py``: whoever adds a route says whom it is for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount
from starlette.routing import Route as PlainRoute

from reprise.server.methods import OtherMethods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI


class Door(StrEnum):
    """Whom a route lets in."""

    PUBLIC = "public"
    OWN = "own account"
    """Whoever is signed in, also with a password for a single use."""
    PERSON = "signed in"
    ADMIN = "admin"
    PROGRAM = "subsonic"
    """A token, no cookie; what is wrong is said in an answer of status 200. To scan is for administrators."""
    LOCAL = "this machine"
    """Administrators, and programs of this machine: to figures always, to embedding if a setting says so."""


class Route(NamedTuple):
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


PUBLIC = {
    "GET /api/v1/openapi.json": "the description of the API, the same for all installations",
    "HEAD /api/v1/openapi.json": "the same",
    "GET /api/v1/docs": "the same, for people",
    "GET /api/v1/docs.css": "its style",
    "POST /api/v1/auth/login": "the door itself",
    "POST /api/v1/auth/logout": "who is not signed in may sign out",
    "GET /api/v1/health/live": "containers ask whether the process lives; it says its version",
    "GET /api/v1/health/ready": "containers ask whether it is ready; strangers read words, no details",
    "GET /api/{path:path}": "a path that there is not: 404",
    "POST /api/{path:path}": "the same",
    "PUT /api/{path:path}": "the same",
    "PATCH /api/{path:path}": "the same",
    "DELETE /api/{path:path}": "the same",
    "MOUNT ": "the panel: files of the installed package, the same for all installations",
    "GET /{path:path}": "the page that says that there is no panel",
}
"""Routes that ask for nobody, each with the reason."""

OWN = """
GET /api/v1/auth/me
POST /api/v1/auth/password
"""

PERSON = """
GET /api/find_path
GET /api/similar_artists
GET /api/similar_tracks
PUT /api/v1/auth/preferences
GET /api/v1/auth/tokens
POST /api/v1/auth/tokens
DELETE /api/v1/auth/tokens/{token_id}
GET /api/v1/duplicates
GET /api/v1/events
GET /api/v1/events/recent
GET /api/v1/folders
GET /api/v1/items
GET /api/v1/items/facets
GET /api/v1/items/lines
GET /api/v1/items/{item_id}
GET /api/v1/items/{item_id}/analysis
GET /api/v1/items/{item_id}/audio
HEAD /api/v1/items/{item_id}/audio
GET /api/v1/items/{item_id}/explain
GET /api/v1/libraries
GET /api/v1/libraries/{library_id}
GET /api/v1/libraries/{library_id}/problems
GET /api/v1/lookup
GET /api/v1/map
GET /api/v1/models
GET /api/v1/path
GET /api/v1/persons
POST /api/v1/persons
DELETE /api/v1/persons/{person_id}
GET /api/v1/persons/{person_id}
PATCH /api/v1/persons/{person_id}
GET /api/v1/persons/{person_id}/photos
POST /api/v1/persons/{person_id}/photos
DELETE /api/v1/persons/{person_id}/photos/{photo_id}
GET /api/v1/persons/{person_id}/photos/{photo_id}/file
HEAD /api/v1/persons/{person_id}/photos/{photo_id}/file
GET /api/v1/pipeline
POST /api/v1/playlists
POST /api/v1/playlists/send
GET /api/v1/radio
GET /api/v1/rename/fields
GET /api/v1/rename/presets
POST /api/v1/rename/templates/check
GET /api/v1/scenes/preferences
PUT /api/v1/scenes/preferences
POST /api/v1/scenes/search
GET /api/v1/scenes/{scene_id}
PATCH /api/v1/scenes/{scene_id}
GET /api/v1/scenes/{scene_id}/thumbnail
HEAD /api/v1/scenes/{scene_id}/thumbnail
GET /api/v1/search
GET /api/v1/similar
GET /api/v1/videos
GET /api/v1/videos/export
POST /api/v1/videos/import
POST /api/v1/videos/ingest
GET /api/v1/videos/{video_id}
GET /api/v1/videos/{video_id}/file
HEAD /api/v1/videos/{video_id}/file
GET /api/v1/videos/{video_id}/scenes
GET /api/v1/videos/{video_id}/transcript
PUT /api/v1/videos/{video_id}/transcript
"""

ADMIN = """
POST /api/v1/admin/reprocess-all
GET /api/v1/admin/reprocess-embeddings
POST /api/v1/admin/reprocess-embeddings
GET /api/v1/admin/reprocess-embeddings/{run_id}
GET /api/v1/cues/rekordbox
GET /api/v1/doctor
GET /api/v1/failures
POST /api/v1/failures/dismiss
GET /api/v1/failures/recent
POST /api/v1/failures/retry
GET /api/v1/following
GET /api/v1/jobs
POST /api/v1/jobs
POST /api/v1/jobs/estimate
GET /api/v1/jobs/{job_id}
POST /api/v1/jobs/{job_id}/cancel
GET /api/v1/jobs/{job_id}/events
POST /api/v1/jobs/{job_id}/pause
POST /api/v1/jobs/{job_id}/resume
POST /api/v1/libraries
DELETE /api/v1/libraries/{library_id}
PATCH /api/v1/libraries/{library_id}
POST /api/v1/libraries/{library_id}/scan
GET /api/v1/machine
POST /api/v1/map/refresh
POST /api/v1/rename/context
GET /api/v1/rename/plans
POST /api/v1/rename/plans
DELETE /api/v1/rename/plans/{plan_id}
GET /api/v1/rename/plans/{plan_id}
POST /api/v1/rename/plans/{plan_id}/apply
GET /api/v1/rename/plans/{plan_id}/rows
GET /api/v1/rename/sessions
GET /api/v1/rename/sessions/{session_id}
POST /api/v1/rename/sessions/{session_id}/cancel
GET /api/v1/rename/sessions/{session_id}/moves
POST /api/v1/rename/sessions/{session_id}/recover
POST /api/v1/rename/sessions/{session_id}/undo
GET /api/v1/schedules
POST /api/v1/schedules
DELETE /api/v1/schedules/{schedule_id}
PATCH /api/v1/schedules/{schedule_id}
GET /api/v1/settings
PATCH /api/v1/settings
GET /api/v1/users
POST /api/v1/users
DELETE /api/v1/users/{name}
PATCH /api/v1/users/{name}
POST /v1/admin/reprocess-embeddings
"""

PROGRAM = """
GET /rest/getScanStatus
GET /rest/getScanStatus.view
GET /rest/startScan
GET /rest/startScan.view
"""

LOCAL = """
GET /metrics
POST /batch/start
GET /batch/progress
POST /batch/cancel
POST /embed/audio
GET /embed/status
POST /embed/status
GET /embed/health
POST /embed_text
"""

DOORS: dict[str, Door] = {
    **dict.fromkeys(PUBLIC, Door.PUBLIC),
    **{
        line: door
        for door, lines in (
            (Door.OWN, OWN), (Door.PERSON, PERSON), (Door.ADMIN, ADMIN), (Door.PROGRAM, PROGRAM), (Door.LOCAL, LOCAL),
        )
        for line in lines.split("\n") if line
    },
}  # fmt: skip


def routes_of(api: FastAPI) -> list[Route]:
    """All of them, however deep they are included. Raises ``TypeError`` for a kind that nobody has thought of."""
    return sorted(set(_routes(api.routes, "")))


def _routes(routes: list[BaseRoute], prefix: str) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, OtherMethods):
            continue  # answers 405 for addresses that are listed here
        if isinstance(route, APIRoute | PlainRoute):
            for method in route.methods or {"ANY"}:
                yield Route(method, prefix + route.path)
        elif isinstance(route, Mount):
            yield Route("MOUNT", prefix + route.path)
            yield from _routes(list(route.routes or ()), prefix + route.path)
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from _routes(included.routes, prefix + route.include_context.prefix)  # type: ignore[attr-defined]
        else:
            raise TypeError(f"{type(route).__name__} is a way in that nobody has thought of: {route}")


def door_of(route: Route) -> Door | None:
    """Nothing for a route that nobody has listed."""
    return DOORS.get(str(route))


def place_of(route: Route, ids: dict[str, Any] | None = None) -> str:
    """The route's address, with these ids or with some that nothing has."""
    filled = route.path.replace("{path:path}", "no/such/thing")
    while "{" in filled:
        before, _, rest = filled.partition("{")
        name, _, after = rest.partition("}")
        filled = f"{before}{(ids or {}).get(name, 987654321)}{after}"
    return filled or "/"
