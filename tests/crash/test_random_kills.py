"""Killed at any moment, the command or one of its model processes: whenever it was, nothing is lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.crash.embedding import Embedding
from tests.crash.killing import AtMoment, OfChild, Tally, finish, strike

if TYPE_CHECKING:
    from tests.crash.works import Site


def test_killed_at_any_moment(site: Site) -> None:
    work, tally, dice = Embedding(site.base / "embed", site.environment), Tally(), random.Random(3)
    for _ in range(4):
        strike(work, AtMoment(dice.uniform(0.1, 1.5)), dice, tally)
    assert tally.kills + tally.missed == 4
    finish(work, tally, compare=False)
    assert not tally.faults


def test_a_model_process_is_killed_and_the_job_comes_to_its_end(site: Site) -> None:
    slow = {**site.environment, "PLUGIN_MODELS_SECONDS": "0.15"}
    work, tally, dice = Embedding(site.base / "embed", slow, new=20), Tally(), random.Random(4)
    struck = strike(work, OfChild(0.0, 0, work.library.home.log), dice, tally)
    assert struck.whole
    assert tally.kills == 1
    finish(work, tally, compare=False)
    assert not tally.faults
