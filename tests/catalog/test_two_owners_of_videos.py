"""Two owners with equal rows of everything: whatever one of them writes leaves every row of the other as it was."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reprise.catalog.video_writing import photos_settled
from reprise.core.items import InputState, Tags
from reprise.core.records import ScanBatch
from reprise.core.video import Description, Photo, Scene, TextSource
from reprise.core.video_records import ImportedScene, SearchPreferences
from reprise.errors import NotFound
from tests.catalog.filmed import Filmed, extract, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.catalog.database import Database
    from reprise.core.items import Library


@dataclass
class Owned:
    """What an owner has, and how to write to it."""

    films: Filmed
    name: str
    library: Library
    video: int
    heard: int
    scenes: list[Scene]
    person: int
    photos: list[Photo]
    space: int

    def settle(self, done: list[int], failed: list[tuple[int, str]]) -> None:
        with self.films.database.transaction() as transaction:
            photos_settled(transaction, self.name, self.space, done, failed, self.films.later())


def owned(films: Filmed, name: str, space: int) -> Owned:
    catalogue = films.catalogue
    library = films.library(name)
    ids = films.scan(library, b"a.mp4", b"b.mp4")
    video, heard = ids[b"a.mp4"], ids[b"b.mp4"]
    films.tell(name, video, extract((0, 10), (10, 20), (20, 60), transcript=said("one", "two")))
    films.tell(name, heard, extract((0, 60)))
    scenes = catalogue.videos.scenes(name, video)
    films.tell(name, scenes[0].id, Description("seen", "short", ("tag",)))
    person = catalogue.persons.add(name, "Ada", films.later()).id
    photos = [
        catalogue.persons.add_photo(name, person, look, hashlib.sha256(look).digest(), films.later())
        for look in (b"1", b"2")
    ]
    with films.database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
            " VALUES (?, ?, 's', 'person-photo', 'f', '{}', 3, 'filling', '', 0)",
            (space, name),
        )
        transaction.execute(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, updated_at)"
            " SELECT ?, id, owner, 'done', 'new', 1, 1, 0 FROM items WHERE owner = ?",
            (space, name),
        )
    one = Owned(films, name, library, video, heard, scenes, person, photos, space)
    one.settle([photos[0].id], [(photos[1].id, "no face")])
    catalogue.preferences.put(name, SearchPreferences({"lexical": 1.0}), films.later())
    return one


@pytest.fixture
def both(database: Database) -> tuple[Owned, Owned]:
    films = Filmed(database)
    return owned(films, "me", 1), owned(films, "you", 2)


def recomposed(my: Owned) -> int:
    with my.films.database.transaction() as transaction:
        transaction.execute(
            "UPDATE inputs SET composed = 0, digest = ? WHERE owner = ? AND channel = 'lexical'",
            (b"\0", my.name),
        )
    return my.films.catalogue.videos.recompose(my.name, my.library.id, my.films.later())


WRITES: dict[str, Callable[[Owned], object]] = {
    "extract": lambda my: my.films.tell(my.name, my.video, extract((0, 30), (30, 60)), digest=b"n" * 32),
    "transcribe": lambda my: my.films.tell(my.name, my.heard, said("heard", source=TextSource.HEARD)),
    "describe by a model": lambda my: my.films.tell(my.name, my.scenes[1].id, Description("other")),
    "describe": lambda my: my.films.catalogue.videos.describe(
        my.name, my.scenes[1].id, Description("mine"), my.films.later()
    ),
    "transcript": lambda my: my.films.catalogue.videos.set_transcript(
        my.name, my.video, said("mine"), my.films.later()
    ),
    "import": lambda my: my.films.catalogue.videos.import_scenes(
        my.name, my.video, [ImportedScene(0, 0, 60, "all")], my.films.later()
    ),
    "missing": lambda my: my.films.catalogue.items.apply(
        my.name, my.library.id, ScanBatch(missing=[my.video]), my.films.later()
    ),
    "revised": lambda my: my.films.catalogue.items.apply(
        my.name,
        my.library.id,
        ScanBatch(revised=[(my.video, InputState(11, 2, b"r" * 32), Tags(title="T"))]),
        my.films.later(),
    ),
    "moved": lambda my: my.films.catalogue.items.move(my.name, [(my.video, my.heard)], [], my.films.later()),
    "recompose": recomposed,
    "forget": lambda my: my.films.catalogue.items.remove(my.name, [my.video]),
    "remove the library": lambda my: my.films.catalogue.libraries.remove(my.name, my.library.id),
    "rename a person": lambda my: my.films.catalogue.persons.rename(
        my.name, my.person, "Eve", my.films.later()
    ),
    "archive": lambda my: my.films.catalogue.persons.archive(my.name, my.person, my.films.later()),
    "remove a person": lambda my: my.films.catalogue.persons.remove(my.name, my.person),
    "remove a photo": lambda my: my.films.catalogue.persons.remove_photo(my.name, my.photos[0].id),
    "add a photo": lambda my: my.films.catalogue.persons.add_photo(
        my.name, my.person, b"3", b"3" * 32, my.films.later()
    ),
    "add a person": lambda my: my.films.catalogue.persons.add(my.name, "Bob", my.films.later()),
    "settle": lambda my: my.settle([my.photos[1].id], [(my.photos[0].id, "lost")]),
    "preferences": lambda my: my.films.catalogue.preferences.put(
        my.name, SearchPreferences({"visual": 1.0}, "rrf"), my.films.later()
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_of_one_owner_leaves_every_row_of_the_other(both: tuple[Owned, Owned], write: str) -> None:
    me, you = both
    for my, theirs in ((me, you), (you, me)):
        mine, others = my.films.rows(my.name), my.films.rows(theirs.name)
        WRITES[write](my)
        assert my.films.rows(theirs.name) == others
        assert my.films.rows(my.name) != mine, "it wrote nothing, so it shows nothing"


@pytest.mark.parametrize(
    "write", sorted(set(WRITES) - {"preferences", "add a person", "recompose", "moved"})
)  # which name nothing of the other, or are asked with what a scan has found itself
def test_a_write_in_the_wrong_name_changes_nobodys_rows(both: tuple[Owned, Owned], write: str) -> None:
    """With all ids of the other owner in hand."""
    me, you = both
    mine, yours = me.films.rows("me"), me.films.rows("you")
    thief = Owned(
        me.films, "me", you.library, you.video, you.heard, you.scenes, you.person, you.photos, you.space
    )
    with suppress(NotFound):
        WRITES[write](thief)
    assert me.films.rows("you") == yours
    assert me.films.rows("me") == mine
