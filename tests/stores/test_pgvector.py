"""What is particular to vectors in PostgreSQL: its index, its errors, its restarts, and what others do in its database."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from reprise.errors import DiskFull, RepriseError, StoreAway, StoreError, StoreRefused, StoreUnable
from reprise.stores.memory import MemoryStore
from reprise.stores.pgvector import PgvectorStore, schema, searching
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD, running_postgres
from tests.stores.kinds.pgvector import server
from tests.stores.samples import DIMENSION, OWNER, SPACE, oracle, unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.core.ports import Vectors


@pytest.fixture
def url() -> str:
    return server().database()


@pytest.fixture
def store(url: str) -> Iterator[PgvectorStore]:
    with closing(PgvectorStore(url, timeout=30)) as made:
        yield made


@pytest.fixture
def filled(store: PgvectorStore) -> PgvectorStore:
    store.create(OWNER, SPACE, DIMENSION)
    store.upsert(OWNER, SPACE, range(300), unit(300))
    return store


def ask(url: str, *statements: str) -> list[Any]:
    """Somebody else's statements in the same database; the rows of the last."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursors = [connection.execute(statement.encode()) for statement in statements]
        return cursors[-1].fetchall() if cursors[-1].description else []


@contextmanager
def refused(kind: type[RepriseError], text: str) -> Iterator[None]:
    """One error of ours with a cure, and nowhere in it the password."""
    with pytest.raises(kind, match=text) as caught:
        yield
    said = f"{caught.value.message} {caught.value.cure}"
    assert caught.value.cure
    assert PASSWORD not in said
    assert "100%" not in said


# the index


def clustered(count: int, seed: int) -> Vectors:
    """Vectors around 40 centres, as music has them: what an index must not lose whole groups of."""
    dice = np.random.default_rng(seed)
    centres = dice.normal(size=(40, 64))
    found = (centres[dice.integers(40, size=count)] + 0.4 * dice.normal(size=(count, 64))).astype(np.float32)
    rows: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return rows


def test_the_index_finds_nearly_all_of_a_small_owner_among_large_ones(url: str) -> None:
    truth = MemoryStore()
    with closing(PgvectorStore(url, timeout=60, index_from=1000)) as store:
        for owner, count, seed in (("large", 4000, 1), ("other", 3000, 2), ("small", 30, 3)):
            for one in (store, truth):
                one.create(owner, SPACE, 64)
                one.upsert(owner, SPACE, range(count), clustered(count, seed))
                one.flush(owner, SPACE)
        assert store.verify("large", SPACE).index.startswith("hnsw")
        assert store.verify("small", SPACE).index.startswith("none: exact search below 1,000")
        queries = clustered(100, 9)
        for owner, least in (("large", 0.98), ("other", 0.98), ("small", 1.0)):
            found = kept = 0
            for query in queries:
                wanted = truth.search(owner, SPACE, query, 10, exclude=range(0, 4000, 7))
                given = store.search(owner, SPACE, query, 10, exclude=range(0, 4000, 7))
                assert not {hit.key for hit in given} & set(range(0, 4000, 7))
                assert len(given) == len(wanted) == 10
                found += len({hit.key for hit in given} & {hit.key for hit in wanted})
                kept += 10
            assert found / kept >= least


def test_an_index_is_used_and_goes_on_with_what_is_written_later(url: str) -> None:
    with closing(PgvectorStore(url, timeout=60, index_from=1000)) as store:
        store.create(OWNER, SPACE, 64)
        store.upsert(OWNER, SPACE, range(4000), clustered(4000, 1))
        store.flush(OWNER, SPACE)
        new = clustered(50, 77)
        store.upsert(OWNER, SPACE, range(10_000, 10_050), new)
        store.upsert(OWNER, SPACE, [5], new[:1])
        for place, query in enumerate(new):
            best = {hit.key for hit in store.search(OWNER, SPACE, query, 2)}
            assert 10_000 + place in best
        store.delete(OWNER, SPACE, range(3900))
        assert len(store.search(OWNER, SPACE, new[0], 100)) == 100
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname LIKE '%hnsw'"
    waited = time.monotonic() + 15
    while not (used := ask(url, scans)[0][0]) and time.monotonic() < waited:
        time.sleep(0.2)  # the statistics of a session arrive when it has ended
    assert used >= 50


def test_an_index_that_was_left_half_done_is_told_and_built_anew(url: str) -> None:
    with closing(PgvectorStore(url, timeout=60, index_from=100)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        store.upsert(OWNER, SPACE, range(300), unit(300))
        store.flush(OWNER, SPACE)
        ask(
            url,
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'reprise_vectors.v1_hnsw'::regclass",
        )
        report = store.verify(OWNER, SPACE)
        assert (report.count, report.damaged) == (300, ())
        assert "half done" in report.problem
        memory = oracle()
        for query in unit(5, seed=7):
            assert store.search(OWNER, SPACE, query, 9) == memory.search(OWNER, SPACE, query, 9)
        store.flush(OWNER, SPACE)
        assert store.verify(OWNER, SPACE).problem == ""


@pytest.mark.parametrize(
    ("dimension", "index"), [(2001, "hnsw"), (4000, "hnsw"), (4001, "none: pgvector indexes up")]
)
def test_long_vectors_are_indexed_as_far_as_pgvector_can(url: str, dimension: int, index: str) -> None:
    rows = unit(40, dimension=dimension)
    with closing(PgvectorStore(url, timeout=60, index_from=10)) as store:
        store.create(OWNER, SPACE, dimension)
        store.upsert(OWNER, SPACE, range(40), rows)
        store.flush(OWNER, SPACE)
        assert store.verify(OWNER, SPACE).index.startswith(index)
        assert np.array_equal(store.get(OWNER, SPACE, [3])[3], rows[3])
        assert store.search(OWNER, SPACE, rows[7], 1)[0].key == 7


def test_longer_ones_are_refused_with_a_cure(store: PgvectorStore) -> None:
    with refused(StoreUnable, "dimension of 16,001"):
        store.create(OWNER, SPACE, 16_001)


def test_more_neighbours_than_fit_into_memory_are_found_page_by_page(
    filled: PgvectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = oracle()
    monkeypatch.setattr(searching, "MOST_CANDIDATES", 50)
    monkeypatch.setattr(searching, "PAGE_ROWS", 30)
    for query in unit(3, seed=7):
        for k in (1, 100, 280, 1000):
            found = filled.search(OWNER, SPACE, query, k, exclude=range(0, 60, 2))
            assert found == memory.search(OWNER, SPACE, query, k, exclude=range(0, 60, 2))
    assert len(filled.search(OWNER, SPACE, unit(1)[0], 10**7)) == 300


# away and back


def test_the_same_object_finds_a_server_that_was_away() -> None:
    server()  # says why when there is none
    with running_postgres() as own, closing(PgvectorStore(own.database(), timeout=5)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        store.upsert(OWNER, SPACE, range(300), unit(300))
        for how in ("fast", "immediate"):
            own.stop(how)
            for _ in range(2):
                with refused(StoreAway, "127.0.0.1"):
                    store.count(OWNER, SPACE)
                with refused(StoreAway, "127.0.0.1"):
                    store.upsert(OWNER, SPACE, [1], unit(1))
            own.start()
            store.upsert(OWNER, SPACE, [1], unit(300)[1:2])
            memory = oracle()
            assert store.search(OWNER, SPACE, unit(300)[4], 9) == memory.search(OWNER, SPACE, unit(300)[4], 9)


def test_a_server_that_ends_our_connections_is_asked_again_unnoticed(url: str, filled: PgvectorStore) -> None:
    for _ in range(3):
        ask(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reprise'")
        time.sleep(0.2)
        assert filled.count(OWNER, SPACE) == 300


def test_nobody_listening_is_away_at_once() -> None:
    began = time.monotonic()
    with (
        closing(PgvectorStore(f"postgresql://u:p@127.0.0.1:{free_port()}/x", timeout=20)) as store,
        pytest.raises(StoreAway, match="does not answer"),
    ):
        store.count(OWNER, SPACE)
    assert time.monotonic() - began < 10


def test_a_server_that_hangs_is_not_waited_for_without_end(url: str, filled: PgvectorStore) -> None:
    with closing(PgvectorStore(url, timeout=1)) as hasty:
        assert hasty.count(OWNER, SPACE) == 300
        (backend,) = (
            pid
            for (pid,) in ask(
                url,
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'reprise' AND datname = current_database()"
                " ORDER BY backend_start DESC LIMIT 1",
            )
        )
        os.kill(backend, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with refused(StoreAway, "no answer within 1 s"):
                hasty.upsert(OWNER, SPACE, [1], unit(1, seed=4))
            assert time.monotonic() - began < 20
            assert hasty.count(OWNER, SPACE) == 300
        finally:
            os.kill(backend, signal.SIGCONT)


def test_a_statement_that_takes_too_long_is_away_and_wrote_nothing(url: str, filled: PgvectorStore) -> None:
    ask(url, *trigger("PERFORM pg_sleep(60)"))
    with closing(PgvectorStore(url, timeout=1)) as hasty, refused(StoreAway, "within 1 s"):
        hasty.upsert(OWNER, SPACE, [1, 2], unit(2, seed=3))
    assert np.array_equal(filled.get(OWNER, SPACE, [1])[1], unit(300)[1])


def test_a_full_disk_is_told_as_one(url: str, filled: PgvectorStore) -> None:
    ask(url, *trigger("RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'"))
    with refused(DiskFull, "could not extend"):
        filled.upsert(OWNER, SPACE, [1, 1000], unit(2, seed=3))
    assert filled.count(OWNER, SPACE) == 300


def trigger(body: str) -> tuple[str, str]:
    """Statements after which each row that is written to the first table runs ``body``."""
    return (
        f"CREATE FUNCTION hurt() RETURNS trigger AS $$ BEGIN {body}; RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER hurts BEFORE INSERT ON reprise_vectors.v1 FOR EACH ROW EXECUTE FUNCTION hurt()",
    )


# refused


def tried(url: str) -> None:
    with closing(PgvectorStore(url, timeout=5)) as store:
        store.create(OWNER, SPACE, DIMENSION)


def test_what_is_no_address_is_refused_without_a_word_of_it() -> None:
    for wrong in (
        f"postgresql://ada:{PASSWORD}@host:port/x",
        "https://ada:100%25@h/",
        "postgresql+psycopg://h/",
    ):
        with refused(StoreRefused, "no address"):
            PgvectorStore(wrong, timeout=5)


def test_a_wrong_password_user_or_database_is_refused_not_waited_for() -> None:
    for wrong in (
        server().url(password="wrong 100%"),
        server().url(user="nobody"),
        server().url("no_such_database"),
    ):
        with refused(StoreRefused, "127.0.0.1"):
            tried(wrong)


@pytest.fixture
def poor(url: str) -> Iterator[str]:
    """The address of the same database for somebody who has no rights in it."""
    database = url.rpartition("/")[2]
    ask(url, f"CREATE ROLE poor LOGIN PASSWORD '{PASSWORD}'")
    yield server().url(database, user="poor")
    ask(url, "DROP OWNED BY poor", "DROP ROLE poor")


def test_missing_rights_are_refused_and_enough_once_all_is_made(url: str, poor: str) -> None:
    ask(url, "CREATE EXTENSION vector")
    with refused(StoreRefused, "right"):
        tried(poor)
    tried(url)
    with refused(StoreRefused, "right"):
        tried(poor)
    ask(
        url,
        "GRANT USAGE, CREATE ON SCHEMA reprise_vectors TO poor",
        "GRANT ALL ON ALL TABLES IN SCHEMA reprise_vectors TO poor",
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA reprise_vectors TO poor",
    )
    with closing(PgvectorStore(poor, timeout=5)) as store:
        store.create("bob", SPACE, DIMENSION)
        store.upsert("bob", SPACE, [1], unit(1))
        assert store.count("bob", SPACE) == 1


def test_an_extension_that_is_missing_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "EXTENSION", "vector_of_another_world")
    with refused(StoreRefused, "no extension"):
        tried(url)


def test_an_extension_that_is_too_old_is_refused(url: str) -> None:
    ask(
        url,
        "CREATE EXTENSION vector",
        "UPDATE pg_extension SET extversion = '0.4.4' WHERE extname = 'vector'",
    )
    with refused(StoreRefused, r"0\.4\.4"):
        tried(url)


def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST_SERVER", 99)
    with refused(StoreRefused, "too old, 99"):
        tried(url)


def test_a_database_that_cannot_hold_every_name_is_refused(url: str) -> None:
    ask(url, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    with refused(StoreRefused, "LATIN1"):
        tried(server().url("latin"))
    ask(url, "DROP DATABASE latin")


def test_a_server_that_takes_no_changes_is_refused(url: str, filled: PgvectorStore) -> None:
    database = url.rpartition("/")[2]
    ask(url, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with closing(PgvectorStore(url, timeout=5)) as late:
        assert late.count(OWNER, SPACE) == 300
        with refused(StoreRefused, "takes no changes"):
            late.upsert(OWNER, SPACE, [1], unit(1))


def test_a_schema_of_another_release_is_refused(url: str, filled: PgvectorStore) -> None:
    ask(url, "UPDATE reprise_vectors.about SET format = 2")
    with refused(StoreRefused, "another release"):
        tried(url)


# beside others


def test_threads_that_write_the_same_keys_leave_each_once(url: str, filled: PgvectorStore) -> None:
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            for _ in range(8):
                keys = np.random.default_rng(seed).permutation(np.arange(250, 350))
                filled.upsert(OWNER, SPACE, keys.tolist(), unit(100, seed))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert filled.count(OWNER, SPACE) == 350
    report = filled.verify(OWNER, SPACE)
    assert (report.count, report.damaged, report.problem) == (350, (), "")


def test_first_calls_of_many_at_once_make_one_of_everything(url: str) -> None:
    stores = [PgvectorStore(url, timeout=30) for _ in range(6)]
    threads = [threading.Thread(target=one.create, args=(OWNER, SPACE, DIMENSION)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.count(OWNER, SPACE) for one in stores] == [0] * 6
    for one in stores:
        one.close()


def test_a_space_that_another_process_made_anew_is_found(url: str, filled: PgvectorStore) -> None:
    with closing(PgvectorStore(url, timeout=30)) as other:
        other.drop(OWNER, SPACE)
        with pytest.raises(StoreError, match=SPACE):
            filled.count(OWNER, SPACE)
        other.create(OWNER, SPACE, 5)
        other.upsert(OWNER, SPACE, [9], unit(1, dimension=5))
        assert filled.count(OWNER, SPACE) == 1
        other.drop(OWNER, SPACE)
        other.create(OWNER, SPACE, 7)
        with pytest.raises(StoreError, match="dimension"):
            filled.upsert(OWNER, SPACE, [1], unit(1, dimension=5))


def test_the_extension_may_lie_in_any_schema(url: str) -> None:
    ask(url, 'CREATE SCHEMA "Ex Tensions"', 'CREATE EXTENSION vector SCHEMA "Ex Tensions"')
    with closing(PgvectorStore(url, timeout=30, index_from=10)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        store.upsert(OWNER, SPACE, range(300), unit(300))
        store.flush(OWNER, SPACE)
        assert store.search(OWNER, SPACE, unit(300)[8], 1)[0].key == 8
        assert store.verify(OWNER, SPACE).index.startswith("hnsw")


def test_nothing_of_others_in_the_database_is_touched(url: str) -> None:
    ask(
        url,
        "CREATE TABLE space (name text)",
        "CREATE TABLE v1 (key text)",
        "INSERT INTO space VALUES ('theirs')",
    )
    with closing(PgvectorStore(url, timeout=30)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        store.drop(OWNER, SPACE)
    assert ask(url, "SELECT name FROM public.space") == [("theirs",)]
    kept = ask(
        url, "SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'reprise_vectors') ORDER BY 1"
    )
    assert [name for (name,) in kept] == ["about", "space", "space", "v1"]


# damage


def test_changed_rows_are_found_and_never_become_a_snapshot(
    url: str, filled: PgvectorStore, tmp_path: Path
) -> None:
    zeros, ones = ([number] * DIMENSION for number in (0, 1))
    ask(
        url,
        f"UPDATE reprise_vectors.v1 SET vector = '{zeros}' WHERE key = 7",
        f"UPDATE reprise_vectors.v1 SET vector = '{ones}' WHERE key = 250",
        "UPDATE reprise_vectors.v1 SET key = 1000 WHERE key = 20",
    )
    report = filled.verify(OWNER, SPACE)
    assert (report.count, report.damaged) == (300, (7, 250, 1000))
    with pytest.raises(StoreError, match="key 7"):
        filled.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert not list(tmp_path.iterdir())
    filled.upsert(OWNER, SPACE, [7, 250, 1000], unit(3))
    assert filled.verify(OWNER, SPACE).damaged == ()
