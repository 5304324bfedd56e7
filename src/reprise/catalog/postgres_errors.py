"""What PostgreSQL and its driver say, as our errors: what happened, where, and the cure; never a password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from reprise.catalog.database import Deadlock
from reprise.errors import (
    CatalogueAway,
    CatalogueCorrupt,
    CatalogueError,
    CatalogueLocked,
    CatalogueRefused,
    DiskFull,
)

if TYPE_CHECKING:
    import psycopg

_FORM = "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with signs like @ : / ? in the password as %40 %3A %2F %3F"
_SHORTEST_SECRET = 3
_MOST_LETTERS = 500


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. ``shown`` says so without user and password."""

    url: str = field(repr=False)
    shown: str
    database: str
    _secrets: tuple[str, ...] = field(repr=False)

    def without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def read_address(url: str) -> Address:
    """Raises ``CatalogueRefused``. What is not understood is not repeated: it may hold a part of the password."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    scheme, _, _ = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise CatalogueRefused("catalogue_url is not the address of a PostgreSQL database", cure=_FORM)
    try:
        known = conninfo_to_dict(url)
        several = urlsplit(url).netloc.count("@") > 1 or "@" in str(known.get("host", ""))
    except (ProgrammingError, ValueError):
        raise CatalogueRefused("catalogue_url cannot be read", cure=_FORM) from None
    ports = str(known.get("port") or "5432")
    if several or not all(port.isdigit() for port in ports.split(",")):
        raise CatalogueRefused("catalogue_url cannot be read: user, password, host or port", cure=_FORM)
    database = str(known.get("dbname") or known.get("user") or "")
    secret = str(known.get("password") or "")
    secrets = {secret, quote(secret), quote(secret, safe="")} if len(secret) >= _SHORTEST_SECRET else set()
    shown = f"PostgreSQL at {known.get('host') or 'localhost'}:{ports}/{database}"
    return Address(url, shown, database, tuple(sorted(secrets, key=len, reverse=True)))


def our_error(address: Address, error: psycopg.Error, *, doing: str = "") -> CatalogueError | DiskFull:
    """``doing``: what was under way, if that tells what may be lost."""
    text = _told(address, error)
    if error.sqlstate is None:
        return _without_state(address, text, doing)
    message = f"{address.shown}: {doing}{text}"
    for states, kind, cure in _BY_STATE:
        if error.sqlstate.startswith(states):
            return kind(message, cure=cure.format(database=address.database))
    return CatalogueError(f"{message} (SQLSTATE {error.sqlstate})", cure="run: reprise doctor")


def is_away(error: psycopg.Error) -> bool:
    """Whether trying again on another connection may help."""
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_AWAY)
    return not _refusal(str(error))


_AWAY = ("08", "57P01", "57P02", "57P03", "57P05", "25P03", "53300")
_BY_STATE: tuple[tuple[tuple[str, ...], type[CatalogueError] | type[DiskFull], str], ...] = (
    (("53300",), CatalogueAway, "raise max_connections of the server, or run fewer processes"),
    (_AWAY, CatalogueAway, ""),
    (("53100",), DiskFull, "free some space on the database server's disk; work goes on where it stopped"),
    (("40001", "40P01"), Deadlock, ""),
    (("55P03",), CatalogueLocked, ""),
    (("42501",), CatalogueRefused, "give the user its rights: GRANT ALL ON SCHEMA public TO the user, or make it the owner of {database}"),
    (("25006",), CatalogueRefused, "name the primary server in catalogue_url: this one can only be read"),
    (("28", "3D000", "3F000"), CatalogueRefused, ""),
    (("XX001", "XX002"), CatalogueCorrupt, "restore the database from a backup"),
    (("58030",), CatalogueError, "check the disk of the database server"),
)  # fmt: skip


def _without_state(address: Address, text: str, doing: str) -> CatalogueError:
    """Errors of connecting carry no code, only the words of the server or of the client's library."""
    cure = _refusal(text)
    if cure:
        return CatalogueRefused(f"{address.shown}: {text}", cure=cure.format(database=address.database))
    crowded = "raise max_connections of the server, or run fewer processes"
    return CatalogueAway(f"{address.shown}: {doing}{text}", cure=crowded if "clients" in text else "")


_FOR_A_MOMENT = (
    "starting up",
    "shutting down",
    "not yet accepting",
    "recovery mode",
    "clients",
    "connection slots",
    "terminating connection",
)
_REFUSALS = (
    ("password", "correct user and password in catalogue_url"),
    ("role ", "correct the user in catalogue_url, or make it: CREATE ROLE … LOGIN PASSWORD …"),
    ("pg_hba.conf", "let the user in from this machine: an entry in the server's pg_hba.conf"),
    ("permission denied", "give the user the right: GRANT CONNECT ON DATABASE {database} TO …"),
    ("database ", "make it with CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0, or correct catalogue_url"),
)  # fmt: skip
_OF_THE_CLIENT = (
    "no password supplied",
    "invalid integer value",
    "certificate",
    "does not support SSL",
    "sslmode",
    "root.crt",
)


def _refusal(text: str) -> str:
    """The cure when the server, or the client's library, will say the same again; empty when it may pass."""
    if any(words in text for words in _FOR_A_MOMENT):
        return ""
    if "FATAL:" in text:
        return next((cure for words, cure in _REFUSALS if words in text), "correct catalogue_url")
    if "no password supplied" in text:
        return _REFUSALS[0][1]
    if any(words in text for words in _OF_THE_CLIENT):
        return "correct catalogue_url: port, sslmode, sslrootcert"
    return ""


def _told(address: Address, error: psycopg.Error) -> str:
    primary = error.diag.message_primary if error.sqlstate else None
    text = " ".join((primary or str(error)).split())
    return address.without_secrets(text)[:_MOST_LETTERS]
