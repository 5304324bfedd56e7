"""Looking at a part of a library: the rest is as it was, a move over its border keeps the item."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from reprise.core.following import common_folder, tidy
from reprise.core.ports import WHOLE, Part
from reprise.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.events import ScanFinished
    from tests.harness import Home


def scan(home: Home, parts: Sequence[Part] = (WHOLE,), *, full: bool = False) -> ScanFinished:
    with home.app() as app:
        library, _ = app.library_of(home.music)
        return app.scan(library, lambda _event: None, parts=parts, full=full)


def present(home: Home) -> dict[str, int]:
    """Ids of the items whose file is there, by path."""
    with home.app() as app:
        catalogue, library = app.catalogue(), app.library_of(home.music)[0]
        rows = list(catalogue.items.files("default", library.id))
        return {os.fsdecode(row[1]): row[0] for row in rows if row[6] is None}


def test_only_what_lies_in_the_part_is_looked_at(home: Home) -> None:
    home.add("a/one", "b/two", "b/c/three", "four")
    scan(home)
    home.add("a/new", "b/new", "b/c/new", "new")
    (home.music / "a/one.mp3").unlink()
    (home.music / "b/two.mp3").unlink()
    finished = scan(home, [Part(b"b", deep=False)])
    assert (finished.files, finished.new, finished.missing) == (1, 1, 1)
    assert set(present(home)) == {"a/one.mp3", "b/new.mp3", "b/c/three.mp3", "four.mp3"}
    assert scan(home, [Part(b"b")]).new == 1
    assert scan(home, [Part(b"", deep=False)]).new == 1
    finished = scan(home)
    assert (finished.new, finished.missing) == (1, 1)


def test_a_folder_that_is_gone_takes_its_files_along(home: Home) -> None:
    home.add("a/one", "a/b/two", "ab/three")
    scan(home)
    shutil.rmtree(home.music / "a")
    assert scan(home, [Part(b"a")]).missing == 2
    assert set(present(home)) == {"ab/three.mp3"}


def test_a_move_between_two_looks_keeps_the_item(home: Home) -> None:
    home.add("a/one", "b/two")
    home.embed("--model", "null")
    before = present(home)["a/one.mp3"]
    (home.music / "a/one.mp3").rename(home.music / "b/moved.mp3")
    assert scan(home, [Part(b"a", deep=False)]).missing == 1
    assert scan(home, [Part(b"b", deep=False)]).moved == 1
    assert present(home)["b/moved.mp3"] == before


def test_what_a_whole_scan_leaves_out_no_partial_one_finds(home: Home) -> None:
    home.add("a/one", ".trash/two", "Samples/three")
    home.run("libraries", "add", str(home.music), "--exclude", "Samples/")
    (home.music / "again").symlink_to(home.music / "a")
    scan(home)
    for folder in (b".trash", b"Samples", b"again", b"a/../a"):
        assert scan(home, [Part(folder)]).new == 0
    assert set(present(home)) == {"a/one.mp3"}


def test_a_disk_that_is_away_costs_nothing(home: Home) -> None:
    home.add("a/one", "a/two")
    scan(home)
    shutil.rmtree(home.music / "a")
    with pytest.raises(LibraryError):
        scan(home, [Part(b"a")])
    assert len(present(home)) == 2


def test_problems_elsewhere_stay_known(home: Home) -> None:
    home.add("a/one", "b/two")
    for folder in "ab":
        (home.music / folder / "broken.mp3").symlink_to("nowhere")
    scan(home)
    (home.music / "a" / "broken.mp3").unlink()
    scan(home, [Part(b"a", deep=False)])
    with home.app() as app:
        [problem] = app.scan_problems()
    assert problem["path"].endswith("b/broken.mp3")


def test_a_full_scan_reads_tags_that_changed_in_secret_and_changes_nothing_else(home: Home) -> None:
    home.add("one", "two")
    scan(home)
    with home.app() as app:
        [library] = app.catalogue().libraries.all("default")
        item = app.catalogue().items.by_path("default", library.id, b"one.mp3")
        assert item is not None
    finished = scan(home, full=True)
    assert (finished.files, finished.retagged, finished.touched, finished.changed) == (2, 0, 0, 0)
    with home.app() as app:
        assert app.catalogue().items.by_path("default", library.id, b"one.mp3") == item


def test_parts_that_lie_in_others_are_left_out() -> None:
    parts = [Part(b"a", deep=False), Part(b"a/b"), Part(b"a"), Part(b"ab", deep=False), Part(b"a/b/c")]
    assert tidy(parts) == [Part(b"a"), Part(b"ab", deep=False)]
    assert tidy([Part(b"a", deep=False), WHOLE]) == [WHOLE]
    assert tidy([Part(b"", deep=False), Part(b"a")]) == [Part(b"", deep=False), Part(b"a")]


def test_the_folder_around_parts() -> None:
    assert common_folder([Part(b"a/b"), Part(b"a/c/d")]) == b"a"
    assert common_folder([Part(b"a/b")]) == b"a/b"
    assert common_folder([Part(b"ab"), Part(b"a")]) == b""
    assert common_folder([WHOLE, Part(b"a")]) == b""
