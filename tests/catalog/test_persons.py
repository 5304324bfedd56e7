"""Persons, their names and photos, and what their vectors are made of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from reprise.catalog.video_writing import photos_settled
from reprise.core.items import display_path
from reprise.core.video import PhotoState
from reprise.core.video_records import Reprocessing, Scope, SearchPreferences
from reprise.errors import NotFound, UsageError
from tests.catalog.filmed import ME, Filmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Database
    from reprise.core.video import Photo


@pytest.fixture
def films(database: Database) -> Filmed:
    return Filmed(database)


def photo_of(films: Filmed, person_id: int, look: str, owner: str = ME) -> Photo:
    digest = hashlib.sha256(look.encode()).digest()
    return films.catalogue.persons.add_photo(owner, person_id, look.encode(), digest, films.later())


def settle(
    films: Filmed,
    done: Sequence[int],
    failed: Sequence[tuple[int, str]] = (),
    space_id: int = 1,
    owner: str = ME,
) -> None:
    with films.database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO spaces (id, owner, name, model, fingerprint, inputs, dimension, state, note, created_at)"
            " VALUES (?, ?, ?, 'person-photo', ?, '{}', 3, 'filling', '', 0) ON CONFLICT (id) DO NOTHING",
            (space_id, owner, f"s{space_id}", f"mark {space_id}"),
        )
        photos_settled(transaction, owner, space_id, done, failed, films.later())


def test_people_have_one_library_that_no_list_of_folders_shows(films: Filmed) -> None:
    persons, libraries = films.catalogue.persons, films.catalogue.libraries
    assert persons.known_library_id(ME) is None
    made = persons.library_id(ME, 1.0)
    assert persons.library_id(ME, 2.0) == persons.known_library_id(ME) == made
    library = libraries.get(ME, made)
    assert (library.kind, library.root, library.watch) == ("people", b"/state/people/me", False)
    assert libraries.all(ME) == libraries.watched() == []
    assert films.catalogue.videos.owners() == [ME]


def test_names_are_found_whatever_their_case_form_and_width(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada = persons.add(ME, "  Ada   LOVELACE ", 1.0)
    assert ada.name == "Ada LOVELACE"
    assert ada == persons.get(ME, ada.id)
    assert persons.by_name(ME, "ａｄａ lovelace") == ada
    strasse = persons.add(ME, "Jörg Strauß", 1.0)
    assert persons.by_name(ME, "JO\u0308RG STRAUSS") == strasse
    assert persons.add(ME, "김철수", 1.0) == persons.by_name(ME, "김철수")
    assert persons.by_name(ME, "nobody") is None
    assert persons.by_name("you", "Ada Lovelace") is None
    for taken in ("ada lovelace", "ADA  LOVELACE"):
        with pytest.raises(UsageError, match="already"):
            persons.add(ME, taken, 2.0)
    persons.add("you", "Ada Lovelace", 2.0)


@pytest.mark.parametrize("name", ["", " \n ", "\0", "x" * 201])
def test_a_name_has_1_to_200_characters(films: Filmed, name: str) -> None:
    persons = films.catalogue.persons
    with pytest.raises(UsageError) as caught:
        persons.add(ME, name, 1.0)
    assert "200" in caught.value.cure
    person = persons.add(ME, "x" * 200, 1.0)
    with pytest.raises(UsageError):
        persons.rename(ME, person.id, name, 2.0)


def test_renaming_and_archiving(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada, bob = persons.add(ME, "Ada", 1.0), persons.add(ME, "Bob", 1.0)
    persons.rename(ME, ada.id, "ADA", 2.0)  # of one's own name only the spelling changes
    with pytest.raises(UsageError):
        persons.rename(ME, ada.id, "bob", 3.0)
    persons.archive(ME, bob.id, 4.0)
    assert [person.name for person in persons.all(ME)] == ["ADA"]
    assert [(person.name, person.archived) for person in persons.all(ME, archived=True)] == [
        ("ADA", False), ("Bob", True),
    ]  # fmt: skip
    with pytest.raises(UsageError) as caught:
        persons.add(ME, "bob", 5.0)
    assert "restore" in caught.value.cure
    persons.archive(ME, bob.id, 6.0, archived=False)
    assert persons.get(ME, bob.id).updated_at == 6.0


def test_a_photo_of_the_same_bytes_is_the_one_that_is_there(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada, bob = persons.add(ME, "Ada", 1.0), persons.add(ME, "Bob", 1.0)
    first = photo_of(films, ada.id, "one")
    assert (first.state, first.file, first.error) == (PhotoState.UPLOADED, b"one", "")
    assert photo_of(films, ada.id, "one") == first
    of_bob = photo_of(films, bob.id, "one")
    assert of_bob.id != first.id
    assert persons.photos(ME, ada.id) == [first]
    assert films.inputs(ME, "image") == {
        (photo, "image"): hashlib.sha256(b"one").digest() for photo in (first.id, of_bob.id)
    }
    assert persons.item_ids(ME, ada.id) == [ada.id, first.id]
    paths: dict[int, bytes] = dict(films.database.query("SELECT id, path FROM items"))
    path = paths[first.id]
    assert path.startswith(b"\0p%d/" % ada.id)
    assert display_path(path) == f"person {ada.id}, photo {hashlib.sha256(b'one').hexdigest()[:8]}"


def test_a_persons_input_is_made_of_the_ready_photos_and_their_space(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada = persons.add(ME, "Ada", 1.0)
    first, second = photo_of(films, ada.id, "one"), photo_of(films, ada.id, "two")

    def of_ada() -> bytes | None:
        return films.inputs(ME, "photos").get((ada.id, "photos"))

    assert of_ada() is None
    settle(films, [first.id], [(second.id, "no face: " + "x" * 600)])
    alone = of_ada()
    assert alone
    failed = persons.photo(ME, second.id)
    assert (failed.state, len(failed.error), failed.error[:8]) == (PhotoState.FAILED, 500, "no face:")
    assert persons.ready_photos(ME, ada.id) == [first.id]
    assert (
        persons.photo_counts(ME)
        == persons.get(ME, ada.id).photos
        == {PhotoState.READY: 1, PhotoState.FAILED: 1}
    )
    settle(films, [first.id])
    assert of_ada() == alone  # done again, with the same vector
    settle(films, [second.id])
    both = of_ada()
    assert both not in (None, alone)
    assert persons.photo(ME, second.id).error == ""
    settle(films, [first.id, second.id], space_id=2)
    assert of_ada() not in (None, both)  # another model's vectors
    settle(films, [first.id, second.id])
    persons.remove_photo(ME, second.id)
    assert of_ada() == alone
    assert persons.ready_photos(ME, ada.id) == [first.id]
    settle(films, [], [(first.id, "lost")])
    assert of_ada() is None


def test_settling_many_persons_at_once(films: Filmed) -> None:
    persons = films.catalogue.persons
    people = [persons.add(ME, f"P{n}", 1.0) for n in range(3)]
    photos = [photo_of(films, person.id, f"{person.id} {n}") for person in people for n in range(2)]
    settle(films, [photo.id for photo in photos])
    digests = films.inputs(ME, "photos")
    assert len(set(digests.values())) == 3


def test_removing_a_person_leaves_nothing_of_them(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada, bob = persons.add(ME, "Ada", 1.0), persons.add(ME, "Bob", 1.0)
    photo = photo_of(films, ada.id, "one")
    settle(films, [photo.id])
    assert persons.remove(ME, ada.id) == [ada.id, photo.id]
    assert persons.all(ME) == [persons.get(ME, bob.id)]
    for table in ("items", "inputs", "persons", "photos"):
        column = "id" if table == "items" else "item_id"
        left = {row[0] for row in films.database.query(f"SELECT {column} FROM {table}")}
        assert not left & {ada.id, photo.id}
    assert persons.add(ME, "Ada", 2.0).id > bob.id


def test_searching_for_a_person_works_when_the_space_that_answers_has_a_vector(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada = persons.add(ME, "Ada", 1.0)
    settle(films, [])
    with films.database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO ledger (space_id, item_id, owner, state, reason, has_vector, attempts, updated_at)"
            " VALUES (1, ?, 'me', 'done', 'new', 1, 1, 0)",
            (ada.id,),
        )
    assert not persons.get(ME, ada.id).has_vector
    with films.database.transaction() as transaction:
        transaction.execute("INSERT INTO pointers VALUES ('me', 'person', 1, NULL, 0)")
    assert persons.get(ME, ada.id).has_vector


def test_what_is_anothers_is_not_there(films: Filmed) -> None:
    persons = films.catalogue.persons
    ada = persons.add(ME, "Ada", 1.0)
    photo = photo_of(films, ada.id, "one")
    rows = films.rows(ME)
    for attempt in (
        lambda: persons.get("you", ada.id),
        lambda: persons.rename("you", ada.id, "Eve", 2.0),
        lambda: persons.archive("you", ada.id, 2.0),
        lambda: persons.remove("you", ada.id),
        lambda: persons.item_ids("you", ada.id),
        lambda: persons.photos("you", ada.id),
        lambda: persons.photo("you", photo.id),
        lambda: persons.remove_photo("you", photo.id),
        lambda: photo_of(films, ada.id, "two", owner="you"),
        lambda: persons.get(ME, photo.id),
        lambda: persons.photo(ME, ada.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert persons.ready_photos("you", ada.id) == []
    settle(films, [photo.id], space_id=5, owner="you")
    assert films.rows(ME) == rows


def test_preferences_are_each_owners_own(films: Filmed) -> None:
    preferences = films.catalogue.preferences
    assert preferences.get(ME) is None
    preferences.put(ME, SearchPreferences({"visual": 0.25, "lexical": 0.75}, "rrf"), 1.0)
    preferences.put("you", SearchPreferences({"lexical": 1.0}), 1.0)
    preferences.put(ME, SearchPreferences({"visual": 0.5, "lexical": 0.5}, "minmax"), 2.0)
    assert preferences.get(ME) == SearchPreferences({"visual": 0.5, "lexical": 0.5}, "minmax")
    assert preferences.get("you") == SearchPreferences({"lexical": 1.0})


def test_reprocessings_are_kept_with_their_jobs(films: Filmed) -> None:
    reprocessings = films.catalogue.reprocessings
    runs = [
        Reprocessing(
            f"run{n}", Scope.VIDEO, ME, 5, True, 1.5, "2026-11-21", float(n), ((ME, "j1"), ("you", "j2"))
        )
        for n in range(3)
    ]
    for run in runs:
        reprocessings.add(run)
    assert reprocessings.get("run1") == runs[1]
    assert reprocessings.newest(2) == [runs[2], runs[1]]
    with pytest.raises(NotFound):
        reprocessings.get("run9")
