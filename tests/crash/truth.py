"""What must hold of an installation whose process was killed, whenever that was; and of one that came to its end.

Everything here only looks. What does not hold is a ``Fault``, and never an exception, so that a long run counts them all.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reprise.core.items import ItemKind
from reprise.core.space import SpaceState
from reprise.search.similar import similar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reprise.app import App
    from reprise.core.space import Space
    from tests.harness import Home

ROWS, VECTORS, FILES, OTHER = "rows lost", "vectors missing, doubled or wrong", "files lost", "other"
OPEN = ("pending", "leased")


class Fault(NamedTuple):
    """One thing that does not hold. ``kind``: one of ``ROWS``, ``VECTORS``, ``FILES``, ``OTHER``."""

    kind: str
    text: str


class Row(NamedTuple):
    """A row of the ledger, with the path of its item; ``None`` when the item is gone."""

    item: int
    state: str
    has_vector: bool
    job: str | None
    path: str | None
    missing: bool


@dataclass
class Memory:
    """What was seen at earlier looks, and what every file ever held. ``versions``: contents by relative path."""

    versions: dict[str, list[bytes]] = field(default_factory=dict)
    replaced: set[bytes] = field(default_factory=set)
    """Contents that their files have no more."""
    done: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """Vectors that were stored for sure, by space and item."""
    percents: dict[str, float] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    """Models that search answered for once."""
    notes: int = 0
    """Lines of the models' log that were read."""

    def file(self, path: str, content: bytes) -> None:
        self.versions.setdefault(path, []).append(content)

    def forget_vectors(self) -> None:
        """They are to be computed anew, or their files have changed: that they were there binds nobody."""
        self.done.clear()


def files_of(music: Path) -> dict[str, bytes]:
    """Contents of all files by relative path."""
    return {
        os.path.relpath(os.path.join(folder, name), music): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(music)
        for name in names
    }


def sound_databases(state: Path) -> Iterator[Fault]:
    """Every SQLite file of the state folder passes SQLite's own checks."""
    for path in sorted(state.rglob("*.sqlite")):
        with closing(sqlite3.connect(path)) as connection:
            told = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            foreign = connection.execute("PRAGMA foreign_key_check").fetchall()
        if told != ["ok"] or foreign:
            yield Fault(OTHER, f"{path.name}: {told[:2]} {foreign[:2]}")


class Installation:
    """Looks at one installation with an open app. ``vector_of`` is the test model's: content and salt to a vector."""

    def __init__(self, home: Home, app: App, memory: Memory, vector_of: Callable[[bytes, str], Any]) -> None:
        self._home = home
        self._app = app
        self._memory = memory
        self._vector_of = vector_of
        self._owner = app.owner
        self.rows = {space.name: self._ledger(space) for space in self.spaces}

    @property
    def spaces(self) -> list[Space]:
        """Those that hold vectors, or are to."""
        found = self._app.catalogue().spaces.all(self._owner)
        return [space for space in found if space.state not in {SpaceState.DRAFT, SpaceState.DROPPED}]

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A question to the catalogue's database, beside the product's own."""
        with closing(sqlite3.connect(self._app.catalogue_path)) as connection:
            return connection.execute(sql, values).fetchall()

    def _ledger(self, space: Space) -> list[Row]:
        found = self.query(
            "SELECT l.item_id, l.state, l.has_vector, l.job_id, i.path, i.missing_since IS NOT NULL FROM ledger l"
            " LEFT JOIN items i ON i.id = l.item_id WHERE l.space_id = ? ORDER BY l.item_id",
            space.id,
        )
        return [
            Row(item, state, bool(has), job, None if path is None else os.fsdecode(path), bool(missing))
            for item, state, has, job, path, missing in found
        ]

    def stored(self, space: Space) -> dict[int, bytes]:
        """Vectors by key, each as often as the store gives it. Raises ``AssertionError`` for a key that comes twice."""
        pages = self._app.store.scan(self._owner, space.name)
        pairs = [
            (int(key), row.tobytes()) for keys, rows in pages for key, row in zip(keys, rows, strict=True)
        ]
        assert len({key for key, _ in pairs}) == len(pairs), f"{space.name}: a key comes twice"
        return dict(pairs)

    def expected(self, space: Space, content: bytes) -> bytes:
        """The bytes of the vector that the space's model makes of a file."""
        epoch = self._app.catalogue().spaces.inputs(self._owner, space.id)["epoch"]
        vector = self._vector_of(content, f"{space.model}{epoch}")
        unit: bytes = (vector / float(np.linalg.norm(vector))).astype(np.float32, copy=False).tobytes()
        return unit

    # what must hold at any moment

    def vectors(self) -> Iterator[Fault]:
        """A row that says it has a vector has exactly one, of a content that its file had; any other vector is of the
        batch in hand. Files that are gone may have lost theirs."""
        for space in self.spaces:
            stored = self.stored(space)
            for row in self.rows[space.name]:
                yield from self._vector(space, row, stored.get(row.item))
            known = {row.item for row in self.rows[space.name] if row.has_vector or row.state in OPEN}
            for key in stored.keys() - known:
                yield Fault(VECTORS, f"{space.name}: nobody knows of vector {key}")

    def _vector(self, space: Space, row: Row, vector: bytes | None) -> Iterator[Fault]:
        # of an item that is being forgotten the vector goes first, and the row after it
        if (row.has_vector or row.state == "done") and vector is None and not row.missing:
            yield Fault(VECTORS, f"{space.name}: {row.path} is {row.state} without a vector")
        elif vector is not None and row.path is not None:
            contents = self._memory.versions.get(row.path, [])
            if vector not in {self.expected(space, content) for content in contents}:
                yield Fault(VECTORS, f"{space.name}: the vector of {row.path} is of another content")

    def kept(self) -> Iterator[Fault]:
        """What was stored at an earlier look still is."""
        now: dict[tuple[str, int], bytes] = {}
        for space in self.spaces:
            stored = self.stored(space)
            for row in self.rows[space.name]:
                vector = stored.get(row.item) if row.has_vector else None
                if vector is not None and not self._to_be_replaced(space, row, vector):
                    now[space.name, row.item] = vector
        living = {space.name for space in self.spaces}
        for (name, item), vector in self._memory.done.items():
            if name in living and now.get((name, item)) != vector:
                yield Fault(ROWS, f"{name}: item {item} was done and is not any more")
        self._memory.done = now

    def _to_be_replaced(self, space: Space, row: Row, vector: bytes) -> bool:
        """Whether it is of a content that the file has no more."""
        contents = self._memory.versions.get(row.path or "", [])
        replaced = [content for content in contents if content in self._memory.replaced]
        return any(vector == self.expected(space, content) for content in replaced)

    def items(self) -> Iterator[Fault]:
        """No file has two rows, and a row that is not missing has a file."""
        found = self.query("SELECT path, COUNT(*) FROM items GROUP BY library_id, path HAVING COUNT(*) > 1")
        for path, count in found:
            yield Fault(OTHER, f"{path!r} has {count} rows")
        for space in self.spaces:
            for row in self.rows[space.name]:
                if row.path is None:
                    yield Fault(OTHER, f"{space.name}: a row of item {row.item}, which is gone")

    def counters(self) -> Iterator[Fault]:
        """The newest job's counters are what the ledger counts, and its percentage has not gone back."""
        jobs = self._app.catalogue().jobs.all(self._owner, 1)
        for job in jobs:
            before = self._memory.percents.get(job.id, 0.0)
            if not before <= job.percent <= 100.0:
                yield Fault(OTHER, f"job {job.id} went from {before} to {job.percent} percent")
            self._memory.percents[job.id] = job.percent
            for result in job.models if job.planned else ():
                rows = self.query(
                    "SELECT state, COUNT(*) FROM ledger WHERE job_id = ? AND space_id = ? GROUP BY state",
                    job.id, result.space_id,
                )  # fmt: skip
                counted, told = Counter(dict(rows)), result.counters
                waiting = counted["pending"] + counted["leased"]
                ledger = (counted["done"], counted["failed"], waiting)
                if ledger != (told.done, told.failed, told.total - told.finished):
                    yield Fault(OTHER, f"job {job.id} tells {told}, the ledger counts {dict(counted)}")

    def search(self) -> Iterator[Fault]:
        """What a pointer names is complete, and answers; no model that answered once is without one."""
        pointers = self._app.catalogue().spaces.pointers(self._owner)
        for pointer in pointers:
            space = pointer.space
            self._memory.served.add(pointer.model)
            if space.state is not SpaceState.ACTIVE:
                yield Fault(OTHER, f"search answers from {space.name}, which is {space.state}")
            yield from self._answers(space)
        for model in self._memory.served - {pointer.model for pointer in pointers}:
            yield Fault(OTHER, f"search answers no more for {model}")

    def _answers(self, space: Space) -> Iterator[Fault]:
        having = [row for row in self.rows.get(space.name, []) if row.has_vector and not row.missing]
        if len(having) < 2:
            yield Fault(OTHER, f"search answers from {space.name}, which holds {len(having)} vectors")
            return
        item = self._app.catalogue().items.get(self._owner, [having[0].item])[having[0].item]
        found = similar(self._app.catalogue(), self._app.store, self._owner, item, space.model, 5)
        if len(found.matches) != min(5, len(having) - 1):
            yield Fault(OTHER, f"{space.name} gave {len(found.matches)} of {len(having) - 1} neighbours")

    def in_hand(self) -> int:
        """Rows that a process holds, or held when it died."""
        return sum(row.state == "leased" for rows in self.rows.values() for row in rows)

    def done(self) -> set[tuple[str, str]]:
        """Model and file's name of all rows that are done or failed for good."""
        return {
            (space.model, os.path.basename(row.path))
            for space in self.spaces
            for row in self.rows[space.name]
            if row.path is not None and row.state not in OPEN
        }

    # what must hold at the end

    def finished(self) -> Iterator[Fault]:
        """Each file that is there has one row in every filling or active space, done, with the vector of what it
        holds now; nothing is open."""
        files = files_of(self._home.music)
        for space in self.spaces:
            if space.state is SpaceState.RETIRING:
                continue
            stored, rows = self.stored(space), self.rows[space.name]
            present = {row.path: row for row in rows if not row.missing}
            for path, content in files.items():
                row = present.pop(path, None)
                if row is None or row.state != "done":
                    yield Fault(ROWS, f"{space.name}: {path} is {row.state if row else 'without a row'}")
                elif stored.get(row.item) != self.expected(space, content):
                    yield Fault(VECTORS, f"{space.name}: {path} has not the vector of what it holds")
            for left in present:
                yield Fault(OTHER, f"{space.name}: a row of {left}, which is not there")
            having = sorted(one.item for one in rows if one.has_vector)
            if having != sorted(stored):
                yield Fault(VECTORS, f"{space.name}: {len(having)} rows with a vector, {len(stored)} stored")

    def left_behind(self) -> Iterator[Fault]:
        """Of what was dropped nothing is left."""
        for space in self._app.catalogue().spaces.all(self._owner):
            if space.state is SpaceState.DROPPED:
                rows = self.query("SELECT COUNT(*) FROM ledger WHERE space_id = ?", space.id)[0][0]
                vectors = self._vectors_of_dropped(space)
                if rows or vectors:
                    yield Fault(
                        OTHER, f"{space.name} was dropped: {rows} rows and {vectors} vectors are left"
                    )

    def _vectors_of_dropped(self, space: Space) -> int:
        path = self._home.state / "spaces" / f"{space.name}.sqlite"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM vector").fetchone()[0])

    def picture(self) -> dict[str, Any]:
        """The files' rows and vectors by path, without numbers and times that differ from run to run."""
        files: dict[str, Any] = {}
        for path, size, mtime, digest in self.query(
            "SELECT path, size, mtime_ns, digest FROM items WHERE missing_since IS NULL AND kind = ?",
            ItemKind.TRACK,
        ):
            files[os.fsdecode(path)] = [size, mtime, digest]
        for space in self.spaces:
            if space.state is SpaceState.ACTIVE:
                stored = self.stored(space)
                for row in self.rows[space.name]:
                    if row.path in files and not row.missing:
                        files[row.path].append((space.model, row.state, stored.get(row.item)))
        return files


def progress_of(outcome_lines: str) -> Iterator[Fault]:
    """The percentages that a command told never go back."""
    last: dict[str, float] = {}
    for line in outcome_lines.splitlines():
        event: Mapping[str, Any] = _event(line)
        if event.get("event") == "progress":
            job, percent = event["job_id"], float(event["percent"])
            if percent < last.get(job, 0.0):
                yield Fault(OTHER, f"job {job} told {last[job]} percent, then {percent}")
            last[job] = percent


def _event(line: str) -> dict[str, Any]:
    """A line that a kill cut off tells nothing."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return event
