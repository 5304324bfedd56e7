"""What a move does not begin with: a target that is not empty or not to be had, a source that somebody works on."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from reprise.app import App
from reprise.core.moving_places import Asked
from reprise.errors import (
    CatalogueAway,
    CatalogueError,
    CatalogueLocked,
    CatalogueMissing,
    CatalogueRefused,
    DiskFull,
    JobConflict,
    StoreError,
)
from reprise.moving import Moving
from tests.disks import fill, small_disk
from tests.moving.filled import rows_of, settings_of
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.postgres import Postgres


def move(home: Path, asked: Asked, **flags: object) -> str:
    with App(settings_of(home, **flags)) as app:
        return Moving(app, asked, lambda _: None, lambda: False).run().state


def to(url: str) -> Asked:
    return Asked(catalogue=url, store="pgvector")


def test_a_database_with_rows_is_refused_and_left_alone(source: Path, url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO speeds VALUES ('f', 'm', 1, 1, 1)")
    with pytest.raises(CatalogueError, match="not empty: there are rows in speeds") as raised:
        move(source, to(url))
    assert "empty database" in raised.value.cure
    assert [row for rows in rows_of(url).values() for row in rows] == [(1.0, "f", "m", 1.0, 1.0)]


def test_another_programs_database_is_refused(source: Path, empty_url: str) -> None:
    import psycopg

    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE invoices (id int)")
    with pytest.raises(CatalogueError, match="another program"):
        move(source, to(empty_url))


def test_a_store_with_vectors_is_refused(source: Path, url: str, postgres: Postgres, template: str) -> None:
    other = postgres.database(template)
    assert move(source, Asked(store="pgvector", store_url=other)) == "completed"
    with pytest.raises(CatalogueError, match="has vectors small-0123456789ab of default already") as raised:
        move(source, Asked(catalogue=url, store="pgvector", store_url=other))
    assert "empty store" in raised.value.cure


def test_an_embedded_catalogue_is_never_written_over(source: Path, url: str) -> None:
    assert move(source, to(url)) == "completed"
    before = rows_of(source / "catalogue.sqlite")
    with pytest.raises(CatalogueError, match="is there already") as raised:
        move(source, Asked(catalogue="embedded", store="embedded"), catalogue_url=url, store="pgvector")
    assert "--to-home" in raised.value.cure
    assert rows_of(source / "catalogue.sqlite") == before


def test_a_wrong_password_is_told_without_the_password(source: Path, postgres: Postgres) -> None:
    with pytest.raises(CatalogueRefused) as raised:
        move(source, to(postgres.url(password="wrong-secret")))
    assert "wrong-secret" not in str(raised.value)
    assert "password" in raised.value.cure


def test_a_server_that_is_not_there_is_told_at_once(source: Path) -> None:
    began = time.monotonic()
    with pytest.raises(CatalogueAway):
        move(source, to(f"postgresql://a:b@127.0.0.1:{free_port()}/c"), server_timeout=2)
    assert time.monotonic() - began < 20


def test_nothing_to_move_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(CatalogueMissing):
        move(tmp_path, to(url))


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(
    source: Path, url: str, tmp_path: Path
) -> None:
    assert move(source, to(url)) == "completed"
    with small_disk(tmp_path / "small", 4) as disk:
        fill(disk / "rest", 1_000_000)
        with pytest.raises(DiskFull, match="are needed"):
            move(
                source,
                Asked(catalogue="embedded", store="embedded", home=disk / "home"),
                catalogue_url=url,
                store="pgvector",
            )


def test_a_disk_that_fills_up_meanwhile_stops_the_move_which_then_goes_on(
    source: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows_of(source / "catalogue.sqlite")
    asked = Asked(catalogue="embedded", store="embedded", home=tmp_path / "small" / "home")
    assert move(source, to(url)) == "completed"
    with small_disk(tmp_path / "small", 12) as disk:
        monkeypatch.setattr("reprise.moving.LEAST_ROOM", 0)
        fill(disk / "rest", 1_200_000)
        with pytest.raises(DiskFull, match="no"):
            move(source, asked, catalogue_url=url, store="pgvector")
        (disk / "rest").unlink()
        assert move(source, asked, catalogue_url=url, store="pgvector") == "completed"
        assert rows_of(disk / "home" / "catalogue.sqlite") == before


@pytest.mark.parametrize("lock", ["server", "job-host", "reprocessing", "move", "job-x1", "scan-3"])
def test_whoever_works_on_the_source_is_named_with_a_cure(source: Path, url: str, lock: str) -> None:
    with closing(sqlite3.connect(source / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE jobs SET id = 'x1', active = 1 WHERE rowid = (SELECT min(rowid) FROM jobs WHERE id NOT IN"
                           " (SELECT job_id FROM job_models))")  # fmt: skip
        connection.execute("INSERT INTO jobs SELECT 'x1', owner, 'key', same_work, 1, state, control, request, spec_version,"
                           " planned, items, percent, created_at, started_at, finished_at, error, queued_at, priority,"
                           " asked_by, rung_at, served_at FROM jobs WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = 'x1')"
                           " LIMIT 1")  # fmt: skip
        connection.commit()
    with App(settings_of(source)) as other, other.locks.try_lock(lock) as ours:
        assert ours
        with pytest.raises(JobConflict, match="is at work") as raised:
            move(source, to(url))
    assert "run the same command again" in raised.value.cure


def test_whoever_works_on_a_source_on_a_server_is_named_too(source: Path, url: str, tmp_path: Path) -> None:
    from reprise.core.sharing import WorkerFacts

    assert move(source, to(url)) == "completed"
    flags = {"catalogue_url": url, "store": "pgvector"}
    back = Asked(catalogue="embedded", store="embedded", home=tmp_path / "back")
    with App(settings_of(source, **flags)) as other:
        with other.locks.try_lock("server"), pytest.raises(JobConflict, match="a server is at work"):
            move(source, back, **flags)
        other.catalogue().workers.beat(WorkerFacts("w1", "gpu7", 41, "cuda:0", "1", "v", None, 0.0, 0.0))
        with pytest.raises(JobConflict, match="a worker on gpu7"):
            move(source, back, **flags)
        other.catalogue().workers.leave("w1")
    assert move(source, back, **flags) == "completed"


def test_nobody_writes_into_the_source_meanwhile(source: Path, url: str) -> None:
    refused: list[CatalogueLocked] = []

    def stop() -> bool:
        """Asked while the move is under way."""
        if not refused:
            with (
                App(settings_of(source, database_timeout=0.1)) as other,
                pytest.raises(CatalogueLocked) as raised,
            ):
                other.catalogue().libraries.add("n", "folder", "n", b"/n", ())
            refused.append(raised.value)
        return False

    with App(settings_of(source)) as app:
        assert Moving(app, to(url), lambda _: None, stop).run().state == "completed"
    assert refused


def test_addresses_are_shown_without_passwords(source: Path, url: str) -> None:
    with App(settings_of(source)) as app:
        planned = Moving(app, to(url), lambda _: None, lambda: False).plan()
    told = repr(planned)
    assert PASSWORD not in told
    assert quote(PASSWORD, safe="") not in told
    assert planned.state == "empty"
    assert {name: rows for name, rows, _ in planned.parts}["table items"] == 20


def test_a_store_that_has_lost_a_space_is_told_instead_of_moved_without_it(source: Path, url: str) -> None:
    with closing(sqlite3.connect(source / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE ledger SET has_vector = 1 WHERE space_id = 1")
        connection.commit()
    (source / "spaces" / "small-0123456789ab.sqlite").unlink()
    with pytest.raises(StoreError, match="there is no space"):
        move(source, to(url))
