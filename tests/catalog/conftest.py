"""The same tests over both databases: a file each, or a database each on one server that runs for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from reprise.catalog.postgres import open_postgres
from reprise.catalog.sqlite import open_sqlite
from tests.catalog.filmed import empty_catalogue
from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reprise.catalog.database import Database
    from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that tests leave running."""
    with running_postgres(on_disk=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> Callable[[], str]:
    """Gives the address of a new, empty catalogue with each call: a copy of one that was migrated once."""
    template = postgres.database()
    open_postgres(template, timeout=10).close()
    return lambda: postgres.database(template)


@pytest.fixture(scope="session")
def used(migrated: Callable[[], str]) -> str:
    """The address of a catalogue that tests use one after the other."""
    return migrated()


def emptied(address: str) -> str:
    """The same catalogue as if it were new. Copying one for each test takes longer than the tests."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(_EMPTY)
    return address


# Triggers and foreign keys are out of action meanwhile.
_EMPTY = """DO $$ DECLARE name TEXT; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
            AND tablename NOT IN ('alembic_version', 'listing_state') LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    UPDATE listing_state SET changes = 0;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
END $$"""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Which kind of database the test is over."""
    kind: str = request.param
    return kind


@pytest.fixture
def database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty catalogue's database."""
    opened: Database
    if engine == "sqlite":
        path = tmp_path / "catalogue.sqlite"
        path.write_bytes(empty_catalogue())
        opened = open_sqlite(path, create=False)
    else:
        opened = open_postgres(emptied(request.getfixturevalue("used")), timeout=10)
    yield opened
    opened.close()
