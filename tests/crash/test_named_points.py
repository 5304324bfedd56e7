"""Each named point once: a process dies there, and nothing is lost, stored twice, made up or left behind."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.crash import points
from tests.crash.embedding import CuttingOver
from tests.crash.killing import AtPoint, Tally, finish, strike
from tests.crash.works import first_met

if TYPE_CHECKING:
    from tests.crash.works import Site

MOMENTS = ("before", "after")
NEEDS_A_SERVER = "move to a server"
COMPARED = {"scan", "embed"}
"""The others are compared with a run that was never killed by the long version."""


@pytest.mark.parametrize("name", [name for name in points.BY_WORK if name != NEEDS_A_SERVER])
def test_killed_at_each_named_point_nothing_is_lost(site: Site, name: str) -> None:
    work, tally, dice = site.make(name), Tally(), random.Random(1)
    for number, point in enumerate(first_met(name)):
        struck = strike(work, AtPoint(point, point.nth, MOMENTS[number % 2]), dice, tally)
        assert not tally.faults
        assert struck.killed, f"{name} came to its end and never met {point.name}"
    finish(work, tally, compare=name in COMPARED)
    assert not tally.faults


def test_what_a_kill_left_of_a_dropped_space_goes_too(site: Site) -> None:
    """Killed when the old space is called dropped, and its vectors are there still: they do not come to life again."""
    work, tally, dice = CuttingOver(site.base / "cutover", site.environment), Tally(), random.Random(1)
    work.take("drop first")
    strike(work, AtPoint(points.DROPPED, 1, "before"), dice, tally)
    assert tally.kills == 1
    finish(work, tally, compare=False)
    assert not tally.faults
