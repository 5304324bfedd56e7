"""People and their roles, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from reprise.core.accounts import NAME_PATTERN, Role, User
from reprise.server.access import TheHouse, admin
from reprise.server.problems import responses
from reprise.server.routes.auth import Password, Strict

router = APIRouter(
    prefix="/api/v1/users", tags=["users"], dependencies=[Depends(admin)], responses=responses(401, 403)
)

Name = Annotated[str, Path(max_length=64, pattern=NAME_PATTERN)]
Owner = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class UserFacts(BaseModel):
    name: str
    role: Role
    owner: str = Field(description="Whose libraries they see")
    must_change: bool = Field(description="Their password was for a single use")
    created_at: float = Field(description="In seconds since the epoch")


class UserList(BaseModel):
    items: list[UserFacts]


class NewUser(Strict):
    name: str = Field(max_length=64, pattern=NAME_PATTERN)
    role: Role
    owner: Owner | None = Field(None, description="Whose libraries they see; else their own: the name")
    password: Password | None = Field(None, repr=False, description="Without it one for a single use is made")


class MadeUser(UserFacts):
    password: str | None = Field(None, description="For a single use; only here, and only when it was made")


class UserChange(Strict):
    role: Role | None = None
    owner: Owner | None = None
    password: Password | None = Field(None, repr=False, description="Signs them out everywhere")


@router.get("")
def list_users(house: TheHouse) -> UserList:
    """Everybody, by name."""
    return UserList(items=[_facts(user) for user in house.accounts.people.all()])


@router.post("", status_code=201, response_model_exclude_none=True, responses=responses(409))
def add_user(given: NewUser, house: TheHouse) -> MadeUser:
    """Let somebody in."""
    user, made = house.accounts.add(given.name, given.role, given.owner or given.name, given.password)
    return MadeUser(**_facts(user).model_dump(), password=made)


@router.patch("/{name}", responses=responses(404, 409))
def change_user(name: Name, given: UserChange, house: TheHouse) -> UserFacts:
    """Change what is given. It counts from their next request on."""
    people = house.accounts.people
    people.change(name, role=given.role, owner=given.owner)
    if given.password:
        house.accounts.reset_password(name, given.password)
    return _facts(people.get(name))


@router.delete("/{name}", status_code=204, responses=responses(404, 409))
def remove_user(name: Name, house: TheHouse) -> None:
    """Let somebody in no more. The libraries that they saw stay."""
    house.accounts.people.remove(name)


def _facts(user: User) -> UserFacts:
    return UserFacts.model_validate(user, from_attributes=True)
