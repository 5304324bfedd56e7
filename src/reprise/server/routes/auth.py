"""Signing in and out, the own password and tokens."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reprise import __version__
from reprise.core.accounts import User
from reprise.server.access import COOKIE, Anyone, SignedIn, TheHouse, address_of
from reprise.server.house import House
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])

MOST_PREFERENCES = 16 << 10  # bytes
MOST_DEPTH = 20
MOST_DAYS = 36_500  # a century


class Strict(BaseModel):
    """A body that holds what is known and nothing else."""

    model_config = ConfigDict(extra="forbid")


Password = Annotated[str, Field(min_length=8, max_length=256)]
OldPassword = Annotated[str, Field(min_length=1, max_length=1024)]


class Credentials(Strict):
    name: str = Field(min_length=1, max_length=64)
    password: OldPassword = Field(repr=False)


class PasswordChange(Strict):
    old: OldPassword = Field(repr=False)
    new: Password = Field(repr=False)


class NewToken(Strict):
    name: str = Field(min_length=1, max_length=100, description="What it is for")
    days: float | None = Field(None, gt=0, le=MOST_DAYS, description="How long it opens; null: until deleted")


class Me(BaseModel):
    """Who is signed in."""

    name: str
    role: Literal["admin", "user"]
    owner: str
    must_change: bool = Field(description="The password was for a single use: only changing it is allowed")
    preferences: dict[str, Any]
    version: str = Field(description="That of the server")


class TokenFacts(BaseModel):
    """Times in seconds since the epoch."""

    id: str
    name: str
    created_at: float
    expires_at: float | None
    last_used_at: float | None = Field(description="To a minute")


class TokenList(BaseModel):
    items: list[TokenFacts]


class MadeToken(BaseModel):
    id: str
    name: str
    token: str = Field(description="What opens; shown this once")
    expires_at: float | None


@router.post("/login", responses=responses(401, 429))
def login(given: Credentials, request: Request, response: Response, house: TheHouse) -> Me:
    """Sign in: sets the cookie of a new session. An earlier one of this browser ends."""
    user, session = house.accounts.sign_in(given.name, given.password, address_of(request))
    if before := request.cookies.get(COOKIE):
        house.accounts.sign_out(before)
    _set_cookie(request, response, house, session)
    return _me(house, user)


@router.post("/logout", status_code=204)
def logout(request: Request, response: Response, house: TheHouse) -> None:
    """Sign out; who is not signed in may as well."""
    if session := request.cookies.get(COOKIE):
        house.accounts.sign_out(session)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_is_secure(request))


@router.get("/me", responses=responses(401))
def me(asking: Anyone, request: Request, response: Response, house: TheHouse) -> Me:
    """Who is signed in. In a browser the cookie lasts on from here."""
    if asking.session:
        _set_cookie(request, response, house, asking.session)
    return _me(house, asking.user)


@router.post("/password", status_code=204, responses=responses(401, 403, 429))
def change_password(given: PasswordChange, asking: Anyone, request: Request, house: TheHouse) -> None:
    """Choose another password. All other sessions end; tokens stay."""
    accounts, address = house.accounts, address_of(request)
    accounts.change_password(asking.user, given.old, given.new, asking.session, address)


@router.get("/tokens", responses=responses(401, 403))
def list_tokens(asking: SignedIn, house: TheHouse) -> TokenList:
    """The own tokens, the newest last."""
    tokens = house.accounts.people.tokens(asking.name)
    return TokenList(items=[TokenFacts.model_validate(token, from_attributes=True) for token in tokens])


@router.post("/tokens", status_code=201, responses=responses(401, 403))
def make_token(given: NewToken, asking: SignedIn, house: TheHouse) -> MadeToken:
    """Make a token for a program: it may what its user may."""
    token, secret = house.accounts.make_token(asking.name, given.name, given.days)
    return MadeToken(id=token.id, name=token.name, token=secret, expires_at=token.expires_at)


@router.delete("/tokens/{token_id}", status_code=204, responses=responses(401, 403, 404))
def delete_token(
    token_id: Annotated[str, Path(min_length=1, max_length=64)], asking: SignedIn, house: TheHouse
) -> None:
    """Take a token back: it opens nothing from now on."""
    house.accounts.people.remove_token(asking.name, token_id)


def _small(preferences: dict[str, Any]) -> dict[str, Any]:
    """What JSON can say in so many bytes, so that it can always be said again."""
    if _depth(preferences) > MOST_DEPTH:
        raise ValueError(f"nested more than {MOST_DEPTH} deep")
    text = json.dumps(preferences, ensure_ascii=False, allow_nan=False)
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError("half a character (a lone surrogate)") from error
    if size > MOST_PREFERENCES:
        raise ValueError(f"more than {MOST_PREFERENCES >> 10} KiB")
    return preferences


def _depth(value: object) -> int:
    """How deep lists and objects are nested, counted no further than is taken."""
    level, depth = [value], 0
    while level and depth <= MOST_DEPTH:
        inside: list[object] = []
        for one in level:
            inside += one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
        level, depth = inside, depth + 1
    return depth


@router.put("/preferences", responses=responses(401, 403))
def set_preferences(
    given: Annotated[dict[str, Any], AfterValidator(_small)], asking: SignedIn, house: TheHouse
) -> dict[str, Any]:
    """Keep what the panel wants to remember of its user: any JSON object of 16 KiB at most."""
    house.accounts.people.set_preferences(asking.name, json.dumps(given))
    return given


def _me(house: House, user: User) -> Me:
    return Me(
        name=user.name,
        role=user.role.value,
        owner=user.owner,
        must_change=user.must_change,
        preferences=json.loads(house.accounts.people.preferences(user.name)),
        version=__version__,
    )


def _set_cookie(request: Request, response: Response, house: House, session: str) -> None:
    """Lax: a link from elsewhere finds its reader signed in; what writes is guarded besides."""
    lasts = max(1, int(house.accounts.session_seconds))
    response.set_cookie(
        COOKIE, session, max_age=lasts, httponly=True, samesite="lax", secure=_is_secure(request)
    )


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
