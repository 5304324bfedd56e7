"""The database file: made whole or not at all, migrated or left alone, copied while in use."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from reprise.catalog import migrate, sqlite
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.ledger import SqlLedger
from reprise.catalog.sqlite import APPLICATION_ID, SqliteDatabase, copy_sqlite, open_sqlite
from reprise.errors import (
    CatalogueCorrupt,
    CatalogueError,
    CatalogueLocked,
    CatalogueMissing,
    CatalogueTooNew,
    NotACatalogue,
)

if TYPE_CHECKING:
    from pathlib import Path

TABLES = {
    "libraries": "id owner kind name root exclude created_at scanned_at watch",
    "items": "id owner library_id path size mtime_ns digest title artist album album_artist genre year track disc"
    " bpm key duration updated_at missing_since kind parent_id video_id",
    "spaces": "id owner name model fingerprint inputs dimension state note created_at kind channel",
    "pointers": "owner model space_id previous_id switched_at",
    "jobs": "id owner work_key same_work active state control request spec_version planned items percent created_at"
    " started_at finished_at error queued_at priority asked_by rung_at served_at",
    "job_models": "job_id model position space_id state total done skipped failed error seconds audio_seconds",
    "ledger": "space_id item_id owner state reason digest has_vector attempts job_id lease_until error_code"
    " error_message updated_at spec_version leased_by",
    "scan_problems": "library_id path owner code message seen_at",
    "speeds": "fingerprint machine audio_seconds_per_second operations_per_second measured_at",
    "users": "name password_hash role owner must_change preferences created_at",
    "sessions": "id_hash user_name created_at seen_at expires_at",
    "tokens": "id user_name name token_hash created_at expires_at last_used_at",
    "feed": "seq owner job_id at name data",
    "schedules": "id owner library_id models cron enabled created_at ran_at outcome",
    "foreign_ids": "owner server foreign_id item_id mark",
    "listing": "item_id owner library_id path title artist album genre year bpm key duration updated_at size missing",
    "listing_counts": "owner library_id items missing audio_seconds bytes",
    "listing_notes": "item_id",
    "listing_state": "listed_to changes",
    "analyses": "item_id owner spec digest at whole bpm camelot loudness facts fingerprint",
    "rename_sessions": "id owner root state total turns done failed created_at updated_at finished_at options error",
    "rename_moves": "session_id turn number folder old new kind state inode size mtime_ns digest code error",
    "inputs": "item_id channel owner digest text file composed updated_at",
    "videos": "item_id owner facts digest scenes_given transcript_source language segments updated_at",
    "scenes": "item_id owner video_id number starts ends own_transcript description summary tags described_by updated_at",
    "frames": "item_id owner scene_id kind ordinal at file digest width height",
    "persons": "item_id owner name folded archived updated_at",
    "photos": "item_id owner person_id file digest state error updated_at",
    "released_files": "file at",
    "search_preferences": "owner weights fusion updated_at",
    "reprocessings": "id scope owner video_id force since spec_version created_at jobs record",
    "locks": "name holder shared until",
    "workers": "id host pid device release spec_version job_id started_at seen_at",
    "alembic_version": "version_num",
}
WITHOUT_OWNER = {
    "job_models", "speeds", "alembic_version", "sessions", "tokens", "listing_notes", "listing_state",
    "rename_moves", "released_files", "locks", "workers",
}  # fmt: skip
"""A model's part of a job belongs to the job's owner, a move to its session's; a speed to the machine; a session or a token to its user; the
upkeep of the listing is one for all, and so is a file that nobody's row may name any more; locks and
workers are the installation's."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    open_sqlite(tmp_path / "catalogue.sqlite", create=True).close()
    return tmp_path / "catalogue.sqlite"


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_migrations_reach_the_schema_that_this_version_knows(path: Path) -> None:
    assert scripts().get_heads() == [SCHEMA_VERSION]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA_VERSION,)]


def test_migrations_are_numbered_in_the_order_in_which_strings_sort() -> None:
    """Versions are compared as text: a newer one must be larger."""
    revisions = [script.revision for script in scripts().walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert all(len(revision) == len(SCHEMA_VERSION) for revision in revisions)


def test_the_tables_are_as_documented_and_each_row_has_an_owner(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        names = {
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                " AND name NOT LIKE 'listing_words%'"
            )
        }
        assert names == set(TABLES)
        for name, columns in TABLES.items():
            found = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            assert found == columns.split(), name
            assert ("owner" in found) == (name not in WITHOUT_OWNER)


def test_the_file_is_ours_private_and_in_wal(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert sorted(file.name for file in path.parent.iterdir()) == ["catalogue.sqlite"]


def test_leasing_walks_the_partial_index_and_sorts_nothing(path: Path) -> None:
    """Otherwise each lease reads and sorts the whole ledger of a space: 100,000 rows, thousands of times."""
    database = SqliteDatabase(path)
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO libraries VALUES (1, 'o', 'folder', 'm', x'2f6d', '[]', 0, 0, 1)")
        transaction.execute(
            "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
            " VALUES (1, 'o', 's', 'm', 'f', '{}', 3, 'filling', '', 0)"
        )
        transaction.execute_many(
            "INSERT INTO items (id, owner, library_id, path, size, mtime_ns, updated_at) VALUES (?, 'o', 1, ?, 1, 1, 1)",
            [(n, b"%d" % n) for n in range(1, 501)],
        )
        transaction.execute_many(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, job_id, updated_at)"
            " VALUES (1, ?, 'o', 'pending', 'new', 0, 0, 'j', 0)",
            [(n,) for n in range(1, 501)],
        )
    asked: list[str] = []
    database._connection.set_trace_callback(asked.append)
    leased = SqlLedger(database).lease("o", "j", 1, 10, 99.0, 3)
    database._connection.set_trace_callback(None)
    assert len(leased) == 10
    searches = [sql for sql in asked if sql.startswith("SELECT item_id FROM ledger")]
    assert searches
    for sql in searches:
        plan = [row[3] for row in database.query(f"EXPLAIN QUERY PLAN {sql}")]
        assert any("open_work" in step for step in plan), (sql, plan)
        assert not any("TEMP B-TREE" in step for step in plan), (sql, plan)
    database.close()


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT id FROM items WHERE owner = ? AND library_id = ? ORDER BY path", "sqlite_autoindex_items"),
        ("SELECT id FROM items WHERE owner = ? AND library_id = ? AND path = ?", "sqlite_autoindex_items"),
        ("SELECT id FROM jobs WHERE owner = ? AND work_key = ? AND active = 1", "one_active_job"),
        (
            "SELECT item_id FROM ledger WHERE owner = ? AND state IN ('failed', 'dismissed') AND error_code = ?",
            "failures",
        ),
    ],
)
def test_frequent_questions_use_an_index_and_sort_nothing(path: Path, sql: str, index: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))]
    assert index in plan[0], plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


def test_only_asking_for_it_makes_a_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogueMissing):
        open_sqlite(tmp_path / "sub/catalogue.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_finished_is_not_there_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_upgrade", fails)
    with pytest.raises(CatalogueError, match="no such table: nowhere"):
        open_sqlite(tmp_path / "catalogue.sqlite", create=True)
    assert list(tmp_path.iterdir()) == []


def fails(connection: object) -> None:
    """A migration that breaks after it changed something."""
    execute = connection.exec_driver_sql  # type: ignore[attr-defined]  # a SQLAlchemy connection
    execute("CREATE TABLE half_done (a INTEGER)")
    execute("INSERT INTO half_done VALUES (1)")
    execute("DROP TABLE speeds") if "speeds" in tables(connection) else None
    execute("INSERT INTO nowhere VALUES (1)")


def tables(connection: object) -> set[str]:
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master")  # type: ignore[attr-defined]  # as above
    return {row[0] for row in rows}


def test_a_migration_that_fails_leaves_the_old_file_usable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(path)
    with monkeypatch.context() as patched:
        patched.setattr(sqlite, "SCHEMA_VERSION", "9999")
        patched.setattr(migrate, "_upgrade", fails)
        with pytest.raises(CatalogueError, match="no such table: nowhere"):
            open_sqlite(path, create=False)
    assert dump(path) == before
    open_sqlite(path, create=False).close()


def test_an_older_file_is_migrated_when_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add_a_table(connection: object) -> None:
        connection.exec_driver_sql("CREATE TABLE later (a INTEGER)")  # type: ignore[attr-defined]  # as above

    monkeypatch.setattr(sqlite, "SCHEMA_VERSION", "9999")
    monkeypatch.setattr(migrate, "_upgrade", add_a_table)
    database = open_sqlite(path, create=False)
    assert database.query("SELECT COUNT(*) FROM later") == [(0,)]
    database.close()


def create(path: Path, start: threading.Barrier) -> None:
    start.wait()
    database = open_sqlite(path, create=True)
    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO speeds VALUES (?, ?, 1, 1, 1)", (str(multiprocessing.current_process().pid), "m")
        )
    database.close()


def test_processes_that_create_the_same_file_at_once_share_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    target = tmp_path / "deep/er/catalogue.sqlite"
    processes = [context.Process(target=create, args=(target, start)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM speeds").fetchone() == (4,)
    assert sorted(file.name for file in target.parent.iterdir()) == ["catalogue.sqlite"]


def test_a_copy_is_of_one_moment_while_others_write(path: Path, tmp_path: Path) -> None:
    """Each transaction writes two rows: a copy with an odd number would be torn."""
    stop = threading.Event()

    def write() -> None:
        database = SqliteDatabase(path)
        number = 0
        while not stop.is_set():
            number += 1
            with database.transaction() as transaction:
                for half in "ab":
                    transaction.execute("INSERT INTO speeds VALUES (?, ?, 1, 1, 1)", (f"{number}", half))
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(20):
            copy_sqlite(path, tmp_path / f"{number}.sqlite")
    finally:
        stop.set()
        writer.join()
    for number in range(20):
        with closing(sqlite3.connect(tmp_path / f"{number}.sqlite")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT COUNT(*) % 2 FROM speeds").fetchone() == (0,)
    open_sqlite(tmp_path / "19.sqlite", create=False).close()


def test_a_transaction_happens_wholly_or_not_at_all(path: Path) -> None:
    database = open_sqlite(path, create=False)

    def half() -> None:
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO speeds VALUES ('a', 'b', 1, 1, 1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert database.query("SELECT COUNT(*) FROM speeds") == [(0,)]
    database.close()


def test_a_stream_sees_one_moment_whatever_is_written_meanwhile(path: Path) -> None:
    database = open_sqlite(path, create=False)

    def add(first: int, last: int) -> None:
        with database.transaction() as transaction:
            transaction.execute_many(
                "INSERT INTO speeds VALUES (?, 'm', 1, 1, 1)", [(f"{n:06}",) for n in range(first, last)]
            )

    add(0, 3000)
    rows = database.stream("SELECT fingerprint FROM speeds ORDER BY fingerprint")
    assert next(rows) == ("000000",)
    add(3000, 4000)
    assert len(list(rows)) == 2999
    database.close()


def test_each_trouble_has_its_own_error_and_the_file_stays(path: Path) -> None:
    whole = path.read_bytes()
    newer = path.with_name("newer")
    newer.write_bytes(whole)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    later = newer.read_bytes()
    newer.unlink()
    for content, kind in (
        (b"", NotACatalogue),
        (b"hello", NotACatalogue),
        (whole[:68] + b"\0\0\0\0" + whole[72:], NotACatalogue),
        (whole[:100] + b"\xa5" * (len(whole) - 100), CatalogueCorrupt),
        (whole[:2000], CatalogueCorrupt),
        (later, CatalogueTooNew),
    ):
        path.write_bytes(content)
        for use in (
            lambda: open_sqlite(path, create=True),
            lambda: copy_sqlite(path, path.with_name("copy")),
        ):
            with pytest.raises(kind) as caught:
                use()
            assert str(path) in caught.value.message
            assert caught.value.cure
        assert path.read_bytes() == content
        assert [file.name for file in path.parent.iterdir()] == ["catalogue.sqlite"]


def test_a_database_that_another_program_holds_is_said_to_be_locked(path: Path) -> None:
    database = open_sqlite(path, create=False, busy_timeout=0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CatalogueLocked) as caught, database.transaction():
            pass
        assert caught.value.retryable
        holder.execute("ROLLBACK")
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO speeds VALUES ('a', 'b', 1, 1, 1)")
    database.close()
