"""Filters of a listing as SQL, in two forms: asked row by row, or giving the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reprise.core.listing import ModelView
from reprise.core.plan import RowState
from reprise.core.words import sort_key, terms

if TYPE_CHECKING:
    from reprise.catalog.database import Database
    from reprise.catalog.dialects import Dialect
    from reprise.core.listing import Filters

MOST_WORDS = 32
"""Words of a query that count."""

_CHANGED = "(i.digest IS NOT NULL AND (k.digest IS NULL OR k.digest <> i.digest))"
_STATES = {
    ModelView.DONE: f"k.state = '{RowState.DONE}' AND NOT {_CHANGED}",
    ModelView.STALE: f"k.state = '{RowState.DONE}' AND {_CHANGED}",
    ModelView.FAILED: f"k.state IN ('{RowState.FAILED}', '{RowState.DISMISSED}')",
    ModelView.PENDING: f"k.state IN ('{RowState.PENDING}', '{RowState.LEASED}')",
}
_ROWS = "SELECT k.item_id FROM ledger k JOIN items i ON i.id = k.item_id WHERE k.space_id = ? AND k.owner = ?"
_ROW = (
    "SELECT 1 FROM ledger k JOIN items i ON i.id = k.item_id WHERE k.space_id = ? AND k.item_id = l.item_id"
)
_KNOWN = "EXISTS (SELECT 1 FROM ledger n WHERE n.space_id = ? AND n.item_id = l.item_id)"
_OLDER = "EXISTS (SELECT 1 FROM ledger o WHERE o.space_id = ? AND o.item_id = l.item_id AND o.has_vector = 1)"
_LEFT_BEHIND = (
    "SELECT o.item_id FROM ledger o WHERE o.space_id = ? AND o.owner = ? AND o.has_vector = 1"
    " AND NOT EXISTS (SELECT 1 FROM ledger n WHERE n.space_id = ? AND n.item_id = o.item_id)"
)


@dataclass(frozen=True, slots=True)
class ModelSpaces:
    """Where a model's vectors of an owner are: the newest space, and one that answers searches until it is full."""

    newest: int
    served: int | None


@dataclass(slots=True)
class Conditions:
    """What rows of ``listing l`` must fulfil. Those that are ``giving`` name few rows, so a database may begin there."""

    sql: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, sql: str, *values: Any) -> None:
        self.sql.append(sql)
        self.values += values

    @property
    def where(self) -> str:
        return " AND ".join(self.sql)


def conditions(
    dialect: Dialect, owner: str, filters: Filters, spaces: ModelSpaces | None, *, walked: bool
) -> Conditions:
    """The conditions for rows that the filters leave.

    ``walked``: the rows are met in the listing's order and each is asked; else the filters give the rows and those
    are sorted.
    """
    found, no_index = Conditions(), dialect.no_index if walked else ""
    # Where ids are given, SQLite would rather read all rows of the owner: it takes them for few.
    gives_ids = not walked and (filters.words.strip() or filters.state in _STATES)
    found.add(f"{dialect.no_index if gives_ids else ''}l.owner = ?", owner)
    if filters.library_id is not None:
        found.add(f"{dialect.no_index}l.library_id = ?", filters.library_id)
    for column, text in (("artist", filters.artist), ("genre", filters.genre), ("key", filters.key)):
        if text is not None:
            found.add(f"{no_index}l.{column} = ?", sort_key(text))
    if filters.folder:
        found.add(
            f"{no_index}l.path >= ? AND {no_index}l.path < ?", filters.folder + b"/", filters.folder + b"0"
        )
    if filters.words.strip():
        query = match_query(dialect, filters.words)
        words = f"SELECT rowid FROM listing_words WHERE {dialect.words_match}"
        found.add(f"{no_index}l.item_id IN ({words})" if query else "1 = 0", *([query] if query else []))
    if filters.model is not None:
        _add_state(dialect, found, owner, filters.state, spaces, walked=walked)
    return found


def match_query(dialect: Dialect, words: str) -> str:
    """The words as the database takes them: each is a phrase, whose last part may go on. Empty when there is no letter
    in them."""
    return dialect.words_query([parts for word in words.split()[:MOST_WORDS] if (parts := terms(word))])


def _add_state(
    dialect: Dialect,
    found: Conditions,
    owner: str,
    state: ModelView | None,
    spaces: ModelSpaces | None,
    *,
    walked: bool,
) -> None:
    if spaces is None:
        found.add("1 = 1" if state is ModelView.NONE else "1 = 0")
        return
    newest, served = spaces.newest, spaces.served
    if state is None:
        found.add(f"({_KNOWN} OR {_OLDER})", newest, served)
    elif state is ModelView.NONE:
        found.add(f"NOT {_KNOWN} AND NOT {_OLDER}", newest, served)
    elif walked:
        changed = f"EXISTS ({_ROW} AND {_STATES[state]})"
        stale = state is ModelView.STALE
        found.add(f"({changed} OR (NOT {_KNOWN} AND {_OLDER}))" if stale else changed, newest)
        found.values += [newest, served] if stale else []
    else:
        # Failures are few and have an index of their own, by owner.
        rows = (
            _ROWS.replace("k.space_id", f"{dialect.no_index}k.space_id")
            if state is ModelView.FAILED
            else _ROWS
        )
        found.add(f"l.item_id IN ({rows} AND {_STATES[state]}", newest, owner)
        found.sql[-1] += f" UNION {_LEFT_BEHIND})" if state is ModelView.STALE else ")"
        found.values += [served, owner, newest] if state is ModelView.STALE else []


def spaces_of_models(database: Database, owner: str) -> dict[str, ModelSpaces]:
    """By model, for each that has a space which is not on its way out."""
    served: dict[str, int] = dict(
        database.query("SELECT model, space_id FROM pointers WHERE owner = ?", (owner,))
    )
    rows = database.query(
        "SELECT model, MAX(id) FROM spaces WHERE owner = ? AND state NOT IN ('retiring', 'dropped')"
        " GROUP BY model",
        (owner,),
    )
    return {
        model: ModelSpaces(newest, other if (other := served.get(model)) != newest else None)
        for model, newest in rows
    }


def model_views(
    database: Database, spaces: dict[str, ModelSpaces], item_ids: list[int]
) -> dict[int, dict[str, ModelView]]:
    """The view of each model on each of the items, of which there are few hundred at most."""
    marks = ", ".join("?" * len(item_ids))
    views: dict[int, dict[str, ModelView]] = {}
    for model, both in sorted(spaces.items()):
        rows = database.query(
            f"SELECT k.space_id, k.item_id, k.state, k.has_vector, {_CHANGED} FROM ledger k"
            f" JOIN items i ON i.id = k.item_id WHERE k.space_id IN (?, ?) AND k.item_id IN ({marks})",
            (both.newest, both.served, *item_ids),
        )
        for space_id, item_id, state, has_vector, changed in rows:
            of_item = views.setdefault(item_id, {})
            if space_id == both.newest:
                of_item[model] = _view(state, changed=bool(changed))
            elif has_vector:
                of_item.setdefault(model, ModelView.STALE)
    return {item_id: of_item for item_id, of_item in views.items() if of_item}


def _view(state: str, *, changed: bool) -> ModelView:
    if state == RowState.DONE:
        return ModelView.STALE if changed else ModelView.DONE
    return ModelView.FAILED if state in {RowState.FAILED, RowState.DISMISSED} else ModelView.PENDING
