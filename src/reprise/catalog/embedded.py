"""What models have of items that are looked at by channels: state, space, and the version that made it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reprise.core.embedded import Embedded, EmbeddedCount
from reprise.core.listing import ModelView
from reprise.core.plan import RowState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reprise.catalog.database import Database, Row

_PART = 500

# What the row would have to be of: the item's own content, or its input in the space's channel.
_DIGEST = "CASE WHEN s.channel = '' THEN i.digest ELSE n.digest END"
_SELECT = (
    "SELECT l.item_id, s.model, l.state, l.digest, " + _DIGEST + ", s.name, s.fingerprint, l.spec_version,"
    " l.error_message FROM spaces s JOIN ledger l ON l.space_id = s.id JOIN items i ON i.id = l.item_id"
    " LEFT JOIN inputs n ON n.item_id = l.item_id AND n.channel = s.channel"
    " WHERE s.owner = ? AND s.state NOT IN ('retiring', 'dropped') AND l.owner = ? AND i.owner = ?"
)


class SqlEmbeddedRows:
    """Implements ``core.embedded.EmbeddedRows``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_items(self, owner: str, item_ids: Collection[int]) -> dict[int, Mapping[str, Embedded]]:
        wanted, rows = list(item_ids), list[Any]()
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            marks = ", ".join("?" * len(part))
            rows += self._database.query(
                f"{_SELECT} AND l.item_id IN ({marks}) ORDER BY s.id", (owner, owner, owner, *part)
            )
        return _newest(rows)

    def of_video(self, owner: str, video_id: int) -> list[EmbeddedCount]:
        inside = "SELECT c.id FROM items c WHERE c.owner = ? AND (c.id = ? OR c.video_id = ?)"
        rows = self._database.query(
            f"{_SELECT} AND l.item_id IN ({inside}) ORDER BY s.id",
            (owner, owner, owner, owner, video_id, video_id),
        )
        found = Counter(
            (one.model, one.state, one.fingerprint, one.spec_version)
            for by_model in _newest(rows).values()
            for one in by_model.values()
        )
        return [EmbeddedCount(*key, count) for key, count in sorted(found.items())]


def _newest(rows: list[Row]) -> dict[int, Mapping[str, Embedded]]:
    """Rows come by space, the oldest first: the last one of a model counts."""
    found: dict[int, dict[str, Embedded]] = {}
    for item_id, model, state, digest, expected, space, mark, version, error in rows:
        view = _view(state, changed=expected is not None and digest != expected)
        of_item = found.setdefault(item_id, {})
        of_item[model] = Embedded(model, view, space, mark, version or "", error or "")
    return dict(found)


def _view(state: str, *, changed: bool) -> ModelView:
    if state == RowState.DONE:
        return ModelView.STALE if changed else ModelView.DONE
    return ModelView.FAILED if state in {RowState.FAILED, RowState.DISMISSED} else ModelView.PENDING
