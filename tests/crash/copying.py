"""Work that copies or converts a whole installation: a move, a migration of its catalogue."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from alembic import command as alembic
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from reprise.app import App
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.migrate import MIGRATIONS
from reprise.catalog.sqlite import APPLICATION_ID, open_sqlite
from reprise.errors import RepriseError
from tests.crash.embedding import Library
from tests.crash.killing import Command, Struck, Work, at_rest
from tests.crash.truth import FILES, OTHER, ROWS, VECTORS, Fault, files_of, sound_databases
from tests.moving.filled import rows_of, settings_of, vectors_of, words_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from pathlib import Path

CHECKS = ("vectors", "kept", "items", "counters", "search", "finished")


class _Moving(Work):
    """An installation with rows in every table is moved, to another place each time that one move is through."""

    def __init__(self, base: Path, environment: Mapping[str, str], filled: Path) -> None:
        self._base = base
        self.output = base / "output"
        self.output.mkdir(parents=True)
        self._source = shutil.copytree(filled, base / "source")
        self._environment = {**environment, "REPRISE_HOME": str(self._source)}
        self._rows = rows_of(self._source / "catalogue.sqlite")
        with App(settings_of(self._source)) as app:
            self._vectors, self._words = vectors_of(app), words_of(app)
        self._pictures = files_of(self._source / "media")
        self._targets = 0
        self._open = False

    @property
    def folder(self) -> Path:
        return self.output

    def command(self, dice: random.Random) -> Command:
        del dice
        if not self._open:
            self._targets += 1
            self._new_target()
            self._open = True
        return Command(("move", *self._options(), "--json"), self._environment)

    def _new_target(self) -> None:
        raise NotImplementedError

    def _options(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _moved(self) -> list[Fault]:
        """What differs between the source and a target that is complete."""
        raise NotImplementedError

    def _half(self) -> list[Fault]:
        """What is wrong with a target that may not be complete."""
        raise NotImplementedError

    def look(self, struck: Struck) -> list[Fault]:
        found = [*sound_databases(self._source), *self._source_untouched()]
        if struck.whole:
            self._open = False
            return found + self._moved()
        return found + self._half()

    def _source_untouched(self) -> list[Fault]:
        found = _compared(rows_of(self._source / "catalogue.sqlite"), self._rows, ROWS, "the source")
        with App(settings_of(self._source)) as app:
            found += _compared(vectors_of(app), self._vectors, VECTORS, "the source's vectors")
        return found

    def finish(self, *, compare: bool) -> list[Fault]:
        del compare  # every look compares
        if not self._open:
            return []
        struck = at_rest(Command(("move", *self._options(), "--json"), self._environment), self.output)
        return [*struck.faults, *self.look(struck)]


def _compared(here: Any, wanted: Any, kind: str, what: str) -> list[Fault]:
    return [] if here == wanted else [Fault(kind, f"{what}: not what it was")]


class MovingHome(_Moving):
    """To another state folder."""

    name = "move"

    @property
    def _target(self) -> Path:
        return self._base / f"target{self._targets}"

    def _new_target(self) -> None:
        """The folder is made by the move."""

    def _options(self) -> tuple[str, ...]:
        return ("--to-home", str(self._target))

    def _half(self) -> list[Fault]:
        """The catalogue gets its name last: when it has it, all is there."""
        if (self._target / "catalogue.sqlite").exists():
            return self._moved()
        return list(sound_databases(self._target)) if self._target.exists() else []

    def _moved(self) -> list[Fault]:
        found = list(sound_databases(self._target))
        found += _compared(rows_of(self._target / "catalogue.sqlite"), self._rows, ROWS, "the target")
        found += _compared(files_of(self._target / "media"), self._pictures, FILES, "the target's pictures")
        with App(settings_of(self._target)) as app:
            found += _compared(vectors_of(app), self._vectors, VECTORS, "the target's vectors")
            found += _compared(words_of(app), self._words, VECTORS, "the target's words")
        return found


class MovingToServer(_Moving):
    """To PostgreSQL and pgvector. ``database``: makes a new database with the tables of a catalogue."""

    name = "move to a server"

    def __init__(
        self, base: Path, environment: Mapping[str, str], filled: Path, database: Callable[[], str]
    ) -> None:
        super().__init__(base, environment, filled)
        self._database = database
        self._url = ""

    def _new_target(self) -> None:
        self._url = self._database()
        (self.output / "address").write_text(self._url)

    def _options(self) -> tuple[str, ...]:
        return ("--to-catalogue", f"@{self.output / 'address'}", "--to-store", "pgvector")

    def _half(self) -> list[Fault]:
        """Nobody takes it for a catalogue before it is one; one that was not begun is empty."""
        try:
            with App(settings_of(self._base / "nowhere", catalogue_url=self._url, store="pgvector")) as app:
                app.catalogue()
        except RepriseError as error:
            told = "being moved to" in error.message
            return [] if told else [Fault(OTHER, f"an unfinished target says: {error.message}")]
        rows = rows_of(self._url)
        return [] if not any(rows.values()) else self._moved()

    def _moved(self) -> list[Fault]:
        found = _compared(rows_of(self._url), self._rows, ROWS, "the server")
        with App(settings_of(self._source, catalogue_url=self._url, store="pgvector")) as app:
            found += _compared(vectors_of(app), self._vectors, VECTORS, "the server's vectors")
        return found


class Migrating(Work):
    """An installation whose catalogue is of an earlier schema is opened, of one schema after the other."""

    name = "migrate"

    def __init__(self, base: Path, environment: Mapping[str, str], *, tracks: int = 20) -> None:
        self.library = Library(base, environment)
        self.library.add(tracks)
        self.library.end("embed", str(self.library.home.music), "--model", "null")
        self._path = self.library.home.state / "catalogue.sqlite"
        self._newest = base / "newest.sqlite"
        with closing(sqlite3.connect(self._path)) as here, closing(sqlite3.connect(self._newest)) as copy:
            here.backup(copy)
        self._computed = self.library.home.computed()
        self._turn = 0
        self._open = False
        self._before: tuple[str, list[str]] = ("", [])
        self._after: dict[str, list[str]] = {}

    @property
    def folder(self) -> Path:
        return self.library.output

    def command(self, dice: random.Random) -> Command:
        del dice
        if not self._open:
            revisions = [f"{number:04d}" for number in range(1, int(SCHEMA_VERSION))]
            self._take(revisions[self._turn % len(revisions)])
        return self.library.command("libraries")

    def _take(self, revision: str) -> None:
        """The installation is of this revision now; what a migration in peace makes of it is known."""
        self._turn += 1
        self._open = True
        older = self.folder.parent / f"older-{revision}.sqlite"
        if not older.exists():
            make_older(self._newest, older, revision)
        for path in (self._path, *(self._path.with_name(self._path.name + end) for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)
        shutil.copyfile(older, self._path)
        self._before = (revision, dump(self._path))
        if revision not in self._after:
            quiet = self.folder.parent / f"quiet-{revision}.sqlite"
            shutil.copyfile(older, quiet)
            open_sqlite(quiet, create=False).close()
            self._after[revision] = dump(quiet)

    def look(self, struck: Struck) -> list[Fault]:
        revision, rows = self._before
        found = list(sound_databases(self.library.home.state))
        version, now = version_of(self._path), dump(self._path)
        if version == revision:
            found += _compared(now, rows, ROWS, f"of schema {revision} still, but")
        elif version == SCHEMA_VERSION:
            found += _compared(now, self._after[revision], ROWS, f"migrated from {revision}, but")
        else:
            found.append(Fault(OTHER, f"between {revision} and {SCHEMA_VERSION}: {version}"))
        if struck.whole:
            if version != SCHEMA_VERSION:
                found.append(Fault(OTHER, f"it is of schema {version} still"))
            found += self._usable()
        return found

    def _usable(self) -> list[Fault]:
        self._open = False
        return self.library.look(*CHECKS)

    def finish(self, *, compare: bool) -> list[Fault]:
        """It is opened, and what was embedded is known: no model is asked again."""
        del compare  # every look compares
        found = self.library.end("libraries")
        found += self.library.look(*CHECKS)
        found += self.library.end("embed", str(self.library.home.music), "--model", "null")
        if self.library.home.computed() != self._computed:
            found.append(Fault(OTHER, "a migration cost an embedding"))
        return found + self.library.look(*CHECKS)


def dump(path: Path) -> list[str]:
    """Tables, rows and indexes of a database as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def version_of(path: Path) -> str:
    """The schema that the catalogue says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def make_older(newest: Path, older: Path, revision: str) -> None:
    """A catalogue as a release of that schema left it, with those rows and values of ``newest`` that it knew."""
    engine = create_engine(f"sqlite:///{older}", poolclass=NullPool)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        alembic.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(older)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("ATTACH ? AS newest", (str(newest),))
        for table in _tables(connection, "main") & _tables(connection, "newest") - {"alembic_version"}:
            shared = sorted(_columns(connection, "main", table) & _columns(connection, "newest", table))
            names = ", ".join(f'"{name}"' for name in shared)
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM newest.{table}")
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL").close()


def _tables(connection: sqlite3.Connection, schema: str) -> set[str]:
    """Tables with rows of their own; those of a full-text index are the index's business."""
    rows = connection.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in rows if not name.startswith(("sqlite_", "listing"))}


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")}
