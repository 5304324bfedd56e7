"""What the routes of renaming take and answer, beside plans and sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from reprise.core.listing import MOST_ID
from reprise.core.rename_journal import MoveState
from reprise.server.rename_view import PlanFacts, RowFacts, SessionFacts

MOST_NUMBERS = 150_000

TemplateText = Annotated[
    str, Field(max_length=1000, examples=["{artist} - {title}{mix_paren} [{camelot} {bpm}]"])
]
FolderOf = Annotated[str, Field(max_length=5000, description="As /api/v1/folders writes it; empty: the root")]
LibraryId = Annotated[int, Field(ge=1, le=MOST_ID)]


class PresetFacts(BaseModel):
    """A template that is ready to use."""

    id: str = Field(examples=["dj"])
    name: str
    template: str
    summary: str
    example: str = Field(description="What a track would be called")


class Presets(BaseModel):
    items: list[PresetFacts]


class FieldFacts(BaseModel):
    """A field of templates; any other tag is `tag:NAME`."""

    name: str = Field(examples=["artist"])
    summary: str
    example: str


class Fields(BaseModel):
    items: list[FieldFacts]


class ToCheck(BaseModel):
    """A template, and where the example is to come from."""

    template: TemplateText
    library_id: LibraryId | None = None
    folder: FolderOf = ""


class FaultFacts(BaseModel):
    """What is wrong, and where: in characters from 0."""

    position: int
    length: int
    message: str
    severity: Literal["error", "warning"]


class CheckedFacts(BaseModel):
    """What is wrong with a template, and what a track would be called by it; empty when it cannot be used."""

    valid: bool
    faults: list[FaultFacts]
    example: str


class Where(BaseModel):
    """A folder of a library."""

    library_id: LibraryId
    folder: FolderOf = ""


class ContextFacts(BaseModel):
    """What a folder's tracks are, and the template that suits them."""

    folder: str
    name: str
    album: str
    disc: str
    kind: Literal["album", "partial_album", "incomplete_album", "singles"]
    confidence: float = Field(description="0 to 1")
    level: Literal["high", "medium", "low"]
    reason: str
    preset: str
    template: str
    tracks: int
    gaps: int = Field(description="Numbers that are missing")


class Contexts(BaseModel):
    items: list[ContextFacts]
    warnings: list[str] = Field(description="What was left out")


class NewPlan(Where):
    """What names are to be planned for, and how."""

    template: TemplateText
    recursive: bool = Field(default=True, description="With all folders below")
    audio: bool = Field(default=True, description="false: without what was heard, which is quicker")
    sidecars: bool = Field(default=False, description="Files of the same stem go along")


class Plans(BaseModel):
    items: list[PlanFacts]


class RowPage(BaseModel):
    """Rows of a plan. ``total_count``: that there are; ``shown_count``: that can be had without ``all``."""

    items: list[RowFacts]
    total_count: int
    shown_count: int
    offset: int
    limit: int
    level: Literal["warning", "critical"] | None
    warnings: list[str]
    suggestions: list[str]
    truncated: bool


class Carrying(BaseModel):
    """What of a plan is carried out. Without numbers: all that gets a new name."""

    only: Annotated[list[Annotated[int, Field(ge=0, le=MOST_ID)]], Field(max_length=MOST_NUMBERS)] | None = (
        Field(default=None, description="Numbers of rows: these alone")
    )
    leave: Annotated[list[Annotated[int, Field(ge=0, le=MOST_ID)]], Field(max_length=MOST_NUMBERS)] = Field(
        default=[], description="Numbers of rows that are left out"
    )
    sidecars: bool = Field(default=True, description="Those that the plan has go along")
    references: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=4096)]], Field(max_length=100)
    ] = Field(
        default=[], description="Playlists and collections on the server that get a copy with the new names"
    )


class Sessions(BaseModel):
    """Sessions, the newest first."""

    items: list[SessionFacts]
    total_count: int
    offset: int
    limit: int


class MoveFacts(BaseModel):
    """One file of a session."""

    number: int
    folder: str
    old: str
    new: str
    kind: str
    state: MoveState
    code: str
    error: str


class Moves(BaseModel):
    items: list[MoveFacts]
    total_count: int
    offset: int
    limit: int


class Recovering(BaseModel):
    """What is to become of a session that ended in the middle."""

    finish: bool = Field(description="true: the rest is renamed as well; false: all gets its old name back")
