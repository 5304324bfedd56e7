"""How spaces, owners and keys are kept: names of collections, rows, markers, and the expressions that find them.

A row has ``pk`` (owner's digest, generation and key, of equal length, so that their order is that of the keys), ``owner``
(the digest), ``generation`` (1 and more), ``key``, ``crc`` (of key and bytes) and ``vector``. An owner's marker is the row
whose ``pk`` is the digest alone; its ``generation`` is the negative of the one that counts, and its ``key`` is 1, or 0
when the owner has dropped the space. Numbers of generations only grow, so rows of an earlier one never come back.

The primary key is text and not the item's number, because one number may come from two owners.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from reprise.errors import StoreError, StoreUnable
from reprise.stores.milvus.abilities import MAX_DIMENSION, MAX_NEIGHBOURS, MIN_DIMENSION
from reprise.stores.rowbytes import checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reprise.core.ports import Vectors

MESSAGE_BYTES = 32 * 2**20
"""A request or answer stays below this; servers take 64 MiB."""

ROW_BYTES = 200
"""What a row is besides its vector, generously."""

PARTITIONS = 16
"""Partitions of a collection over which the partition key spreads the owners."""

ALIVE, DROPPED = 1, 0

_PREFIX = "reprise_"
_ESCAPES = {"_": "__", "-": "_m", ".": "_d"}
_SIGNS = {escape: sign for sign, escape in _ESCAPES.items()}
_OURS = "Reprise: vectors of one space"
_FIELDS = ["pk", "owner", "generation", "key", "crc", "vector"]
_PK_LENGTH = 80
_DIGEST_LENGTH = 32  # 128 bits in hex


def collection_of(space: str) -> str:
    """Letters, digits and underscores only, at most 248 of them; ``space_of`` turns it back."""
    return _PREFIX + "".join(_ESCAPES.get(sign, sign) for sign in space)


def space_of(collection: str) -> str:
    """The space whose collection this is; empty for a collection that is none of ours."""
    if not collection.startswith(_PREFIX):
        return ""
    return re.sub("_[_md]", lambda found: _SIGNS[found[0]], collection.removeprefix(_PREFIX))


def digest_of(owner: str) -> str:
    return sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def check_limits(dimension: int) -> None:
    if not MIN_DIMENSION <= dimension <= MAX_DIMENSION:
        raise StoreUnable(
            f"Milvus keeps vectors of dimension {MIN_DIMENSION} to {MAX_DIMENSION}, not {dimension}",
            cure="keep this model's vectors in another store, see: reprise stores",
        )


def check_neighbours(k: int) -> None:
    if k > MAX_NEIGHBOURS:
        raise StoreUnable(
            f"asked for {k} neighbours; Milvus answers with {MAX_NEIGHBOURS} at most",
            cure="ask for fewer, or keep the vectors in another store, see: reprise stores",
        )


@dataclass(frozen=True, slots=True)
class Held:
    """One owner's part of one space, as its marker says."""

    collection: str
    digest: str
    generation: int
    dimension: int

    @property
    def rows(self) -> str:
        """The expression of this owner's rows that count."""
        return f'owner == "{self.digest}" and generation == {self.generation}'

    @property
    def leftovers(self) -> str:
        """The expression of this owner's rows that do not count: of drops and restores that were cut short."""
        return f'owner == "{self.digest}" and generation > 0 and generation != {self.generation}'

    def pk(self, key: int) -> str:
        return f"{self.digest}.{self.generation:08x}.{key:016x}"

    def after(self, key: int) -> str:
        """The expression of the rows behind a key; ``-1``: of all of them."""
        return self.rows if key < 0 else f"{self.rows} and key > {key}"

    def named(self, keys: Iterable[int]) -> str:
        """The expression of the rows of these keys; the owner's digest is part of each name."""
        return in_list("pk", (self.pk(key) for key in keys))


def in_list(field: str, names: Iterable[str]) -> str:
    """Names hold letters, digits and points alone: nothing in them needs quoting."""
    return f"{field} in [" + ",".join(f'"{name}"' for name in names) + "]"


def rows_per_message(dimension: int) -> int:
    """How many rows with their vectors one request or answer may have."""
    return max(1, min(MAX_NEIGHBOURS, MESSAGE_BYTES // (4 * dimension + ROW_BYTES)))


def rows(held: Held, keys: Sequence[int], vectors: Vectors) -> list[dict[str, Any]]:
    """``vectors`` (n, dimension) under ``keys``, as the client takes them."""
    return [
        {
            "pk": held.pk(key),
            "owner": held.digest,
            "generation": held.generation,
            "key": key,
            "crc": checksum(key, vector.tobytes()),
            "vector": vector,
        }
        for key, vector in zip(keys, vectors, strict=True)
    ]


def marker(held: Held, state: int) -> dict[str, Any]:
    import numpy as np

    unused = np.zeros(held.dimension, dtype=np.float32)
    unused[0] = 1  # every row must have a vector; no expression of ours lets this one be compared
    return {
        "pk": held.digest,
        "owner": held.digest,
        "generation": -held.generation,
        "key": state,
        "crc": 0,
        "vector": unused,
    }


def schema(dimension: int, *, partitioned: bool) -> Any:
    """``partitioned``: the owner is the partition key."""
    from pymilvus import DataType, MilvusClient

    made = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False, description=_OURS)
    made.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=_PK_LENGTH)
    made.add_field("owner", DataType.VARCHAR, max_length=_DIGEST_LENGTH, is_partition_key=partitioned)
    made.add_field("generation", DataType.INT64)
    made.add_field("key", DataType.INT64)
    made.add_field("crc", DataType.INT64)
    made.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    return made


def dimension_of(space: str, described: dict[str, Any]) -> int:
    """Of a collection as the server describes it; ``StoreError`` for one that somebody else made."""
    if [found["name"] for found in described["fields"]] != _FIELDS:  # Milvus Lite keeps no description
        raise StoreError(
            f"the collection {collection_of(space)!r} of the server was not made by this release of Reprise",
            cure="name a database of its own in store_url: http://USER:PASSWORD@HOST:19530/DATABASE",
        )
    vector = next(found for found in described["fields"] if found["name"] == "vector")
    return int(vector["params"]["dim"])
