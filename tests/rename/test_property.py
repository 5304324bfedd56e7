"""Random folders, random plans, random ends: every content stays, under one name, and all of it can be taken back."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprise.core.rename_journal import SessionState
from tests.rename.stage import Stage, contents

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

NAMES = ("a", "A", "b", "ä", "a\u0308", "Ω.mp3", "ω.mp3", "\udcff", "c d", "-x", "'", "\u202egnp")
FOLDERS = ("", "x", "x/y", "X")


@st.composite
def trees(draw: DrawFn) -> tuple[list[str], dict[str, str]]:
    """Files, and for some of them new names: of others, of nobody, and at times of a file that stays."""
    files: list[str] = []
    plan: dict[str, str] = {}
    for folder in FOLDERS:
        names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))
        files += [os.path.join(folder, name) for name in names]
        going = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        targets = draw(st.permutations(draw(st.permutations([*names, "new 1", "new 2"]))))[: len(going)]
        pairs = zip(going, targets, strict=True)
        plan |= {os.path.join(folder, old): new for old, new in pairs if old != new}
    return files, plan


def check(
    blank: Path, tree: tuple[list[str], dict[str, str]], batch: int, kills: list[int], *, finish: bool
) -> None:
    files, plan = tree
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), blank=blank, batch=batch)
        stage.add(*files)
        before = contents(stage.music)
        if not plan:
            return
        stage.plan(plan)
        for kill_at in kills:
            stage.run_until(lambda stage: stage.apply() if _unfinished(stage) else None, kill_at)
            assert Counter(contents(stage.music).values()) == Counter(before.values())
        if finish and _unfinished(stage):
            stage.apply()
        found = contents(stage.music)
        assert Counter(found.values()) == Counter(before.values())
        sessions = stage.catalogue.renames.page("default", 1)[0]
        if not sessions:
            assert found == before
            stage.close()
            return
        if sessions[0].state in (SessionState.DONE, SessionState.DONE_WITH_ERRORS):
            assert_as_the_journal_says(stage, sessions[0].id, before)
        undone = stage.undo(sessions[0])
        assert undone.state is SessionState.UNDONE
        assert contents(stage.music) == before
        stage.close()


def _unfinished(stage: Stage) -> bool:
    sessions = stage.catalogue.renames.page("default", 1)[0]
    return not sessions or sessions[0].state.unfinished


def assert_as_the_journal_says(stage: Stage, session_id: str, before: dict[str, bytes]) -> None:
    expected = dict(before)
    moves = list(stage.catalogue.renames.stream("default", session_id))
    for move in moves:
        del expected[os.fsdecode(os.path.join(move.folder, move.old))]
    for move in moves:
        assert move.state in ("moved", "failed")
        name = move.new if move.state == "moved" else move.old
        path = os.fsdecode(os.path.join(move.folder, name))
        assert path not in expected
        expected[path] = before[os.fsdecode(os.path.join(move.folder, move.old))]
    assert contents(stage.music) == expected


CASES = {
    "tree": trees(),
    "batch": st.integers(1, 5),
    "kills": st.lists(st.integers(1, 60), max_size=3),
    "finish": st.booleans(),
}
QUIET = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@given(**CASES)
@settings(max_examples=12, suppress_health_check=QUIET)
def test_nothing_is_lost_and_all_of_it_comes_back(blank_catalogue: Path, tree, batch, kills, finish) -> None:  # type: ignore[no-untyped-def]
    check(blank_catalogue, tree, batch, kills, finish=finish)


@pytest.mark.long
@given(**CASES)
@settings(max_examples=1500, suppress_health_check=QUIET)
def test_the_same_a_thousand_times(blank_catalogue: Path, tree, batch, kills, finish) -> None:  # type: ignore[no-untyped-def]
    check(blank_catalogue, tree, batch, kills, finish=finish)
