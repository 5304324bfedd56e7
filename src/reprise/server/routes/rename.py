"""Renaming: templates, plans of new names, and sessions that carry them out and take them back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from reprise.app import App
from reprise.core.rename_journal import MoveState, Session
from reprise.errors import RenameConflict, RepriseError
from reprise.rename.presets import PRESETS
from reprise.renaming import Renaming
from reprise.server.access import Admin, Seen, SignedIn, TheHouse
from reprise.server.folder_paths import read_folder, write_folder
from reprise.server.problems import responses
from reprise.server.rename_forms import (
    Carrying,
    CheckedFacts,
    ContextFacts,
    Contexts,
    FaultFacts,
    FieldFacts,
    Fields,
    MoveFacts,
    Moves,
    NewPlan,
    Plans,
    PresetFacts,
    Presets,
    Recovering,
    RowPage,
    Sessions,
    ToCheck,
    Where,
)
from reprise.server.rename_shelf import Kept
from reprise.server.rename_stream import Handover, renaming_events
from reprise.server.rename_view import (
    PlanFacts,
    SessionFacts,
    length_facts,
    plan_facts,
    session_facts,
    shown_rows,
)
from reprise.server.renaming import Renamings, new_plan, within_seconds
from reprise.server.stream import EventStream

if TYPE_CHECKING:
    from reprise.core.events import Emit

router = APIRouter(prefix="/api/v1/rename", tags=["rename"], responses=responses(401, 422))

JUDGING_SECONDS = 20.0
STREAM = "text/event-stream"

PlanId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
SessionId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$")]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=1000)]


async def renamings(house: TheHouse) -> Renamings:
    return house.service(Renamings)


def own(house: TheHouse, asking: Admin) -> App:
    """The installation as the administrator sees it."""
    return house.of(asking.owner)


Service = Annotated[Renamings, Depends(renamings)]
Own = Annotated[App, Depends(own)]

# templates


@router.get("/presets")
def list_presets(_: SignedIn) -> Presets:
    """Templates that are ready to use."""
    return Presets(
        items=[
            PresetFacts(
                id=one.id, name=one.name, template=one.template, summary=one.summary, example=one.example
            )
            for one in PRESETS
        ]
    )


@router.get("/fields")
def list_fields(_: SignedIn) -> Fields:
    """What a template can hold."""
    return Fields(items=[FieldFacts(**field._asdict()) for field in Renaming.fields()])


@router.post("/templates/check", responses=responses(404))
def check_template(app: Seen, wanted: ToCheck) -> CheckedFacts:
    """What is wrong with a template and where, and an example: of the first track of the folder, if one is named."""
    sample = None if wanted.library_id is None else _sample(app, wanted.library_id, wanted.folder)
    renaming = Renaming(app)
    try:
        checked = renaming.check(wanted.template, sample)
    except RepriseError:  # the sample cannot be read: a made-up track does as well
        checked = renaming.check(wanted.template)
    faults = [
        FaultFacts(
            position=fault.position, length=fault.length, message=fault.message, severity=fault.severity.value
        )
        for fault in checked.faults
    ]
    return CheckedFacts(valid=checked.valid, faults=faults, example=checked.example)


def _sample(app: App, library_id: int, folder: str) -> FilePath | None:
    """A track of the folder, or of one below it, as the catalogue knows them."""
    from reprise.core.listing import Filters, Sorting

    library = app.catalogue().libraries.get(app.owner, library_id)
    filters = Filters(library_id=library_id, folder=read_folder(folder))
    ids = app.catalogue().listing.page(app.owner, filters, Sorting(), limit=1).ids
    found = app.catalogue().items.get(app.owner, ids)
    paths = [os.path.join(library.root, item.file) for item in found.values()]
    return FilePath(os.fsdecode(paths[0])) if paths else None


@router.post("/context", responses=responses(403, 404))
def judge_context(app: Own, where: Where) -> Contexts:
    """Whether the folders hold albums, parts of albums or single tracks, and which template suits each."""
    folder = _folder(app, where.library_id, where.folder)
    found = within_seconds(lambda: Renaming(app).context(folder), JUDGING_SECONDS)
    items = []
    for one in found.items:
        facts = {key: value for key, value in one.as_dict().items() if not key.endswith("_b64")}
        items.append(ContextFacts(**facts | {"folder": write_folder(one.folder)}))
    return Contexts(items=items, warnings=list(found.warnings))


def _folder(app: App, library_id: int, folder: str) -> FilePath:
    """The folder's absolute path. Raises ``NotFound`` for what is not in the library, or a link."""
    library = app.catalogue().libraries.get(app.owner, library_id)
    inside = read_folder(folder)
    app.source(library).folders(inside)
    return FilePath(os.fsdecode(os.path.join(library.root, inside)))


# plans


@router.post("/plans", status_code=202, responses=responses(403, 404, 409))
def make_plan(app: Own, service: Service, wanted: NewPlan) -> PlanFacts:
    """Work out new names, in the background; nothing is renamed."""
    plan = new_plan(
        app,
        wanted.library_id,
        write_folder(read_folder(wanted.folder)),
        wanted.template,
        recursive=wanted.recursive,
        audio=wanted.audio,
        sidecars=wanted.sidecars,
    )
    return _plan(service, service.plan(app, plan).plan)


@router.get("/plans", responses=responses(403))
def list_plans(app: Own, service: Service) -> Plans:
    """The plans that are kept, the newest first: twenty, for a week."""
    return Plans(items=[_plan(service, plan) for plan in service.shelf.all(app.owner)])


@router.get("/plans/{plan_id}", responses=responses(403, 404))
def show_plan(app: Own, service: Service, plan_id: PlanId) -> PlanFacts:
    """One plan, and how far it is."""
    return _plan(service, service.shelf.get(app.owner, plan_id))


@router.get("/plans/{plan_id}/rows", response_model=RowPage, responses=responses(403, 404, 409))
def list_rows(
    app: Own,
    service: Service,
    plan_id: PlanId,
    status: Annotated[
        Literal["", "rename", "unchanged", "refused", "noted"],
        Query(description="noted: renamed or unchanged, with something to know"),
    ] = "",
    q: Annotated[str, Query(max_length=200, description="Words of folder, old or new name")] = "",
    everything: Annotated[
        bool, Query(alias="all", description="Also what lies beyond the first 1,000 of more than 25,000")
    ] = False,
    offset: Offset = 0,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
) -> Response:
    """The rows of a plan: pages, or without a limit all of them up to 25,000."""
    plan = _made(service, app, plan_id)
    wanted = limit or 1
    rows, total = service.shelf.rows(plan, status, q.strip(), offset, wanted if limit else 0)
    shown = shown_rows(total, everything=everything)
    room = max(0, min(shown - offset, limit or (1000 if shown > 25_000 else shown)))
    if len(rows) != room:
        rows, _ = service.shelf.rows(plan, status, q.strip(), offset, room)
    facts = {
        "items": [row.as_dict() for row in rows],
        "total_count": total,
        "shown_count": shown,
        "offset": offset,
        "limit": limit or room,
        **length_facts(total, everything=everything),
    }
    return Response(
        json.dumps(facts, ensure_ascii=False).encode(errors="replace"), media_type="application/json"
    )


@router.delete("/plans/{plan_id}", status_code=204, responses=responses(403, 404))
def drop_plan(app: Own, service: Service, plan_id: PlanId) -> None:
    """Forget a plan, or cancel its making. What it renamed stays renamed."""
    service.drop(app.owner, plan_id)


@router.post(
    "/plans/{plan_id}/apply",
    status_code=202,
    response_model=SessionFacts,
    responses={
        200: {
            "description": "With `Accept: text/event-stream`: start, a progress for each file, then completed,"
            " cancelled or error. Closing the stream cancels.",
            "content": {STREAM: {"schema": {"type": "string"}}},
        },
        **responses(403, 404, 409),
    },
)
async def apply_plan(
    request: Request,
    house: TheHouse,
    app: Own,
    service: Service,
    plan_id: PlanId,
    wanted: Carrying,
    stream: Annotated[bool, Query(description="false: no stream, whatever is accepted")] = True,
) -> Response:
    """Rename the files of a plan. It goes on when nobody listens, unless a stream was asked for."""
    plan = await run_in_threadpool(_made, service, app, plan_id)
    streamed = stream and STREAM in request.headers.get("accept", "")
    handover = Handover() if streamed else None

    def begin() -> Any:
        return service.apply(
            app,
            plan,
            only=None if wanted.only is None else set(wanted.only),
            leave=set(wanted.leave),
            sidecars=wanted.sidecars,
            references=wanted.references,
            ear=handover.tell if handover else None,
        )

    working = await run_in_threadpool(begin)
    if handover is not None:
        headers = {"Cache-Control": "no-cache, no-store", "X-Accel-Buffering": "no"}
        return EventStream(renaming_events(house, working, handover), headers=headers)
    return JSONResponse(await run_in_threadpool(_facts_of, app, service, working.session_id), 202)


# sessions


@router.get("/sessions", responses=responses(403))
def list_sessions(app: Own, service: Service, offset: Offset = 0, limit: Limit = 50) -> Sessions:
    """What was renamed, and what is being renamed."""
    found, total = app.catalogue().renames.page(app.owner, limit, offset)
    items = [SessionFacts(**session_facts(app, service, one)) for one in found]
    return Sessions(items=items, total_count=total, offset=offset, limit=limit)


@router.get("/sessions/{session_id}", responses=responses(403, 404))
def show_session(app: Own, service: Service, session_id: SessionId) -> SessionFacts:
    """One session, and how far it is."""
    return SessionFacts(**_facts_of(app, service, session_id))


@router.get("/sessions/{session_id}/moves", responses=responses(403, 404))
def list_moves(
    app: Own,
    session_id: SessionId,
    state: Annotated[MoveState | None, Query(description="Only these")] = None,
    offset: Offset = 0,
    limit: Limit = 200,
) -> Moves:
    """The files of a session, and what became of each."""
    renames = app.catalogue().renames
    session = renames.get(app.owner, session_id)
    found, total = renames.moves(app.owner, session.id, state=state, limit=limit, offset=offset)
    items = []
    for move in found:
        facts = move.as_dict()
        items.append(
            MoveFacts(**{key: facts[key] for key in facts if key != "reason"}, error=facts["reason"])
        )
    return Moves(items=items, total_count=total, offset=offset, limit=limit)


@router.post("/sessions/{session_id}/cancel", status_code=202, responses=responses(403, 404, 409))
def cancel_session(app: Own, service: Service, session_id: SessionId) -> SessionFacts:
    """End it after the file in hand; what is renamed stays, and can be taken back."""
    session = app.catalogue().renames.get(app.owner, session_id)
    working = service.at_work(session.id)
    if working is None:
        raise RenameConflict(
            f"nobody works on session {session.id} in this server",
            cure="end the command that does; one that has ended can be undone",
        )
    working.stop()
    return SessionFacts(**_facts_of(app, service, session.id))


@router.post("/sessions/{session_id}/undo", status_code=202, responses=responses(403, 404, 409))
def undo_session(app: Own, service: Service, session_id: SessionId) -> SessionFacts:
    """Give the files their old names back, each if it is still the same."""
    session = app.catalogue().renames.get(app.owner, session_id)
    return _worked(app, service, session, lambda emit, stop: Renaming(app).undo(session.id, emit, stop))


@router.post("/sessions/{session_id}/recover", status_code=202, responses=responses(403, 404, 409))
def recover_session(app: Own, service: Service, session_id: SessionId, wanted: Recovering) -> SessionFacts:
    """Finish a session that ended in the middle, or take back what it did."""
    session = app.catalogue().renames.get(app.owner, session_id)
    return _worked(
        app,
        service,
        session,
        lambda emit, stop: Renaming(app).recover(session.id, emit, stop, finish=wanted.finish),
    )


def _worked(
    app: App, service: Renamings, session: Session, run: Callable[[Emit, Callable[[], bool]], Session]
) -> SessionFacts:
    service.work(run)
    return SessionFacts(**_facts_of(app, service, session.id))


def _plan(service: Renamings, plan: Kept) -> PlanFacts:
    return PlanFacts(**plan_facts(service, plan))


def _made(service: Renamings, app: App, plan_id: str) -> Kept:
    """The plan, once it is made. Raises ``NotFound``, and ``RenameConflict`` while it is being made."""
    plan = service.shelf.get(app.owner, plan_id)
    if plan.counts is None:
        raise RenameConflict(
            f"the plan {plan.id} is not made: {plan.error or 'wait for it'}",
            cure="look at its state, or make a new one",
        )
    return plan


def _facts_of(app: App, service: Renamings, session_id: str) -> dict[str, Any]:
    return session_facts(app, service, app.catalogue().renames.get(app.owner, session_id))
