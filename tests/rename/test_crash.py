"""Killed at every step there is: each file has one name, and what was begun is finished or taken back as told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reprise.core.rename_journal import SessionState
from reprise.errors import RenameConflict
from tests.disks import small_disk
from tests.rename.stage import Stage, contents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reprise.core.rename_journal import Session

PLAN: Mapping[str, str] = {
    "x/a": "b", "x/b": "a",  # a swap
    "x/1": "2", "x/2": "3", "x/3": "1",  # a circle
    "x/p": "q", "x/q": "r",  # a chain
    "lone": "alone",
}  # fmt: skip
AFTER = {"x/b": "x/a", "x/a": "x/b", "x/2": "x/1", "x/3": "x/2", "x/1": "x/3", "x/q": "x/p", "x/r": "x/q", "alone": "lone"}  # fmt: skip


def content_of(names: Mapping[str, str]) -> dict[str, bytes]:
    return {path: b"content of " + os.fsencode(name) for path, name in names.items()}


BEFORE = content_of({name: name for name in PLAN})
RENAMED = content_of(AFTER)


def apply(stage: Stage) -> None:
    stage.apply()


def undo(stage: Stage) -> None:
    stage.undo(latest(stage))


def latest(stage: Stage) -> Session:
    return stage.sessions.latest(lambda _: True, "yet")


def killed(base: Path, blank: Path, at: int) -> Stage | None:
    """A stage on which applying the plan was killed at that step; ``None`` when it has no such step."""
    base.mkdir()
    stage = Stage(base, batch=3, blank=blank)
    stage.add(*PLAN)
    stage.plan(PLAN)
    stage.catalogue  # noqa: B018 - made here
    return stage if stage.run_until(apply, at) else None


def nothing_lost(stage: Stage) -> None:
    assert sorted(contents(stage.music).values()) == sorted(BEFORE.values())


def test_killed_at_each_step_then_finished_or_rolled_back(tmp_path: Path, blank_catalogue: Path) -> None:
    steps = 0
    while (stage := killed(tmp_path / f"{steps}", blank_catalogue, steps + 1)) is not None:
        steps += 1
        nothing_lost(stage)
        sessions, total = stage.catalogue.renames.page("default", 10)
        if not total:  # killed before there was anything but a plan
            assert contents(stage.music) == BEFORE
            assert stage.apply().state is SessionState.DONE
        elif not sessions[0].state.under_way:  # killed when all was said
            assert sessions[0].state is SessionState.DONE
        else:
            assert stage.sessions.died(sessions[0])
            finish = steps % 2 == 0
            ended = stage.sessions.recover(sessions[0], stage.events.append, lambda: False, finish=finish)
            assert ended.state is (SessionState.DONE if finish else SessionState.UNDONE)
            assert (ended.done, ended.failed) == (len(PLAN) if finish else 0, 0)
        state = latest(stage).state
        assert contents(stage.music) == (RENAMED if state is SessionState.DONE else BEFORE)
        if state is SessionState.DONE:
            stage.undo(latest(stage))
            assert contents(stage.music) == BEFORE
        stage.close()
    # two for each file, two more for each circle; begin, state, and for each batch an intent and its end
    assert steps > 2 * (len(PLAN) + 2) + 4 * 3


def test_an_undo_killed_at_each_step_goes_on(tmp_path: Path, blank_catalogue: Path) -> None:
    at, was_killed = 0, True
    while was_killed:
        at += 1
        base = tmp_path / f"{at}"
        base.mkdir()
        stage = Stage(base, batch=3, blank=blank_catalogue)
        stage.add(*PLAN)
        stage.apply(PLAN)
        was_killed = stage.run_until(undo, at)
        nothing_lost(stage)
        session = latest(stage)
        if session.state is SessionState.UNDOING:
            session = stage.sessions.recover(session, stage.events.append, lambda: False, finish=at % 2 == 0)
        elif session.state is SessionState.DONE:
            session = stage.undo(session)
        assert session.state is SessionState.UNDONE
        assert (session.done, session.failed) == (0, 0)
        assert contents(stage.music) == BEFORE
        stage.close()
    assert at > 2 * len(PLAN)


def test_killed_while_it_recovers_from_being_killed(tmp_path: Path, blank_catalogue: Path) -> None:
    for at in range(3, 60, 7):
        stage = killed(tmp_path / f"{at}", blank_catalogue, at)
        if stage is None:
            break
        for again in (2, 3, 5):
            stage.run_until(lambda stage: stage.apply(), again)
            nothing_lost(stage)
        if latest(stage).state is not SessionState.DONE:
            assert stage.apply().state is SessionState.DONE
        assert contents(stage.music) == RENAMED
        stage.close()


def test_a_dead_session_stands_in_the_way_and_says_the_cure(tmp_path: Path, blank_catalogue: Path) -> None:
    stage = killed(tmp_path / "killed", blank_catalogue, 12)
    assert stage is not None
    dead = latest(stage)
    stage.add("another")
    stage.plan({"another": "one"})
    with pytest.raises(RenameConflict, match="killed in the middle") as caught:
        stage.apply()
    assert f"recover {dead.id} --finish" in caught.value.cure
    assert stage.undo(dead).state is SessionState.UNDONE  # an undo looks by itself
    assert stage.apply().state is SessionState.DONE
    stage.close()


def test_killed_between_two_links(stage: Stage) -> None:
    """Where renaming takes a second name and then the first one goes, a kill leaves both: one of them is dropped."""
    stage.add("a")
    stage.plan({"a": "b"})
    before_the_rename = 7  # begin, state and intent are two steps each
    assert stage.run_until(apply, before_the_rename)
    assert set(contents(stage.music)) == {"a"}
    os.link(stage.music / "a", stage.music / "b")
    assert stage.apply().state is SessionState.DONE
    assert set(contents(stage.music)) == {"b"}


def test_a_disk_that_goes_away_interrupts_and_nothing_is_lost(tmp_path: Path, stage: Stage) -> None:
    names = {f"{n}/a": "b" for n in range(6)}
    stage.batch = 2
    stage.add(*names)
    stage.plan(names)
    calls = []

    def leave() -> bool:
        calls.append(1)
        if len(calls) == 6:
            stage.music.rename(tmp_path / "away")
            stage.music.mkdir()
        return False

    session = stage.apply(stop=leave)
    assert session.state is SessionState.INTERRUPTED
    assert "went away" in session.error
    assert 0 < session.done < 6
    stage.music.rmdir()
    (tmp_path / "away").rename(stage.music)
    assert stage.apply().state is SessionState.DONE
    assert stage.undo(session).state is SessionState.UNDONE
    assert set(contents(stage.music)) == set(names)


def test_a_disk_that_fills_up_fails_files_and_loses_none(tmp_path: Path, blank_catalogue: Path) -> None:
    """Names that need another block of the folder do not fit any more; the others do."""
    import errno

    from reprise.rename.files import exclusive_rename

    stage = Stage(tmp_path, blank=blank_catalogue)
    names = {f"{n}": f"new {n}" for n in range(10)}
    stage.add(*names)
    stage.plan(names)
    really = exclusive_rename()

    def full(folder: int, old: bytes, new: bytes) -> None:
        if new.endswith((b"3", b"7")):
            raise OSError(errno.ENOSPC, "full")
        really(folder, old, new)

    from dataclasses import replace

    from reprise.rename.planfile import PlanReader

    with PlanReader(stage.plan_path) as plan:
        session = replace(stage.sessions, rename=full).apply(plan, stage.events.append, lambda: False)
    assert (session.state, session.failed) == (SessionState.DONE_WITH_ERRORS, 2)
    assert stage.results(session)[3] == ("failed", "disk_full")
    assert set(contents(stage.music)) == {f"new {n}" for n in range(10) if n not in (3, 7)} | {"3", "7"}
    stage.close()


def test_the_journals_disk_is_full(tmp_path: Path, blank_catalogue: Path) -> None:
    from reprise.errors import DiskFull
    from tests.disks import fill

    music = tmp_path / "elsewhere"
    music.mkdir()
    with small_disk(tmp_path / "small", 2) as disk:
        stage = Stage(disk, blank=blank_catalogue, batch=10)
        stage.music.rmdir()
        stage.music.symlink_to(music)
        names = {f"{n}": f"new {n}" for n in range(300)}
        stage.add(*names)
        before = contents(music)
        stage.plan(names)
        stage.catalogue  # noqa: B018 - made here
        fill(disk / "filler", 40_000)
        with pytest.raises(DiskFull):
            stage.apply()
        assert sorted(contents(music).values()) == sorted(before.values())
        stage.close()
        (disk / "filler").unlink()
        assert stage.apply().state is SessionState.DONE
        assert set(contents(music)) == set(names.values())
        assert stage.undo(latest(stage)).state is SessionState.UNDONE
        assert contents(music) == before
        stage.close()
