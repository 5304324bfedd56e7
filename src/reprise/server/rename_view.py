"""Plans, their rows and sessions of renaming as the API tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from reprise.core.items import display_path
from reprise.core.listing import CUT_ABOVE, WARN_ABOVE, whole_list_rows
from reprise.core.rename_journal import SessionState
from reprise.core.renaming import RowStatus
from reprise.rename.sessions import rename_lock
from reprise.server.rename_shelf import Kept

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.rename_journal import Session
    from reprise.server.renaming import Renamings

_FOLDER = "take a folder at a time"
_SHELL = "use the command line: reprise rename plan FOLDER --output FILE"
_NARROW = "narrow the rows by status or words, or ask for all of them: all=true"

_UNDOABLE = frozenset(
    {
        SessionState.DONE,
        SessionState.DONE_WITH_ERRORS,
        SessionState.CANCELLED,
        SessionState.INTERRUPTED,
        SessionState.PARTLY_UNDONE,
    }
)


class PlanFacts(BaseModel):
    """A plan of renaming. Nothing is renamed by making one."""

    id: str
    state: Literal["planning", "ready", "failed"]
    done: int = Field(description="Files looked at so far")
    total: int | None = Field(
        description="Files to look at, as far as the catalogue knows; null: it does not"
    )
    counts: dict[RowStatus, int] = Field(
        description="Rows by status", examples=[{"rename": 90, "unchanged": 8, "refused": 2}]
    )
    total_count: int = Field(description="Rows")
    level: Literal["warning", "critical"] | None = Field(description="More than 10,000 rows, or 25,000")
    warnings: list[str]
    suggestions: list[str]
    truncated: bool = Field(description="Rows beyond the first 1,000 are told only with all=true")
    library_id: int
    folder: str = Field(description="As /api/v1/folders writes it")
    template: str
    recursive: bool
    audio: bool
    sidecars: bool
    created_at: float
    session_id: str | None = Field(description="That carried it out")
    error: str = Field(description="Why it could not be made")


class RowFacts(BaseModel):
    """One file of a plan. ``*_b64``: the bytes of a name that is no UTF-8."""

    number: int
    folder: str
    folder_b64: str | None = None
    old: str
    old_b64: str | None = None
    new: str
    new_b64: str | None = None
    status: RowStatus
    kind: Literal["track", "sidecar"]
    code: str = Field(
        description="Why it is refused, or what is to be known of its name", examples=["shortened"]
    )
    reason: str
    values: dict[str, tuple[str, str]] = Field(
        description="Each field in the name: its text, and where it comes from",
        examples=[{"artist": ["Boards of Canada", "tag"], "bpm": ["84", "audio"]}],
    )
    notes: list[str]


class SessionFacts(BaseModel):
    """A renaming. ``interrupted``: whoever did it is gone; every file has one of its two names."""

    id: str
    state: SessionState
    root: str
    folder: str
    template: str
    total: int
    done: int = Field(description="Files that have their new name now")
    failed: int
    percent: float
    current: str
    created_at: float
    finished_at: float | None
    error: str
    can_undo: bool
    can_recover: bool = Field(description="It can be finished, or taken back")


def plan_facts(renamings: Renamings, plan: Kept) -> dict[str, Any]:
    """The fields of ``PlanFacts``."""
    plan, planning = renamings.now(plan)
    state = "planning" if planning else "ready" if plan.counts is not None else "failed"
    lost = "" if planning or plan.counts is not None else "the server was stopped while it was made"
    done = planning.done if planning else plan.total
    return {
        "id": plan.id,
        "state": state,
        "done": done,
        "total": None
        if planning and planning.total is None
        else max(done, planning.total or 0)
        if planning
        else done,
        "counts": {status.value: (plan.counts or {}).get(status.value, 0) for status in RowStatus},
        "total_count": plan.total,
        **length_facts(plan.total, everything=False),
        "library_id": plan.library_id,
        "folder": plan.folder,
        "template": plan.template,
        "recursive": plan.recursive,
        "audio": plan.audio,
        "sidecars": plan.sidecars,
        "created_at": plan.created_at,
        "session_id": plan.session_id,
        "error": plan.error or lost,
    }


def length_facts(total: int, *, everything: bool) -> dict[str, Any]:
    """What is to be said of a list of so many rows, of which only the first are shown unless ``everything`` is asked for."""
    level, suggestions = None, []
    if total > WARN_ABOVE:
        level, suggestions = "warning", [_FOLDER, _SHELL]
    if total > CUT_ABOVE:
        level, suggestions = "critical", [_FOLDER, _SHELL, _NARROW]
    warnings = (
        [f"{total:,} files are {'too ' if level == 'critical' else ''}many for one preview"] if level else []
    )
    return {
        "level": level,
        "warnings": warnings,
        "suggestions": suggestions,
        "truncated": not everything and whole_list_rows(total) < total,
    }


def shown_rows(total: int, *, everything: bool) -> int:
    """How many of so many rows can be had."""
    return total if everything else whole_list_rows(total)


def session_facts(app: App, renamings: Renamings, session: Session) -> dict[str, Any]:
    """The fields of ``SessionFacts``; of one that is under way here as far as it is this moment."""
    working = renamings.at_work(session.id)
    alive = working is not None or app.locks.held(rename_lock(session.root))
    state = session.state
    if state.under_way and not alive:
        state = SessionState.INTERRUPTED
    elif working is not None and not state.under_way:  # what is left to do is not for anybody else yet
        state = SessionState.UNDOING if working.back else SessionState.RUNNING
    dead = state is SessionState.INTERRUPTED
    now = working.now if working else None
    done = session.done
    percent = 100.0 * (session.done + session.failed) / session.total if session.total else 100.0
    if now is not None and state.under_way:
        percent = now.percent
        done = now.done
    return {
        "id": session.id,
        "state": state,
        "root": display_path(session.root),
        "folder": str(session.options.get("folder", "")),
        "template": str(session.options.get("template", "")),
        "total": session.total,
        "done": done,
        "failed": session.failed,
        "percent": min(100.0, percent),
        "current": now.current if now and state.under_way else "",
        "created_at": session.created_at,
        "finished_at": session.finished_at,
        "error": session.error,
        "can_undo": not alive and session.done > 0 and (session.state in _UNDOABLE or dead),
        "can_recover": not alive and (session.state.unfinished or dead),
    }
