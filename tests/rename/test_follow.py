"""After a renaming the catalogue knows the new names: a scan finds nothing to do, no model is asked again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reprise.core.items import InputState, Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.core.rename_journal import SessionState
from reprise.core.renaming import FileKind
from reprise.engine.scan import ScanStopped
from reprise.renaming import Renaming
from tests.rename.stage import contents

if TYPE_CHECKING:
    from tests.harness import Home
    from tests.rename.stage import Stage


def test_embedded_then_renamed_costs_no_model_call_and_search_finds_the_new_name(home: Home) -> None:
    home.add("x/a", "x/b", "x/c", "deep/er/d", "e")
    home.run_here()
    assert sum(home.computed().values()) == 5
    before = contents(home.music)
    with home.app() as app:
        ids = {item.path: item.id for item in app.catalogue().items.get("default", range(1, 10)).values()}
        renaming = Renaming(app)
        plan = home.folder / "plan"
        renaming.plan(home.music / "x", "new {filename}", plan)
        session = renaming.apply(plan, lambda _: None, lambda: False)
        assert (session.state, session.done) == (SessionState.DONE, 3)
        found = {item.path: item.id for item in app.catalogue().items.get("default", ids.values()).values()}
        assert found[b"x/new a.mp3"] == ids[b"x/a.mp3"]
        assert found[b"e.mp3"] == ids[b"e.mp3"]
        assert [event.name for event in app.catalogue().feed.after("default", 0, 1000)][
            -1
        ] == "rename_finished"
    ran = home.run_here()
    scan = ran.named("scan_finished")[-1]
    assert (scan.new, scan.changed, scan.touched, scan.moved, scan.missing) == (0, 0, 0, 0, 0)
    assert ran.finished.operations["done"] == 0
    assert sum(home.computed().values()) == 5
    home.assert_sound()
    with home.app() as app:
        Renaming(app).undo(None, lambda _: None, lambda: False)
        assert {
            item.path: item.id for item in app.catalogue().items.get("default", ids.values()).values()
        } == ids
    assert contents(home.music) == before
    assert home.run_here().named("scan_finished")[-1].moved == 0


def test_a_file_that_was_retagged_goes_back_if_its_sound_is_the_same(stage: Stage) -> None:
    """The catalogue's digest of the sound is kept with the move."""
    from reprise.media.essence import essence_digest

    stage.add("a.mp3", "b.mp3")
    paths = add_items(stage, "a.mp3", "b.mp3")
    items = stage.catalogue.items
    digest = essence_digest(os.fsencode(stage.music / "a.mp3"))
    items.learn_digests("default", [(paths["a.mp3"], digest), (paths["b.mp3"], b"another")])
    session = stage.apply({"a.mp3": "x.mp3", "b.mp3": "y.mp3"})
    for name in ("x.mp3", "y.mp3"):
        os.utime(stage.music / name, ns=(5, 5))
    assert stage.undo(session).state is SessionState.PARTLY_UNDONE
    assert stage.results(session) == {0: ("back", ""), 1: ("stuck", "changed")}


def add_items(stage: Stage, *paths: str) -> dict[str, int]:
    """Items as a scan would find them; a path may be that of a track of a cue sheet."""
    libraries = stage.catalogue.libraries
    library = libraries.add(stage.owner, "folder", "music", os.fsencode(stage.music), ())
    batch = ScanBatch()
    for path in paths:
        batch.added.append((FoundFile(os.fsencode(path), 1, 1), Tags()))
    stage.catalogue.items.apply(stage.owner, library.id, batch, 1.0)
    return {path: item_id(stage, path) for path in paths}


def item_id(stage: Stage, path: str) -> int:
    library = stage.catalogue.libraries.all(stage.owner)[0]
    item = stage.catalogue.items.by_path(stage.owner, library.id, os.fsencode(path))
    assert item is not None, path
    return item.id


def test_tracks_of_cue_sheets_go_along_with_their_file_and_the_sheet_names_it(stage: Stage) -> None:
    stage.add("album.flac")
    sheet = b'TITLE "x"\r\nFILE "album.wav" WAVE\r\n  TRACK 01 AUDIO\r\n'
    (stage.music / "album.cue").write_bytes(sheet)
    ids = add_items(stage, "album.flac\x0001:0-100", "album.flac\x0002:100-")
    before = contents(stage.music)
    status = (stage.music / "album.cue").stat()
    plan = {"album.flac": "A - B.flac", "album.cue": "A - B.cue"}
    stage.plan(plan, {"album.cue": FileKind.SIDECAR})
    session = stage.apply()
    assert item_id(stage, "A - B.flac\x0001:0-100") == ids["album.flac\x0001:0-100"]
    assert item_id(stage, "A - B.flac\x0002:100-") == ids["album.flac\x0002:100-"]
    written = stage.music / "A - B.cue"
    assert written.read_bytes() == sheet.replace(b"album.wav", b"A - B.wav")
    assert written.stat().st_mtime_ns == status.st_mtime_ns
    assert stage.undo(session).state is SessionState.UNDONE
    assert contents(stage.music) == before
    assert item_id(stage, "album.flac\x0001:0-100") == ids["album.flac\x0001:0-100"]


def test_swaps_and_items_whose_file_went_away_unseen(stage: Stage) -> None:
    stage.batch = 2
    stage.add("a", "b", "c", "x")
    ids = add_items(stage, "a", "b", "c", "x")
    (stage.music / "x").unlink()
    session = stage.apply({"a": "b", "b": "a", "c": "x"})
    assert session.state is SessionState.DONE
    assert {path: item_id(stage, path) for path in ("a", "b", "x")} == {
        "a": ids["b"],
        "b": ids["a"],
        "x": ids["c"],
    }
    assert item_id(stage, "c") == ids["x"]  # waits where a place came free; the next scan finds it missing


def test_items_of_other_owners_stay_as_they_are(stage: Stage) -> None:
    from tests.rename.stage import Stage as Other

    stage.add("a")
    mine = add_items(stage, "a")
    other = Other(stage.base, owner="other")
    other._catalogue = stage.catalogue
    theirs = add_items(other, "a")
    stage.apply({"a": "b"})
    assert item_id(stage, "b") == mine["a"]
    assert item_id(other, "a") == theirs["a"]


def test_a_plan_of_a_folder_around_or_inside_a_library(stage: Stage) -> None:
    stage.add("in/side/a", "out")
    inner = stage.catalogue.libraries.add("default", "folder", "in", os.fsencode(stage.music / "in"), ())
    batch = ScanBatch()
    batch.added.append((FoundFile(b"side/a", 1, 1), Tags()))
    stage.catalogue.items.apply("default", inner.id, batch, 1.0)
    stage.apply({"in/side/a": "b", "out": "outer"})
    assert stage.catalogue.items.by_path("default", inner.id, b"side/b") is not None
    assert InputState(1, 1) == stage.catalogue.items.by_path("default", inner.id, b"side/b").state  # type: ignore[union-attr]


def test_scans_and_renamings_wait_for_each_other(home: Home) -> None:
    home.add("a")
    with home.app() as app:
        library, _ = app.library_of(home.music)
        renaming = Renaming(app)
        plan = home.folder / "plan"
        renaming.plan(home.music, "new {filename}", plan)
        lock = f"scan-{library.id}"
        with app.locks.try_lock(lock) as ours:
            assert ours
            with pytest.raises(ScanStopped):
                renaming.apply(plan, lambda _: None, lambda: True)
        assert renaming.sessions() == ([], 0)
        held: list[bool] = []
        renaming.apply(plan, lambda _: held.append(app.locks.held(lock)), lambda: False)
        assert set(held) == {True}
        assert not app.locks.held(lock)
