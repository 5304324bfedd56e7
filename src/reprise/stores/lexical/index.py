"""``SqliteLexicalIndex``: words by owner, space and key, found by BM25."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.core.lexical_tokens import document_terms, query_terms
from reprise.stores import sqlite_files
from reprise.stores.checks import check_k, check_keys, check_names
from reprise.stores.lexical.checks import check_documents, unknown_words
from reprise.stores.lexical.files import FIELDS, KIND, WORDS, place
from reprise.stores.sqlite_errors import DamagedFile
from reprise.stores.sqlite_files import SqliteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Hit, LexicalDocument

CURE_DAMAGED = "move the file away, then run: reprise reprocess --scope all; its words are in the catalogue and nothing is lost"

MAX_TERMS = 1000
"""Different words of a query that count."""

MAX_OPEN = 64
"""Files kept open; of more owners the one that was asked longest ago is closed."""

_PAGE_ROWS = 1000
_KEYS_PER_QUERY = 500
_PUT = f"INSERT OR REPLACE INTO words (rowid, {', '.join(FIELDS)}) VALUES (?{', ?' * len(FIELDS)})"  # noqa: S608


class SqliteLexicalIndex:
    """A ``LexicalIndex`` in a folder: one SQLite file per owner and space.

    Nothing is opened or made before it is needed. For many threads and processes at once.
    """

    def __init__(self, folder: Path, *, busy_timeout: float) -> None:
        """``busy_timeout``: how long to wait for another program that writes, in seconds."""
        self._folder = folder
        self._busy_timeout = busy_timeout
        self._files: OrderedDict[Path, SqliteFile] = OrderedDict()
        self._lock = threading.Lock()

    def create(self, owner: str, space: str) -> None:
        check_names(owner, space)
        with _damage_told():
            path = place(self._folder, owner, space)
            sqlite_files.make(path, KIND)
            with self._file(path).writing() as connection:
                if connection.execute("SELECT 1 FROM title").fetchone() is None:
                    connection.execute("INSERT INTO title (owner, space) VALUES (?, ?)", (owner, space))

    def drop(self, owner: str, space: str) -> None:
        """The file stays, emptied; one too damaged for that is set aside under another name."""
        check_names(owner, space)
        path = place(self._folder, owner, space)
        if not path.exists():
            return
        try:
            with self._file(path).writing() as connection:
                for statement in ("DELETE FROM title", "DELETE FROM scene", "DROP TABLE words", WORDS):
                    connection.execute(statement)
            self._file(path).tidy()
        except DamagedFile:
            self._forget(path)
            sqlite_files.set_aside(path)

    def upsert(self, owner: str, space: str, documents: Sequence[LexicalDocument]) -> None:
        rows = _rows(documents)
        with self._writing(owner, space) as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO scene (key, video) VALUES (?, ?)",
                [(document.key, document.video_id) for document in documents],
            )
            connection.executemany(_PUT, rows)

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        rows = [(key,) for key in set(check_keys(keys))]
        with self._writing(owner, space) as connection:
            gone = connection.executemany("DELETE FROM scene WHERE key = ?", rows).rowcount
            connection.executemany("DELETE FROM words WHERE rowid = ?", rows)
        return max(gone, 0)

    def count(self, owner: str, space: str) -> int:
        with self._reading(owner, space) as connection:
            return int(connection.execute("SELECT count(*) FROM scene").fetchone()[0])

    def keys(self, owner: str, space: str) -> Iterator[int]:
        """Every page is read on its own: a slow reader holds nothing open, and sees later writes behind it."""
        first = self._page(owner, space, -1)  # an unknown space is told at once
        return self._pages(owner, space, first)

    def _pages(self, owner: str, space: str, page: list[int]) -> Iterator[int]:
        while page:
            yield from page
            page = self._page(owner, space, page[-1])

    def _page(self, owner: str, space: str, after: int) -> list[int]:
        sql = "SELECT key FROM scene WHERE key > ? ORDER BY key LIMIT ?"
        with self._reading(owner, space) as connection:
            return [key for (key,) in connection.execute(sql, (after, _PAGE_ROWS))]

    def search(
        self, owner: str, space: str, query: str, k: int, *, videos: Collection[int] = ()
    ) -> list[Hit]:
        from reprise.stores.lexical.scoring import best  # numpy, which many commands do without

        check_k(k)
        terms = list(dict.fromkeys(query_terms(query)))[:MAX_TERMS]
        with self._reading(owner, space) as connection:
            if not terms:
                return []
            return best(connection, terms, k, _keys_of(connection, videos) if videos else None)

    def close(self) -> None:
        with self._lock:
            opened, self._files = self._files, OrderedDict()
        for file in opened.values():
            file.close()

    # which file, and whether there is anything of the owner in it

    @contextmanager
    def _reading(self, owner: str, space: str) -> Iterator[sqlite3.Connection]:
        with _damage_told(), self._known(owner, space).reading() as connection:
            _refuse_dropped(connection, owner, space)
            yield connection

    @contextmanager
    def _writing(self, owner: str, space: str) -> Iterator[sqlite3.Connection]:
        with _damage_told(), self._known(owner, space).writing() as connection:
            _refuse_dropped(connection, owner, space)
            yield connection

    def _known(self, owner: str, space: str) -> SqliteFile:
        check_names(owner, space)
        path = place(self._folder, owner, space)
        if not path.exists():
            raise unknown_words(owner, space)
        return self._file(path)

    def _file(self, path: Path) -> SqliteFile:
        """The file, opened; the one that was asked longest ago makes room for it."""
        with self._lock:
            file = self._files.get(path) or SqliteFile(path, KIND, self._busy_timeout)
            self._files[path] = file
            self._files.move_to_end(path)
            spare = self._files.popitem(last=False)[1] if len(self._files) > MAX_OPEN else None
        if spare is not None:
            spare.close()
        return file

    def _forget(self, path: Path) -> None:
        with self._lock:
            file = self._files.pop(path, None)
        if file is not None:
            file.close()


@contextmanager
def _damage_told() -> Iterator[None]:
    """The words of a damaged file can be had again, unlike vectors."""
    try:
        yield
    except DamagedFile as error:
        raise DamagedFile(error.message, cure=CURE_DAMAGED) from error


def _refuse_dropped(connection: sqlite3.Connection, owner: str, space: str) -> None:
    if connection.execute("SELECT owner, space FROM title").fetchone() != (owner, space):
        raise unknown_words(owner, space)


def _rows(documents: Sequence[LexicalDocument]) -> list[tuple[int | str, ...]]:
    """What goes into the table of words; ``StoreError`` before anything is written."""
    check_documents(documents)
    return [
        (document.key, *(" ".join(document_terms(document.fields.get(name, ""))) for name in FIELDS))
        for document in documents
    ]


def _keys_of(connection: sqlite3.Connection, videos: Collection[int]) -> NDArray[np.int64]:
    import numpy as np

    wanted, keys = list(videos), []
    for start in range(0, len(wanted), _KEYS_PER_QUERY):
        part = wanted[start : start + _KEYS_PER_QUERY]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT key FROM scene WHERE video IN ({marks})"  # noqa: S608
        keys += [key for (key,) in connection.execute(sql, part)]
    return np.array(keys, np.int64)
