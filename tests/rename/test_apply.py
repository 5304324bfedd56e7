"""Plans are carried out and taken back: chains, swaps, circles, case, and all that may be in the way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprise.core.events import RenameFinished, RenameNotice, RenameProgress, RenameStarted
from reprise.core.rename_journal import Move, SessionState
from reprise.core.renaming import FileKind
from reprise.errors import BadPlan, LibraryError, NotFound, RenameConflict, UsageError
from reprise.rename.carrier import FORTH, Carrier
from reprise.rename.files import exclusive_rename
from tests.disks import AS_ROOT
from tests.rename.stage import Stage, contents, identity_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PLANS: Mapping[str, Mapping[str, str]] = {
    "one file": {"a.mp3": "b.mp3"},
    "two folders": {"one/a.mp3": "b.mp3", "two/a.mp3": "b.mp3", "top.mp3": "x.mp3"},
    "a swap": {"a.mp3": "b.mp3", "b.mp3": "a.mp3"},
    "a chain, against the order of names": {"a.mp3": "b.mp3", "b.mp3": "c.mp3", "c.mp3": "d.mp3"},
    "a chain along the order": {"d.mp3": "c.mp3", "c.mp3": "b.mp3", "b.mp3": "a.mp3"},
    "a circle of four": {"1.mp3": "2.mp3", "2.mp3": "3.mp3", "3.mp3": "4.mp3", "4.mp3": "1.mp3"},
    "two circles and a chain": {
        "x/a": "b", "x/b": "a", "x/c": "d", "x/d": "e", "x/m/p": "q", "x/m/q": "r", "x/m/r": "p", "x/z": "y",
    },
    "case only": {"track.mp3": "Track.mp3", "ä.mp3": "Ä.mp3"},
    "two forms of one letter": {"e\u0301.mp3": "\u00e9.mp3"},
    "names that are no text": {"a\udcff.mp3": "b\udcfe.mp3", "b\udcfe.mp3": "a\udcff.mp3"},
}  # fmt: skip


def expected(before: Mapping[str, bytes], plan: Mapping[str, str]) -> dict[str, bytes]:
    return {
        os.path.join(os.path.dirname(path), plan[path]) if path in plan else path: content
        for path, content in before.items()
    }


@pytest.mark.parametrize("batch", [1, 2, 1000])
@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_carried_out_and_taken_back(stage: Stage, name: str, batch: int) -> None:
    plan = PLANS[name]
    stage.batch = batch
    stage.add(*plan, "other.mp3")
    before = contents(stage.music)
    session = stage.apply(plan)
    assert session.state is SessionState.DONE
    assert (session.done, session.failed, session.total) == (len(plan), 0, len(plan))
    assert contents(stage.music) == expected(before, plan)
    undone = stage.undo(session)
    assert undone.state is SessionState.UNDONE
    assert undone.done == 0
    assert contents(stage.music) == before


def test_each_file_is_told_and_the_end_counts_them(stage: Stage) -> None:
    stage.add("a", "b", "c")
    session = stage.apply({"a": "x", "b": "c", "c": "b"})
    started, *told, finished = stage.events
    assert started == RenameStarted(session_id=session.id, total=3)
    assert isinstance(finished, RenameFinished)
    assert (finished.state, finished.done, finished.failed) == ("done", 3, 0)
    progress = [event for event in told if isinstance(event, RenameProgress)]
    assert [event.done for event in progress] == [1, 2, 3]
    assert progress[-1].percent == 100.0
    assert {event.index: event.result for event in progress} == {0: "moved", 1: "moved", 2: "moved"}


def test_who_does_not_want_each_file_hears_of_failures_and_the_last(stage: Stage) -> None:
    names = {f"{n:02}": f"new {n:02}" for n in range(50)}
    stage.add(*names)
    stage.each = False
    stage.plan(names)
    (stage.music / "new 07").touch()
    stage.apply()
    told = [event for event in stage.events if isinstance(event, RenameProgress)]
    assert [(event.index, event.code) for event in told if event.code] == [(7, "name_taken")]
    assert (told[-1].done, told[-1].percent) == (50, 100.0)
    assert [event.done for event in told] == sorted({event.done for event in told})


def test_what_is_in_the_way_is_never_overwritten(stage: Stage) -> None:
    stage.add("a", "b")
    stage.plan({"a": "x", "b": "y"})
    stage.add("x")
    before = contents(stage.music)
    session = stage.apply()
    assert session.state is SessionState.DONE_WITH_ERRORS
    assert stage.results(session) == {0: ("failed", "name_taken"), 1: ("moved", "")}
    assert contents(stage.music) == expected(before, {"b": "y"})


def test_a_second_name_of_the_same_file_is_in_the_way_too(stage: Stage) -> None:
    stage.add("a", "track")
    stage.plan({"a": "x", "track": "Track"})
    os.link(stage.music / "a", stage.music / "x")
    os.link(stage.music / "track", stage.music / "Track")
    before = contents(stage.music)
    assert stage.results(stage.apply()) == {0: ("failed", "name_taken"), 1: ("failed", "name_taken")}
    assert contents(stage.music) == before


@pytest.mark.parametrize("how", ["rewritten", "replaced", "touched"])
def test_a_file_that_is_not_the_planned_one_any_more_is_left_alone(stage: Stage, how: str) -> None:
    stage.add("a", "b")
    stage.plan({"a": "x", "b": "y"})
    path = stage.music / "a"
    if how == "rewritten":
        path.write_text("longer than what was there before")
    elif how == "replaced":
        status = path.stat()
        (stage.base / "other").write_bytes(path.read_bytes())
        (stage.base / "other").rename(path)
        os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    else:
        os.utime(path, ns=(1, 1))
    session = stage.apply()
    assert stage.results(session) == {0: ("failed", "changed"), 1: ("moved", "")}
    assert path.exists()


def test_a_file_or_a_folder_that_is_gone_costs_itself_only(stage: Stage) -> None:
    stage.add("a", "in/b", "c")
    stage.plan({"a": "x", "in/b": "y", "c": "z"})
    (stage.music / "a").unlink()
    (stage.music / "in").rename(stage.base / "elsewhere")
    assert set(stage.results(stage.apply()).values()) == {("failed", "vanished"), ("moved", "")}
    assert set(contents(stage.music)) == {"z"}


def test_a_circle_goes_wholly_or_not_at_all(stage: Stage) -> None:
    stage.add("a", "b", "c", "d")
    stage.plan({"a": "b", "b": "c", "c": "a", "d": "e"})
    (stage.music / "b").write_text("something else")
    before = contents(stage.music)
    session = stage.apply()
    assert stage.results(session) == {
        0: ("failed", "partner_failed"), 1: ("failed", "changed"), 2: ("failed", "partner_failed"), 3: ("moved", ""),
    }  # fmt: skip
    assert contents(stage.music) == expected(before, {"d": "e"})


def test_a_link_in_place_of_a_folder_leads_nowhere_else(stage: Stage) -> None:
    stage.add("in/a")
    stage.plan({"in/a": "b"})
    (stage.music / "in").rename(stage.music / "was")
    outside = stage.base / "outside"
    outside.mkdir()
    (outside / "a").write_text("content of in/a")
    (stage.music / "in").symlink_to(outside)
    assert stage.results(stage.apply()) == {0: ("failed", "changed")}
    assert (outside / "a").exists()


def test_chosen_rows_and_sidecars_only(stage: Stage) -> None:
    stage.add("a.mp3", "a.lrc", "b.mp3")
    stage.plan({"a.mp3": "x.mp3", "a.lrc": "x.lrc", "b.mp3": "y.mp3"}, {"a.lrc": FileKind.SIDECAR})
    assert stage.apply(only=[1], sidecars=False).total == 1
    assert set(contents(stage.music)) == {"x.mp3", "a.lrc", "b.mp3"}
    with pytest.raises(BadPlan):
        stage.apply(only=[7])


def test_somebody_stops_it_and_the_same_plan_goes_on_later(stage: Stage) -> None:
    stage.batch = 3
    names = {f"{n}": f"new {n}" for n in range(10)}
    stage.add(*names)

    def stop() -> bool:
        return sum(isinstance(event, RenameProgress) for event in stage.events) >= 4

    session = stage.apply(names, stop)
    assert session.state is SessionState.CANCELLED
    assert session.done == 4
    assert sum(name.startswith("new") for name in contents(stage.music)) == 4
    stage.events.clear()
    again = stage.apply()
    assert again.id == session.id
    assert (again.state, again.done) == (SessionState.DONE, 10)
    assert isinstance(stage.events[0], RenameNotice)
    assert [event.done for event in stage.events if isinstance(event, RenameProgress)] == [5, 6, 7, 8, 9, 10]
    with pytest.raises(RenameConflict, match="already"):
        stage.apply()


def test_an_undo_is_stopped_and_done_again(stage: Stage) -> None:
    names = {f"{n}": f"new {n}" for n in range(6)}
    stage.add(*names)
    before = contents(stage.music)
    session = stage.apply(names)
    stage.events.clear()

    def stop() -> bool:
        return sum(isinstance(event, RenameProgress) for event in stage.events) >= 2

    partly = stage.undo(session, stop)
    assert (partly.state, partly.done) == (SessionState.PARTLY_UNDONE, 4)
    assert stage.undo(session).state is SessionState.UNDONE
    assert stage.undo(session).state is SessionState.UNDONE
    assert contents(stage.music) == before


def test_some_rows_are_taken_back(stage: Stage) -> None:
    stage.add("a", "b", "c")
    session = stage.apply({"a": "x", "b": "y", "c": "z"})
    partly = stage.undo(session, only=[1])
    assert partly.state is SessionState.PARTLY_UNDONE
    assert set(contents(stage.music)) == {"x", "b", "z"}
    assert stage.undo(session).state is SessionState.UNDONE
    assert set(contents(stage.music)) == {"a", "b", "c"}


def test_what_cannot_go_back_says_why_and_goes_when_it_can(stage: Stage) -> None:
    stage.add("a", "b", "c", "d")
    session = stage.apply({"a": "w", "b": "x", "c": "y", "d": "z"})
    stage.add("a")
    (stage.music / "x").write_text("other content")
    (stage.music / "y").unlink()
    partly = stage.undo(session)
    assert partly.state is SessionState.PARTLY_UNDONE
    assert stage.results(session) == {
        0: ("stuck", "name_taken"), 1: ("stuck", "changed"), 2: ("stuck", "vanished"), 3: ("back", ""),
    }  # fmt: skip
    assert (partly.done, partly.failed) == (3, 3)
    (stage.music / "a").unlink()
    again = stage.undo(session)
    assert stage.results(again)[0] == ("back", "")
    assert (again.done, again.failed) == (2, 2)


def test_somebody_has_given_it_its_old_name_already(stage: Stage) -> None:
    stage.add("a")
    session = stage.apply({"a": "b"})
    (stage.music / "b").rename(stage.music / "a")
    assert stage.undo(session).state is SessionState.UNDONE


def test_a_copy_with_the_same_time_goes_back_as_a_scan_would_take_it_for_the_same(stage: Stage) -> None:
    stage.add("a")
    session = stage.apply({"a": "b"})
    path = stage.music / "b"
    content, status = path.read_bytes(), path.stat()
    path.unlink()
    (stage.music / "keeps the inode").touch()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert stage.undo(session).state is SessionState.UNDONE


def test_a_folder_that_is_not_there_is_an_unmounted_disk(stage: Stage) -> None:
    stage.add("a")
    session = stage.apply({"a": "b"})
    stage.music.rename(stage.base / "away")
    with pytest.raises(LibraryError, match="not there"):
        stage.undo(session)
    stage.music.mkdir()
    with pytest.raises(LibraryError, match="empty"):
        stage.undo(session)
    stage.music.rmdir()
    (stage.base / "away").rename(stage.music)
    assert stage.undo(session).state is SessionState.UNDONE


@pytest.mark.skipif(not AS_ROOT, reason="another user is needed")
def test_folders_without_permission_and_files_of_others(stage: Stage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name, mode in (("closed", 0o755), ("sticky", 0o1777), ("open", 0o777)):
            (root / name).mkdir()
            (root / name / "a").write_text(name)
            (root / name).chmod(mode)
        moves = [move_of(root, name) for name in ("closed", "sticky", "open")]
        with Carrier("0", os.fsencode(root), exclusive_rename(), lambda _: b"") as carrier:
            os.seteuid(65534)
            try:
                outcomes = [outcome for move in moves for outcome in carrier.carry([move], FORTH)]
            finally:
                os.seteuid(0)
    assert [(one.state, one.code) for one in outcomes] == [
        ("failed", "read_only"), ("failed", "not_ours"), ("moved", ""),
    ]  # fmt: skip


def move_of(root: Path, folder: str) -> Move:
    identity = identity_of(root / folder / "a")
    size, mtime = identity.size, identity.mtime_ns
    return Move(0, 0, folder.encode(), b"a", b"b", "track", "planned", identity.inode, size, mtime)


def test_one_at_a_time(stage: Stage) -> None:
    from reprise.rename.sessions import rename_lock

    stage.add("a")
    stage.plan({"a": "b"})
    with stage.sessions.locks.try_lock(rename_lock(os.fsencode(stage.music))) as ours:
        assert ours
        with pytest.raises(RenameConflict, match="another session"):
            stage.apply()


def test_a_disk_without_exclusive_renames_uses_links(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprise.rename.files._linux", lambda: None)
    stage.add("a", "b", "c")
    before = contents(stage.music)
    stage.plan({"a": "b", "b": "a", "c": "d"})
    session = stage.apply()
    assert session.state is SessionState.DONE
    assert contents(stage.music) == expected(before, {"a": "b", "b": "a", "c": "d"})
    assert all(path.stat().st_nlink == 1 for path in stage.music.iterdir())
    assert stage.undo(session).state is SessionState.UNDONE


def test_a_disk_that_offers_neither_is_told_and_nothing_moves(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("reprise.rename.files._linux", lambda: lambda *_: errno.EINVAL)
    monkeypatch.setattr(os, "link", no_links)
    stage.add("a")
    assert stage.results(stage.apply({"a": "b"})) == {0: ("failed", "unsafe_disk")}


def test_owners_apart(stage: Stage, tmp_path: Path) -> None:
    stage.add("a")
    session = stage.apply({"a": "b"})
    other = Stage(tmp_path, owner="other")
    other._catalogue = stage.catalogue
    assert other.catalogue.renames.page("other", 10) == ([], 0)
    with pytest.raises(NotFound):
        other.sessions.find(session.id)
    assert other.catalogue.renames.batch("other", session.id, 0, 10, ("moved",)) == []  # type: ignore[arg-type]
    assert list(other.catalogue.renames.stream("other", session.id)) == []
    assert other.catalogue.renames.counts("other", session.id) == {}


def test_nothing_to_recover_is_said(stage: Stage) -> None:
    stage.add("a")
    session = stage.apply({"a": "b"})
    with pytest.raises(UsageError, match="nothing to recover"):
        stage.sessions.recover(session, stage.events.append, lambda: False, finish=True)


def test_memory_that_is_short_makes_batches_smaller(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.batch = 8
    names = {f"{n}": f"new {n}" for n in range(10)}
    stage.add(*names)
    stage.plan(names)
    renames = stage.catalogue.renames
    plenty = renames.batch

    def short(owner: str, session_id: str, first: int, end: int, states: object) -> object:
        if end - first in (8, 4):
            raise MemoryError
        return plenty(owner, session_id, first, end, states)  # type: ignore[arg-type]

    monkeypatch.setattr(renames, "batch", short)
    assert stage.apply().state is SessionState.DONE
    assert "2 files at a time" in [e.text for e in stage.events if isinstance(e, RenameNotice)][-1]
