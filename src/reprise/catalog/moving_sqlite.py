"""SQLite as either end of a move: a source that nobody may write meanwhile, a target that is built beside its place."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reprise.catalog.moving import MOVED, PAGE_ROWS, Table
from reprise.catalog.sqlite import open_sqlite, translated
from reprise.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reprise.catalog.database import Row
    from reprise.catalog.moving import Writer

SUFFIX = ".moving"


class SqliteSide:
    """What both ends have in common. ``_at``: the file that is open."""

    def __init__(self, path: Path, at: Path, busy_timeout: float) -> None:
        self.path = path
        self._at = at.absolute()
        with translated(self._at):
            self._connection = sqlite3.connect(
                f"{self._at.as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=busy_timeout,
                check_same_thread=False,
            )

    @property
    def place(self) -> str:
        return str(self.path)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated(self._at), closing(self._connection.execute(sql, parameters)) as cursor:
            return cursor.fetchall()

    def has(self, table: str) -> bool:
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def table(self, name: str) -> Table:
        facts = self.query(f"PRAGMA table_info({name})")
        keyed = sorted((place, column) for _, column, _, _, _, place in facts if place)
        key = tuple(column for _, column in keyed)
        others = sorted(column for _, column, _, _, _, place in facts if not place)
        return Table(name, (*key, *others), key)

    def pages(self, table: Table, *, ordered: bool) -> Iterator[list[Row]]:
        """SQLite compares texts by their UTF-8 bytes, which is the order of code points."""
        order = f" ORDER BY {', '.join(table.key)}" if ordered else ""
        columns = ", ".join(f'"{column}"' for column in table.columns)
        with (
            translated(self._at),
            closing(self._connection.execute(f"SELECT {columns} FROM {table.name}{order}")) as cursor,
        ):
            while rows := cursor.fetchmany(PAGE_ROWS):
                yield rows

    def sequences(self) -> Mapping[str, int]:
        """Of a table whose numbers are given out anew after a deletion, only the largest is known."""
        numbered = self.has("sqlite_sequence")
        given: dict[str, int] = dict(self.query("SELECT name, seq FROM sqlite_sequence") if numbered else [])
        found = {}
        for name in MOVED:
            facts = self.query(f"PRAGMA table_info({name})")
            if [(column, kind) for _, column, kind, _, _, place in facts if place] in (
                [("id", "INTEGER")],
                [("seq", "INTEGER")],
            ):
                column = next(column for _, column, _, _, _, place in facts if place)
                largest = self.query(f"SELECT COALESCE(MAX({column}), 0) FROM {name}")[0][0]
                found[name] = max(int(largest), int(given.get(name) or 0))
        return found

    def close(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self._connection.close()


class SqliteSource(SqliteSide):
    """Implements ``catalog.moving.Source``."""

    def __init__(self, path: Path, busy_timeout: float, *, without_nul: bool = False) -> None:
        """``without_nul``: every NUL in a text is read as U+FFFD, as PostgreSQL gets it from the catalogue as well."""
        super().__init__(path, path, busy_timeout)
        self._without_nul = without_nul

    def pages(self, table: Table, *, ordered: bool) -> Iterator[list[Row]]:
        pages = super().pages(table, ordered=ordered)
        if not self._without_nul or not self._has_nul(table):
            return pages
        return ([tuple(map(_readable, row)) for row in page] for page in pages)

    def _has_nul(self, table: Table) -> bool:
        kinds = self.query(f"PRAGMA table_info({table.name})")
        texts = [
            f"instr(CAST(\"{column}\" AS BLOB), x'00')" for _, column, kind, *_ in kinds if kind == "TEXT"
        ]
        return bool(texts and self.query(f"SELECT 1 FROM {table.name} WHERE {' OR '.join(texts)} LIMIT 1"))

    def hold(self) -> None:
        """A transaction that writes nothing keeps all others from writing."""
        with translated(self._at):
            self._connection.execute("BEGIN IMMEDIATE")


class _Writer:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, parameters).close()

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        marks = ", ".join("?" * len(table.columns))
        columns = ", ".join(f'"{column}"' for column in table.columns)
        self._connection.executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", rows).close()


class SqliteTarget(SqliteSide):
    """Implements ``catalog.moving.Target``. The file gets its name when all of it is there."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        """``path`` may be there already: then it can be looked at, and nothing is made. ``settled`` says so."""
        self.settled = path.exists()
        draft = path.with_name(path.name + SUFFIX)
        if self.settled and draft.exists() and draft.samefile(path):  # killed right after it got its name
            draft.unlink()
        if not self.settled and not draft.exists():
            open_sqlite(draft, create=True, busy_timeout=busy_timeout).close()
        super().__init__(path, path if self.settled else draft, busy_timeout)
        if not self.settled:
            with translated(self._at):
                # foreign keys are checked at the end; a killed process loses nothing that it has committed
                for pragma in (
                    "foreign_keys = OFF",
                    "journal_mode = WAL",
                    "synchronous = NORMAL",
                    "cache_size = -65536",
                ):
                    self._connection.execute(f"PRAGMA {pragma}").close()

    @contextmanager
    def transaction(self) -> Iterator[Writer]:
        with translated(self._at):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield _Writer(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise

    def make(self) -> None:
        """The draft was made with its tables."""

    def postpone(self, writer: Writer) -> list[str]:
        marks = ", ".join("?" * len(MOVED))
        found = self.query(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})"
            " ORDER BY name",
            MOVED,
        )
        for name, _ in found:
            writer.execute(f'DROP INDEX "{name}"')
        return [sql for _, sql in found]

    def set_sequences(self, writer: Writer, numbers: Mapping[str, int]) -> None:
        given = {name for (name,) in self.query("SELECT name FROM sqlite_sequence")}
        autoincrement = {
            name for (name,) in self.query("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
        }
        for name in autoincrement & numbers.keys():
            if name not in given:
                writer.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, 0)", (name,))
            writer.execute(
                "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = ?", (numbers[name], name)
            )

    def check(self) -> None:
        broken = self.query("PRAGMA foreign_key_check")
        if broken:
            table, row, parent = broken[0][:3]
            raise CatalogueError(f"row {row} of {table} points to a row of {parent} that is not there")

    def release(self) -> None:
        """Raises ``CatalogueError`` when a file of that name has come meanwhile."""
        if self.settled:
            return
        with translated(self._at):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
            self._connection.close()
            try:
                os.link(self._at, self.path)
            except FileExistsError:
                raise CatalogueError(
                    f"{self.path} has come into being meanwhile", cure="move it away"
                ) from None
            except OSError:  # a file system without hard links
                self._at.rename(self.path)
            for name in (
                self._at,
                self._at.with_name(self._at.name + "-wal"),
                self._at.with_name(self._at.name + "-shm"),
            ):
                name.unlink(missing_ok=True)
            _sync(self.path)
            _sync(self.path.parent)


def _readable(value: object) -> object:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SqliteJournal(SqliteTarget):
    """A file with nothing but a journal, for a move that leaves the catalogue where it is; it goes at the end."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with translated(path.absolute()), closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").close()
        self.settled = False
        SqliteSide.__init__(self, path, path, busy_timeout)

    def postpone(self, writer: Writer) -> list[str]:
        del writer
        return []

    def set_sequences(self, writer: Writer, numbers: Mapping[str, int]) -> None:
        """There are no tables."""

    def release(self) -> None:
        self.close()
        with translated(self._at):
            for name in (
                self._at,
                self._at.with_name(self._at.name + "-wal"),
                self._at.with_name(self._at.name + "-shm"),
            ):
                name.unlink(missing_ok=True)
