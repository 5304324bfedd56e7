"""Persons and their reference photos, which are items of the owner's library of people."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from reprise.catalog.forgetting import remove_items, with_children
from reprise.catalog.inputs import Input, put_inputs
from reprise.catalog.person_inputs import photo_left
from reprise.core.items import ItemKind
from reprise.core.made_up_paths import person_path, photo_path
from reprise.core.names import folded
from reprise.core.scene_texts import IMAGE, plain
from reprise.core.video import Person, Photo, PhotoState
from reprise.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.catalog.database import Database, Row, Transaction

LONGEST_NAME = 200
_DRAFT_PATH = b"\0p"
"""Of a person whose id, and so whose path, is not known yet."""

# "Searching for them works": the space that answers for the model of persons has a vector of this one.
_HAS_VECTOR = (
    "EXISTS (SELECT 1 FROM pointers o JOIN ledger l ON l.space_id = o.space_id AND l.item_id = p.item_id"
    " WHERE o.owner = p.owner AND l.has_vector = 1)"
)
_PERSON = f"p.item_id, p.owner, p.name, p.archived, {_HAS_VECTOR}, p.updated_at"
_PHOTO = "item_id, owner, person_id, file, state, error, updated_at"


class SqlPersons:
    """Implements ``core.video_records.Persons``. ``home``: of the installation, for the root of libraries of people."""

    def __init__(self, database: Database, home: bytes) -> None:
        self._database = database
        self._home = home

    # the library

    def library_id(self, owner: str, at: float) -> int:
        known = self.known_library_id(owner)
        if known is not None:
            return known
        with self._database.transaction() as transaction:
            transaction.alone(_people_of(owner))
            return self._library(transaction, owner, at)

    def known_library_id(self, owner: str) -> int | None:
        return _known_library(self._database, owner)

    def _library(self, transaction: Transaction, owner: str, at: float) -> int:
        known = _known_library(transaction, owner)
        if known is not None:
            return known
        root = os.path.join(self._home, b"people", owner.encode())
        transaction.execute(
            "INSERT INTO libraries (owner, kind, name, root, exclude, created_at, watch)"
            " VALUES (?, 'people', 'people', ?, '[]', ?, 0)",
            (owner, root, at),
        )
        made = _known_library(transaction, owner)
        if made is None:
            raise LookupError("the library of people was not made")
        return made

    # persons

    def add(self, owner: str, name: str, at: float) -> Person:
        shown, key = _checked(name)
        with self._database.transaction() as transaction:
            transaction.alone(_people_of(owner))
            _refuse_taken(transaction, owner, key, shown)
            library_id = self._library(transaction, owner, at)
            person_id = _add_item(transaction, owner, library_id, ItemKind.PERSON, _DRAFT_PATH, at)
            transaction.execute(
                "UPDATE items SET path = ? WHERE owner = ? AND id = ?",
                (person_path(person_id), owner, person_id),
            )
            transaction.execute(
                "INSERT INTO persons (item_id, owner, name, folded, archived, updated_at) VALUES (?, ?, ?, ?, 0, ?)",
                (person_id, owner, shown, key, at),
            )
            return self.get(owner, person_id)

    def get(self, owner: str, person_id: int) -> Person:
        found = self._persons(owner, "AND p.item_id = ?", person_id)
        if not found:
            raise _no_person(person_id)
        return found[0]

    def by_name(self, owner: str, name: str) -> Person | None:
        found = self._persons(owner, "AND p.folded = ?", folded(name))
        return found[0] if found else None

    def all(self, owner: str, *, archived: bool = False) -> list[Person]:
        return self._persons(owner, "" if archived else "AND p.archived = 0")

    def rename(self, owner: str, person_id: int, name: str, at: float) -> None:
        shown, key = _checked(name)
        with self._database.transaction() as transaction:
            transaction.alone(_people_of(owner))
            _insist_on(transaction, owner, person_id)
            _refuse_taken(transaction, owner, key, shown, but=person_id)
            transaction.execute(
                "UPDATE persons SET name = ?, folded = ?, updated_at = ? WHERE owner = ? AND item_id = ?",
                (shown, key, at, owner, person_id),
            )

    def archive(self, owner: str, person_id: int, at: float, *, archived: bool = True) -> None:
        with self._database.transaction() as transaction:
            _insist_on(transaction, owner, person_id)
            transaction.execute(
                "UPDATE persons SET archived = ?, updated_at = ? WHERE owner = ? AND item_id = ?",
                (int(archived), at, owner, person_id),
            )

    def remove(self, owner: str, person_id: int) -> list[int]:
        with self._database.transaction() as transaction:
            transaction.alone(_people_of(owner))
            _insist_on(transaction, owner, person_id)
            ids = with_children(transaction, owner, [person_id])
            remove_items(transaction, owner, ids)
            return ids

    def item_ids(self, owner: str, person_id: int) -> list[int]:
        _insist_on(self._database, owner, person_id)
        return with_children(self._database, owner, [person_id])

    def _persons(self, owner: str, condition: str, *values: Any) -> list[Person]:
        rows = self._database.query(
            f"SELECT {_PERSON} FROM persons p WHERE p.owner = ? {condition} ORDER BY p.folded",
            (owner, *values),
        )
        counts = self._counts(owner)
        return [_person(row, counts.get(row[0], {})) for row in rows]

    def _counts(self, owner: str) -> dict[int, dict[PhotoState, int]]:
        found: dict[int, dict[PhotoState, int]] = {}
        rows = self._database.query(
            "SELECT person_id, state, COUNT(*) FROM photos WHERE owner = ? GROUP BY person_id, state",
            (owner,),
        )
        for person_id, state, count in rows:
            found.setdefault(person_id, {})[PhotoState(state)] = count
        return found

    # photos

    def add_photo(self, owner: str, person_id: int, file: bytes, digest: bytes, at: float) -> Photo:
        path = photo_path(person_id, digest)
        with self._database.transaction() as transaction:
            transaction.alone(_people_of(owner))
            library_id = _insist_on(transaction, owner, person_id)
            known = self._photos(owner, "person_id = ? AND digest = ?", person_id, digest)
            if known:
                return known[0]
            photo_id = _add_item(transaction, owner, library_id, ItemKind.PHOTO, path, at, person_id)
            transaction.execute(
                "INSERT INTO photos (item_id, owner, person_id, file, digest, state, error, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, '', ?)",
                (photo_id, owner, person_id, file, digest, PhotoState.UPLOADED, at),
            )
            image = Input(digest, file=file)
            put_inputs(transaction, owner, (IMAGE,), {photo_id: {IMAGE: image}}, at)
            return self.photo(owner, photo_id)

    def photo(self, owner: str, photo_id: int) -> Photo:
        found = self._photos(owner, "item_id = ?", photo_id)
        if not found:
            raise _no_photo(photo_id)
        return found[0]

    def photos(self, owner: str, person_id: int) -> list[Photo]:
        _insist_on(self._database, owner, person_id)
        return self._photos(owner, "person_id = ?", person_id)

    def remove_photo(self, owner: str, photo_id: int) -> None:
        with self._database.transaction() as transaction:
            transaction.alone(_people_of(owner))
            person_id = self.photo(owner, photo_id).person_id
            remove_items(transaction, owner, [photo_id])
            photo_left(transaction, owner, person_id, time.time())

    def ready_photos(self, owner: str, person_id: int) -> list[int]:
        rows = self._database.query(
            "SELECT item_id FROM photos WHERE owner = ? AND person_id = ? AND state = ? ORDER BY item_id",
            (owner, person_id, PhotoState.READY),
        )
        return [row[0] for row in rows]

    def photo_counts(self, owner: str) -> Mapping[PhotoState, int]:
        rows = self._database.query(
            "SELECT state, COUNT(*) FROM photos WHERE owner = ? GROUP BY state", (owner,)
        )
        return {PhotoState(state): count for state, count in rows}

    def _photos(self, owner: str, condition: str, *values: Any) -> list[Photo]:
        rows = self._database.query(
            f"SELECT {_PHOTO} FROM photos WHERE owner = ? AND {condition} ORDER BY item_id", (owner, *values)
        )
        return [_photo(row) for row in rows]


def _people_of(owner: str) -> str:
    """The name under which those who add or remove persons and photos of the owner wait for each other."""
    return f"people of {owner}"


def _known_library(reading: Database | Transaction, owner: str) -> int | None:
    rows = reading.query("SELECT id FROM libraries WHERE owner = ? AND kind = 'people'", (owner,))
    return rows[0][0] if rows else None


def _checked(name: str) -> tuple[str, str]:
    """The name as it is shown, and as it is looked up. Raises ``UsageError``."""
    shown = plain(name)
    if not shown or not (key := folded(shown)):
        raise UsageError("a person needs a name", cure="give one of 1 to 200 characters")
    if len(shown) > LONGEST_NAME:
        raise UsageError(
            f"the name has {len(shown)} characters", cure=f"give one of 1 to {LONGEST_NAME} characters"
        )
    return shown, key


def _refuse_taken(transaction: Transaction, owner: str, key: str, name: str, but: int | None = None) -> None:
    rows = transaction.query(
        "SELECT item_id, archived FROM persons WHERE owner = ? AND folded = ?", (owner, key)
    )
    if not rows or rows[0][0] == but:
        return
    cure = "restore that person" if rows[0][1] else "add the photos to that person, or choose another name"
    raise UsageError(f"there is a person called {name!r} already", cure=cure)


def _insist_on(reading: Database | Transaction, owner: str, person_id: int) -> int:
    """The library that the person is in. Raises ``NotFound``."""
    rows = reading.query(
        "SELECT i.library_id FROM persons p JOIN items i ON i.id = p.item_id"
        " WHERE p.owner = ? AND p.item_id = ?",
        (owner, person_id),
    )
    if not rows:
        raise _no_person(person_id)
    return int(rows[0][0])


def _add_item(
    transaction: Transaction,
    owner: str,
    library_id: int,
    kind: ItemKind,
    path: bytes,
    at: float,
    parent_id: int | None = None,
) -> int:
    transaction.execute(
        "INSERT INTO items (owner, library_id, kind, path, size, mtime_ns, parent_id, updated_at)"
        " VALUES (?, ?, ?, ?, 0, 0, ?, ?)",
        (owner, library_id, kind, path, parent_id, at),
    )
    rows = transaction.query("SELECT id FROM items WHERE library_id = ? AND path = ?", (library_id, path))
    return int(rows[0][0])


def _person(row: Row, counts: Mapping[PhotoState, int]) -> Person:
    person_id, owner, name, archived, has_vector, updated_at = row
    return Person(person_id, owner, name, bool(archived), counts, bool(has_vector), updated_at)


def _photo(row: Row) -> Photo:
    photo_id, owner, person_id, file, state, error, updated_at = row
    return Photo(photo_id, owner, person_id, file, PhotoState(state), error, updated_at)


def _no_person(person_id: int) -> NotFound:
    return NotFound(f"there is no person {person_id}", cure="see: reprise persons list")


def _no_photo(photo_id: int) -> NotFound:
    return NotFound(f"there is no photo {photo_id}", cure="see: reprise persons show")
