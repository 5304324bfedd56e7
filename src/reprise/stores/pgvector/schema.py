"""Our schema in the database: which spaces there are, and a table for each owner of each.

Everything is written with its schema's name, and nothing is set for a session: a pooler that gives each transaction
another session does no harm, and it does not matter where the extension was installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from reprise.errors import StoreRefused, StoreUnable
from reprise.stores.checks import check_same_dimension
from reprise.stores.pgvector.abilities import LARGEST_DIMENSION

if TYPE_CHECKING:
    from reprise.stores.pgvector.connections import Connection

SCHEMA = "reprise_vectors"
FORMAT = 1

EXTENSION = "vector"
OLDEST_SERVER = 13
OLDEST_EXTENSION = (0, 5, 0)
"""The first with HNSW."""

PLAIN_UP_TO = 2000
"""Vectors of this dimension fit into a page of 8 KiB and are kept in the row. Longer ones PostgreSQL moves out of it, and
reading them back is the most of what an exact search then does."""


@dataclass(frozen=True, slots=True)
class Extension:
    """pgvector as it is there: its version and the schema that it was installed in, quoted."""

    version: tuple[int, ...]
    schema: str


@dataclass(frozen=True, slots=True)
class Table:
    """One owner's vectors of one space. A number is never given twice, so what is cached cannot mean another table."""

    number: int
    dimension: int

    @property
    def name(self) -> str:
        return f"{SCHEMA}.v{self.number:d}"

    @property
    def index(self) -> str:
        return f"v{self.number:d}_hnsw"


def prepared(connection: Connection) -> Extension:
    """Make what is missing, within the caller's transaction. Raises ``StoreRefused`` when it cannot serve us."""
    _check_server(connection)
    extension = _extension(connection)
    if extension is None:
        _lock(connection, "")
        _make_extension(connection)
        extension = _extension(connection)
    if extension is None or extension.version < OLDEST_EXTENSION:
        found = ".".join(map(str, extension.version)) if extension else "none"
        raise StoreRefused(
            f"the extension vector (pgvector) is {found} there, and 0.5.0 is the oldest that serves",
            cure="upgrade pgvector on the server, then: ALTER EXTENSION vector UPDATE",
        )
    _make_schema(connection)
    return extension


def _check_server(connection: Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST_SERVER:
        raise StoreRefused(
            f"PostgreSQL {version} is too old, {OLDEST_SERVER} is the oldest that serves",
            cure="upgrade the server",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreRefused(
            f"the database is encoded as {encoding}, which cannot hold every name of an owner",
            cure="make one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )


def _extension(connection: Connection) -> Extension | None:
    row = connection.execute(
        "SELECT extversion, quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
        " WHERE extname = %s",
        (EXTENSION,),
    ).fetchone()
    if row is None:
        return None
    numbers = [part for part in str(row[0]).split(".") if part.isdecimal()]
    return Extension(tuple(map(int, numbers)), str(row[1]))


def _make_extension(connection: Connection) -> None:
    import psycopg

    cure = "install pgvector on the server; then, as its administrator and in this database: CREATE EXTENSION vector"
    try:
        connection.execute(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}".encode())
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile) as error:
        raise StoreRefused("the server has no extension vector (pgvector)", cure=cure) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreRefused(
            "the database has no extension vector (pgvector), and we have no right to create it",
            cure="as an administrator of the server, in this database: CREATE EXTENSION vector",
        ) from error


def _make_schema(connection: Connection) -> None:
    if not _is_there(connection):
        _lock(connection, "")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.about (format int NOT NULL)".encode())
        connection.execute(
            f"INSERT INTO {SCHEMA}.about SELECT {FORMAT} WHERE NOT EXISTS (SELECT 1 FROM {SCHEMA}.about)".encode()
        )
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {SCHEMA}.space ("
            " number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, owner text NOT NULL,"
            " owner_sha256 bytea NOT NULL, dimension int NOT NULL, UNIQUE (name, owner_sha256))".encode()
        )
    row = connection.execute(f"SELECT max(format) FROM {SCHEMA}.about".encode()).fetchone()
    if row is None or row[0] != FORMAT:
        raise StoreRefused(
            f"the schema {SCHEMA} of the database was made by another release of Reprise",
            cure="upgrade Reprise",
        )


def _is_there(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.space",)).fetchone()
    return bool(row and row[0])


def _lock(connection: Connection, space: str) -> None:
    """Until the transaction ends nobody else makes or drops anything of this space."""
    number = int.from_bytes(sha256(f"{SCHEMA}/{space}".encode()).digest()[:8], signed=True)
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (number,))


def _digest(owner: str) -> bytes:
    """Owners are any text, also longer than what an index of PostgreSQL takes."""
    return sha256(owner.encode(errors="surrogatepass")).digest()


def check_long(dimension: int) -> None:
    if dimension > LARGEST_DIMENSION:
        raise StoreUnable(
            f"a dimension of {dimension:,}: pgvector takes {LARGEST_DIMENSION:,} at most",
            cure="choose a store that takes longer vectors: reprise stores",
        )


def find(connection: Connection, owner: str, space: str) -> Table | None:
    row = connection.execute(
        f"SELECT number, dimension FROM {SCHEMA}.space WHERE name = %s AND owner_sha256 = %s".encode(),
        (space, _digest(owner)),
    ).fetchone()
    return Table(int(row[0]), int(row[1])) if row else None


def make(connection: Connection, extension: Extension, owner: str, space: str, dimension: int) -> Table:
    """The owner's table, made if it is not there. Raises ``StoreError`` when the space has another dimension."""
    _lock(connection, space)
    for (held,) in connection.execute(
        f"SELECT DISTINCT dimension FROM {SCHEMA}.space WHERE name = %s".encode(), (space,)
    ):
        check_same_dimension(space, int(held), dimension)
    return find(connection, owner, space) or _made(connection, extension, owner, space, dimension)


def _made(connection: Connection, extension: Extension, owner: str, space: str, dimension: int) -> Table:
    row = connection.execute(
        f"INSERT INTO {SCHEMA}.space (name, owner, owner_sha256, dimension) VALUES (%s, %s, %s, %s) RETURNING number".encode(),
        (space, owner.encode(errors="backslashreplace").decode(), _digest(owner), dimension),
    ).fetchone()
    assert row is not None
    table = Table(int(row[0]), dimension)
    connection.execute(
        f"CREATE TABLE {table.name} (key bigint PRIMARY KEY, crc bigint NOT NULL,"
        f" vector {extension.schema}.vector({dimension:d}) NOT NULL)".encode()
    )
    if dimension <= PLAIN_UP_TO:
        connection.execute(f"ALTER TABLE {table.name} ALTER COLUMN vector SET STORAGE PLAIN".encode())
    return table


def drop(connection: Connection, owner: str, space: str) -> None:
    """What is not there is fine."""
    _lock(connection, space)
    table = find(connection, owner, space)
    if table is not None:
        connection.execute(f"DELETE FROM {SCHEMA}.space WHERE number = %s".encode(), (table.number,))
        connection.execute(f"DROP TABLE IF EXISTS {table.name}".encode())
