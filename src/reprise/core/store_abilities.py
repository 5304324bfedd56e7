"""What a vector store can do: stated once by each, read by ``reprise stores``, by its table in the docs and by the suite."""

from __future__ import annotations

from dataclasses import dataclass

SWAP = "the pointer in our catalogue"
"""How a space becomes the one that serves: the same for all stores, in one transaction; no store keeps such a pointer."""


@dataclass(frozen=True, slots=True)
class StoreAbilities:
    """One kind of store. What it cannot do it refuses with ``StoreUnable`` and a cure; nothing is emulated in silence.

    Texts are short enough for a cell of a table; an empty text is a no.
    """

    name: str
    """As people call it: ``pgvector``, ``Milvus Lite``."""

    setting: str
    """The value of the setting ``store`` that chooses it; empty: only tests do."""

    extra: str
    """The extra to install, empty: none."""

    address: str
    """What ``store_url`` looks like; empty: it has none."""

    exact: str
    """When its answers are exact: ``always``, or up to which size; empty: never."""

    index: str
    """The approximate index that it uses, and from which size on; empty: none."""

    owner_filter: str
    """How it keeps owners apart."""

    delete_by_item: bool
    scan: bool
    snapshot: bool
    """Whether ``snapshot`` and ``restore`` work."""

    writers: bool
    """Whether several threads or processes may write to one space at the same time."""

    processes: bool
    """Whether other processes see what one has written without opening it anew."""

    transactional: bool
    """Whether ``upsert`` writes all of a batch or none of it, whatever happens."""

    largest_k: int | None
    """More neighbours than this are refused; ``None``: no limit."""

    largest_dimension: int
    largest_index_dimension: int | None
    """Longer vectors get no index and are searched exactly; ``None``: no limit of its own."""

    tried: str
    """The versions of the server or library that the tests ran with."""


def facts(store: StoreAbilities) -> list[tuple[str, str]]:
    """What people read of a store, in order: a name of the ability and what the store says to it."""
    return [
        ("setting store", store.setting or "none"),
        ("extra to install", store.extra or "none"),
        ("store_url", store.address or "none"),
        ("exact search", store.exact or "no"),
        ("approximate index", store.index or "no"),
        ("owners apart by", store.owner_filter),
        ("delete by item", _yes(store.delete_by_item)),
        ("scan in order", _yes(store.scan)),
        ("snapshot, restore", _yes(store.snapshot)),
        ("several writers at once", _yes(store.writers)),
        ("several processes at once", _yes(store.processes)),
        ("upsert all or nothing", _yes(store.transactional)),
        ("largest k", _most(store.largest_k)),
        ("largest dimension", _most(store.largest_dimension)),
        (
            "largest dimension of an index",
            _most(store.largest_index_dimension) if store.index else "no index",
        ),
        ("swap of spaces", SWAP),
        ("tried with", store.tried),
    ]


def _yes(able: bool) -> str:
    return "yes" if able else "no"


def _most(number: int | None) -> str:
    return "no limit" if number is None else f"{number:,}"
