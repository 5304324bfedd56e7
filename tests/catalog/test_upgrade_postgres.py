"""Migrations on a server: a failure or a lost connection at any statement leaves everything as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from psycopg import sql

from reprise.catalog import migrate
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.postgres import open_postgres
from reprise.errors import CatalogueError
from tests.catalog.earlier import VERSIONS
from tests.catalog.earlier.killed import at_each_statement
from tests.catalog.test_postgres import run
from tests.harness import PATIENCE_SECONDS
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.postgres import Postgres

EVERY = 15
"""Statement that is tried of those that make a new catalogue; of the last migration all are."""


NEWER = "9999"


class Broken(Exception):
    """What no part of Reprise expects."""


@pytest.fixture
def engine() -> str:
    """All of this is about the server's database."""
    return "postgresql"


def failing(number: int) -> Any:
    def fail(at: int, statement: str) -> None:
        if at == number:
            raise Broken(statement)

    return at_each_statement(fail)


def content(address: str) -> dict[str, object]:
    """All tables with their columns, and all rows."""
    with psycopg.connect(address, autocommit=True) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " ORDER BY 1, 2"
        ).fetchall()
        tables = sorted({table for table, _ in columns})
        rows = {
            table: connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
            for table in tables
        }
    return {"columns": columns, **rows}


def statements(address: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many a migration of what is at the address takes."""
    seen: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "create_engine", at_each_statement(lambda _, told: seen.append(told)))
        open_postgres(address, timeout=10).close()
    return len(seen)


@pytest.fixture
def older(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Gives the address of a catalogue of the schema before today's, with rows."""
    template, upgrade = postgres.database(), command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _: upgrade(config, VERSIONS[-1]))
        open_postgres(template, timeout=10).close()
    run(
        template,
        "INSERT INTO libraries VALUES (7, 'me', 'folder', 'm', '\\x2f6d', '[\"*.wav\"]', 5.0, NULL, 0)",
        "INSERT INTO items (id, owner, library_id, path, size, mtime_ns, updated_at, title)"
        " VALUES (3, 'me', 7, '\\x61', 1, 1, 1.0, 'Ä')",
        "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
        " VALUES (1, 'me', 's', 'm', 'f', '{}', 3, 'active', '', 0)",
        "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, updated_at)"
        " VALUES (1, 3, 'me', 'done', 'new', 1, 1, 0)",
    )
    return lambda: postgres.database(template)


def test_an_older_catalogue_keeps_its_rows(older: Callable[[], str]) -> None:
    address = older()
    before = content(address)
    open_postgres(address, timeout=10).close()
    after = content(address)
    assert run(address, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]
    for table in ("libraries", "items", "spaces"):
        assert after[table] == before[table]
    assert run(address, "SELECT space_id, item_id, state, leased_by FROM ledger") == [(1, 3, "done", "")]


@pytest.mark.parametrize("program", ["worker", "serve", "status"])
def test_a_newer_catalogue_is_refused_by_what_runs_for_long(
    program: str, migrated: Callable[[], str], tmp_path: Path
) -> None:
    address = migrated()
    run(address, f"UPDATE alembic_version SET version_num = '{NEWER}'")
    before = content(address)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPRISE_")}
    settings = {
        "REPRISE_HOME": str(tmp_path / "home"),
        "REPRISE_CATALOGUE_URL": address,
        "REPRISE_STORE": "pgvector",
        "REPRISE_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "reprise", program],
        env={**kept, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 2, done.stderr
    assert f"has schema {NEWER}, this version of Reprise knows up to {SCHEMA_VERSION}" in done.stderr
    assert "upgrade Reprise" in done.stderr
    assert content(address) == before


def test_a_failure_at_any_statement_leaves_the_older_catalogue(
    older: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = older()
    before, count = content(address), statements(older(), monkeypatch)
    for number in range(1, count + 1):
        with monkeypatch.context() as patched:
            patched.setattr(migrate, "create_engine", failing(number))
            with pytest.raises(Broken):
                open_postgres(address, timeout=10)
        assert content(address) == before, number
    open_postgres(address, timeout=10).close()
    assert run(address, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]


def test_a_failure_while_it_is_made_leaves_an_empty_database(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, count = postgres.database(), statements(postgres.database(), monkeypatch)
    for number in {*range(1, count, EVERY), count}:
        with monkeypatch.context() as patched:
            patched.setattr(migrate, "create_engine", failing(number))
            with pytest.raises(Broken):
                open_postgres(address, timeout=10)
        assert content(address) == {"columns": []}, number
    open_postgres(address, timeout=10).close()


def test_a_connection_that_is_lost_in_the_middle_leaves_the_older_catalogue(
    older: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process that migrates is killed, or the server restarts."""
    address = older()
    before, count = content(address), statements(older(), monkeypatch)
    name = address.rpartition("/")[2]

    def losing(number: int) -> Any:
        def lose(at: int, _statement: str) -> None:
            if at == number:
                with psycopg.connect(address, autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = %s AND pid <> pg_backend_pid()",
                        (name,),
                    )

        return at_each_statement(lose)

    for number in (count // 2, count):
        with monkeypatch.context() as patched:
            patched.setattr(migrate, "create_engine", losing(number))
            with pytest.raises(CatalogueError):
                open_postgres(address, timeout=10, patience=0.3)
        assert content(address) == before, number
    open_postgres(address, timeout=10).close()
