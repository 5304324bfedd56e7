"""Installations as earlier releases left them: one folder per schema, with what their own commands wrote, as SQL.

Each release scanned and embedded seven files with the tests' models: two models at first; then one file was changed, one
came, one went; then one model's spec was raised, so that there is a retired space. ``bad.mp3`` failed.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
VERSIONS = tuple(sorted(folder.name for folder in FOLDER.iterdir() if folder.name.isdigit()))
CHANGED, GONE, FAILED = "two", "three", "bad"
"""Files, by their names without the suffix."""

OTHERS_NAMED_FIRST = {"sessions", "tokens", "rename_moves"}
"""Tables whose rows name a row of another one."""


def restore_catalogue(version: str, path: Path) -> None:
    """The catalogue's file as the release closed it."""
    _restore(FOLDER / version / "catalogue.sql", path)


def restore(version: str, state: Path, music: Path) -> None:
    """The whole state folder, and the music as it lay there: same bytes, same times."""
    (state / "spaces").mkdir(parents=True)
    for source in (FOLDER / version).glob("*.sql"):
        inside = "" if source.stem == "catalogue" else "spaces"
        _restore(source, state / inside / f"{source.stem}.sqlite")
    with closing(sqlite3.connect(state / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE libraries SET root = ?", (os.fsencode(music),))
        connection.commit()
        rows = connection.execute("SELECT path, mtime_ns FROM items WHERE missing_since IS NULL").fetchall()
    for inside, mtime_ns in rows:
        path = music / os.fsdecode(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        word = {CHANGED: "changed", FAILED: "raise"}.get(path.stem, "sound")
        path.write_text(f"{word} of {path.stem}")
        os.utime(path, ns=(mtime_ns, mtime_ns))


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows by table, in the order of their columns."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: sorted(
                (dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')),
                key=lambda row: repr(list(row.values())),
            )
            for table in tables(connection)
        }


def tables(connection: sqlite3.Connection) -> list[str]:
    """Those that hold rows of ours."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE 'listing_words%' AND name <> 'alembic_version' ORDER BY name"
    )
    return [row[0] for row in found]


def fill_empty_tables(path: Path) -> None:
    """Two rows in each table that the release's commands left empty, every column with a value of its type."""
    with closing(sqlite3.connect(path)) as connection:
        for table in sorted(tables(connection), key=lambda name: name in OTHERS_NAMED_FIRST):
            if not connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]:
                for number in (1, 2):
                    _add_row(connection, table, number)
        connection.commit()


def _add_row(connection: sqlite3.Connection, table: str, number: int) -> None:
    columns = [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({table})")]
    known = {row[3]: (row[2], row[4]) for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    values = []
    for name, kind in columns:
        if name in known:
            other, key = known[name]
            values.append(
                connection.execute(f"SELECT {key} FROM {other} ORDER BY 1").fetchall()[number % 2 - 1][0]
            )
        else:
            values.append(_value(kind, name, number))
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)


def _value(kind: str, name: str, number: int) -> object:
    kinds: dict[str, object] = {
        "INTEGER": number, "BIGINT": 2**40 + number, "FLOAT": number + 0.5, "BLOB": bytes([number, 0, 255]),
    }  # fmt: skip
    return kinds.get(kind, f"{name} {number}: ä")


def _restore(source: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(source.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    path.chmod(0o600)
