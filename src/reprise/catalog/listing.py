"""Pages of items, their counts and facets, as fast at a million rows as at a hundred."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from reprise.catalog.listing_filters import conditions, model_views, spaces_of_models
from reprise.catalog.listing_upkeep import take_over
from reprise.core.listing import FacetCount, Filters, IdPage, Order, Place, SortBy
from reprise.core.records import LibraryCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reprise.catalog.database import Database, Row
    from reprise.core.listing import Facet, ModelView, Sorting

Known = TypeVar("Known")

_PART = 500
"""Ids in one IN list: databases limit how many parameters a statement takes."""

LEDGER_SECONDS = 5.0
"""How long a count by a model's state holds at least: jobs change such counts all the time."""

LEDGER_SHARE = 0.05
"""Share of the time that may be spent on counting the same again; what took long to count holds longer."""

_MOST_REMEMBERED = 1000
_ALWAYS_THERE = frozenset({SortBy.ID, SortBy.PATH, SortBy.UPDATED_AT})


class SqlListing:
    """Implements ``core.listing.Listing``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = _Memory()

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
        if not self.count(owner, filters):
            return IdPage((), None)
        shown = after.shown if after else offset
        walked = self._is_walked(owner, filters, limit + (0 if after else offset))
        part = _Part(self, owner, filters, sorting, walked=walked)
        rows: list[Row] = []
        if after is None or after.value is not None or sorting.by is SortBy.ID:
            rows = part.rows(limit + 1, offset if after is None else 0, after)
        if len(rows) <= limit and sorting.by not in _ALWAYS_THERE:
            skipped = 0 if rows or after else max(0, offset - self._count_valued(owner, filters, sorting.by))
            behind = after if after and after.value is None else None
            rows += part.rows(limit + 1 - len(rows), skipped, behind, without=True)
        ids = tuple(row[0] for row in rows[:limit])
        if len(rows) <= limit:
            return IdPage(ids, None)
        return IdPage(ids, Place(rows[limit - 1][1], ids[-1], shown + limit))

    def count(self, owner: str, filters: Filters) -> int:
        if filters != Filters(library_id=filters.library_id):
            return self._count(owner, filters, "")
        counts = self.library_counts(owner)
        chosen = counts if filters.library_id is None else counts.keys() & {filters.library_id}
        return sum(counts[library_id].items + counts[library_id].missing for library_id in chosen)

    def facets(self, owner: str, filters: Filters, facet: Facet, limit: int) -> list[FacetCount]:
        key = ("facets", owner, filters, facet, limit)
        return self._remember(key, filters, lambda: self._facets(owner, filters, facet, limit))

    def model_views(self, owner: str, item_ids: Collection[int]) -> dict[int, dict[str, ModelView]]:
        spaces, wanted = spaces_of_models(self._database, owner), list(item_ids)
        views: dict[int, dict[str, ModelView]] = {}
        for start in range(0, len(wanted) if spaces else 0, _PART):
            views |= model_views(self._database, spaces, wanted[start : start + _PART])
        return views

    def library_counts(self, owner: str) -> dict[int, LibraryCounts]:
        rows = self._database.query(
            "SELECT library_id, items, missing, audio_seconds, bytes FROM listing_counts WHERE owner = ?",
            (owner,),
        )
        return {library_id: LibraryCounts(*counts) for library_id, *counts in rows}

    def take_over(self, most: int) -> int:
        return take_over(self._database, most)

    @property
    def no_index(self) -> str:
        return self._database.dialect.no_index

    def query(
        self, owner: str, filters: Filters, columns: str, rest: str, values: tuple[Any, ...], *, walked: bool
    ) -> list[Row]:
        """Columns of the rows that the filters leave; ``rest`` begins with further conditions, if any."""
        spaces = None
        if filters.model is not None:
            spaces = spaces_of_models(self._database, owner).get(filters.model)
        found = conditions(self._database.dialect, owner, filters, spaces, walked=walked)
        return self._database.query(
            f"SELECT {columns} FROM listing l WHERE {found.where} {rest}", (*found.values, *values)
        )

    def _is_walked(self, owner: str, filters: Filters, wanted: int) -> bool:
        """Whether meeting the rows in their order finds a page sooner than sorting those that the filters give."""
        if filters == Filters(library_id=filters.library_id):
            return True
        matching = self.count(owner, filters)
        return matching * matching > wanted * self.count(owner, Filters())

    def _count(self, owner: str, filters: Filters, rest: str) -> int:
        def counted() -> int:
            return int(self.query(owner, filters, "COUNT(*)", rest, (), walked=False)[0][0])

        return self._remember(("count", owner, filters, rest), filters, counted)

    def _count_valued(self, owner: str, filters: Filters, by: SortBy) -> int:
        return self._count(owner, filters, f"AND l.{by} IS NOT NULL")

    def _facets(self, owner: str, filters: Filters, facet: Facet, limit: int) -> list[FacetCount]:
        rest = f"AND l.{facet} IS NOT NULL GROUP BY l.{facet} ORDER BY COUNT(*) DESC, l.{facet} LIMIT ?"
        rows = self.query(owner, filters, "COUNT(*), MIN(l.item_id)", rest, (limit,), walked=False)
        spelled: dict[int, str | int] = dict(self._spelled(facet, [item_id for _, item_id in rows]))
        return [FacetCount(spelled[item_id], count) for count, item_id in rows if item_id in spelled]

    def _spelled(self, facet: Facet, ids: list[int]) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(ids), _PART):
            part = ids[start : start + _PART]
            marks = ", ".join("?" * len(part))
            found += self._database.query(
                f"SELECT id, {facet} FROM items WHERE {facet} IS NOT NULL AND id IN ({marks})", part
            )
        return found

    def _remember(self, key: object, filters: Filters, make: Callable[[], Known]) -> Known:
        changes = self._database.query("SELECT changes FROM listing_state")[0][0]
        return self._remembered.get(key, None if filters.model is not None else changes, make)


class _Part:
    """The rows of one listing that have the field that they are sorted by, or those that have not."""

    def __init__(
        self, listing: SqlListing, owner: str, filters: Filters, sorting: Sorting, *, walked: bool
    ) -> None:
        self._listing = listing
        self._owner = owner
        self._filters = filters
        self._sorting = sorting
        self._walked = walked

    def rows(self, limit: int, offset: int, after: Place | None, *, without: bool = False) -> list[Row]:
        """Id and field of up to ``limit`` rows; ``without``: of those without the field."""
        by, descending = self._sorting.by, self._sorting.order is Order.DESCENDING
        way, beyond = ("DESC", "<") if descending else ("ASC", ">")
        # The database is not to walk in the listing's order where the filters give few rows.
        no_index = "" if self._walked else self._listing.no_index
        column = no_index + ("l.item_id" if by is SortBy.ID else f"l.{by}")
        rest, values = [], list[Any]()
        if by not in _ALWAYS_THERE:
            rest.append(f"AND {column} IS {'NULL' if without else 'NOT NULL'}")
        plain, by_id = without or by is SortBy.ID, f"{no_index}l.item_id"
        if after is not None:
            rest.append(f"AND {by_id} {beyond} ?" if plain else f"AND ({column}, {by_id}) {beyond} (?, ?)")
            values += [after.item_id] if plain else [after.value, after.item_id]
        rest.append(f"ORDER BY {by_id} {way}" if plain else f"ORDER BY {column} {way}, {by_id} {way}")
        rest.append("LIMIT ? OFFSET ?")
        return self._listing.query(
            self._owner,
            self._filters,
            f"l.item_id, {column}",
            " ".join(rest),
            (*values, limit, offset),
            walked=self._walked,
        )


class _Memory:
    """What was found, as long as it holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[object, tuple[int | None, float, Any]] = {}

    def get(self, key: object, changes: int | None, make: Callable[[], Known]) -> Known:
        """What is known under the key since that change of the listing; without one, for a while."""
        began = time.monotonic()
        with self._lock:
            known = self._known.get(key)
        if known is not None and (known[0] == changes if changes is not None else began < known[1]):
            found: Known = known[2]
            return found
        made = make()
        now = time.monotonic()
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (changes, now + max(LEDGER_SECONDS, (now - began) / LEDGER_SHARE), made)
        return made
