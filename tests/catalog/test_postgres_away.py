"""The server goes away and comes back: at most what is under way is lost, and whoever asks hears of it in time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from reprise.catalog.postgres import PostgresDatabase, open_postgres
from reprise.catalog.postgres_connections import MOST_CONNECTIONS
from reprise.errors import CatalogueAway, CatalogueError
from tests.harness import wait_for
from tests.servers.postgres import PASSWORD, running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reprise.catalog.database import Transaction
    from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One that is stopped and started again."""
    with running_postgres(on_disk=False) as made:
        yield made


@pytest.fixture(scope="module")
def address(server: Postgres) -> str:
    made = server.database()
    open_postgres(made, timeout=10).close()
    return made


@pytest.fixture
def database(address: str) -> Iterator[PostgresDatabase]:
    opened = open_postgres(address, timeout=10, patience=30)
    with opened.transaction() as transaction:
        transaction.execute("DELETE FROM speeds")
    yield opened
    opened.close()


def put(transaction: Transaction, name: str) -> None:
    transaction.execute("INSERT INTO speeds VALUES (?, 'm', 1, 1, 1)", (name,))


def names(database: PostgresDatabase) -> list[str]:
    return [row[0] for row in database.query("SELECT fingerprint FROM speeds ORDER BY 1")]


def cut_off(address: str, pid: int) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        while connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            time.sleep(0.01)


def test_a_restart_costs_the_transaction_that_was_under_way_and_nothing_else(
    server: Postgres, database: PostgresDatabase
) -> None:
    with database.transaction() as transaction:
        put(transaction, "before")

    def interrupted() -> None:
        with database.transaction() as transaction:
            put(transaction, "lost")
            server.stop("immediate")
            server.start()
            put(transaction, "lost too")

    with pytest.raises(CatalogueAway) as caught:
        interrupted()
    assert caught.value.retryable
    assert names(database) == ["before"]
    with database.transaction() as transaction:
        put(transaction, "later")
    assert names(database) == ["before", "later"]


def test_who_asks_while_the_server_restarts_waits_for_it(
    server: Postgres, database: PostgresDatabase
) -> None:
    server.stop()
    starting = threading.Timer(1.0, server.start)
    starting.start()
    try:
        with database.transaction() as transaction:
            put(transaction, "patient")
        assert names(database) == ["patient"]
    finally:
        starting.join()


def test_patience_ends(server: Postgres, address: str) -> None:
    hasty = open_postgres(address, timeout=10, patience=0.5)
    hasty.now()
    server.stop()
    try:
        uses: list[Callable[[], object]] = [
            lambda: hasty.query("SELECT 1"),
            lambda: list(hasty.stream("SELECT 1")),
        ]
        for use in uses:
            began = time.monotonic()
            with pytest.raises(CatalogueAway) as caught:
                use()
            assert time.monotonic() - began < 5
            assert PASSWORD not in caught.value.message
        with pytest.raises(CatalogueAway), hasty.transaction():
            pass
        assert hasty.now() > 1e9  # what was measured once goes on holding
    finally:
        server.start()
    assert hasty.query("SELECT 1") == [(1,)]
    hasty.close()


def test_who_is_told_to_stop_waits_no_longer(server: Postgres, address: str) -> None:
    stopping = threading.Event()
    waiting = open_postgres(address, timeout=10, patience=600, stop=stopping.is_set)
    server.stop()
    try:
        threading.Timer(0.3, stopping.set).start()
        began = time.monotonic()
        with pytest.raises(CatalogueAway):
            waiting.query("SELECT 1")
        assert time.monotonic() - began < 10
    finally:
        server.start()
        waiting.close()


def test_a_commit_without_an_answer_is_not_called_one(database: PostgresDatabase, address: str) -> None:
    def unanswered() -> None:
        with database.transaction() as transaction:
            put(transaction, "unsure")
            cut_off(address, transaction.query("SELECT pg_backend_pid()")[0][0])

    with pytest.raises(CatalogueAway, match="may have done so or not"):
        unanswered()
    assert names(database) == []  # here it did not


def test_rows_that_are_under_way_end_with_an_error(database: PostgresDatabase, address: str) -> None:
    with database.transaction() as transaction:
        transaction.execute_many(
            "INSERT INTO speeds VALUES (?, 'm', 1, 1, 1)", [(f"{n}",) for n in range(3000)]
        )
    rows = database.stream("SELECT fingerprint, pg_backend_pid() FROM speeds")
    cut_off(address, next(rows)[1])
    with pytest.raises(CatalogueAway):
        list(rows)


def test_a_stream_sees_one_moment_whatever_is_written_meanwhile(database: PostgresDatabase) -> None:
    with database.transaction() as transaction:
        transaction.execute_many(
            "INSERT INTO speeds VALUES (?, 'm', 1, 1, 1)", [(f"{n:06}",) for n in range(3000)]
        )
    rows = database.stream("SELECT fingerprint FROM speeds ORDER BY 1")
    assert next(rows) == ("000000",)
    with database.transaction() as transaction:
        transaction.execute("DELETE FROM speeds")
    assert len(list(rows)) == 2999


def test_connections_do_not_grow_in_number(database: PostgresDatabase, address: str) -> None:
    for _ in range(3):
        threads = [
            threading.Thread(target=database.query, args=("SELECT pg_sleep(0.01)",)) for _ in range(30)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for _ in range(5):
        next(database.stream("SELECT 1"))
    count = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'reprise' AND datname = current_database()"
    wait_for(lambda: database.query(count)[0][0] <= MOST_CONNECTIONS)


def test_nothing_is_asked_of_a_closed_catalogue(address: str) -> None:
    opened = open_postgres(address, timeout=10)
    opened.close()
    with pytest.raises(CatalogueError, match="closed"):
        opened.query("SELECT 1")


def test_machines_whose_clocks_are_hours_apart_agree(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = time.time()
    told = list[float]()
    for hours in (-1, 0, 1):
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda hours=hours: truth + 3600 * hours)
            opened = open_postgres(address, timeout=10)
            told.append(opened.now())
            opened.close()
    assert max(told) - min(told) < 30
    assert told == pytest.approx([truth] * 3, abs=30)
