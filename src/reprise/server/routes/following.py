"""What is followed: libraries, a music server, and what went wrong in embedding what their scans found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from reprise.errors import UsageError
from reprise.server.access import Seen, TheHouse, admin
from reprise.server.followed import Followed
from reprise.server.following import Follower
from reprise.server.problems import responses

router = APIRouter(
    prefix="/api/v1",
    tags=["following"],
    dependencies=[Depends(admin)],
    responses=responses(401, 403),
)

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]


class ScanWish(BaseModel):
    """How to scan."""

    full: bool = Field(
        False, description="Read the tags of all files anew, also of those that look unchanged"
    )
    remote: bool = Field(False, description="Ask the followed music server to scan as well")


class Scanning(BaseModel):
    scanning: bool


class RecentFailure(BaseModel):
    """``path`` is empty when no single item is to blame. ``at`` in seconds since the epoch."""

    path: str
    model: str
    code: str
    message: str
    at: float


class RecentFailures(BaseModel):
    items: list[RecentFailure]


class FollowedLibrary(BaseModel):
    library_id: int
    name: str
    watch: bool
    how: str = Field(
        description="told: the system tells of changes; polls: it is looked at again and again; off"
    )
    reason: str = Field(description="Why it is polled")
    scanning: bool
    job_id: str = Field(description="The job that embeds what is new; empty when there is none")
    trouble: str


class FollowedServer(BaseModel):
    """``how``: events, asking, or nothing yet. ``synced_at``: when its ids were learned the last time."""

    how: str
    trouble: str
    synced_at: float | None


class FollowingState(BaseModel):
    enabled: bool
    libraries: list[FollowedLibrary]
    server: FollowedServer | None


@router.post("/libraries/{library_id}/scan", status_code=202, responses=responses(404, 502, 504))
def scan_library(library_id: Id, app: Seen, house: TheHouse, wish: ScanWish | None = None) -> Scanning:
    """Look at a whole library in the background; events tell how far it is, and what is new is embedded."""
    wish = wish or ScanWish(full=False, remote=False)
    library = app.catalogue().libraries.get(app.owner, library_id)
    follower = house.service(Follower)
    if wish.remote:
        if follower.server is None or not follower.server.follows:
            raise UsageError(
                "no music server is followed",
                cure="set subsonic_url, subsonic_user, subsonic_password and watch",
            )
        follower.server.start_scan(full=wish.full)
    follower.scan(library, full=wish.full)
    return Scanning(scanning=True)


@router.get("/failures/recent")
def recent_failures(app: Seen, house: TheHouse) -> RecentFailures:
    """The last 100 errors of embedding what scans found, the newest first."""
    errors = house.service(Follower).recent_errors(app.owner)
    return RecentFailures(
        items=[
            RecentFailure(path=e.path, model=e.model, code=e.code, message=e.message, at=e.at) for e in errors
        ]
    )


@router.get("/following")
def following(app: Seen, house: TheHouse) -> FollowingState:
    """What is followed, and how it is."""
    follower = house.service(Follower)
    server = follower.server
    return FollowingState(
        enabled=follower.enabled,
        libraries=[_facts(one) for one in follower.all(app.owner)],
        server=FollowedServer(how=server.how, trouble=server.trouble, synced_at=server.synced_at)
        if server is not None and server.follows
        else None,
    )


def _facts(one: Followed) -> FollowedLibrary:
    watched = one.library.watch and one.arrivals is not None
    troubles = [one.trouble, one.arrivals.trouble if one.arrivals else ""]
    return FollowedLibrary(
        library_id=one.library.id,
        name=one.library.name,
        watch=watched,
        how=("polls" if one.polls else "told") if watched else "off",
        reason=one.polls,
        scanning=one.scanning,
        job_id=one.arrivals.job_id if one.arrivals else "",
        trouble="; ".join(filter(None, troubles)),
    )
