"""One OpenSearch: connected when it is first asked, checked for its version, and every answer looked at."""

from __future__ import annotations

import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprise.errors import StoreAway, StoreError, StoreRefused
from reprise.stores.opensearch import address as addresses
from reprise.stores.opensearch.errors import kind_and_reason, of_status, told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    Answer = dict[str, Any]

OLDEST = (2, 11)
"""Points in time (2.4), filters inside a k-NN search of either engine (2.9) and ``delimited_term_freq`` (2.10)."""

FAISS_COSINE = (2, 19)
"""From here on faiss takes the space ``cosinesimil``."""

BULK_BYTES = 8 << 20
"""OpenSearch's manual names 5 to 15 MB as a good size of a bulk request."""

MAX_WINDOW = 10_000
"""``index.max_result_window``: hits of one page, and ``k`` of a k-NN query, have the same limit."""

_IDS_PER_GET = 1000
_DELETED_AT_ONCE = 5000
"""So that a call ends within the timeout, whatever there is to delete."""

_TERMS = 65_536
"""``index.max_terms_count``"""

_KEEP_ALIVE = "5m"

_CONNECTIONS = 16
"""Kept open; more threads than that open one for each call."""


class Server:
    """For many threads at once. ``timeout``: seconds that one answer may take."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self.address = addresses.parse(url)
        self._timeout = timeout
        self._client: Any = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        """Raises ``StoreAway`` and ``StoreRefused``."""
        with self._lock:
            if self._client is None:
                self._client = _connected(self.address, self._timeout)
            return self._client

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def asked(self) -> Iterator[Any]:
        """The client; what goes wrong in the body is told as our errors."""
        client = self.client
        with told(self.address.shown):
            yield client

    # documents

    def bulk(self, index: str, lines: Iterable[bytes], routing: str) -> list[Answer]:
        """Send actions, each with its newline and its document's; their results in order.

        Raises for the first that failed, and tells how many did. What came before and beside them is written.
        """
        results: list[Answer] = []
        for part in _parts(lines):
            with self.asked() as client:
                answer = client.bulk(
                    index=index, body=part, params={"routing": routing, "require_alias": "true"}
                )
            done = [next(iter(item.values())) for item in answer["items"]]
            self._refuse_failed(done)
            results += done
        return results

    def _refuse_failed(self, done: Sequence[Answer]) -> None:
        failed = [item for item in done if "error" in item]
        if not failed:
            return
        first = failed[0]
        kind, reason = kind_and_reason(first["error"])
        error = of_status(self.address.shown, int(first["status"]), kind, reason)
        error.message += f" (document {first['_id']}, the first of {len(failed)} that failed of {len(done)})"
        error.args = (error.message,)
        raise error

    def documents(
        self, index: str, ids: Sequence[str], routing: str, fields: Collection[str]
    ) -> Iterator[Answer]:
        """Of those that are there: what was written last, refreshed or not."""
        for start in range(0, len(ids), _IDS_PER_GET):
            with self.asked() as client:
                answer = client.mget(
                    index=index,
                    body={"ids": ids[start : start + _IDS_PER_GET]},
                    params={"routing": routing, "_source_includes": ",".join(fields)},
                )
            for found in answer["docs"]:
                if "error" in found:
                    raise of_status(self.address.shown, 404, *kind_and_reason(found["error"]))
                if found["found"]:
                    yield found

    def delete_by_query(self, index: str, query: Answer, routing: str) -> None:
        params = {
            "routing": routing,
            "conflicts": "proceed",
            "refresh": "true",
            "max_docs": _DELETED_AT_ONCE,
        }
        self.refresh(index)  # a document that no search sees is not deleted either
        while True:
            with self.asked() as client:
                answer = client.delete_by_query(index=index, body={"query": query}, params=params)
            if answer["failures"] or answer["timed_out"]:
                raise StoreError(f"{self.address.shown} could not delete all: {answer['failures'][:1]}")
            if not answer["deleted"]:
                return

    # reading

    def refresh(self, index: str) -> None:
        """From now on searches see what was written."""
        with self.asked() as client:
            self._refuse_partial(client.indices.refresh(index=index))

    def count(self, index: str, query: Answer, routing: str | None) -> int:
        with self.asked() as client:
            params = {"routing": routing} if routing else {}
            answer = client.count(index=index, body={"query": query}, params=params)
        self._refuse_partial(answer)
        return int(answer["count"])

    def hits(self, index: str, body: Answer, routing: str) -> list[Answer]:
        """One page. ``index`` may be empty: then the body names a point in time, which has its routing already."""
        params: Answer = {"allow_partial_search_results": "false"}
        where: Answer = {}
        if index:
            params["routing"] = routing
            where["index"] = index
        with self.asked() as client:
            answer = client.search(body={"track_total_hits": False, **body}, params=params, **where)
        self._refuse_partial(answer)
        found: list[Answer] = answer["hits"]["hits"]
        return found

    def pages(self, index: str, body: Answer, size: int, routing: str) -> Iterator[list[Answer]]:
        """Page by page to the end; ``body`` has a ``sort`` in which no two hits are equal."""
        after: Answer = {}
        while True:
            hits = self.hits(index, {**body, **after, "size": size}, routing)
            if hits:
                yield hits
            if len(hits) < size:
                return
            after = {"search_after": hits[-1]["sort"]}

    @contextmanager
    def point_in_time(self, index: str, routing: str) -> Iterator[Answer]:
        """What a search's body names to see the index as it is now, whatever is written meanwhile."""
        params = {"keep_alive": _KEEP_ALIVE, "routing": routing, "allow_partial_pit_creation": "false"}
        with self.asked() as client:
            name = client.create_pit(index=index, params=params)["pit_id"]
        try:
            yield {"pit": {"id": name, "keep_alive": _KEEP_ALIVE}}
        finally:
            with self.asked() as client:
                client.delete_pit(body={"pit_id": [name]})

    def _refuse_partial(self, answer: Mapping[str, Any]) -> None:
        shards = answer["_shards"]
        if shards.get("failed") or answer.get("timed_out"):
            raise StoreAway(
                f"{self.address.shown}: {shards.get('failed')} of {shards.get('total')} shards did not answer",
                cure="wait until the cluster is green or yellow: GET /_cluster/health",
            )


def any_of(field: str, values: Collection[int]) -> Answer:
    """A filter: the field has one of the values, of which there may be more than one query takes."""
    wanted = [int(value) for value in values]
    parts = [wanted[start : start + _TERMS] for start in range(0, len(wanted), _TERMS)]
    if len(parts) == 1:
        return {"terms": {field: parts[0]}}
    return {"bool": {"should": [{"terms": {field: part}} for part in parts], "minimum_should_match": 1}}


def _parts(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines joined to bodies of some megabytes; a longer line goes alone."""
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) > BULK_BYTES:
            yield b"".join(part)
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield b"".join(part)


def _connected(address: addresses.Address, timeout: float) -> Any:
    try:
        from opensearchpy import OpenSearch
    except ModuleNotFoundError as error:
        raise StoreRefused(
            "OpenSearch needs a library that is not installed", cure="pip install 'reprise[opensearch]'"
        ) from error
    if address.ca and not _readable(address.ca):
        raise StoreRefused(
            f"the certificates {address.ca} cannot be read", cure="correct ?ca=FILE in the URL"
        )
    logging.getLogger("opensearch").setLevel(logging.ERROR)  # what it warns of, our errors tell
    # one retry: a connection that was kept open may have been closed by the other side meanwhile
    client = OpenSearch(
        **address.connection(),
        timeout=timeout,
        pool_maxsize=_CONNECTIONS,
        max_retries=1,
        retry_on_status=(),
        retry_on_timeout=False,
    )
    try:
        with told(address.shown):
            answer = client.info()
        _check_version(address, answer)
    except BaseException:
        client.close()
        raise
    return client


def _readable(path: str) -> bool:
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def _check_version(address: addresses.Address, answer: Any) -> None:
    version = answer.get("version") if isinstance(answer, dict) else None
    number = str(version.get("number", "")) if isinstance(version, dict) else ""
    found = re.match(r"(\d+)\.(\d+)", number)
    if not isinstance(version, dict) or found is None or version.get("distribution") != "opensearch":
        raise StoreRefused(
            f"what answers at {address.shown} is no OpenSearch", cure="correct the URL, or use another store"
        )
    have = (int(found[1]), int(found[2]))
    if have < OLDEST:
        raise StoreRefused(
            f"{address.shown} is OpenSearch {number}; the oldest that serves is {OLDEST[0]}.{OLDEST[1]}",
            cure="upgrade OpenSearch",
        )
    if address.engine == "faiss" and have < FAISS_COSINE:
        raise StoreRefused(
            f"{address.shown} is OpenSearch {number}, whose engine faiss knows no cosine",
            cure="leave engine=faiss out of the URL, or upgrade to 2.19 or newer",
        )
