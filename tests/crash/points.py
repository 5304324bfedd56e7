"""The named points: where in the product a process may be killed, and which work passes there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an attribute is. ``CALL``: a function, killed before or after it. ``BLOCK``: a context manager, killed inside
    it when its body is through, or after it has left. ``MAKER``: gives the function that is meant."""

    CALL = "call"
    BLOCK = "block"
    MAKER = "maker"


@dataclass(frozen=True, slots=True)
class Point:
    """``attribute`` of ``module``, where it is looked up by those who call it. ``nth``: which call a short test is
    killed at."""

    name: str
    module: str
    attribute: str
    kind: Kind = Kind.CALL
    nth: int = 1


def _sql(name: str, module: str, attribute: str, nth: int = 1) -> Point:
    return Point(name, f"reprise.catalog.{module}", attribute, nth=nth)


COMMIT = Point(
    "a transaction of the catalogue", "reprise.catalog.sqlite", "SqliteDatabase.transaction", Kind.BLOCK, 3
)
FILE_COMMIT = Point(
    "a transaction of a file of vectors", "reprise.stores.sqlite_files", "SqliteFile.writing", Kind.BLOCK
)
MIGRATION = Point("the migration of the catalogue", "reprise.catalog.sqlite", "_migrate")
PUBLISHED = Point("the catalogue gets its name", "reprise.catalog.sqlite", "_publish")
LIBRARY = _sql("a library is added", "libraries", "SqlLibraries.add")
WRITTEN = _sql("a scan writes rows", "items", "SqlItems.apply")
LEARNED = _sql("a scan learns digests", "items", "_learn")
FOLLOWED = _sql("a scan follows moves", "items", "SqlItems.move")
PROBLEMS = _sql("a scan notes problems", "libraries", "SqlLibraries.set_problems")
FORGOTTEN = _sql("items are forgotten", "items", "SqlItems.remove")
UNSTORED = Point("vectors are deleted", "reprise.stores.embedded.store", "EmbeddedStore.delete")
CREATED = _sql("a job is made", "jobs", "SqlJobs.create")
JOB_STATE = _sql("a job's state is set", "jobs", "SqlJobs.set_state")
PERCENT = _sql("a job's percentage is set", "jobs", "SqlJobs.set_percent", nth=2)
MODEL_STATE = _sql("a model's state is set", "jobs", "SqlJobs.set_model")
PLANNED = _sql("rows are planned", "ledger", "SqlLedger.plan")
LEASED = _sql("rows are leased", "ledger", "SqlLedger.lease", nth=2)
LEDGER = _sql("the ledger is committed", "ledger", "SqlLedger.commit", nth=2)
RELEASED = _sql("rows are given back", "ledger", "SqlLedger.release")
FED = _sql("an event goes into the feed", "feed", "SqlFeed.add", nth=3)
CHILD = Point("a model process is started", "reprise.engine.model_process", "ModelProcess.start")
STORED = Point("vectors are stored", "reprise.stores.embedded.store", "EmbeddedStore.upsert", nth=2)
SPACE = Point("a space is made", "reprise.stores.embedded.store", "EmbeddedStore.create")
ENSURED = _sql("a space is named", "spaces", "SqlSpaces.ensure")
SPACE_STATE = _sql("a space's state is set", "spaces", "SqlSpaces.set_state")
VERIFIED = Point("a space is verified", "reprise.stores.embedded.store", "EmbeddedStore.verify")
SWITCHED = _sql("the pointer is switched", "spaces", "SqlSpaces.switch")
UNPOINTED = _sql("the pointer is taken away", "spaces", "SqlSpaces.unpoint")
DROPPED = Point("a space is dropped", "reprise.stores.embedded.store", "EmbeddedStore.drop")
ROWS_DROPPED = _sql("a space's rows are dropped", "ledger", "SqlLedger.forget_space")
BEGUN = _sql("a session of renaming is begun", "renames", "SqlRenames.begin")
INTENDED = _sql("renames are intended", "renames", "SqlRenames.intend", nth=2)
SETTLED = _sql("renames are settled", "renames", "SqlRenames.settle")
SESSION_STATE = _sql("a session's state is set", "renames", "SqlRenames.set_state")
SESSION_OPTIONS = _sql("a session's options are set", "renames", "SqlRenames.set_options")
RENAMED = Point("a file is renamed", "reprise.rename.files", "_linux", Kind.MAKER, 3)
SYNCED = Point("folders are synced", "reprise.rename.carrier", "sync_folders")
ITEMS_FOLLOW = Point("items follow their files", "reprise.catalog.renames", "follow")
MOVE_BEGUN = Point("a move is begun", "reprise.catalog.moving", "Journal.begin")
MOVE_MARK = Point("a move's mark is set", "reprise.catalog.moving", "Journal.put", nth=2)
MOVE_ENDED = Point("a move is ended", "reprise.catalog.moving", "Journal.end")
MADE = Point("a move makes the tables", "reprise.catalog.moving_sqlite", "open_sqlite")
PUT = Point("a move writes a page of rows", "reprise.catalog.moving_sqlite", "_Writer.put", nth=9)
TARGET_COMMIT = Point(
    "a transaction of a move", "reprise.catalog.moving_sqlite", "SqliteTarget.transaction", Kind.BLOCK, 7
)
CHECKED = Point("a move checks the target", "reprise.catalog.moving_sqlite", "SqliteTarget.check")
RELEASE = Point("a move releases the target", "reprise.catalog.moving_sqlite", "SqliteTarget.release")
WORDS = Point("words are stored", "reprise.stores.lexical.index", "SqliteLexicalIndex.upsert")
SERVER_MADE = Point(
    "a move makes the server's tables", "reprise.catalog.moving_postgres", "PostgresTarget.make"
)
SERVER_PUT = Point(
    "a move writes a page to the server", "reprise.catalog.moving_postgres", "_Writer.put", nth=9
)
SERVER_COMMIT = Point(
    "a transaction of a move on the server",
    "reprise.catalog.moving_postgres",
    "PostgresTarget.transaction",
    Kind.BLOCK,
    7,
)
SERVER_CHECKED = Point("a move checks the server", "reprise.catalog.moving_postgres", "PostgresTarget.check")
SERVER_RELEASE = Point(
    "a move releases the server", "reprise.catalog.moving_postgres", "PostgresTarget.release"
)
SERVER_STORED = Point(
    "vectors reach pgvector", "reprise.stores.pgvector.store", "PgvectorStore.upsert", nth=2
)
STATEMENT = Point("a statement of a migration", "sqlalchemy.engine.base", "Connection.execute", nth=20)
DRIVER_STATEMENT = Point(
    "begin or commit of a migration", "sqlalchemy.engine.base", "Connection.exec_driver_sql"
)
STEP = Point("a step of a migration", "alembic.runtime.migration", "HeadMaintainer.update_to_step")

BY_WORK: dict[str, tuple[Point, ...]] = {
    "first scan": (MIGRATION, PUBLISHED, LIBRARY, WRITTEN, COMMIT, PROBLEMS),
    "scan": (WRITTEN, COMMIT, LEARNED, FOLLOWED, UNSTORED, FORGOTTEN, PROBLEMS),
    "embed": (
        CREATED, PLANNED, SPACE, CHILD, LEASED, STORED, FILE_COMMIT, LEDGER, COMMIT, PERCENT, FED, RELEASED, MODEL_STATE,
        JOB_STATE,
    ),
    "cutover": (
        ENSURED, SPACE_STATE, STORED, LEDGER, PLANNED, VERIFIED, SWITCHED, UNPOINTED, DROPPED, ROWS_DROPPED,
    ),
    "rename": (BEGUN, INTENDED, RENAMED, SYNCED, ITEMS_FOLLOW, SETTLED, SESSION_STATE, COMMIT),
    "undo": (SESSION_OPTIONS, INTENDED, RENAMED, SYNCED, ITEMS_FOLLOW, SETTLED, SESSION_STATE, COMMIT),
    "move": (MADE, MOVE_BEGUN, PUT, TARGET_COMMIT, STORED, MOVE_MARK, WORDS, CHECKED, MOVE_ENDED, RELEASE),
    "move to a server": (
        SERVER_MADE, MOVE_BEGUN, SERVER_PUT, SERVER_COMMIT, SERVER_STORED, MOVE_MARK, SERVER_CHECKED, MOVE_ENDED,
        SERVER_RELEASE,
    ),
    "migrate": (MIGRATION, DRIVER_STATEMENT, STATEMENT, STEP),
}  # fmt: skip
"""Which points are tried with which work."""

SMALLER: dict[str, dict[str, int]] = {
    "reprise.engine.scan": {"BATCH_FILES": 5},
    "reprise.catalog.moving_postgres": {"PAGE_ROWS": 7},
    "reprise.catalog.moving_sqlite": {"PAGE_ROWS": 7},
    "reprise.engine.moving_parts": {"MOST_ROWS": 50, "WORDS_ROWS": 7},
}
"""Sizes of batches that no setting sets, so that a small library has many of them."""


def named(name: str) -> Point:
    """Raises ``StopIteration`` for a name that no point has."""
    return next(point for points in BY_WORK.values() for point in points if point.name == name)
