"""The server's database: made whole or not at all, migrated once, refused with the cure and without a password."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from reprise.catalog import migrate
from reprise.catalog.catalogue import SqlCatalogue
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.postgres import PostgresTransaction, open_postgres
from reprise.errors import (
    CatalogueAway,
    CatalogueCorrupt,
    CatalogueError,
    CatalogueLocked,
    CatalogueRefused,
    CatalogueTooNew,
    DiskFull,
    NotACatalogue,
    RepriseError,
)
from tests.catalog.test_sqlite import TABLES
from tests.catalog.work import Work
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reprise.catalog.database import Database
    from tests.servers.postgres import Postgres


@pytest.fixture
def engine() -> str:
    """All of this is about the server's database."""
    return "postgresql"


def run(address: str, *statements: str) -> list[tuple[object, ...]]:
    """Rows of the last statement, if it gives any."""
    rows = list[tuple[object, ...]]()
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
    return rows


def tables(address: str) -> list[tuple[object, ...]]:
    return run(address, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")


def refused(address: str, kind: type[RepriseError]) -> str:
    """What is said when the address cannot be opened; the password is nowhere in it."""
    with pytest.raises(kind) as caught:
        open_postgres(address, timeout=10, patience=0.3).close()
    assert type(caught.value) is kind
    assert caught.value.cure
    told = f"{caught.value.message} {caught.value.cure} {caught.value.__cause__}"
    for secret in (
        PASSWORD,
        quote(PASSWORD),
        quote(PASSWORD, safe=""),
        "wr@ng",
        "wr%40ng",
        "s3cret",
        "ss@127",
    ):
        assert secret not in told
    return f"{caught.value.message}\n{caught.value.cure}"


def test_the_tables_are_those_of_the_file(database: Database) -> None:
    found: dict[str, list[str]] = {}
    for table, column in database.query(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " ORDER BY table_name, ordinal_position"
    ):
        found.setdefault(table, []).append(column)
    assert found.pop("listing_words") == ["rowid", "words"]
    assert found == {table: columns.split() for table, columns in TABLES.items()}


def test_numbers_have_64_bits_and_text_is_compared_by_its_letters_codes(database: Database) -> None:
    kinds = database.query(
        "SELECT DISTINCT data_type, collation_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name <> 'alembic_version' ORDER BY 1"
    )
    assert kinds == [
        ("bigint", None), ("bytea", None), ("double precision", None), ("text", "C"), ("tsvector", None)
    ]  # fmt: skip


def test_ten_that_start_at_once_migrate_once(postgres: Postgres) -> None:
    address = postgres.database()
    start = threading.Barrier(10)

    def begin(_: int) -> int:
        start.wait()
        opened = open_postgres(address, timeout=10)
        SqlCatalogue(opened).libraries.add("me", "folder", "m", b"/m", ())
        count: int = opened.query("SELECT COUNT(*) FROM listing_state")[0][0]
        opened.close()
        return count

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(begin, range(10))) == [1] * 10
    assert run(address, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]
    assert run(address, "SELECT COUNT(*) FROM libraries") == [(1,)]


def test_a_migration_that_fails_leaves_nothing_behind(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.database()
    upgrade = migrate._upgrade

    def fails(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type]  # a SQLAlchemy connection
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")  # type: ignore[attr-defined]  # as above

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "_upgrade", fails)
        with pytest.raises(CatalogueError, match="nowhere"):
            open_postgres(address, timeout=10, patience=0.3)
    assert tables(address) == []
    open_postgres(address, timeout=10, patience=0.3).close()
    assert len(tables(address)) == len(TABLES) + 1


def test_a_wrong_password_or_user_is_refused(postgres: Postgres) -> None:
    assert "correct user and password" in refused(postgres.url(password="wr@ng"), CatalogueRefused)
    assert "correct user and password" in refused(postgres.url(user="stranger"), CatalogueRefused)


def test_a_database_that_is_not_there_is_refused_and_not_made(postgres: Postgres) -> None:
    assert "CREATE DATABASE nowhere" in refused(postgres.url("nowhere"), CatalogueRefused)
    assert not run(postgres.url(), "SELECT 1 FROM pg_database WHERE datname = 'nowhere'")


def test_a_user_without_rights_is_refused(postgres: Postgres) -> None:
    address = postgres.database()
    run(address, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN PASSWORD 's3cret'")
    as_guest = address.replace(f"{USER}:{quote(PASSWORD, safe='')}", "guest:s3cret")
    assert "GRANT" in refused(as_guest, CatalogueRefused)
    run(address, "REVOKE CONNECT ON DATABASE " + address.rpartition("/")[2] + " FROM PUBLIC")
    assert "GRANT CONNECT" in refused(as_guest, CatalogueRefused)
    assert tables(address) == []


def test_who_may_only_read_is_told_so(postgres: Postgres, migrated: Callable[[], str]) -> None:
    opened = open_postgres(migrated(), timeout=10, patience=0.3)

    def write() -> None:
        with opened.transaction() as transaction:
            transaction.execute("SET TRANSACTION READ ONLY")
            transaction.execute("DELETE FROM speeds")

    with pytest.raises(CatalogueRefused, match="read-only") as caught:
        write()
    assert "primary" in caught.value.cure
    opened.close()


def test_an_old_server_is_refused(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    address = postgres.database()
    monkeypatch.setattr("reprise.catalog.postgres.OLDEST_SERVER", 99)
    assert "older than 99" in refused(address, CatalogueRefused)
    assert tables(address) == []


def test_a_database_that_cannot_hold_all_names_is_refused(postgres: Postgres) -> None:
    address = postgres.database(more="ENCODING 'LATIN1' TEMPLATE template0")
    assert "ENCODING 'UTF8'" in refused(address, CatalogueRefused)


def test_the_tables_of_another_program_are_left_alone(postgres: Postgres) -> None:
    address = postgres.database()
    run(address, "CREATE TABLE bills (id INT)")
    refused(address, NotACatalogue)
    run(
        address,
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('a1b2c3')",
    )
    refused(address, NotACatalogue)
    assert tables(address) == [("alembic_version",), ("bills",)]


def test_what_an_extension_brings_is_no_other_program(postgres: Postgres) -> None:
    address = postgres.database()
    run(address, "CREATE EXTENSION vector")
    open_postgres(address, timeout=10, patience=0.3).close()


def test_a_newer_schema_is_refused(migrated: Callable[[], str]) -> None:
    """So is a worker of an older release, which shares the database with newer ones."""
    address = migrated()
    run(address, "UPDATE alembic_version SET version_num = '9999'")
    assert "upgrade Reprise" in refused(address, CatalogueTooNew)
    assert run(address, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_server_that_is_not_there_is_away() -> None:
    told = refused(f"postgresql://me:s3cret@127.0.0.1:{free_port()}/x", CatalogueAway)
    assert "refused" in told
    refused("postgresql://me:s3cret@nowhere.invalid/x", CatalogueAway)


@pytest.mark.parametrize(
    "address",
    [
        "mysql://me:s3cret@127.0.0.1/x",
        "host=127.0.0.1 password=s3cret",
        "postgresql://me:wr@ss@127.0.0.1/x",
        "postgresql://me:s3cret/ss@127.0.0.1/x",
        "postgresql://me:s3cret@127.0.0.1:12ab/x",
        "postgresql://me:s3cret@127.0.0.1/x?s3cret=1",
        "postgresql://me:s3cret%zz@127.0.0.1/x",
        "s3cret",
        "",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_and_not_repeated(address: str) -> None:
    assert "%40" in refused(address, CatalogueRefused)


STATES = {
    "53100": DiskFull, "40P01": CatalogueLocked, "55P03": CatalogueLocked, "XX001": CatalogueCorrupt, "57P01": CatalogueAway,
    "42501": CatalogueRefused, "23505": CatalogueError, "22003": CatalogueError,
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_what_the_server_says_arrives_as_our_error(database: Database, state: str) -> None:
    def fail() -> None:
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO speeds VALUES ('a', 'm', 1, 1, 1)")
            transaction.execute(f"DO $$ BEGIN RAISE 'it is so' USING ERRCODE = '{state}'; END $$")

    with pytest.raises(STATES[state], match="it is so") as caught:
        fail()
    assert PASSWORD not in str(caught.value)
    assert database.query("SELECT COUNT(*) FROM speeds") == [(0,)]


def test_a_statement_that_failed_is_not_forgotten(database: Database) -> None:
    """Whoever swallows its error must not believe that the rest was kept."""

    def swallowed() -> None:
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO speeds VALUES ('a', 'm', 1, 1, 1)")
            with pytest.raises(psycopg.Error):
                transaction.execute("INSERT INTO speeds VALUES ('a', 'm', 1, 1, 1)")

    with pytest.raises(CatalogueError, match="nothing of its transaction"):
        swallowed()
    assert database.query("SELECT COUNT(*) FROM speeds") == [(0,)]


def test_a_durable_commit_waits_for_the_disk_whatever_the_server_is_set_to(
    migrated: Callable[[], str],
) -> None:
    address = migrated()
    run(address, f"ALTER DATABASE {address.rpartition('/')[2]} SET synchronous_commit = off")
    opened = open_postgres(address, timeout=10, patience=0.3)
    with opened.transaction() as transaction:
        assert transaction.query("SHOW synchronous_commit") == [("off",)]
    with opened.transaction(durable=True) as transaction:
        assert transaction.query("SHOW synchronous_commit") == [("on",)]
    with opened.transaction() as transaction:
        assert transaction.query("SHOW synchronous_commit") == [("off",)]
    opened.close()


def test_ids_are_never_used_again(database: Database) -> None:
    libraries = SqlCatalogue(database).libraries
    first = libraries.add("me", "folder", "m", b"/m", ()).id
    libraries.remove("me", first)
    assert libraries.add("me", "folder", "m", b"/m", ()).id > first


def test_who_leases_walks_the_index_of_open_rows(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.execute("SET LOCAL enable_seqscan = off")
        plan = transaction.query(
            "EXPLAIN SELECT item_id FROM ledger WHERE job_id = 'j' AND space_id = 1 AND state IN ('pending', 'leased')"
            " AND state = 'pending' AND attempts < 3 ORDER BY attempts, item_id LIMIT 64 FOR NO KEY UPDATE SKIP LOCKED"
        )
        told = " ".join(row[0] for row in plan)
        assert re.search(r"Index Scan using open_work", told)
        assert "Sort" not in told


def test_planning_asks_for_each_item_by_its_key(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that has not counted a table yet takes it for empty: 20,000 rows would take a minute instead of one
    second."""
    plans = list[str]()
    execute = PostgresTransaction.execute

    def noted(self: PostgresTransaction, sql: str, parameters: Sequence[Any] = ()) -> int:
        if sql.startswith("INSERT INTO ledger"):
            plans.extend(row[0] for row in self.query(f"EXPLAIN {sql}", parameters))
        return execute(self, sql, parameters)

    monkeypatch.setattr(PostgresTransaction, "execute", noted)
    Work(database, 10)
    lookups = [line for line in plans if "Index Cond" in line and "item_id" in line]
    assert len(lookups) == 2
    assert all("space_id = " in line and "item_id = i.id" in line for line in lookups)
    assert not [line for line in plans if "Seq Scan on ledger" in line]
