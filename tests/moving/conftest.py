"""A PostgreSQL server for all tests of moving, and an installation that is filled once and copied for each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.moving.filled import fill
from tests.servers.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres(on_disk=False) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """An empty catalogue, to be copied: migrating one for each test takes longer than the tests."""
    from reprise.catalog.postgres import open_postgres

    url = postgres.database()
    open_postgres(url, timeout=30).close()
    return url


@pytest.fixture
def url(postgres: Postgres, template: str) -> str:
    """The address of a database with the tables of a new catalogue."""
    return postgres.database(template)


@pytest.fixture
def empty_url(postgres: Postgres) -> str:
    """The address of a database with nothing in it."""
    return postgres.database()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded installation that tests only copy."""
    home = tmp_path_factory.mktemp("filled") / "home"
    fill(home, rows=20, vectors=120)
    return home


@pytest.fixture
def source(filled: Path, tmp_path: Path) -> Path:
    """The state folder of an embedded installation."""
    return shutil.copytree(filled, tmp_path / "home")
