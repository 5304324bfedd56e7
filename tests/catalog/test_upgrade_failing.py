"""A migration that fails, wherever that is, leaves the catalogue as it was; the next try succeeds."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event

from reprise.catalog import migrate
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.sqlite import open_sqlite
from reprise.errors import DiskFull
from tests.catalog.earlier import VERSIONS, fill_empty_tables, restore_catalogue
from tests.catalog.earlier.killed import at_each_statement

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

ROOT = Path(__file__).parents[2]
OLDEST = VERSIONS[0]
LEAST_STATEMENTS = 90
"""From the oldest schema to today's; there are more with each migration."""

EVERY = 7
"""Statement at which it fails here; ``benchmarks.proof_upgrade`` fails at each."""

PAGES_MORE = (0, 1, 5, 20, 40)
"""By which a database may still grow; the migrations from the oldest schema on need more than 60."""


class Broken(Exception):
    """What no part of Reprise expects."""


def state(path: Path) -> list[str]:
    """Version, tables and rows; raises unless the file is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(connection.iterdump())


def version_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        version: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        return version


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A catalogue of the oldest schema, with rows in each table."""
    path = tmp_path / "old.sqlite"
    restore_catalogue(OLDEST, path)
    fill_empty_tables(path)
    return path


def opened_once(path: Path) -> None:
    open_sqlite(path, create=False).close()
    assert version_of(path) == SCHEMA_VERSION


def test_a_kill_at_a_statement_leaves_the_old_catalogue(old: Path, tmp_path: Path) -> None:
    before, folder = state(old), tmp_path / "killed"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-m", "tests.catalog.earlier.killed", str(old), str(folder), str(EVERY)],
        cwd=ROOT,
        check=True,
    )
    *killed, last = sorted(folder.glob("*.sqlite"))
    assert len(killed) >= LEAST_STATEMENTS // EVERY
    for path in killed:
        assert state(path) == before, path.name
    for path in killed[::5]:
        opened_once(path)
    assert version_of(last) == SCHEMA_VERSION  # what was committed is there, whatever came right after


def failing(number: int) -> Any:
    def fail(at: int, statement: str) -> None:
        if at == number:
            raise Broken(statement)

    return at_each_statement(fail)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_exception_at_a_statement_leaves_the_old_catalogue(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "old.sqlite", list[str]()
    restore_catalogue(version, path)
    before, copy = state(path), tmp_path / "copy.sqlite"
    shutil.copy(path, copy)
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "create_engine", at_each_statement(lambda _, sql: seen.append(sql)))
        opened_once(copy)
    assert seen[0].startswith("BEGIN")
    assert seen[-1] == "COMMIT"
    for number in {*range(2, len(seen), EVERY), len(seen) - 1, len(seen)}:
        with monkeypatch.context() as patched:
            patched.setattr(migrate, "create_engine", failing(number))
            with pytest.raises(Broken):
                open_sqlite(path, create=False)
        assert state(path) == before, seen[number - 1]
    opened_once(path)


def test_a_disk_that_is_full_leaves_the_old_catalogue(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(old)
    with closing(sqlite3.connect(old)) as connection:
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    for more in PAGES_MORE:

        def full(*arguments: Any, most: int = pages + more, **options: Any) -> Engine:
            engine = create_engine(*arguments, **options)
            event.listen(
                engine, "connect", lambda driver, _: driver.execute(f"PRAGMA max_page_count = {most}")
            )
            return engine

        with monkeypatch.context() as patched:
            patched.setattr(migrate, "create_engine", full)
            with pytest.raises(DiskFull):
                open_sqlite(old, create=False)
        assert state(old) == before, more
    opened_once(old)
