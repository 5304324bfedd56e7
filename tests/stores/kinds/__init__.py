"""The kinds of stores that the suite runs over: one module each for those that need the same server.

A module has ``KINDS`` (name → opens a store with no spaces in it, given a folder of the test) and may have ``TRAITS``
(name → ``Traits``, for those that differ from the defaults). It starts its server when the first store is opened, once
for the process, and lets ``tests.servers.wanted.missing`` speak when the server cannot be had.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tests.stores.kinds.traits import Traits

if TYPE_CHECKING:
    from tests.stores.kinds.traits import Opener

MODULES = ("local", "pgvector", "milvus", "opensearch")


def every_kind() -> dict[str, Opener]:
    """All kinds by name; a module that is not there has none."""
    found: dict[str, Opener] = {}
    for module in _modules():
        found |= import_module(module).KINDS
    return found


def every_trait() -> dict[str, Traits]:
    """What is known of each kind."""
    found: dict[str, Traits] = dict.fromkeys(every_kind(), Traits())
    for module in _modules():
        found |= getattr(import_module(module), "TRAITS", {})
    return found


def _modules() -> list[str]:
    names = [f"{__name__}.{module}" for module in MODULES]
    return [name for name in names if find_spec(name) is not None]
