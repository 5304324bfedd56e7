"""Foreign ids: which item a music server means by its own id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.following import ForeignId, canonical_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reprise.catalog.database import Database

_PART = 500


class SqlForeignIds:
    """Implements ``core.following.ForeignIds``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def item_of(self, owner: str, server: str, foreign_id: str) -> int | None:
        rows = self._database.query(
            "SELECT item_id FROM foreign_ids WHERE owner = ? AND server = ? AND foreign_id = ?",
            (owner, server, canonical_id(foreign_id)),
        )
        return int(rows[0][0]) if rows else None

    def of_items(self, owner: str, server: str, ids: Collection[int]) -> dict[int, str]:
        wanted = list(ids)
        found: dict[int, str] = {}
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            rows = self._database.query(
                "SELECT item_id, foreign_id FROM foreign_ids WHERE owner = ? AND server = ?"
                f" AND item_id IN ({', '.join('?' * len(part))}) ORDER BY foreign_id DESC",
                (owner, server, *part),
            )
            found.update(rows)
        return found

    def all(self, owner: str, server: str) -> Iterator[ForeignId]:
        # An item that was forgotten and whose file came back is another one: its id is to be learned anew.
        sql = (
            "SELECT f.foreign_id, f.item_id, f.mark FROM foreign_ids f JOIN items i ON i.id = f.item_id"
            " WHERE f.owner = ? AND f.server = ?"
        )
        return map(ForeignId._make, self._database.stream(sql, (owner, server)))

    def learn(self, owner: str, server: str, rows: Sequence[ForeignId]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute_many(
                "INSERT INTO foreign_ids (owner, server, foreign_id, item_id, mark) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (owner, server, foreign_id) DO UPDATE SET item_id = excluded.item_id,"
                " mark = excluded.mark",
                [(owner, server, canonical_id(row.foreign_id), row.item_id, row.mark) for row in rows],
            )

    def forget(self, owner: str, server: str, foreign_ids: Sequence[str]) -> None:
        with self._database.transaction() as transaction:
            transaction.execute_many(
                "DELETE FROM foreign_ids WHERE owner = ? AND server = ? AND foreign_id = ?",
                [(owner, server, canonical_id(foreign_id)) for foreign_id in foreign_ids],
            )
