"""The stand-in's indices: documents, what searches see of them, and a mapping that is kept to."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from tests.servers.opensearch.rules import Refusal

REFRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Document:
    """``fields``: every field as it is indexed; ``source``: what comes back."""

    id: str
    routing: str
    seq_no: int
    fields: dict[str, Any]
    source: dict[str, Any]


@dataclass
class Index:
    """``live``: what reading by id sees. ``seen``: what searches see, replaced as a whole by a refresh."""

    name: str
    settings: dict[str, Any]
    mappings: dict[str, Any]
    aliases: dict[str, Any]
    live: dict[str, Document] = field(default_factory=dict)
    seen: dict[str, Document] = field(default_factory=dict)
    changed: bool = False
    refreshed_at: float = field(default_factory=time.monotonic)
    next_seq_no: int = 0
    full: bool = False

    @property
    def shards(self) -> int:
        return int(self.settings.get("number_of_shards", 1))

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.mappings["properties"]
        return found

    def shard(self, routing: str) -> int:
        return crc32(routing.encode()) % self.shards

    def refresh(self) -> None:
        if self.changed:
            self.seen, self.changed = dict(self.live), False
        self.refreshed_at = time.monotonic()

    def refresh_when_due(self) -> None:
        """What the setting refresh_interval does in the background."""
        if time.monotonic() - self.refreshed_at >= REFRESH_SECONDS:
            self.refresh()

    def refuse_block(self) -> None:
        if self.full:
            raise Refusal(
                429,
                "cluster_block_exception",
                f"index [{self.name}] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, "
                "index has read-only-allow-delete block];",
                expected=True,
            )
        if self.settings.get("blocks", {}).get("write"):
            raise Refusal(
                403,
                "cluster_block_exception",
                f"index [{self.name}] blocked by: [FORBIDDEN/8/index write (api)];",
                expected=True,
            )

    def check_routing(self, id_: str, routing: str | None) -> str:
        if routing is None and self.mappings.get("_routing", {}).get("required"):
            raise Refusal(400, "routing_missing_exception", f"routing is required for [{self.name}]/[{id_}]")
        return routing if routing is not None else id_

    def find(self, id_: str, routing: str | None) -> Document | None:
        """Looks on one shard only, as a server does."""
        found = self.live.get(id_)
        where = self.check_routing(id_, routing)
        return found if found is not None and self.shard(found.routing) == self.shard(where) else None

    def put(self, id_: str, routing: str | None, source: dict[str, Any]) -> Document:
        where = self.check_routing(id_, routing)
        indexed = {name: self._indexed(name, value) for name, value in source.items()}
        hidden = self.mappings.get("_source", {}).get("excludes", [])
        kept = {name: value for name, value in source.items() if name not in hidden}
        document = Document(id_, where, self.next_seq_no, indexed, kept)
        self.live[id_] = document
        self.next_seq_no += 1
        self.changed = True
        return document

    def remove(self, id_: str, routing: str | None) -> bool:
        found = self.find(id_, routing)
        if found is None:
            return False
        del self.live[id_]
        self.next_seq_no += 1
        self.changed = True
        return True

    # what a mapping makes of values

    def _indexed(self, name: str, value: Any) -> Any:
        mapped = self.fields.get(name)
        if mapped is None:
            raise Refusal(
                400,
                "strict_dynamic_mapping_exception",
                f"mapping set to strict, dynamic introduction of [{name}] within [_doc] is not allowed",
            )
        try:
            return _READ[mapped["type"]](self, mapped, value)
        except (ValueError, TypeError, binascii.Error) as error:
            raise Refusal(
                400,
                "mapper_parsing_exception",
                f"failed to parse field [{name}] of type [{mapped['type']}]: {error}",
            ) from error

    def _keyword(self, _mapped: dict[str, Any], value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("no text")
        if len(value.encode()) > 32_766:
            raise ValueError("immense term")
        return value

    def _whole(self, mapped: dict[str, Any], value: Any) -> int:
        bits = {"long": 63, "integer": 31}[mapped["type"]]
        if isinstance(value, bool) or not isinstance(value, int) or not -(1 << bits) <= value < 1 << bits:
            raise ValueError(f"{value!r} is out of range")
        return value

    def _binary(self, _mapped: dict[str, Any], value: Any) -> bytes:
        return base64.b64decode(value, validate=True)

    def _vector(self, mapped: dict[str, Any], value: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        vector = np.array(value, np.float32)
        if vector.shape != (mapped["dimension"],):
            raise ValueError(
                f"Vector dimension mismatch. Expected: {mapped['dimension']}, Given: {vector.size}"
            )
        if not np.isfinite(vector).all() or not vector.any():
            raise ValueError("zero vector is not supported when space type is [cosinesimil]")
        return vector

    def _text(self, mapped: dict[str, Any], value: Any) -> dict[str, int]:
        if not isinstance(value, str):
            raise TypeError("no text")
        counted: dict[str, int] = {}
        for term, frequency in self.analysed(mapped["analyzer"], value):
            if frequency > 1 and mapped.get("index_options") != "freqs":
                raise ValueError("cannot index custom term frequencies with positions")
            counted[term] = counted.get(term, 0) + frequency
        return counted

    def analysed(self, analyzer: str, value: str) -> list[tuple[str, int]]:
        """Terms and frequencies. The whitespace tokenizer cuts after 255 letters."""
        tokens = [word[at : at + 255] for word in value.split() for at in range(0, len(word), 255)]
        if analyzer == "whitespace":
            return [(token, 1) for token in tokens]
        filters = self.settings["analysis"]["analyzer"][analyzer].get("filter", [])
        if "delimited_term_freq" not in filters:
            return [(token, 1) for token in tokens]
        parted = [token.rpartition("|") for token in tokens]
        return [(term, int(count)) if bar else (count, 1) for term, bar, count in parted]


_READ = {
    "keyword": Index._keyword,
    "long": Index._whole,
    "integer": Index._whole,
    "binary": Index._binary,
    "knn_vector": Index._vector,
    "text": Index._text,
}
