"""The connection to a server or to Milvus Lite: calls with a time limit, and what their errors mean to us."""

from __future__ import annotations

import logging
import re
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from reprise.errors import DiskFull, StoreAway, StoreError, StoreRefused
from reprise.stores.milvus.indexing import FINE, index_params
from reprise.stores.milvus.lite import CURE_DAMAGED, LiteEngine

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reprise.errors import RepriseError
    from reprise.stores.milvus.address import Address

OLDEST = (2, 3, 5)
"""Releases before it lack what we use: upserting, counting and vectors in answers."""

PARTITION_KEYS_FROM = (2, 4)
"""Before it, an upsert puts rows into the partition of another key, and a search of the owner's misses them
(milvus-io/milvus issue 30607)."""

SLOW_CALLS = 120.0
"""Seconds that loading, releasing and flushing may take at least, whatever the time limit for others is."""

CHANGE_SECONDS = 4.0
"""For how long a collection that is not loaded may be in the hands of somebody who changes its index."""

# codes of the server, https://github.com/milvus-io/milvus/blob/master/pkg/merr/errors.go
_RESOURCES = (3, 7, 9)
_CREDENTIALS = (1400, 1401, 1402, 1403)

_WRITES = frozenset(
    ("upsert", "delete", "create_collection", "drop_collection", "create_index", "load_collection")
)


class NoCollection(StoreError):
    """The collection is not there (any more)."""


class NotLoaded(StoreError):
    """The collection is there, but cannot be asked until it is loaded."""


_AWAY = (
    "retry timeout",
    "retry run out",
    "closed channel",
    "channel closed",
    "create connect",  # another thread has found the server away, and hung up
    "fail connecting",
    "service not ready",
    "service unavailable",
    "not healthy",
    "node offline",
)
"""The client says the first of these with the code of any error of its own, so codes do not tell."""

_KINDS: tuple[tuple[tuple[int, ...], tuple[str, ...], type[StoreError], str], ...] = (
    (
        (800,),
        (r"database\S* \S* ?not found",),
        StoreRefused,
        "make the database, or correct the end of store_url",
    ),
    ((100,), ("can't find collection", "collection not found"), NoCollection, ""),
    (
        (101, 103),
        (
            "not loaded",
            "not fully loaded",
            "channel not available",
            "shard leader",
            "failed to search/query delegator",
        ),
        NotLoaded,
        "",
    ),
)


class Connection:
    """Made at the first call, and again after a call that found nobody. Threads may share it."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self._timeout = timeout
        self._lock = threading.RLock()  # who is connecting may find that the server is away
        self._client: Any = None
        self._engine = LiteEngine(address.folder) if address.folder is not None else None
        self._turn: AbstractContextManager[object] = (
            nullcontext() if self._engine is None else self._engine.writing
        )
        self._version: tuple[int, ...] = ()

    @property
    def lite(self) -> bool:
        return self._engine is not None

    @property
    def partition_keys(self) -> bool:
        """Whether this server's partition keys can be relied upon."""
        self._connected()
        return self.lite or self._version >= PARTITION_KEYS_FROM

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """What the client's method ``name`` answers.

        Raises ``StoreAway``, ``StoreRefused``, ``DiskFull``, ``NoCollection``, ``NotLoaded`` or another ``StoreError``.
        """
        client = self._connected()
        with self._turn if name in _WRITES else nullcontext():
            return self._asked(client, name, arguments, {"timeout": self._timeout, **named})

    def slow(self, name: str, *arguments: Any, **named: Any) -> Any:
        """As ``call``, with more patience."""
        return self.call(name, *arguments, timeout=max(self._timeout, SLOW_CALLS), **named)

    def loaded(self, name: str, collection: str, **named: Any) -> Any:
        """As ``call``, for a collection that may be loading, or that its maker left before it was loaded.

        A server that lets go of a collection answers a moment longer, with nothing: that is no answer.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                found = self.call(name, collection, **named)
                if not _is_nothing(found) or self.lite or self._state(collection) == "Loaded":
                    return found
                told = f"the server at {self.address.name} has not loaded {collection}"
            except NotLoaded as error:
                told = error.message
            if time.monotonic() > deadline:
                raise StoreAway(told, cure="try again: the server is still loading it")
            self._wake(collection)

    def _state(self, collection: str) -> str:
        return str(self.call("get_load_state", collection)["state"].name)

    def _wake(self, collection: str) -> None:
        """Load it, unless somebody else does: who changes an index is given time to do it."""
        deadline = time.monotonic() + CHANGE_SECONDS
        while self._state(collection) == "NotLoad" and time.monotonic() < deadline:
            time.sleep(0.1)
        if not self.call("list_indexes", collection):
            self.call("create_index", collection, index_params(FINE), sync=False)
        self.slow("load_collection", collection)
        time.sleep(0.05)  # not everything asks anew at the same moment

    def close(self) -> None:
        with self._lock:
            self._hang_up()
            if self._engine is not None:
                self._engine.stop()

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._opened()
            return self._client

    def _opened(self) -> Any:
        client_type = _client_type()
        named = {
            "uri": self.address.uri if self._engine is None else self._engine.start(),
            "token": self.address.token,
            "db_name": self.address.database,
            "timeout": self._timeout,
            "dedicated": True,  # or closing it would leave the channel open for others
        }
        client: Any = None
        try:
            client = self._asked(None, client_type, (), named)
            self._version = self._checked(
                str(self._asked(client, "get_server_version", (), {"timeout": self._timeout}))
            )
        except BaseException:
            if client is not None:
                client.close()
            if self._engine is not None:
                self._engine.stop()
            raise
        return client

    def _checked(self, told: str) -> tuple[int, ...]:
        """A version that cannot be read (a managed service has its own) is taken for a new one."""
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", told)
        if found is None or self.lite:
            return (99,)
        version = tuple(int(part) for part in found.groups())
        if version < OLDEST:
            needed = ".".join(map(str, OLDEST))
            raise StoreRefused(
                f"the Milvus server at {self.address.name} is of release {told}, which is too old",
                cure=f"upgrade the server: {needed} is the oldest that works",
            )
        return version

    def _asked(self, client: Any, what: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        import grpc
        from pymilvus.exceptions import MilvusException

        method = what if client is None else getattr(client, what)
        try:
            return method(*arguments, **named)
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError) as error:
            meant = self._meant(error)
            if isinstance(meant, StoreAway) and client is not None and not self.lite:
                self._forget(client)
            raise meant from None  # the cause may hold what was sent, the token with it

    def _forget(self, client: Any) -> None:
        """The next call connects anew: an old channel waits ever longer before it tries again."""
        with self._lock:
            if self._client is client:
                self._hang_up()

    def _meant(self, error: Exception) -> RepriseError:
        code, text = _code(error), self.address.without_secrets(_text(error))
        where = self.address.name if self.lite else f"the Milvus server at {self.address.name}"
        return _meaning(error, code, text, where, CURE_DAMAGED if self.lite else "look at the server's log")


def _client_type() -> Any:
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise StoreRefused(
            f"the store is milvus, but its client is not installed: {error}",
            cure="install it with: pip install 'reprise[milvus]'",
        ) from error
    # these print every error with its traceback; whoever calls us gets all of them as exceptions
    for name in ("pymilvus", "milvus_lite.adapter"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return MilvusClient


def _is_nothing(found: Any) -> bool:
    """No row, no hit for the one question, or a count of 0."""
    rows = list(found)
    return not rows or not rows[0] or (isinstance(rows[0], dict) and rows[0].get("count(*)") == 0)


def _code(error: Exception) -> Any:
    """A number of the server, or gRPC's status: of the error itself, or of the one that it was made from."""
    import grpc

    if isinstance(error, grpc.RpcError):
        return error.code()
    cause = error.__cause__
    if isinstance(cause, grpc.RpcError):
        return cause.code()
    return getattr(error, "code", None)


def _text(error: Exception) -> str:
    """What the server said, when the client says less."""
    import grpc

    told = error.__cause__ if isinstance(error.__cause__, grpc.RpcError) else error
    details = told.details() if isinstance(told, grpc.RpcError) else None
    return " ".join(str(details or getattr(error, "message", "") or error).split())[:300]


def _says(text: str, *patterns: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def _meaning(error: Exception, code: Any, text: str, where: str, otherwise: str) -> RepriseError:
    if _is_away(error, code, text):
        return StoreAway(f"{where} does not answer: {text}")
    if _is_refusal(code, text):
        return StoreRefused(f"{where} does not let us in: {text}")
    if code in _RESOURCES:
        return _no_room(where, text)
    for codes, words, kind, cure in _KINDS:
        if code in codes or _says(text, *words):
            return kind(f"{where}: {text}", cure=cure)
    return StoreError(f"{where} refuses: {text}", cure=otherwise)


def _is_refusal(code: Any, text: str) -> bool:
    import grpc

    statuses = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    words = ("unauthenticated", "auth check failure", "permission deny")
    return code in (*_CREDENTIALS, *statuses) or _says(text, *words)


def _is_away(error: Exception, code: Any, text: str) -> bool:
    import grpc

    if isinstance(code, grpc.StatusCode):
        away = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
        return code in away
    return isinstance(error, grpc.FutureTimeoutError) or _says(text, *_AWAY)


def _no_room(where: str, text: str) -> RepriseError:
    if _says(text, "disk"):
        return DiskFull(f"{where} has no room left: {text}")
    return StoreError(f"{where} takes nothing more for now: {text}", cure="give the server more memory")
