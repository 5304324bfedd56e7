"""How a collection is searched: every row compared while there are few, HNSW from ``INDEX_FROM`` vectors on.

A collection has one index at a time, and the server lets go of a collection before its index may be another. So there
are seconds, once in the life of a space, in which questions wait: from letting go until the rows are in memory again.
The graphs themselves are built while questions go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.stores.milvus.connection import Connection

EXACT, FINE = "FLAT", "HNSW"

_LINKS, _BUILD_WIDTH = 32, 200
"""HNSW's M and efConstruction. Fewer links lose whole clusters of uneven vectors (see ``reprise.stores.embedded``)."""

_LEAST_WIDTH = 256
"""HNSW's ef is at least this and twice what is asked for."""

_METRIC = "IP"
"""Vectors have unit length, so that the product is the cosine; ``COSINE`` may give back rows that it normalised."""


def index_params(kind: str) -> Any:
    from pymilvus import MilvusClient

    params = MilvusClient.prepare_index_params()
    more = {"params": {"M": _LINKS, "efConstruction": _BUILD_WIDTH}} if kind == FINE else {}
    params.add_index("vector", index_type=kind, metric_type=_METRIC, **more)
    return params


def search_params(limit: int) -> dict[str, Any]:
    """An exact index takes no notice of them."""
    return {"metric_type": _METRIC, "params": {"ef": max(_LEAST_WIDTH, 2 * limit)}}


def described(connection: Connection, collection: str) -> dict[str, Any]:
    """What the server says of the index: ``index_type``, ``total_rows``, ``indexed_rows``; empty when there is none."""
    return dict(connection.call("describe_index", collection, "vector") or {})


def told(found: dict[str, Any]) -> str:
    """For people: what answers questions, and how far it has come."""
    kind = found.get("index_type", "none")
    if kind != FINE:
        return "exact"
    return f"{kind}: {found.get('indexed_rows', 0)} of {found.get('total_rows', 0)} sealed rows"


def bring_up(connection: Connection, collection: str) -> None:
    """Make it HNSW unless it is, and seal what was written, so that graphs are built over it."""
    if described(connection, collection).get("index_type") != FINE:
        _exchange(connection, collection)
    connection.slow("flush", collection)


def _exchange(connection: Connection, collection: str) -> None:
    connection.slow("release_collection", collection)
    for name in connection.call("list_indexes", collection):
        connection.slow("drop_index", collection, name)
    connection.slow("create_index", collection, index_params(FINE), sync=False)
    connection.slow("load_collection", collection)
