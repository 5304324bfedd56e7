"""Stores without a server."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from reprise.stores.embedded import EmbeddedStore
from reprise.stores.memory import MemoryStore
from tests.stores.kinds.traits import Traits

if TYPE_CHECKING:
    from tests.stores.kinds.traits import Opener

KINDS: dict[str, Opener] = {
    "memory": lambda _folder: closing(MemoryStore()),
    "embedded": lambda folder: closing(EmbeddedStore(folder / "store")),
    "embedded, streamed": lambda folder: closing(EmbeddedStore(folder / "store", cache_mb=0)),
    "embedded, indexed": lambda folder: closing(EmbeddedStore(folder / "store", index_from=1)),
}

TRAITS = {name: Traits(files=frozenset({"store"})) for name in KINDS if name != "memory"}
