"""Spaces and the pointers that say which of them answers searches."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from reprise.core.items import ItemKind
from reprise.core.records import Pointer
from reprise.core.space import ALLOWED, Space, SpaceState, space_name
from reprise.core.spec import Subject, fingerprint, fingerprint_inputs
from reprise.errors import NotFound, SpaceHeld

if TYPE_CHECKING:
    from reprise.catalog.database import Database, Row, Transaction
    from reprise.core.spec import ModelSpec

_SPACE = "id, owner, name, model, fingerprint, dimension, state, created_at, kind, channel"


class SqlSpaces:
    """Implements ``core.records.Spaces``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, owner: str, spec: ModelSpec, *, fresh: bool = False) -> Space:
        mark = fingerprint(spec)
        name = self._name(owner, spec.model, mark, fresh=fresh)
        with self._database.transaction() as transaction:
            transaction.execute(
                "INSERT INTO spaces (owner, name, model, fingerprint, inputs, dimension, state, created_at, kind, channel)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner, name) DO NOTHING",
                (
                    owner,
                    name,
                    spec.model,
                    mark,
                    json.dumps(dict(fingerprint_inputs(spec))),
                    spec.dimension,
                    SpaceState.DRAFT,
                    time.time(),
                    *spec.subject,
                ),
            )
            transaction.execute(
                "UPDATE spaces SET state = ? WHERE owner = ? AND name = ? AND state = ?",
                (SpaceState.DRAFT, owner, name, SpaceState.DROPPED),
            )
            rows = transaction.query(
                f"SELECT {_SPACE} FROM spaces WHERE owner = ? AND name = ?", (owner, name)
            )
        return _space(rows[0])

    def of_spec(self, owner: str, fingerprint: str) -> Space | None:
        same = [space for space in self.all(owner) if space.fingerprint == fingerprint]
        living = [space for space in same if space.state is not SpaceState.DROPPED]
        return next(reversed(living or same), None)

    def _name(self, owner: str, model: str, mark: str, *, fresh: bool) -> str:
        latest = self.of_spec(owner, mark)
        if latest is None:
            return space_name(model, mark)
        pointer = self.pointer(owner, model)
        if not fresh or pointer is None or pointer.space.id != latest.id:
            return latest.name
        generations = sum(space.fingerprint == mark for space in self.all(owner))
        return space_name(model, mark, generations + 1)

    def get(self, owner: str, space_id: int) -> Space:
        rows = self._database.query(
            f"SELECT {_SPACE} FROM spaces WHERE owner = ? AND id = ?", (owner, space_id)
        )
        if not rows:
            raise NotFound(f"there is no space {space_id}", cure="see: reprise spaces")
        return _space(rows[0])

    def all(self, owner: str) -> list[Space]:
        sql = f"SELECT {_SPACE} FROM spaces WHERE owner = ? ORDER BY model, id"
        return [_space(row) for row in self._database.query(sql, (owner,))]

    def inputs(self, owner: str, space_id: int) -> dict[str, str | int]:
        rows = self._database.query("SELECT inputs FROM spaces WHERE owner = ? AND id = ?", (owner, space_id))
        inputs: dict[str, str | int] = json.loads(rows[0][0]) if rows else {}
        return inputs

    def set_state(self, owner: str, space_id: int, state: SpaceState, note: str = "") -> None:
        with self._database.transaction() as transaction:
            _step(transaction, owner, space_id, state, note)

    def note(self, owner: str, space_id: int) -> str:
        rows = self._database.query("SELECT note FROM spaces WHERE owner = ? AND id = ?", (owner, space_id))
        return str(rows[0][0]) if rows else ""

    def pointer(self, owner: str, model: str) -> Pointer | None:
        return next((p for p in self.pointers(owner) if p.model == model), None)

    def pointers(self, owner: str) -> list[Pointer]:
        rows = self._database.query(
            "SELECT model, space_id, previous_id, switched_at FROM pointers WHERE owner = ? ORDER BY model",
            (owner,),
        )
        spaces = {space.id: space for space in self.all(owner)}
        return [
            Pointer(model, spaces[space_id], spaces.get(previous_id), switched_at)
            for model, space_id, previous_id, switched_at in rows
        ]

    def unpoint(self, owner: str, model: str) -> None:
        with self._database.transaction() as transaction:
            transaction.alone(f"pointers of {owner}")
            rows = transaction.query(
                "SELECT space_id FROM pointers WHERE owner = ? AND model = ?", (owner, model)
            )
            for (space_id,) in rows:
                _step(transaction, owner, space_id, SpaceState.RETIRING)
            transaction.execute("DELETE FROM pointers WHERE owner = ? AND model = ?", (owner, model))

    def switch(self, owner: str, model: str, space_id: int, at: float) -> Space | None:
        with self._database.transaction() as transaction:
            transaction.alone(f"pointers of {owner}")
            before = transaction.query(
                "SELECT space_id FROM pointers WHERE owner = ? AND model = ?", (owner, model)
            )
            previous = before[0][0] if before else None
            if previous == space_id:
                return None
            _step(transaction, owner, space_id, SpaceState.ACTIVE)
            if previous is not None:
                _step(transaction, owner, previous, SpaceState.RETIRING)
            transaction.execute(
                "INSERT INTO pointers (owner, model, space_id, previous_id, switched_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (owner, model) DO UPDATE SET space_id = excluded.space_id,"
                " previous_id = excluded.previous_id, switched_at = excluded.switched_at",
                (owner, model, space_id, previous, at),
            )
        return None if previous is None else self.get(owner, previous)


def _step(transaction: Transaction, owner: str, space_id: int, state: SpaceState, note: str = "") -> None:
    rows = transaction.query(
        f"SELECT state, name FROM spaces WHERE owner = ? AND id = ?{transaction.locked}", (owner, space_id)
    )
    if not rows:
        raise NotFound(f"there is no space {space_id}", cure="see: reprise spaces")
    current, name = SpaceState(rows[0][0]), rows[0][1]
    if state is not current and state not in ALLOWED[current]:
        raise SpaceHeld(
            f"the space {name} is {current} and cannot become {state}", cure="see: reprise spaces"
        )
    transaction.execute(
        "UPDATE spaces SET state = ?, note = ? WHERE owner = ? AND id = ?", (state, note, owner, space_id)
    )


def _space(row: Row) -> Space:
    space_id, owner, name, model, mark, dimension, state, created_at, kind, channel = row
    subject = Subject(ItemKind(kind), channel)
    return Space(space_id, owner, name, model, mark, dimension, SpaceState(state), created_at, subject)
