"""What no row names any more is gone from the disk; what one names stays, and so does what one may be about to name."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

import pytest

from reprise.media.photos import keep
from reprise.media.picture_files import SWEEP_SECONDS, YOUNG_SECONDS, Orphan, PictureFiles
from reprise.media.video.frames import Candidate, Shelf
from tests.catalog.filmed import ME, Filmed, extract, filmed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.core.video import Extract

YOU = "you"
OLD = 2 * YOUNG_SECONDS


class Kept:
    """A catalogue, and the media folder that belongs to it."""

    def __init__(self, films: Filmed, folder: Path) -> None:
        self.films = films
        self.folder = folder
        self.pictures = PictureFiles(folder, films.catalogue.pictures)
        films.at = time.time()

    def files(self) -> set[bytes]:
        return {
            os.fsencode(path.relative_to(self.folder))
            for path in self.folder.rglob("*.jpg")
            if path.is_file()
        }

    def write(self, *files: bytes, age: float = 10.0) -> None:
        for file in files:
            path = self.folder / os.fsdecode(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"jpeg")
            os.utime(path, (time.time() - age,) * 2)

    def take_apart(self, owner: str, video: int, told: Extract) -> None:
        self.write(*(frame.file for scene in told.scenes for frame in scene.frames))
        self.films.tell(owner, video, told)

    def video(self, owner: str = ME) -> int:
        return self.films.scan(self.films.library(owner, owner), b"a.mp4")[b"a.mp4"]

    def photo(self, owner: str, look: bytes = b"face") -> tuple[int, bytes]:
        """A photo of a new person; returns its id and its file."""
        persons = self.films.catalogue.persons
        file, digest = keep(self.folder, look)
        person = persons.by_name(owner, "Ada") or persons.add(owner, "Ada", time.time())
        return persons.add_photo(owner, person.id, file, digest, time.time()).id, file


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with filmed(tmp_path) as films:
        yield Kept(films, tmp_path / "media")


def test_a_photo_goes_when_the_last_owner_of_its_bytes_removes_it(kept: Kept) -> None:
    persons = kept.films.catalogue.persons
    (mine, file), (yours, same) = kept.photo(ME), kept.photo(YOU)
    assert file == same
    persons.remove_photo(ME, mine)
    assert kept.pictures.clear() == 0
    assert kept.files() == {file}, "another owner has the same picture"
    assert kept.films.catalogue.pictures.released() == 0
    persons.remove_photo(YOU, yours)
    assert kept.pictures.clear() == 1
    assert kept.files() == set()


def test_pictures_go_with_what_they_are_of(kept: Kept) -> None:
    catalogue = kept.films.catalogue
    video = kept.video()
    kept.take_apart(ME, video, extract((0, 10), (10, 20), looks=("a", "b")))
    _, face = kept.photo(ME)
    assert len(kept.files()) == 5
    kept.take_apart(ME, video, extract((0, 10), looks=("a",)))
    assert kept.pictures.clear() == 2, "of the scene that is not found any more"
    kept.take_apart(ME, video, extract((0, 10), looks=("c",)))
    assert kept.pictures.clear() == 2, "replaced by others in the same places"
    catalogue.items.remove(ME, [video])
    assert kept.pictures.clear() == 2
    assert kept.files() == {face}
    library = catalogue.persons.known_library_id(ME)
    assert library is not None
    catalogue.libraries.remove(ME, library)
    assert kept.pictures.clear() == 1
    assert kept.files() == set()


def test_pictures_that_are_found_again_stay(kept: Kept) -> None:
    video = kept.video()
    told = extract((0, 10), (10, 20), looks=("same", "same"))
    kept.take_apart(ME, video, told)
    before = kept.files()
    kept.take_apart(ME, video, told)
    kept.films.tell(ME, video, extract((0, 10), looks=("same",)))
    assert kept.pictures.clear() == 0
    assert kept.files() == before, "the scene that is left shows the same"


def test_a_library_of_one_owner_leaves_the_pictures_of_another(kept: Kept) -> None:
    for owner in (ME, YOU):
        kept.take_apart(owner, kept.video(owner), extract((0, 10)))
    both = kept.files()
    libraries = kept.films.catalogue.libraries
    for owner, left in ((ME, both), (YOU, set())):
        libraries.remove(owner, libraries.all(owner)[0].id)
        kept.pictures.clear()
        assert kept.files() == left


def test_a_picture_that_was_just_taken_up_again_waits_for_its_row(kept: Kept) -> None:
    import numpy as np

    frame = Candidate(5.0, np.random.default_rng(1).integers(0, 255, (36, 64, 3), dtype=np.uint8))
    with Shelf(kept.folder) as shelf:
        saved = shelf.save_scene([frame], 0.0, 10.0).result()
    told = extract((0, 10))
    told = type(told)(told.facts, (type(told.scenes[0])(0, 0.0, 10.0, saved),))
    mine, yours = kept.video(ME), kept.video(YOU)
    kept.films.at = time.time()
    kept.films.tell(ME, mine, told)
    paths = [kept.folder / os.fsdecode(one.file) for one in saved]
    with Shelf(kept.folder) as shelf:  # the same film of another owner, under way
        assert shelf.save_scene([frame], 0.0, 10.0).result() == saved
    for path in paths:  # whatever the clock's step, later than the row
        os.utime(path, (kept.films.at + 60,) * 2)
    kept.films.catalogue.items.remove(ME, [mine])
    assert kept.pictures.clear() == 0
    assert all(path.exists() for path in paths)
    kept.films.tell(YOU, yours, told)
    assert kept.pictures.clear() == 0
    assert kept.films.catalogue.pictures.released() == 0
    assert all(path.exists() for path in paths)
    kept.films.at = time.time() + 120
    kept.films.tell(YOU, yours, told)
    kept.films.catalogue.items.remove(YOU, [yours])
    assert kept.pictures.clear() == len(set(paths))


def test_saving_a_picture_that_is_there_makes_it_young(tmp_path: Path) -> None:
    import numpy as np

    frame = Candidate(5.0, np.random.default_rng(1).integers(0, 255, (36, 64, 3), dtype=np.uint8))
    for _ in range(2):
        with Shelf(tmp_path) as shelf:
            saved = shelf.save_scene([frame], 0.0, 10.0).result()
        paths = {tmp_path / os.fsdecode(one.file) for one in saved}
        assert all(time.time() - path.stat().st_mtime < OLD / 2 for path in paths)
        for path in paths:
            os.utime(path, (time.time() - OLD,) * 2)


def test_a_file_that_cannot_be_deleted_is_tried_again(kept: Kept) -> None:
    photo, file = kept.photo(ME)
    path = kept.folder / os.fsdecode(file)
    path.unlink()
    path.mkdir()  # no right to delete would be passed over by root
    kept.films.catalogue.persons.remove_photo(ME, photo)
    os.utime(path, (1, 1))
    assert kept.pictures.clear() == 0
    assert kept.films.catalogue.pictures.released() == 1
    path.rmdir()
    kept.write(file)
    assert kept.pictures.clear() == 1
    assert kept.files() == set()


def test_more_than_one_statement_may_ask_for(kept: Kept) -> None:
    files = [b"%02x/%s.jpg" % (n % 256, hashlib.sha256(b"%d" % n).hexdigest().encode()) for n in range(1234)]
    kept.write(*files)
    with kept.films.database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO inputs (item_id, channel, owner, digest, file, composed, updated_at)"
            " VALUES (9, 'image', 'me', x'00', ?, 1, 1)",
            (files[700],),
        )
    kept.films.catalogue.pictures.release(files, time.time())
    assert kept.pictures.clear() == 1233
    assert kept.files() == {files[700]}


def test_a_sweep_leaves_what_is_named_what_is_young_and_what_is_not_ours(kept: Kept) -> None:
    kept.take_apart(ME, kept.video(), extract((0, 10)))
    named = kept.files()
    for file in named:
        os.utime(kept.folder / os.fsdecode(file), (time.time() - OLD,) * 2)
    old, young = (b"ab/" + b"%064x.jpg" % number for number in (1, 2))
    draft, foreign = b"ab/.reprise-x7.jpg", b"ab/holiday.jpg"
    kept.write(old, draft, foreign, b"notes/" + b"%064x.jpg" % 3, age=OLD)
    kept.write(young, b"ab/.reprise-young.jpg")
    assert set(kept.pictures.orphans()) == {Orphan(old, 4), Orphan(draft, 4)}
    assert kept.pictures.sweep() == 2
    assert kept.files() == {*named, young, foreign, b"ab/.reprise-young.jpg", b"notes/" + b"%064x.jpg" % 3}
    assert list(kept.pictures.orphans()) == []


def test_a_sweep_comes_once_a_day(kept: Kept) -> None:
    orphan = b"ab/" + b"%064x.jpg" % 1
    assert kept.pictures.clear(may_sweep=True) == 0
    assert not kept.folder.exists(), "nothing is made where there are no pictures"
    kept.write(orphan, age=OLD)
    assert kept.pictures.clear() == 0
    assert kept.pictures.clear(may_sweep=True) == 1
    kept.write(orphan, age=OLD)
    assert kept.pictures.clear(may_sweep=True) == 0
    os.utime(kept.folder / ".swept", (time.time() - SWEEP_SECONDS - 1,) * 2)
    assert kept.pictures.clear(may_sweep=True) == 1


def test_what_is_named_is_looked_up_by_indexes(kept: Kept) -> None:
    for table in ("frames", "photos", "inputs"):
        plan = kept.films.database.query(
            f"EXPLAIN QUERY PLAN SELECT file FROM {table} WHERE file IN (?, ?)", (b"a", b"b")
        )
        assert f"{table}_by_file" in plan[0][3], plan
