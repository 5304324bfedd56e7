"""From the embedded default to servers and back: every row, vector and word is there, and search answers the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.app import App
from reprise.catalog.moving import LEFT, MOVED
from reprise.core.moving_places import Asked
from reprise.errors import RepriseError
from reprise.moving import Moving
from tests.moving.filled import OWNERS, SPACES, rows_of, settings_of, vectors_of, words_of

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.moving import MoveFinished


def moved(app: App, asked: Asked, events: list[Any] | None = None) -> MoveFinished:
    told = [] if events is None else events
    return Moving(app, asked, told.append, lambda: False).run()


def test_every_table_of_the_schema_is_either_moved_or_left_for_a_reason(source: Path) -> None:
    with closing(sqlite3.connect(source / "catalogue.sqlite")) as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    own = {name for name in tables if not name.startswith(("sqlite_", "listing_words_"))}
    assert own == set(MOVED) | set(LEFT)


def test_to_postgresql_and_back_gives_equal_rows_vectors_words_and_numbers(
    source: Path, empty_url: str, tmp_path: Path
) -> None:
    url = empty_url
    before = rows_of(source / "catalogue.sqlite")
    assert all(before.values()), "every table has rows"
    with App(settings_of(source)) as app:
        vectors, words = vectors_of(app), words_of(app)
        finished = moved(app, Asked(catalogue=url, store="pgvector"))
    assert finished.state == "completed"
    assert rows_of(source / "catalogue.sqlite") == before, "the source is as it was"
    assert rows_of(url) == before

    back = tmp_path / "back"
    with App(settings_of(source, catalogue_url=url, store="pgvector")) as app:
        assert vectors_of(app) == vectors
        finished = moved(app, Asked(catalogue="embedded", store="embedded", home=back))
    assert finished.state == "completed"
    assert rows_of(back / "catalogue.sqlite") == before
    with App(settings_of(back)) as app:
        assert vectors_of(app) == vectors
        assert words_of(app) == words
        assert all(words.values())
    assert sorted(path.name for path in back.rglob("*.jpg")) == sorted(
        path.name for path in source.rglob("*.jpg")
    )


def test_numbers_go_on_behind_the_largest_that_was_ever_given_out(
    source: Path, url: str, tmp_path: Path
) -> None:
    import psycopg

    with App(settings_of(source)) as app:
        moved(app, Asked(catalogue=url, store="pgvector"))
    with psycopg.connect(url, autocommit=True) as connection:
        made = connection.execute(
            "INSERT INTO libraries (owner, kind, name, root, exclude, created_at) VALUES ('n', 'k', 'n', 'r', '', 1) RETURNING id"
        ).fetchone()
        item = connection.execute("SELECT nextval(pg_get_serial_sequence('items', 'id'))").fetchone()
    assert made == (21,)
    assert item == (9001,)
    with App(settings_of(source, catalogue_url=url, store="pgvector")) as app:
        moved(app, Asked(catalogue="embedded", store="embedded", home=tmp_path / "back"))
    with closing(sqlite3.connect(tmp_path / "back" / "catalogue.sqlite")) as connection:
        assert connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone() == (
            9001,
        )


def test_the_target_has_the_indexes_constraints_and_schema_of_a_new_catalogue(
    source: Path, empty_url: str, template: str, tmp_path: Path
) -> None:
    url = empty_url
    with App(settings_of(source)) as app:
        moved(app, Asked(catalogue=url, store="pgvector"))
    assert made_of(url) == made_of(template)

    with App(settings_of(source, catalogue_url=url, store="pgvector")) as app:
        moved(app, Asked(catalogue="embedded", store="embedded", home=tmp_path / "back"))
    assert schema_of(tmp_path / "back" / "catalogue.sqlite") == schema_of(source / "catalogue.sqlite")


def made_of(url: str) -> set[str]:
    import psycopg

    with psycopg.connect(url) as connection:
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'reprise_%'"
        ).fetchall()
        constraints = connection.execute(
            "SELECT c.relname || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid) FROM pg_constraint k"
            " JOIN pg_class c ON c.oid = k.conrelid WHERE c.relnamespace = 'public'::regnamespace"
            " AND k.contype <> 'n' AND c.relname NOT LIKE 'reprise_%'"
        ).fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return {row[0] for row in [*indexes, *constraints, *version]}


def schema_of(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'reprise_%'"
        )
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        return {row[0] for row in found} | {version}


def test_search_answers_the_same_afterwards(source: Path, url: str) -> None:
    with App(settings_of(source)) as here:
        moved(here, Asked(catalogue=url, store="pgvector"))
        with App(settings_of(source, catalogue_url=url, store="pgvector")) as there:
            for owner in OWNERS:
                for name, dimension in SPACES:
                    space = f"{name}-0123456789ab"
                    for seed in range(20):
                        query = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
                        answers = [
                            [hit.key for hit in app.store.search(owner, space, query, 10)]
                            for app in (here, there)
                        ]
                        assert answers[0] == answers[1]


def test_only_the_vectors_may_move_too(source: Path, url: str) -> None:
    before = rows_of(source / "catalogue.sqlite")
    with App(settings_of(source)) as app:
        vectors = vectors_of(app)
        events: list[Any] = []
        assert moved(app, Asked(store="pgvector", store_url=url), events).state == "completed"
    assert {event.part.split()[0] for event in events if event.name == "move_compared"} == {"vectors"}
    assert rows_of(source / "catalogue.sqlite") == before
    assert not (source / "moving.sqlite").exists()
    with App(settings_of(source, store="pgvector", store_url=url)) as app:
        assert vectors_of(app) == vectors
    with App(settings_of(source)) as app:
        asked = Asked(store="pgvector", store_url=url)
        assert Moving(app, asked, lambda _: None, lambda: False).verify().state == "completed"
    assert not (source / "moving.sqlite").exists()


def test_what_differs_is_named_with_its_first_key(source: Path, url: str) -> None:
    import psycopg

    with App(settings_of(source)) as app:
        moved(app, Asked(catalogue=url, store="pgvector"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE items SET title = 'another' WHERE id IN (17, 19)")
        connection.execute("DELETE FROM tokens WHERE id = (SELECT min(id) FROM tokens)")
    with App(settings_of(source, catalogue_url=url, store="pgvector")) as app:
        app.store.delete("default", "small-0123456789ab", [10])
    events: list[Any] = []
    with App(settings_of(source)) as app:
        finished = Moving(app, Asked(catalogue=url, store="pgvector"), events.append, lambda: False).verify()
    assert finished.state == "differs"
    assert finished.differing == ("table items", "table tokens", "vectors small-0123456789ab of default")
    first = {event.part: event.first for event in events if event.name == "move_compared" and not event.equal}
    assert first["table items"] == "17 differs"
    assert first["table tokens"].endswith("is missing in the target")
    assert first["vectors small-0123456789ab of default"] == "10 is missing in the target"


def test_a_nul_in_a_tag_becomes_what_postgresql_would_get_from_a_scan(source: Path, url: str) -> None:
    with closing(sqlite3.connect(source / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE items SET title = ? WHERE id = 3", ("a\0b",))
        connection.commit()
    with App(settings_of(source)) as app:
        assert moved(app, Asked(catalogue=url, store="pgvector")).state == "completed"
    (row,) = [row for row in rows_of(url)["items"] if 3 in row and "a\ufffdb" in row]
    assert row


@pytest.mark.parametrize(
    "asked",
    [Asked(), Asked(catalogue="embedded"), Asked(store="milvus"), Asked(store="pgvector")],
    ids=["nothing", "the same place", "no address", "no database"],
)
def test_a_target_that_makes_no_sense_is_refused_with_a_cure(source: Path, asked: Asked) -> None:
    with App(settings_of(source)) as app, pytest.raises(RepriseError) as raised:
        Moving(app, asked, lambda _: None, lambda: False)
    assert raised.value.cure
