"""Who may come in: passwords, sessions of browsers, tokens of programs. What opens is never kept, only its digest."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from typing import TYPE_CHECKING

from reprise.core.accounts import NAME_PATTERN, Role, Token, User
from reprise.errors import Forbidden, NotFound, NotSignedIn
from reprise.server.bearer import name_in
from reprise.server.passwords import Passwords, one_time_password
from reprise.server.tries import Tries

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.accounts import People

FIRST = "admin"
"""The name of the administrator whom the first start makes."""

SECRET_BYTES = 32
TAG = "rpr_"
"""What every API token begins with, so that it is told from a JWT, and found when it leaks."""

NOTED_SECONDS = 60.0
"""How exactly it is kept when a session or a token was last used: else every request would write."""

DAY_SECONDS = 86_400.0


def digest_of(secret: str) -> bytes:
    """What is kept of a secret of 256 random bits; looking it up takes no time that depends on the secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Accounts:
    """The people of one installation. Threads may share it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._passwords = Passwords()
        self._tries = Tries()

    @property
    def people(self) -> People:
        return self._app.catalogue().people

    @property
    def session_seconds(self) -> float:
        return self._app.settings.number("session_days") * DAY_SECONDS

    # people

    def make_first(self) -> tuple[User, str | None] | None:
        """The first administrator, when there is nobody at all; with the password, unless the settings name it."""
        if self.people.all():
            return None
        given = self._app.settings.text("admin_password")
        password = given or one_time_password()
        user = User(FIRST, Role.ADMIN, self._app.owner, must_change=not given, created_at=time.time())
        if not self.people.add_first(user, self._passwords.hashed(password)):
            return None
        return user, None if given else password

    def add(self, name: str, role: Role, owner: str, password: str | None = None) -> tuple[User, str | None]:
        """Without a password one for a single use is made and returned. Raises ``AccountConflict``."""
        made = None if password else one_time_password()
        user = User(name, role, owner, must_change=made is not None, created_at=time.time())
        self.people.add(user, self._passwords.hashed(password or made or ""))
        return user, made

    def reset_password(self, name: str, password: str | None = None) -> str | None:
        """Sign the user out everywhere and set a password; without one as in ``add``. Raises ``NotFound``."""
        made = None if password else one_time_password()
        self.people.get(name)
        hashed = self._passwords.hashed(password or made or "")
        self.people.set_password(name, hashed, must_change=made is not None)
        return made

    def change_password(self, user: User, old: str, new: str, session: str | None, address: str) -> None:
        """Sessions but the one given end. Raises ``Forbidden`` for a wrong old one, ``TooManyTries``."""
        self._tries.count(user.name, address)
        if not self._passwords.fits(self.people.password_hash(user.name), old):
            raise Forbidden("the old password is wrong", cure="ask an administrator to reset it")
        keep = digest_of(session) if session else None
        self.people.set_password(user.name, self._passwords.hashed(new), must_change=False, keep=keep)

    # sessions

    def sign_in(self, name: str, password: str, address: str) -> tuple[User, str]:
        """The user and the id of a new session. Raises ``NotSignedIn``, ``TooManyTries``."""
        self._tries.count(name, address)
        stored = self.people.password_hash(name)
        if not self._passwords.fits(stored, password) or stored is None:
            raise NotSignedIn(
                "the name or the password is wrong",
                cure="try again; an administrator can set a new password",
            )
        if self._passwords.outdated(stored):
            self.people.rehash(name, stored, self._passwords.hashed(password))
        session, now = secrets.token_urlsafe(SECRET_BYTES), time.time()
        self.people.open_session(digest_of(session), name, now, now + self.session_seconds)
        return self.people.get(name), session

    def sign_out(self, session: str) -> None:
        self.people.end_session(digest_of(session))

    def of_session(self, session: str) -> User | None:
        """Whose session it is; it lives on from now."""
        now, digest = time.time(), digest_of(session)
        found = self.people.session(digest, now)
        if found is None:
            return None
        if now - found.seen_at > NOTED_SECONDS:
            self.people.prolong_session(digest, now, now + self.session_seconds)
        return found.user

    # tokens

    def make_token(self, user: str, name: str, days: float | None) -> tuple[Token, str]:
        """A token of the user and what opens: it is shown once. Raises ``NotFound``."""
        secret, now = TAG + secrets.token_urlsafe(SECRET_BYTES), time.time()
        expires_at = now + days * DAY_SECONDS if days else None
        token = Token(secrets.token_hex(8), name, now, expires_at, None)
        self.people.add_token(user, token, digest_of(secret))
        return token, secret

    def of_bearer(self, secret: str) -> User | None:
        """Whose API token or JWT it is."""
        if secret.startswith(TAG):
            return self._of_token(secret)
        return self._of_jwt(secret)

    def _of_token(self, secret: str) -> User | None:
        now = time.time()
        found = self.people.token(digest_of(secret), now)
        if found is None:
            return None
        user, token = found
        if now - (token.last_used_at or 0.0) > NOTED_SECONDS:
            self.people.use_token(token.id, now)
        return user

    def _of_jwt(self, token: str) -> User | None:
        key = self._app.settings.text("jwt_secret")
        name = name_in(token, key) if key else None
        if name is None or not re.fullmatch(NAME_PATTERN, name):
            return None
        try:
            return self.people.get(name)
        except NotFound:
            return None
