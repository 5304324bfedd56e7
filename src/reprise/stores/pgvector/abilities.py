"""What the pgvector store can do."""

from __future__ import annotations

from reprise.core.store_abilities import StoreAbilities

LARGEST_DIMENSION = 16_000
"""Of pgvector's type ``vector``."""

LARGEST_INDEX_DIMENSION = 4_000
"""Of an HNSW index over ``halfvec``; over ``vector`` it ends at 2,000."""

INDEX_FROM = 50_000
"""Vectors of one owner from which on a flush builds an index: see the package's notes."""

PGVECTOR = StoreAbilities(
    name="pgvector",
    setting="pgvector",
    extra="postgres",
    address="postgresql://USER:PASSWORD@HOST/NAME; empty: the database of catalogue_url",
    exact=f"below {INDEX_FROM:,} vectors of an owner",
    index="HNSW, from there on; candidates are scored again from the rows",
    owner_filter="a table and an index per owner",
    delete_by_item=True,
    scan=True,
    snapshot=True,
    writers=True,
    processes=True,
    transactional=True,
    largest_k=None,
    largest_dimension=LARGEST_DIMENSION,
    largest_index_dimension=LARGEST_INDEX_DIMENSION,
    tried="PostgreSQL 18 with pgvector 0.8",
)
