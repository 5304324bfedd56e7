"""What Milvus can do, and Milvus Lite."""

from __future__ import annotations

from reprise.core.store_abilities import StoreAbilities

MIN_DIMENSION, MAX_DIMENSION = 2, 32_768
"""Limits of the server."""

MAX_NEIGHBOURS = 16_384
"""Rows that one answer of the server may have: its limit for ``topk`` and for a query."""

INDEX_FROM = 100_000
"""Vectors of a space, all owners together, from which on a flush asks for HNSW."""

MILVUS_LITE = StoreAbilities(
    name="Milvus Lite",
    setting="milvus",
    extra="milvus, milvus-lite",
    address="/FOLDER/NAME.db",
    exact="always",
    index="",
    owner_filter="partition key: a digest of the owner",
    delete_by_item=True,
    scan=True,
    snapshot=True,
    writers=False,
    processes=False,
    transactional=False,
    largest_k=MAX_NEIGHBOURS,
    largest_dimension=MAX_DIMENSION,
    largest_index_dimension=None,
    tried="milvus-lite 3.2.2",
)

MILVUS = StoreAbilities(
    name="Milvus",
    setting="milvus",
    extra="milvus",
    address="http(s)://USER:PASSWORD@HOST:19530/DATABASE",
    exact=f"below {INDEX_FROM:,} vectors of a space",
    index=f"HNSW, from {INDEX_FROM:,} vectors of a space",
    owner_filter="partition key: a digest of the owner (servers before 2.4: a field)",
    delete_by_item=True,
    scan=True,
    snapshot=True,
    writers=True,
    processes=True,
    transactional=False,
    largest_k=MAX_NEIGHBOURS,
    largest_dimension=MAX_DIMENSION,
    largest_index_dimension=MAX_DIMENSION,
    tried="Milvus 2.3.5 standalone",
)
