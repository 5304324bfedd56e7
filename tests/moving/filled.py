"""An embedded installation with rows in every table, of two owners, whose values are as odd as a database takes."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.app import App
from reprise.catalog.moving import MOVED
from reprise.core.ports import LexicalDocument
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OWNERS = ("default", "änne & co")
SPACES = (("small", 4), ("large", 24))
WORDS = "lexical-0123456789ab"
ODD_TEXTS = ("", "naïve ☃ 🎵", 'it\'s "quoted" \\ and\ttabbed\n', "%s ? $1", "Z", "a", "ß", "\u007f")
ODD_BYTES = (b"", b"\x00\xff/\xfe", bytes(range(256)))
ODD_FLOATS = (0.1, -1.5e300, 5e-324, 1763769600.123456, 0.0)

Rows = dict[str, list[tuple[Any, ...]]]


def settings_of(home: Path, **flags: object) -> Any:
    return load_settings(flags, {}, home)


def fill(home: Path, rows: int = 40, vectors: int = 300) -> None:
    """``rows``: of each table that may have as many; ``vectors``: of each space and owner."""
    with App(settings_of(home)) as app:
        app.catalogue(create=True)
        with closing(sqlite3.connect(app.catalogue_path)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            for table in MOVED:
                _fill_table(connection, table, rows)
            _name_spaces(connection)
            connection.execute(
                "UPDATE sqlite_sequence SET seq = 9000 WHERE name = 'items'"
            )  # some were deleted
            connection.commit()
        for owner in OWNERS:
            for name, dimension in SPACES:
                _fill_space(app, owner, f"{name}-0123456789ab", dimension, vectors)
            _fill_words(app, owner, rows)
    media = home / "media" / "ab"
    media.mkdir(parents=True)
    for number in range(3):
        (media / f"{number:064x}.jpg").write_bytes(bytes([number]) * 1000)


def _fill_space(app: App, owner: str, name: str, dimension: int, count: int) -> None:
    noise = np.random.default_rng(len(owner) + dimension).standard_normal((count, dimension))
    vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    app.store.create(owner, name, dimension)
    app.store.upsert(owner, name, [7 + 3 * n for n in range(count)], vectors)


def _fill_words(app: App, owner: str, rows: int) -> None:
    """The index holds what the catalogue's texts say, as the pipeline's step leaves it."""
    from reprise.catalog.moving import texts_of
    from reprise.catalog.moving_sqlite import SqliteSource
    from reprise.core.made_up_paths import video_of
    from reprise.core.scene_texts import lexical_fields

    source = SqliteSource(app.catalogue_path, 5.0)
    found = texts_of(source)(owner, list(range(rows + 1)))
    source.close()
    app.lexical.create(owner, WORDS)
    documents = [LexicalDocument(key, video_of(path) or 0, lexical_fields(text)) for key, path, text in found]
    app.lexical.upsert(owner, WORDS, documents)


def _name_spaces(connection: sqlite3.Connection) -> None:
    """The first spaces are those that the stores hold, the others are dropped ones."""
    wanted = [(owner, *space, "") for owner in OWNERS for space in SPACES]
    wanted = [(owner, f"{name}-0123456789ab", size, channel) for owner, name, size, channel in wanted]
    wanted += [(owner, WORDS, 0, "lexical") for owner in OWNERS]
    connection.execute("UPDATE spaces SET state = 'dropped'")
    for number, (owner, name, dimension, channel) in enumerate(wanted, 1):
        connection.execute(
            "UPDATE spaces SET owner = ?, name = ?, dimension = ?, channel = ?, state = 'active' WHERE id = ?",
            (owner, name, dimension, channel, number),
        )
    # the texts that the words are of, in the form that the catalogue keeps them in
    connection.execute("DELETE FROM inputs")
    for item, owner in connection.execute("SELECT id, owner FROM items").fetchall():
        connection.execute("UPDATE items SET path = ? WHERE id = ?", (f"\0s{item}/{item}".encode(), item))
        connection.execute(
            "INSERT INTO inputs (item_id, channel, owner, digest, text, composed, updated_at) VALUES (?, 'lexical', ?, ?, ?, 1, 2.5)",
            (item, owner, b"d" * 32, '{"summary": "a scene of ' + f"number{item}" + '", "tags": "odd"}'),
        )


def _fill_table(connection: sqlite3.Connection, table: str, rows: int) -> None:
    seed = random.Random(table)
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    foreign = {row[3]: (row[2], row[4]) for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    chosen = {
        column: [row[0] for row in connection.execute(f"SELECT {there} FROM {parent}")]
        for column, (parent, there) in foreign.items()
    }
    marks = ", ".join("?" * len(columns))
    for number in range(1, rows + 1):
        values = [_value(seed, column, number, chosen) for column in columns]
        connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values)


def _value(seed: random.Random, column: Any, number: int, chosen: Mapping[str, list[Any]]) -> Any:
    _, name, kind, required, _, place = column
    if name in chosen:
        return chosen[name][number % len(chosen[name])]
    if not required and not place and seed.random() < 0.3:
        return None
    if name == "owner":
        return OWNERS[number % 2]
    if name == "active":
        return 0
    if kind in {"INTEGER", "BIGINT"}:
        return (
            number
            if place or name.endswith("id")
            else seed.choice((0, 1, number, 2**31 - 1 if kind == "INTEGER" else 2**62))
        )
    if name == "root":
        return f"/music/{number} \udcff".encode("utf-8", "surrogateescape")
    if kind == "BLOB":
        return seed.choice(ODD_BYTES) + number.to_bytes(3, "big")
    if kind == "FLOAT":
        return seed.choice(ODD_FLOATS)
    return seed.choice(ODD_TEXTS) + str(number)


def rows_of(place: Path | str) -> Rows:
    """All rows of a catalogue, sorted; columns by name. ``place``: a file of SQLite, or the address of a database."""
    return {table: sorted(_rows(place, table), key=repr) for table in MOVED}


def _rows(place: Path | str, table: str) -> Iterator[tuple[Any, ...]]:
    if isinstance(place, str):
        import psycopg

        with psycopg.connect(place) as server:
            cursor = server.execute(f"SELECT * FROM {table}".encode())
            names = [column.name for column in cursor.description or ()]
            found = cursor.fetchall()
    else:
        with closing(sqlite3.connect(place)) as file:
            plain = file.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in plain.description]
            found = plain.fetchall()
    order = sorted(range(len(names)), key=lambda place: names[place])
    for row in found:
        yield tuple(row[place] for place in order)


def vectors_of(app: App) -> dict[tuple[str, str], dict[int, bytes]]:
    """Every vector's bytes by owner and space."""
    return {
        (owner, name): {
            int(key): np.asarray(vector, dtype="<f4").tobytes()
            for keys, page in app.store.scan(owner, f"{name}-0123456789ab")
            for key, vector in zip(keys, page, strict=True)
        }
        for owner in OWNERS
        for name, _ in SPACES
    }


def words_of(app: App) -> dict[str, list[int]]:
    return {owner: list(app.lexical.keys(owner, WORDS)) for owner in OWNERS}
