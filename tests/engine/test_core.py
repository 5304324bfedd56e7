"""The pure rules."""

from __future__ import annotations

import tempfile
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.batching import AdaptiveBatch, TimedBatch
from reprise.core.gates import ConstantGate, check_canaries, check_vector
from reprise.core.items import InputState, ItemKind
from reprise.core.job import Counters
from reprise.core.progress import SpeedMeter
from reprise.core.space import ALLOWED, SpaceState
from reprise.core.spec import ModelSpec, Subject, fingerprint
from reprise.engine.messages import Slot
from reprise.errors import BadVector, CanaryFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPEC = ModelSpec("m", 8, "none", 22_050, "mean", "swr", 2048, 512, "mean", "l2", 60, 1, (("a", "b"),))


def test_a_fingerprint_stays_what_it_is() -> None:
    assert fingerprint(SPEC) == "00ad46ca241b1178e9f3536b24af49367a24d1f46b8c5fc6814ca2cf83abcc46"


@pytest.mark.parametrize("name", [field.name for field in fields(ModelSpec)])
def test_every_field_of_a_spec_changes_its_fingerprint(name: str) -> None:
    value = getattr(SPEC, name)
    others = {"options": (("a", "c"),), "subject": Subject(ItemKind.SCENE, "summary")}
    other: Any = others.get(name) or (value + 1 if isinstance(value, int) else value + "x")
    change: dict[str, Any] = {name: other}
    assert fingerprint(replace(SPEC, **change)) != fingerprint(SPEC)


def test_a_batch_halves_once_for_all_that_were_under_way_and_grows_back() -> None:
    batch = AdaptiveBatch(32, grow_after=2)
    assert batch.too_large(32)
    assert batch.too_large(32), "a second one of the old size was under way"
    assert batch.size == 16
    assert not batch.too_large(1)
    assert [batch.succeeded() for _ in range(3)] == [False, True, False]
    assert batch.size == 32


def test_a_timed_batch_follows_the_cost_of_an_item() -> None:
    batch = TimedBatch(target_seconds=1.0, largest=100)
    assert batch.size == 1
    batch.observe(10, 1.0)
    assert batch.size == 10
    batch.observe(1, 60.0)
    assert batch.size == 1


@pytest.mark.parametrize(
    "bad", [np.zeros(4), np.full(4, np.nan), np.full(4, np.inf), np.ones(3), np.ones((1, 4))]
)
def test_the_gate_refuses_what_is_no_vector(bad: NDArray[np.float64]) -> None:
    with pytest.raises(BadVector):
        check_vector(bad.astype(np.float32), 4)


def test_the_gate_gives_unit_length() -> None:
    assert np.linalg.norm(check_vector(np.full(4, 7, np.float32), 4)) == pytest.approx(1.0)


def test_equal_canaries_are_refused() -> None:
    check_canaries(np.eye(2, 4, dtype=np.float32), 4)
    with pytest.raises(CanaryFailed):
        check_canaries(np.ones((2, 4), np.float32), 4)


def test_copies_of_one_recording_do_not_trip_the_gate() -> None:
    one = np.ones(4, np.float32)
    ConstantGate().check([b"same"] * 50, [one] * 50)
    with pytest.raises(CanaryFailed):
        ConstantGate().check([bytes([n]) for n in range(8)], [one] * 8)


def test_counters_tell_percent_and_what_is_left() -> None:
    assert Counters(300, 60, 30, 10).percent == pytest.approx(100 / 3)
    assert Counters(300, 60, 30, 10).left == 200
    assert Counters().percent == 100.0


def test_an_active_space_is_never_dropped_and_every_state_is_known() -> None:
    assert set(ALLOWED) == set(SpaceState)
    assert SpaceState.DROPPED not in ALLOWED[SpaceState.ACTIVE]
    assert SpaceState.ACTIVE in ALLOWED[SpaceState.RETIRING]


def test_speed_leaves_the_warm_up_out() -> None:
    meter = SpeedMeter()
    for second, audio in [(0, 0.0), (1, 1e6), (2, 100.0), (3, 100.0)]:
        meter.observe(float(second), audio)
    assert meter.seconds_left(1000.0) == pytest.approx(10.0)


def test_a_slot_tells_the_other_side_what_is_in_hand() -> None:
    with tempfile.TemporaryFile() as shared:
        shared.truncate(Slot.SIZE)
        ours, theirs = Slot(shared.fileno()), Slot(shared.fileno())
        state = InputState(5, 7, b"d" * 32)
        theirs.begin(3, 1.5)
        assert ours.read() == (3, 2, 1.5, None)
        theirs.learned(3, 1.5, state)
        assert ours.read() == (3, 2, 1.5, state)
        theirs.end(3, 2.5)
        assert ours.read() == (3, 3, 2.5, None)
        ours.close()
        theirs.close()
