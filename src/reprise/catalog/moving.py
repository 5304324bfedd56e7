"""Moving a catalogue from one database to another: which tables, how a row is summed, how far a move is.

A target that is being filled says so in three tables of its own: ``reprise_moved_here`` (from where, and whether it is
finished), ``reprise_moved_parts`` (the last key of each part that is written for sure), ``reprise_moved_later`` (indexes and constraints
that are made when all rows are there). The first one stays.
"""

from __future__ import annotations

import json
import marshal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reprise.core.moving import Page
from reprise.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reprise.catalog.database import Row
    from reprise.core.moving import Key

MOVED = (
    "libraries", "items", "spaces", "pointers", "jobs", "job_models", "ledger", "scan_problems", "speeds", "users", "sessions",
    "tokens", "feed", "schedules", "foreign_ids", "analyses", "rename_sessions", "rename_moves", "inputs", "videos", "scenes",
    "frames", "persons", "photos", "released_files", "search_preferences", "reprocessings",
)  # fmt: skip
"""The tables whose rows are copied; those that others point to come first."""

LEFT = {
    "alembic_version": "says which schema the database has itself",
    "listing": "is made of the items by whatever shows it",
    "listing_notes": "goes with the listing",
    "listing_counts": "goes with the listing",
    "listing_state": "goes with the listing",
    "listing_words": "goes with the listing",
    "locks": "is of processes that live now",
    "workers": "is of processes that live now",
}
"""The tables that are not, and why."""

JOURNAL = {
    "reprise_moved_here": "source TEXT NOT NULL, state TEXT NOT NULL, begun_at FLOAT NOT NULL, ended_at FLOAT",
    "reprise_moved_parts": "part TEXT PRIMARY KEY, mark TEXT NOT NULL",
    "reprise_moved_later": "number INTEGER PRIMARY KEY, sql TEXT NOT NULL",
}

MOVING = "being moved to"
"""Stands for the version of the schema as long as the move is not finished: then nobody takes it for a catalogue."""

PAGE_ROWS = 5000
WEIGHTS = {
    "ledger": 140,
    "items": 320,
    "feed": 400,
    "analyses": 2000,
    "inputs": 1500,
    "videos": 20_000,
    "scenes": 2000,
}
"""About how many bytes a row takes; for percentages."""
ROW_WEIGHT = 200


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` begin with those of ``key``, which is the primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Writer(Protocol):
    """Inside one transaction of the target."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None: ...

    def put(self, table: Table, rows: Sequence[Row]) -> None: ...


class Side(Protocol):
    """A database as one end of a move. All calls raise ``CatalogueError`` kinds and ``DiskFull``."""

    @property
    def place(self) -> str:
        """Where it is, for people: without a password."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]: ...

    def has(self, table: str) -> bool: ...

    def table(self, name: str) -> Table: ...

    def pages(self, table: Table, *, ordered: bool) -> Iterator[list[Row]]:
        """All rows, some thousands at a time; ``ordered``: by key, texts by their code points."""

    def sequences(self) -> Mapping[str, int]:
        """The largest number that each table with numbers of its own has given out."""

    def close(self) -> None: ...


class Source(Side, Protocol):
    """What is moved."""

    def hold(self) -> None:
        """From here on nobody changes it, until it is closed. Raises ``CatalogueLocked`` when somebody is at it."""


class Target(Side, Protocol):
    """What it is moved to."""

    def transaction(self) -> AbstractContextManager[Writer]: ...

    def make(self) -> None:
        """Make the tables, where they are not there. They are empty, and unusable until ``release``."""

    def postpone(self, writer: Writer) -> list[str]:
        """Take away what slows writing down; returns the statements that make it again."""

    def set_sequences(self, writer: Writer, numbers: Mapping[str, int]) -> None:
        """No number up to these is given out again."""

    def check(self) -> None:
        """Raises ``CatalogueError`` when rows point to rows that are not there."""

    def release(self) -> None:
        """From here on it is a catalogue like any other."""


class Journal:
    """How far a move into the target is. Implements ``core.moving.Marks``."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def begun_by(self) -> tuple[str, str] | None:
        """From where the target is or was filled, and in which state; ``None``: it is not."""
        if not self._target.has("reprise_moved_here"):
            return None
        rows = self._target.query("SELECT source, state FROM reprise_moved_here")
        return (rows[0][0], rows[0][1]) if rows else None

    def begin(self, source: str, *, postpone: bool = True) -> None:
        with self._target.transaction() as writer:
            for name, columns in JOURNAL.items():
                writer.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
                writer.execute(f"DELETE FROM {name}")
            later = self._target.postpone(writer) if postpone else []
            for number, sql in enumerate(later):
                writer.execute("INSERT INTO reprise_moved_later (number, sql) VALUES (?, ?)", (number, sql))
            writer.execute(
                "INSERT INTO reprise_moved_here (source, state, begun_at) VALUES (?, 'moving', ?)",
                (source, time.time()),
            )

    def make_later(self) -> Iterator[int]:
        """Make what was postponed, statement by statement; yields how many are left before each."""
        rows = self._target.query("SELECT number, sql FROM reprise_moved_later ORDER BY number")
        for place, (number, sql) in enumerate(rows):
            yield len(rows) - place
            with self._target.transaction() as writer:
                writer.execute(sql)
                writer.execute("DELETE FROM reprise_moved_later WHERE number = ?", (number,))

    def end(self) -> None:
        """It is finished; who comes again finds that said."""
        with self._target.transaction() as writer:
            writer.execute("UPDATE reprise_moved_here SET state = 'complete', ended_at = ?", (time.time(),))
            writer.execute("DROP TABLE reprise_moved_parts")
            writer.execute("DROP TABLE reprise_moved_later")

    def get(self, part: str) -> Key | None:
        rows = self._target.query("SELECT mark FROM reprise_moved_parts WHERE part = ?", (part,))
        return _read_mark(rows[0][0]) if rows else None

    def put(self, part: str, mark: Key) -> None:
        with self._target.transaction() as writer:
            write_mark(writer, part, mark)

    def forget(self, part: str) -> None:
        with self._target.transaction() as writer:
            writer.execute("DELETE FROM reprise_moved_parts WHERE part = ?", (part,))


def write_mark(writer: Writer, part: str, mark: Key) -> None:
    text = json.dumps([{"hex": one.hex()} if isinstance(one, bytes) else one for one in mark])
    writer.execute(
        "INSERT INTO reprise_moved_parts (part, mark) VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET mark = excluded.mark",
        (part, text),
    )


def _read_mark(text: str) -> Key:
    return tuple(bytes.fromhex(one["hex"]) if isinstance(one, dict) else one for one in json.loads(text))


class TablePart:
    """One table on its way. A row is summed as Python's ``marshal`` writes it in format 2: every value by its type and
    its bytes, with nothing that depends on how it came to be."""

    def __init__(self, name: str, source: Source, target: Target) -> None:
        """Raises ``CatalogueError`` when the two databases have another idea of the table."""
        self._source, self._target = source, target
        self.table = source.table(name)
        there = target.table(name) if target.has(name) else None
        if there is not None and (there.key, set(there.columns)) != (self.table.key, set(self.table.columns)):
            raise CatalogueError(
                f"table {name} of {target.place} has other columns than that of {source.place}",
                cure="use the same release of Reprise for both, and an empty database",
            )
        self.name = f"table {name}"
        self.size = size_of(source, name)

    @property
    def weight(self) -> int:
        return self.size * WEIGHTS.get(self.table.name, ROW_WEIGHT)

    def read(self) -> Iterator[Page]:
        return self._pages(self._source, ordered=True)

    def read_back(self, *, ordered: bool = False) -> Iterator[Page]:
        return self._pages(self._target, ordered=ordered)

    def _pages(self, side: Side, *, ordered: bool) -> Iterator[Page]:
        width = len(self.table.key)
        for rows in side.pages(self.table, ordered=ordered):
            yield Page([row[:width] for row in rows], [marshal.dumps(row, 2) for row in rows], rows)

    def begin(self, mark: Key | None) -> None:
        if mark is None:
            with self._target.transaction() as writer:
                writer.execute(f"DELETE FROM {self.table.name}")

    def write(self, page: Page, after: int) -> None:
        """Rows and mark in one transaction: no row comes twice."""
        with self._target.transaction() as writer:
            writer.put(self.table, page.rows[after:])
            write_mark(writer, self.name, page.keys[-1])

    def finish(self) -> None:
        """Indexes are made for all tables together."""


def rows_in(side: Side) -> str:
    """The first table of a catalogue that has a row, or nothing."""
    for name in MOVED:
        if side.has(name) and side.query(f"SELECT 1 FROM {name} LIMIT 1"):
            return name
    return ""


def size_of(side: Side, table: str) -> int:
    return int(side.query(f"SELECT COUNT(*) FROM {table}")[0][0])


def spaces_of(side: Side, *, words: bool) -> list[tuple[str, str, int, int]]:
    """Owner, name and dimension of the spaces that may have something in a store of vectors, or in an index of words;
    and of how many items the ledger says that there is."""
    which, kept = "s.dimension > 0", "l.has_vector = 1"
    if words:
        which, kept = "s.dimension = 0 AND s.channel = 'lexical'", "l.state = 'done'"
    rows = side.query(
        f"SELECT s.owner, s.name, s.dimension, (SELECT COUNT(*) FROM ledger l WHERE l.space_id = s.id AND {kept})"
        f" FROM spaces s WHERE s.state NOT IN ('draft', 'dropped') AND {which} ORDER BY s.id"
    )
    return [(owner, name, dimension, told) for owner, name, dimension, told in rows]


def texts_of(side: Side) -> Callable[[str, Sequence[int]], list[tuple[int, bytes, str]]]:
    """Of an owner's items their paths and the texts that are indexed by words, ascending by id."""

    def texts(owner: str, keys: Sequence[int]) -> list[tuple[int, bytes, str]]:
        marks = ", ".join("?" * len(keys))
        rows = side.query(
            "SELECT i.id, i.path, n.text FROM items i JOIN inputs n ON n.item_id = i.id WHERE n.channel = 'lexical'"
            f" AND i.owner = ? AND i.id IN ({marks}) AND n.text IS NOT NULL ORDER BY i.id",
            (owner, *keys),
        )
        return [(number, path, text) for number, path, text in rows]

    return texts
