"""People, how they are signed in, and the port of their records. They stand above owners: each sees one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

NAME_PATTERN = r"^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,63}$"
"""What a user may be called. No dot begins it: ``..`` means something else in an address."""


class Role(StrEnum):
    """An ``ADMIN`` runs the installation; a ``USER`` reads and searches what their owner has."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. ``owner``: whose libraries they see. The password is no part of the record.

    ``must_change``: the password was for a single use; nothing else goes before there is another.
    """

    name: str
    role: Role
    owner: str
    must_change: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    user: User
    seen_at: float


@dataclass(frozen=True, slots=True)
class Token:
    """A key of a program. What opens is not in it, only its digest is kept."""

    id: str
    name: str
    created_at: float
    expires_at: float | None
    last_used_at: float | None


class People(Protocol):
    """Users, their sessions and tokens. Sessions and tokens are found by the digest of what was handed out."""

    def add(self, user: User, password_hash: str) -> None:
        """Raises ``AccountConflict`` when the name is taken."""

    def add_first(self, user: User, password_hash: str) -> bool:
        """Add the user if there is none at all; returns whether that was so."""

    def all(self) -> list[User]:
        """By name."""

    def get(self, name: str) -> User:
        """Raises ``NotFound``."""

    def change(self, name: str, *, role: Role | None = None, owner: str | None = None) -> User:
        """Raises ``NotFound``, and ``AccountConflict`` when no administrator would be left."""

    def remove(self, name: str) -> None:
        """With sessions and tokens. Raises ``NotFound``, and ``AccountConflict`` for the last administrator."""

    def password_hash(self, name: str) -> str | None:
        """None when there is no such user."""

    def set_password(
        self, name: str, password_hash: str, *, must_change: bool, keep: bytes | None = None
    ) -> None:
        """A new password; ends the user's sessions but the one to keep. Raises ``NotFound``."""

    def rehash(self, name: str, old_hash: str, new_hash: str) -> None:
        """The same password hashed anew, unless it was changed meanwhile."""

    def preferences(self, name: str) -> str:
        """What the user chose in the panel, as JSON. Raises ``NotFound``."""

    def set_preferences(self, name: str, preferences: str) -> None:
        """Raises ``NotFound``."""

    def open_session(self, digest: bytes, name: str, at: float, expires_at: float) -> None:
        """Also forgets sessions that have expired. Raises ``NotFound``."""

    def session(self, digest: bytes, now: float) -> Session | None:
        """The session, unless it has expired."""

    def prolong_session(self, digest: bytes, at: float, expires_at: float) -> None: ...

    def end_session(self, digest: bytes) -> None: ...

    def add_token(self, name: str, token: Token, digest: bytes) -> None:
        """Raises ``NotFound`` when there is no such user."""

    def tokens(self, name: str) -> list[Token]:
        """The user's, the newest last."""

    def remove_token(self, name: str, token_id: str) -> None:
        """Raises ``NotFound`` when the user has no such token."""

    def token(self, digest: bytes, now: float) -> tuple[User, Token] | None:
        """Whose token it is, unless it has expired."""

    def use_token(self, token_id: str, at: float) -> None:
        """Note when it was last used."""
