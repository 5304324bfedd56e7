"""What the embedded store can do."""

from __future__ import annotations

from reprise.core.store_abilities import StoreAbilities
from reprise.stores.checks import MAX_DIMENSION

EMBEDDED = StoreAbilities(
    name="embedded",
    setting="embedded",
    extra="",
    address="",
    exact="below 100,000 vectors of an owner",
    index="zvec lists, from there on; candidates are scored again from the rows",
    owner_filter="rows by owner, an index per owner",
    delete_by_item=True,
    scan=True,
    snapshot=True,
    writers=True,
    processes=True,
    transactional=True,
    largest_k=None,
    largest_dimension=MAX_DIMENSION,
    largest_index_dimension=None,
    tried="SQLite of Python, zvec 0.8",
)
