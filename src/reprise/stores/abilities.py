"""The table of what the stores can do, read from the stores themselves. Importing it imports no driver."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reprise.errors import DiskFull, StoreError

if TYPE_CHECKING:
    from reprise.core.ports import VectorStore
    from reprise.core.store_abilities import StoreAbilities
    from reprise.errors import RepriseError

MODULES = ("embedded", "pgvector", "milvus", "opensearch")
"""Each has ``ABILITIES``: a tuple with one entry for each way in which it runs."""

NOBODY, NOTHING = "reprise", "no-such-space"
"""What is asked for to see whether somebody answers."""


def all_abilities() -> tuple[StoreAbilities, ...]:
    """What each store that can be chosen is able to do, the default first."""
    found: list[StoreAbilities] = []
    for name in MODULES:
        if find_spec(f"{__package__}.{name}") is not None:
            found.extend(import_module(f"{__package__}.{name}").ABILITIES)
    return tuple(found)


def fault_of(store: VectorStore) -> RepriseError | None:
    """Why the store cannot be used, or ``None`` when it answers: it is asked for a space that nobody has."""
    try:
        store.count(NOBODY, NOTHING)
    except (StoreError, DiskFull) as error:
        return None if type(error) is StoreError else error  # a space that is not there is no kind of its own
    return None
