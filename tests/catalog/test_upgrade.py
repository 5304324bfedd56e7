"""What earlier releases wrote is kept when this one opens it, and work goes on where it was."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.sqlite import open_sqlite
from reprise.core.listing import Filters, Sorting
from tests.catalog.earlier import (
    FAILED,
    GONE,
    VERSIONS,
    fill_empty_tables,
    restore,
    restore_catalogue,
    rows_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home

PRESENT = {"one", "two", "four", "five", "late", "bad"}


def schema(path: Path) -> dict[str, list[object]]:
    """Columns, keys, indexes and triggers, whichever way they were made. The order of columns says nothing."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        found: dict[str, list[object]] = {
            f"{name} {facts}": sorted(
                (row[1:] if facts != "foreign_key_list" else row[2:])
                for row in connection.execute(f"PRAGMA {facts}({name})")
            )
            for (name,) in names
            for facts in ("table_info", "foreign_key_list", "index_list")
        }
        found["indexes and triggers"] = sorted(
            connection.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"
                " AND sql IS NOT NULL"
            ).fetchall()
        )
        return found


def opened_once(path: Path) -> None:
    open_sqlite(path, create=False).close()


def test_there_is_an_installation_of_each_earlier_schema() -> None:
    """Whoever adds a migration keeps what the release before it wrote."""
    assert list(VERSIONS) == [f"{number:04}" for number in range(1, int(SCHEMA_VERSION))]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_row_is_kept(version: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    restore_catalogue(version, path)
    fill_empty_tables(path)
    before = rows_of(path)
    assert all(before.values()), "a table without a row proves nothing"
    opened_once(path)
    after = rows_of(path)
    for table, rows in before.items():
        columns = list(rows[0])
        kept = [{column: row[column] for column in columns} for row in after[table]]
        assert sorted(map(repr, kept)) == sorted(map(repr, rows)), table
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA_VERSION,)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_is_that_of_a_new_catalogue(version: str, tmp_path: Path) -> None:
    """A release's database was made by the migrations of its day, not by today's."""
    path, new = tmp_path / "catalogue.sqlite", tmp_path / "new.sqlite"
    restore_catalogue(version, path)
    opened_once(path)
    open_sqlite(new, create=True).close()
    found, expected = schema(path), schema(new)
    assert found.keys() == expected.keys()
    for facts in expected:
        assert found[facts] == expected[facts], facts
    assert path.stat().st_mode == new.stat().st_mode


@pytest.mark.parametrize("version", VERSIONS)
def test_work_goes_on_where_it_was(version: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    restore(version, home.state, home.music)
    monkeypatch.setenv("PLUGIN_MODELS_EPOCH", "2")
    ran = home.run_here("null", "versioned")
    assert (ran.finished.operations["done"], ran.finished.operations["failed"]) == (0, 2)
    assert home.notes("item") == []
    assert home.failures() == {FAILED: "model_failed"}
    with home.app() as app:
        catalogue = app.catalogue()
        while catalogue.listing.take_over(100):
            pass
        page = catalogue.listing.page(app.owner, Filters(), Sorting(), limit=50, offset=0, after=None)
        items = catalogue.items.get(app.owner, page.ids)
        assert {item.display_path.rpartition("/")[2].removesuffix(".mp3") for item in items.values()} == (
            PRESENT | {GONE}
        )
        assert len(catalogue.jobs.all(app.owner, 10)) == 4
        assert [space.state for space in catalogue.spaces.all(app.owner)] == ["active", "retiring", "active"]
    if version == VERSIONS[0]:  # a process of its own takes a second
        found = home.run("similar", str(home.music / "one.mp3"), "--model", "null")
        assert found.code == 0, found.stderr
        assert len(found.events) == len(PRESENT - {"one", FAILED})
    (home.music / "one.mp3").write_text("another sound altogether")
    assert home.run_here("null").finished.operations["done"] == 1
    assert home.computed() == {"one.mp3": 1}


@pytest.mark.parametrize("version", VERSIONS)
def test_opening_it_twice_migrates_once(version: str, tmp_path: Path) -> None:
    path, copy = tmp_path / "catalogue.sqlite", tmp_path / "copy.sqlite"
    restore_catalogue(version, path)
    opened_once(path)
    shutil.copy(path, copy)
    opened_once(path)
    assert rows_of(path) == rows_of(copy)
