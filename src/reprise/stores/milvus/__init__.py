"""Vectors in Milvus: a server, a cluster, or Milvus Lite in a folder of this machine.

- ``abilities``: what it can do, and its limits.
- ``address``: what ``store_url`` says.
- ``lite``: the engine of a ``.db`` folder, run inside this process.
- ``connection``: calls, and what their errors mean to us.
- ``layout``: collections, rows and markers: how owners, spaces and keys are kept.
- ``indexing``: exact comparison below a size, HNSW from there on.
- ``store``: the port.

One collection per space, shared by its owners. Owners are kept apart by a digest of their name, which is the partition
key where the server has a sound one (2.4 and later: 2.3 puts upserted rows into the partition of another key), part of
every primary key, and part of every expression; so no text of an owner ever stands in an expression.

Restoring a snapshot replaces one owner's rows wholly or not at all by generations: the new rows are written under the
next number, and a single row, the owner's marker, then says that this number counts. Aliases would swap all owners.
"""

from __future__ import annotations

from reprise.stores.milvus.abilities import MILVUS, MILVUS_LITE
from reprise.stores.milvus.store import MilvusStore

__all__ = ["ABILITIES", "MilvusStore"]

ABILITIES = (MILVUS_LITE, MILVUS)
