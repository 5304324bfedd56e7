"""People: users, their sessions and tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reprise.core.accounts import Role, Session, Token, User
from reprise.errors import AccountConflict, NotFound

if TYPE_CHECKING:
    from reprise.catalog.database import Database, Row, Transaction

_USER = "name, role, owner, must_change, created_at"
_KEY = "id, name, created_at, expires_at, last_used_at"


class SqlPeople:
    """Implements ``core.accounts.People``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # users

    def add(self, user: User, password_hash: str) -> None:
        with self._database.transaction() as transaction:
            transaction.alone("users")
            if _found(transaction, user.name):
                raise AccountConflict(
                    f"there is a user {user.name!r} already", cure="choose another name, or change that user"
                )
            _insert(transaction, user, password_hash)

    def add_first(self, user: User, password_hash: str) -> bool:
        with self._database.transaction() as transaction:
            transaction.alone("users")
            if transaction.query("SELECT 1 FROM users LIMIT 1"):
                return False
            _insert(transaction, user, password_hash)
            return True

    def all(self) -> list[User]:
        return [_user(row) for row in self._database.query(f"SELECT {_USER} FROM users ORDER BY name")]

    def get(self, name: str) -> User:
        rows = self._database.query(f"SELECT {_USER} FROM users WHERE name = ?", (name,))
        if not rows:
            raise _no_user(name)
        return _user(rows[0])

    def change(self, name: str, *, role: Role | None = None, owner: str | None = None) -> User:
        with self._database.transaction() as transaction:
            transaction.alone("users")
            before = _insist_on(transaction, name)
            after = replace(before, role=role or before.role, owner=owner or before.owner)
            transaction.execute(
                "UPDATE users SET role = ?, owner = ? WHERE name = ?", (after.role.value, after.owner, name)
            )
            _leave_an_admin(transaction, before)
            return after

    def remove(self, name: str) -> None:
        with self._database.transaction() as transaction:
            transaction.alone("users")
            gone = _insist_on(transaction, name)
            transaction.execute("DELETE FROM users WHERE name = ?", (name,))
            _leave_an_admin(transaction, gone)

    # passwords and preferences

    def password_hash(self, name: str) -> str | None:
        rows = self._database.query("SELECT password_hash FROM users WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_password(
        self, name: str, password_hash: str, *, must_change: bool, keep: bytes | None = None
    ) -> None:
        with self._database.transaction() as transaction:
            changed = transaction.execute(
                "UPDATE users SET password_hash = ?, must_change = ? WHERE name = ?",
                (password_hash, int(must_change), name),
            )
            if not changed:
                raise _no_user(name)
            transaction.execute(
                "DELETE FROM sessions WHERE user_name = ? AND id_hash <> ?", (name, keep or b"")
            )

    def rehash(self, name: str, old_hash: str, new_hash: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE users SET password_hash = ? WHERE name = ? AND password_hash = ?",
                (new_hash, name, old_hash),
            )

    def preferences(self, name: str) -> str:
        rows = self._database.query("SELECT preferences FROM users WHERE name = ?", (name,))
        if not rows:
            raise _no_user(name)
        text: str = rows[0][0]
        return text

    def set_preferences(self, name: str, preferences: str) -> None:
        with self._database.transaction() as transaction:
            sql = "UPDATE users SET preferences = ? WHERE name = ?"
            if not transaction.execute(sql, (preferences, name)):
                raise _no_user(name)

    # sessions

    def open_session(self, digest: bytes, name: str, at: float, expires_at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM sessions WHERE expires_at <= ?", (at,))
            _insist_on(transaction, name)
            transaction.execute(
                "INSERT INTO sessions (id_hash, user_name, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                (digest, name, at, at, expires_at),
            )

    def session(self, digest: bytes, now: float) -> Session | None:
        rows = self._database.query(
            "SELECT u.name, u.role, u.owner, u.must_change, u.created_at, s.seen_at"
            " FROM sessions s JOIN users u ON u.name = s.user_name WHERE s.id_hash = ? AND s.expires_at > ?",
            (digest, now),
        )
        return Session(_user(rows[0][:5]), rows[0][5]) if rows else None

    def prolong_session(self, digest: bytes, at: float, expires_at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE sessions SET seen_at = ?, expires_at = ? WHERE id_hash = ?", (at, expires_at, digest)
            )

    def end_session(self, digest: bytes) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM sessions WHERE id_hash = ?", (digest,))

    # tokens

    def add_token(self, name: str, token: Token, digest: bytes) -> None:
        with self._database.transaction() as transaction:
            _insist_on(transaction, name)
            transaction.execute(
                f"INSERT INTO tokens ({_KEY}, user_name, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (token.id, token.name, token.created_at, token.expires_at, token.last_used_at, name, digest),
            )

    def tokens(self, name: str) -> list[Token]:
        rows = self._database.query(
            f"SELECT {_KEY} FROM tokens WHERE user_name = ? ORDER BY created_at, id", (name,)
        )
        return [Token(*row) for row in rows]

    def remove_token(self, name: str, token_id: str) -> None:
        with self._database.transaction() as transaction:
            sql = "DELETE FROM tokens WHERE user_name = ? AND id = ?"
            if not transaction.execute(sql, (name, token_id)):
                raise NotFound(f"you have no token {token_id!r}", cure="list them: GET /api/v1/auth/tokens")

    def token(self, digest: bytes, now: float) -> tuple[User, Token] | None:
        rows = self._database.query(
            "SELECT u.name, u.role, u.owner, u.must_change, u.created_at,"
            " t.id, t.name, t.created_at, t.expires_at, t.last_used_at"
            " FROM tokens t JOIN users u ON u.name = t.user_name"
            " WHERE t.token_hash = ? AND (t.expires_at IS NULL OR t.expires_at > ?)",
            (digest, now),
        )
        return (_user(rows[0][:5]), Token(*rows[0][5:])) if rows else None

    def use_token(self, token_id: str, at: float) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token_id))


def _user(row: Row) -> User:
    name, role, owner, must_change, created_at = row
    return User(name, Role(role), owner, bool(must_change), created_at)


def _no_user(name: str) -> NotFound:
    return NotFound(f"there is no user {name!r}", cure="see: reprise users list")


def _insert(transaction: Transaction, user: User, password_hash: str) -> None:
    transaction.execute(
        f"INSERT INTO users ({_USER}, password_hash, preferences) VALUES (?, ?, ?, ?, ?, ?, '{{}}')",
        (user.name, user.role.value, user.owner, int(user.must_change), user.created_at, password_hash),
    )


def _found(transaction: Transaction, name: str) -> User | None:
    rows = transaction.query(f"SELECT {_USER} FROM users WHERE name = ?{transaction.locked}", (name,))
    return _user(rows[0]) if rows else None


def _insist_on(transaction: Transaction, name: str) -> User:
    """Nothing is kept for somebody who was removed a moment ago."""
    found = _found(transaction, name)
    if found is None:
        raise _no_user(name)
    return found


def _leave_an_admin(transaction: Transaction, before: User) -> None:
    """Raised inside the transaction, so that what it did is taken back."""
    if before.role is not Role.ADMIN:
        return
    if not transaction.query("SELECT 1 FROM users WHERE role = ? LIMIT 1", (Role.ADMIN.value,)):
        raise AccountConflict(
            f"{before.name!r} is the last administrator", cure="make somebody else an administrator first"
        )
