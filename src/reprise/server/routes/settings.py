"""The settings: every one with its value, and where that comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from reprise.known_settings import SETTINGS, Setting
from reprise.server.access import Admin, TheHouse
from reprise.server.problems import responses
from reprise.settings import Origin, Settings

router = APIRouter(prefix="/api/v1", tags=["settings"])

LARGEST = 2**63 - 1
LONGEST = 10_000
"""Characters."""

Given = (
    StrictBool
    | Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)]
    | Annotated[StrictFloat, Field(allow_inf_nan=False)]
    | Annotated[StrictStr, Field(max_length=LONGEST)]
    | None
)
Shown = bool | int | float | str
KINDS: dict[type, Literal["bool", "int", "float", "text"]] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
}


class Row(BaseModel):
    """One setting."""

    name: str
    value: Annotated[Shown | None, Field(description="Null for a secret; `given` says whether there is one")]
    given: Annotated[bool, Field(description="Whether the value differs from the default")]
    default: Shown
    help: str
    kind: Literal["bool", "int", "float", "text"]
    choices: Annotated[list[str], Field(description="The words allowed; empty: any")]
    least: float | None
    most: float | None
    source: Origin
    variable: Annotated[str, Field(description="Of the environment, which is stronger than the file")]
    secret: bool
    restart: Annotated[bool, Field(description="Whether it holds only from the server's next start on")]


class Rows(BaseModel):
    """All settings, in the order in which they are described."""

    items: list[Row]


@router.get("/settings", responses=responses(401, 403))
def settings(house: TheHouse, _: Admin) -> Rows:
    """Every setting with its value. Secrets are never told."""
    return _rows(house.app.settings)


@router.patch("/settings", responses=responses(401, 403, 409, 422))
def change_settings(
    house: TheHouse,
    _: Admin,
    changes: Annotated[
        dict[Annotated[str, Field(max_length=100)], Given],
        Body(
            max_length=100,
            description="Values by name; null takes one back to its default",
            examples=[{"workers": 4}],
        ),
    ],
) -> Rows:
    """Write these into `config.toml`, all or none. Jobs that run go on with what they began with."""
    house.configure(changes)
    return _rows(house.app.settings)


def _rows(settings: Settings) -> Rows:
    return Rows(items=[_row(setting, settings) for setting in SETTINGS])


def _row(setting: Setting, settings: Settings) -> Row:
    value = settings.values[setting.name]
    return Row(
        name=setting.name,
        value=None if setting.secret else value,
        given=value != setting.default,
        default=setting.default,
        help=setting.help,
        kind=KINDS[type(setting.default)],
        choices=list(setting.choices),
        least=setting.least,
        most=setting.most,
        source=settings.origin(setting.name),
        variable=setting.variable,
        secret=setting.secret,
        restart=setting.restart,
    )
