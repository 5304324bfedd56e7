"""Milvus: its embedded Lite in the test's folder, a real server started once for the process, and, where the environment
names one in ``MILVUS_URI``, a server of today: in a database of its own, which is dropped at the end.

A server needs seconds until a new collection can be asked. So the stores of the suite leave their collections behind,
emptied of all rows and markers, and the next store finds them as a maker that was stopped would have left them.
"""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reprise.stores.milvus.address import parsed
from tests.servers.milvus import running_milvus
from tests.servers.wanted import missing
from tests.stores.kinds.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reprise.core.ports import VectorStore
    from tests.servers.milvus import Milvus
    from tests.stores.kinds.traits import Opener


@cache
def server() -> Milvus:
    """The process's server, started at the first call, stopped when the process ends."""
    need("pymilvus", "milvus")
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running_milvus())


def need(*packages: str) -> None:
    """Leave the test when one of them is not installed."""
    for package in packages:
        if find_spec(package) is None:
            missing(f"the package {package} is not installed")


@contextmanager
def _lite(folder: Path) -> Iterator[VectorStore]:
    from reprise.stores.milvus import MilvusStore

    need("pymilvus", "milvus_lite")
    with closing(MilvusStore(str(folder / "store.db"), timeout=30)) as store:
        yield store


class TestDatabase:
    """A database of its own on a server, for the length of the process."""

    __test__ = False

    def __init__(self, url: str) -> None:
        from pymilvus import MilvusClient

        address = parsed(url)
        self._name = f"reprise_tests_{os.getpid()}"
        server = MilvusClient(address.uri, token=address.token, timeout=30, dedicated=True)
        server.create_database(self._name)
        server.close()
        self._client = MilvusClient(
            address.uri, token=address.token, db_name=self._name, timeout=30, dedicated=True
        )
        self.url = f"{url.removesuffix(f'/{address.database}')}/{self._name}"

    def empty(self) -> None:
        """Take away all rows and markers, and leave the collections."""
        for collection in self._client.list_collections():
            self._client.delete(collection, filter="generation != 0")

    def close(self) -> None:
        for collection in self._client.list_collections():
            self._client.drop_collection(collection)
        self._client.drop_database(self._name)
        self._client.close()


@cache
def _database(url: Callable[[], str]) -> TestDatabase:
    made = TestDatabase(url())
    atexit.register(made.close)
    return made


def _own() -> str:
    return server().url()


def own_url() -> str:
    """The process's database on its own server."""
    return _database(_own).url


def empty_own() -> None:
    """Take away what is in it."""
    _database(_own).empty()


def _todays() -> str:
    return os.environ["MILVUS_URI"]


@contextmanager
def _served(_folder: Path, url: Callable[[], str]) -> Iterator[VectorStore]:
    from reprise.stores.milvus import MilvusStore

    database = _database(url)
    with closing(MilvusStore(database.url, timeout=30)) as store:
        yield store
    database.empty()


KINDS: dict[str, Opener] = {
    "milvus lite": _lite,
    "milvus 2.3.5": partial(_served, url=_own),
}
if os.environ.get("MILVUS_URI"):
    KINDS["milvus of MILVUS_URI"] = partial(_served, url=_todays)

TRAITS = {"milvus lite": Traits(files=frozenset({"store.db"}))}
