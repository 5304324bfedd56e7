"""Whatever people and accidents do to a small library, in any order: product and oracle agree after every step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import LibraryMachine

if TYPE_CHECKING:
    from pathlib import Path

SEQUENCES = 14
STEPS = 16


@pytest.mark.usefixtures("stateful_models")
def test_product_and_oracle_agree_after_every_step(blank: Path) -> None:
    class Machine(LibraryMachine):
        pass

    Machine.blank, Machine.done = blank, Counter()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Machine.done["embed"] >= SEQUENCES, Machine.done
    assert Machine.done["deaths"], Machine.done
