"""Whether the server lives and is ready, and what is wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from reprise import __version__
from reprise.core.health import DEGRADED, OK, Component
from reprise.diagnosis import diagnose
from reprise.server.access import Admin, Person, Seen, TheHouse
from reprise.server.asking import person_if_any
from reprise.server.problems import responses
from reprise.server.readiness import Readiness

router = APIRouter(prefix="/api/v1", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class Part(BaseModel):
    """One thing that the server needs."""

    name: str
    status: Literal["ok", "degraded", "off"]
    detail: Annotated[str, Field(description="Only for people who are signed in")] = ""
    cure: str = ""


class Ready(BaseModel):
    """Whether everything that the server needs is there."""

    status: Literal["ok", "degraded"]
    components: list[Part]


class Finding(BaseModel):
    """One check. ``good`` is null for a fact that is neither good nor bad."""

    check: str
    good: bool | None
    fact: str
    cure: str


class Findings(BaseModel):
    """All checks, in the order in which a person would look."""

    items: list[Finding]


@router.get("/health/live")
async def live() -> Live:
    """Whether the process answers. Looks at nothing."""
    return Live(version=__version__)


@router.get("/health/ready", responses={503: {"model": Ready, "description": "The catalogue cannot be used"}})
def ready(
    house: TheHouse, asking: Annotated[Person | None, Depends(person_if_any)], response: Response
) -> Ready:
    """Whether everything that the server needs is there. Answers within a second, from what was seen lately."""
    readiness = house.service(Readiness)
    found = readiness.components()
    if not readiness.usable():
        response.status_code = 503
    status = DEGRADED if any(part.status == DEGRADED for part in found) else OK
    shown = [_part(part, details=asking is not None) for part in found]
    return Ready.model_validate({"status": status, "components": shown})


def _part(component: Component, *, details: bool) -> dict[str, str]:
    facts = {"name": component.name, "status": component.status}
    return facts | ({"detail": component.detail, "cure": component.cure} if details else {})


@router.get("/doctor", responses=responses(401, 403))
def doctor(app: Seen, _: Admin) -> Findings:
    """What `reprise doctor` finds: every check with the cure of what is wrong. Reads all vectors: takes a while."""
    found = [
        Finding(check=finding.check, good=finding.good, fact=finding.fact, cure=finding.cure)
        for finding in diagnose(app)
    ]
    return Findings(items=found)
