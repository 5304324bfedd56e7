"""A job with its vectors in PostgreSQL: the server restarts in its middle, and the catalogue may lie beside them."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from reprise.core.events import Progress
from reprise.errors import StoreAway
from reprise.stores.pgvector import PgvectorStore
from tests.servers.postgres import running_postgres
from tests.stores.kinds.pgvector import server
from tests.stores.samples import DIMENSION, OWNER, SPACE, unit

if TYPE_CHECKING:
    from reprise.core.events import Event
    from tests.harness import Home


def use(home: Home, **settings: str) -> None:
    home.environment |= {f"REPRISE_{name.upper()}": value for name, value in settings.items()}


def test_a_restart_in_the_middle_of_a_job_fails_no_item(home: Home) -> None:
    server()  # says why when there is none
    with running_postgres() as own:
        use(home, store="pgvector", store_url=own.database(), server_timeout="5", commit_rows="5")
        home.add_many(60)

        def restart() -> None:
            own.stop("immediate")
            time.sleep(2)
            own.start()

        away = threading.Thread(target=restart)

        def watch(event: Event) -> None:
            if isinstance(event, Progress) and event.operations.done >= 10 and away.ident is None:
                away.start()
                time.sleep(0.5)

        ran = home.run_here("null", on_event=watch)
        away.join()
        assert ran.finished.state == "completed"
        assert ran.finished.operations == {"total": 60, "done": 60, "skipped": 0, "failed": 0}
        assert max(home.computed().values()) == 1
        assert home.stored() == list(range(1, 61))
        home.assert_sound()


def test_impatience_ends_the_job_and_the_next_run_goes_on(home: Home) -> None:
    server()
    with running_postgres() as own:
        use(home, store="pgvector", store_url=own.database(), server_patience="1", commit_rows="5")
        home.add_many(30)
        stopped: list[bool] = []

        def watch(event: Event) -> None:
            if isinstance(event, Progress) and event.operations.done >= 10 and not stopped:
                stopped.append(True)
                own.stop("fast")

        began = time.monotonic()
        ran = home.run_here("null", on_event=watch)
        assert ran.finished.state == "failed"
        assert time.monotonic() - began < 30
        with home.app() as app, pytest.raises(StoreAway):
            app.store.count(OWNER, SPACE)
        own.start()
        assert home.run_here("null").finished.operations["failed"] == 0
        assert home.stored() == list(range(1, 31))
        home.assert_sound()


def test_catalogue_and_vectors_share_a_database(home: Home) -> None:
    url = server().database()
    use(home, catalogue_url=url, store="pgvector")
    home.add_many(12)
    assert home.run_here("null").finished.operations["done"] == 12
    assert home.stored() == list(range(1, 13))
    home.assert_sound()
    with closing(PgvectorStore(url, timeout=30)) as other:
        other.create("somebody", SPACE, DIMENSION)
        other.upsert("somebody", SPACE, range(5), unit(5))
        other.drop("somebody", SPACE)
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname !~ '^pg_|^info'"
        )
        assert {name for (name,) in tables} == {"public", "reprise_vectors"}
    assert home.run_here("null").finished.operations == {"total": 12, "done": 0, "skipped": 12, "failed": 0}
