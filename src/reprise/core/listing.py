"""Listings of items: what is asked for, how pages hang together, and when a list is too long to show whole."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reprise.core.records import LibraryCounts

WARN_ABOVE = 10_000
"""Rows of a whole list above which a warning goes with it; exactly as many are not warned of."""

CUT_ABOVE = 25_000
"""Rows above which a whole list is cut; exactly as many are not."""

ROWS_LEFT = 1_000
"""Rows that a list keeps when it is cut."""

MOST_ID = 2**63 - 1
"""The largest number that a database holds."""


class SortBy(StrEnum):
    ARTIST = "artist"
    TITLE = "title"
    ALBUM = "album"
    GENRE = "genre"
    YEAR = "year"
    BPM = "bpm"
    KEY = "key"
    DURATION = "duration"
    UPDATED_AT = "updated_at"
    PATH = "path"
    ID = "id"


class Order(StrEnum):
    ASCENDING = "asc"
    DESCENDING = "desc"


class Facet(StrEnum):
    """What items can be counted by."""

    GENRE = "genre"
    ARTIST = "artist"
    ALBUM = "album"
    KEY = "key"
    YEAR = "year"


class ModelView(StrEnum):
    """How far a model is with an item.

    ``STALE``: there is a vector, but the file or the model has changed since. ``NONE``: nobody asked for one.
    """

    DONE = "done"
    FAILED = "failed"
    PENDING = "pending"
    STALE = "stale"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which items are listed; what is ``None`` or empty does not narrow.

    ``words``: all of them begin a word of title, artist, album or path. ``artist``, ``genre`` and ``key`` are compared
    without case and accents. ``folder`` is relative to its library's root. ``state`` is that of ``model``; a model
    alone keeps the items that it knows.
    """

    library_id: int | None = None
    words: str = ""
    artist: str | None = None
    genre: str | None = None
    key: str | None = None
    folder: bytes = b""
    model: str | None = None
    state: ModelView | None = None


@dataclass(frozen=True, slots=True)
class Sorting:
    """``by`` a field, rows without it last in both orders; among equals by id in the same order."""

    by: SortBy = SortBy.ID
    order: Order = Order.ASCENDING


@dataclass(frozen=True, slots=True)
class Place:
    """The row that a page begins behind: its field, its id, and how many rows were shown up to and with it."""

    value: str | int | float | bytes | None
    item_id: int
    shown: int


@dataclass(frozen=True, slots=True)
class IdPage:
    """``after``: where the next page begins; ``None`` when there is none."""

    ids: tuple[int, ...]
    after: Place | None


@dataclass(frozen=True, slots=True)
class FacetCount:
    value: str | int
    count: int


@dataclass(frozen=True, slots=True)
class LengthWarning:
    """That a list is long, and what helps. ``truncated``: only the first ``ROWS_LEFT`` rows are there."""

    level: str
    message: str
    suggestions: tuple[str, ...]
    truncated: bool
    total_count: int


class Listing(Protocol):
    """Items in any order, narrowed and counted. What a scan found is listed by ``take_over``, a moment later."""

    def page(
        self,
        owner: str,
        filters: Filters,
        sorting: Sorting,
        *,
        limit: int,
        offset: int = 0,
        after: Place | None = None,
    ) -> IdPage:
        """Up to ``limit`` ids from the row ``offset`` on, or behind ``after``."""

    def count(self, owner: str, filters: Filters) -> int:
        """How many rows the filters leave; remembered until the listing changes."""

    def facets(self, owner: str, filters: Filters, facet: Facet, limit: int) -> list[FacetCount]:
        """The most frequent values of a field, as one of their items spells each."""

    def model_views(self, owner: str, item_ids: Collection[int]) -> dict[int, dict[str, ModelView]]:
        """How far each model is with each item; a model that nobody asked for is left out."""

    def library_counts(self, owner: str) -> dict[int, LibraryCounts]:
        """By library; one without items is left out. Remembered until the listing changes."""

    def take_over(self, most: int) -> int:
        """List what changed in the catalogue since the last time, ``most`` items at once; returns how many it were."""


_PAGES = "ask for pages, with limit and cursor"
_NARROW = "narrow the list: a library, a folder, an artist, a genre, or words"
_LINES = "read all of it as lines, in constant memory: /api/v1/items/lines"


def length_warning(total: int, *, paged: bool) -> LengthWarning | None:
    """What to say of a list of ``total`` rows; a page of one is never cut."""
    if total <= WARN_ABOVE:
        return None
    if total <= CUT_ABOVE:
        message = f"{total:,} items are many for one list"
        return LengthWarning("warning", message, (_PAGES, _NARROW), truncated=False, total_count=total)
    message = f"{total:,} items are too many for one list"
    if not paged:
        message += f": these are the first {ROWS_LEFT:,}"
    return LengthWarning(
        "critical", message, (_PAGES, _NARROW, _LINES), truncated=not paged, total_count=total
    )


def whole_list_rows(total: int) -> int:
    """How many rows a list of ``total`` shows when nobody asked for pages."""
    return total if total <= CUT_ABOVE else ROWS_LEFT


def write_cursor(sorting: Sorting, place: Place) -> str:
    """The place as opaque text. It is only good for the sorting that it was made for."""
    value = {"path": place.value.hex()} if isinstance(place.value, bytes) else place.value
    facts = [sorting.by, sorting.order, value, place.item_id, place.shown]
    return base64.urlsafe_b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode()


def read_cursor(sorting: Sorting, cursor: str) -> Place:
    """Raises ``UsageError`` for a text that is none, or one of another sorting."""
    try:
        facts = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        return _place(sorting, facts)
    except (binascii.Error, UnicodeError, ValueError, TypeError, RecursionError):
        raise UsageError(
            "the cursor is none of this list", cure="send next_cursor as the last page gave it, with its sort"
        ) from None


def _place(sorting: Sorting, facts: Sequence[Any]) -> Place:
    by, order, value, item_id, shown = facts
    if (by, order) != (sorting.by, sorting.order) or not (_is_count(item_id) and _is_count(shown)):
        raise ValueError
    if sorting.by is SortBy.PATH:
        return Place(bytes.fromhex(value["path"]), item_id, shown)
    fits = isinstance(value, str) if sorting.by in _TEXTS else _is_number(value)
    if value is not None and not fits:
        raise ValueError
    if isinstance(value, str):
        value.encode()  # half a surrogate pair is no text that a database takes
    return Place(value, item_id, shown)


_TEXTS = frozenset({SortBy.ARTIST, SortBy.TITLE, SortBy.ALBUM, SortBy.GENRE, SortBy.KEY})


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_ID


def _is_number(value: object) -> bool:
    if type(value) is int:
        return -MOST_ID <= value <= MOST_ID
    return isinstance(value, float) and math.isfinite(value)
