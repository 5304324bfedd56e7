"""What PostgreSQL says, as our errors: away (try again), refused (somebody must change something), full, or broken.

Codes: PostgreSQL's documentation, appendix "PostgreSQL Error Codes". A failed attempt to connect brings no code, only
a text, in the server's language. So besides the English texts counts whether a password was sent: what fails after
that is no matter of waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.errors import DiskFull, RepriseError, StoreAway, StoreError, StoreRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

AWAY = {
    "53300": "has no connection left for us",
    "57P01": "is being shut down",
    "57P02": "has crashed and restarts",
    "57P03": "is starting up or shutting down",
    "57P05": "closed a connection that was idle",
}

REFUSED = {
    "0A000": "does not offer what is needed",
    "25006": "takes no changes: it is a copy of another server",
    "3D000": "has no such database",
    "42501": "does not give us the right",
}

CURES = {
    "25006": "point store_url at the server that takes changes, not at its replica",
    "3D000": "make it: CREATE DATABASE …; or correct its name in store_url",
    "42501": "GRANT CREATE ON DATABASE … TO …; or name another user in store_url",
}

_FOR_A_MOMENT = (
    "starting up",
    "shutting down",
    "not yet accepting",
    "recovery mode",
    "too many",
    "connection slots",
)

_NOT_LET_IN = (
    "authentication failed",
    "no password supplied",
    "pg_hba.conf",
    "does not exist",
    "not permitted to log in",
    "permission denied",
    "does not support SSL",
    "certificate",
    "unsupported",
)


class DatabaseFailed(StoreError):
    """The server answers, and something is wrong with it or with what it was asked. Not a space that is not there, which
    is a plain ``StoreError``."""

    default_cure = "look at the server's log"


@dataclass(frozen=True, slots=True)
class Address:
    """A database as messages name it, and what they must not say."""

    name: str
    password: str

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Address:
        host = options.get("host") or options.get("hostaddr") or "localhost"
        name = f"{host}:{options.get('port') or 5432}/{options.get('dbname') or options.get('user') or ''}"
        return cls(name, str(options.get("password") or ""))

    def clean(self, text: str) -> str:
        """``text`` in one line, without the password."""
        said = " ".join(text.split())
        return said.replace(self.password, "…") if self.password else said


def translated(error: psycopg.Error, address: Address, timeout: float) -> RepriseError:
    """The error of ours that says what ``error`` means."""
    import psycopg

    code, where = error.sqlstate or "", f"PostgreSQL at {address.name}"
    # What else the server tells may quote rows.
    said = address.clean((error.diag.message_primary if code else None) or str(error))
    if code == "53100":
        cure = "free space on the disk of the database server; what was committed is safe"
        return DiskFull(f"the disk of {where} is full: {said}", cure=cure)
    if code == "57014":
        cure = "raise the setting server_timeout, or see what keeps the server busy"
        return StoreAway(f"{where} did not answer within {timeout:g} s", cure=cure)
    if code in AWAY or code.startswith("08"):
        return StoreAway(f"{where} {AWAY.get(code, 'broke the connection')}: {said}")
    if code in REFUSED or code.startswith("28"):
        return StoreRefused(
            f"{where} {REFUSED.get(code, 'does not let us in')}: {said}", cure=CURES.get(code, "")
        )
    if not code and isinstance(error, psycopg.OperationalError):
        return _unconnected(error, where, said)
    return DatabaseFailed(f"{where}: {said}")


def _unconnected(error: psycopg.OperationalError, where: str, said: str) -> RepriseError:
    sent_password = error.pgconn is not None and error.pgconn.used_password
    connecting = said.startswith(("connection failed", "connection is bad"))
    if any(text in said for text in _FOR_A_MOMENT):
        return StoreAway(f"{where} cannot take us now: {said}")
    if connecting and (sent_password or any(text in said for text in _NOT_LET_IN)):
        return StoreRefused(f"{where} does not let us in: {said}")
    return StoreAway(f"{where} does not answer: {said}")
