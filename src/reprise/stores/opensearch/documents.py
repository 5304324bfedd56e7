"""One space's index of vectors: what its documents look like, and the title that says which of them are an owner's.

**A title** for each owner (``holder``) names the owner's ``generation``, a random token; **a row** for each vector bears
owner, generation and key, and its id is made of the last two. Rows of another generation are not seen by anybody. So a
restore writes beside what is there and then changes one document, which is the one step that OpenSearch does wholly or
not at all. An owner's documents lie on one shard: all are routed by a digest of the owner.

``data`` has the vector's float32 bytes and ``crc`` their checksum: what comes back is what went in, whatever the engine
makes of ``vector`` (faiss keeps it normalised), which is therefore left out of ``_source``.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.errors import StoreError
from reprise.stores.checks import unknown_space
from reprise.stores.opensearch.indices import Place, digest
from reprise.stores.rowbytes import checksum, is_sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reprise.core.ports import Vectors
    from reprise.stores.opensearch.address import Address
    from reprise.stores.opensearch.server import Answer, Server

SPACE_TYPE = "cosinesimil"
ROW_FIELDS = ("key", "data", "crc")

_CONFLICT = 409


@dataclass(frozen=True)
class Title:
    """One owner's part of a space, as the server has it. ``version``: what the next change must still find there."""

    place: Place
    owner: str
    dimension: int
    generation: str
    version: tuple[int, int]

    @property
    def alias(self) -> str:
        return self.place.alias

    @property
    def routing(self) -> str:
        return digest(self.owner)

    def row_id(self, key: int) -> str:
        return f"{self.generation}-{key}"

    def rows(self, *others: Answer, barred: Answer | None = None) -> Answer:
        """A query for the owner's rows: those that all ``others`` let pass, and ``barred`` does not."""
        query: Answer = {
            "filter": [{"term": {"owner": self.owner}}, {"term": {"generation": self.generation}}, *others]
        }
        return {"bool": query | ({"must_not": [barred]} if barred else {})}

    def strays(self) -> Answer:
        """A query for what an interrupted drop or restore left of this owner."""
        own = {"term": {"generation": self.generation}}
        return {"bool": {"filter": [{"term": {"owner": self.owner}}], "must_not": [own]}}


def index_body(address: Address, place: Place, number: int, dimension: int) -> Answer:
    """Settings and mapping of a new index."""
    settings: Answer = {"knn": True, "number_of_shards": address.shards, "refresh_interval": "1s"}
    if address.replicas is not None:
        settings["number_of_replicas"] = address.replicas
    method = {"name": "hnsw", "space_type": SPACE_TYPE, "engine": address.engine}
    properties: Answer = {
        "holder": {"type": "keyword"},
        "owner": {"type": "keyword"},
        "generation": {"type": "keyword"},
        "dimension": {"type": "integer", "index": False, "doc_values": False},
        "key": {"type": "long"},
        "vector": {"type": "knn_vector", "dimension": dimension, "method": method},
        "data": {"type": "binary"},
        "crc": {"type": "long", "index": False, "doc_values": False},
    }
    mappings = {
        "dynamic": "strict",
        "_meta": place.meta(number, dimension=dimension, engine=address.engine),
        "_routing": {"required": True},
        "_source": {"excludes": ["vector"]},
        "properties": properties,
    }
    return {"settings": {"index": settings}, "mappings": mappings}


# titles


def find_title(server: Server, place: Place, owner: str) -> Title | None:
    """Read as it was written last, refreshed or not; ``None`` when this owner has no such space."""
    with server.asked() as client:
        answer = client.get(
            index=place.alias, id=_title_id(owner), params={"routing": digest(owner), "ignore": 404}
        )
    if not answer.get("found"):
        return None
    source = answer["_source"]
    if source.get("holder") != owner:
        return None
    version = (int(answer["_seq_no"]), int(answer["_primary_term"]))
    return Title(place, owner, int(source["dimension"]), source["generation"], version)


def known_title(server: Server, place: Place, owner: str, space: str) -> Title:
    title = find_title(server, place, owner)
    if title is None:
        raise unknown_space(owner, space)
    return title


def add_title(server: Server, place: Place, owner: str, dimension: int) -> None:
    """Nothing happens when there is one."""
    _write_title(server, place, owner, dimension, new_generation(), {"op_type": "create"})


def swap_title(server: Server, title: Title, generation: str) -> None:
    """From now on the owner's rows are those of the other generation; ``StoreError`` when somebody was faster."""
    number, term = title.version
    params = {"if_seq_no": number, "if_primary_term": term}
    if not _write_title(server, title.place, title.owner, title.dimension, generation, params):
        raise StoreError(
            f"{title.alias} was changed by another program; nothing was restored", cure="try again"
        )


def remove_title(server: Server, title: Title) -> None:
    with server.asked() as client:
        params = {"routing": title.routing, "refresh": "true", "ignore": 404}
        client.delete(index=title.alias, id=_title_id(title.owner), params=params)


def new_generation() -> str:
    return secrets.token_hex(8)


def _title_id(owner: str) -> str:
    return f"title-{digest(owner)}"


def _write_title(
    server: Server, place: Place, owner: str, dimension: int, generation: str, params: Answer
) -> bool:
    body = {"holder": owner, "generation": generation, "dimension": dimension}
    whole = {
        "routing": digest(owner),
        "refresh": "true",
        "require_alias": "true",
        "ignore": _CONFLICT,
        **params,
    }
    with server.asked() as client:
        answer = client.index(index=place.alias, id=_title_id(owner), body=body, params=whole)
    return "error" not in answer


# rows


def row_lines(title: Title, keys: Iterable[int], rows: Vectors) -> Iterator[bytes]:
    """A line of a bulk's body and the document's, for each vector."""
    for key, row in zip(keys, rows, strict=True):
        yield _row_line(title, key, row.astype("<f4").tobytes(), row.tolist())


def restored_lines(title: Title, rows: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """The same from a snapshot's rows."""
    import numpy as np

    for key, blob in rows:
        yield _row_line(title, key, blob, np.frombuffer(blob, "<f4").tolist())


def deletion_lines(title: Title, keys: Iterable[int]) -> Iterator[bytes]:
    for key in keys:
        yield json.dumps({"delete": {"_id": title.row_id(key)}}).encode() + b"\n"


def _row_line(title: Title, key: int, blob: bytes, values: list[float]) -> bytes:
    action = {"index": {"_id": title.row_id(key)}}
    document = {
        "owner": title.owner,
        "generation": title.generation,
        "key": key,
        "data": base64.b64encode(blob).decode(),
        "crc": checksum(key, blob),
    }
    # nine digits name a float32 exactly, and formatting them takes a third of what json takes for a list of floats
    vector = ",".join(["%.9g"] * len(values)) % tuple(values)
    return f'{json.dumps(action)}\n{json.dumps(document)[:-1]}, "vector": [{vector}]}}\n'.encode()


@dataclass(frozen=True)
class Row:
    """One row as it came back. ``blob`` is empty when it is not what was written."""

    key: int
    blob: bytes

    @property
    def sound(self) -> bool:
        return bool(self.blob)


def read_row(source: Answer, dimension: int) -> Row:
    key = int(source["key"])
    try:
        blob = base64.b64decode(str(source.get("data", "")), validate=True)
    except binascii.Error:
        return Row(key, b"")
    return Row(key, blob if is_sound(key, blob, source.get("crc"), dimension) else b"")


def refuse_damaged(found: Iterable[Row], space: str) -> None:
    damaged = [row.key for row in found if not row.sound]
    if damaged:
        named = ", ".join(map(str, damaged[:10]))
        raise StoreError(
            f"{len(damaged)} vectors of space {space!r} fail their checksum: keys {named}",
            cure="embed these items again with --force; or drop the space and restore a snapshot of it",
        )
