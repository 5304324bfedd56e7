"""Which job a worker works on, and whom it wakes."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from reprise.core.job import Control, JobState, Priority
from reprise.engine.crew import ShareEnd
from reprise.errors import CatalogueAway
from reprise.runners.dramatiq.shift import SliceTold
from tests.workers.fakes import AWAY, FakeBell, FakePlace, make_job, make_shift


def test_the_job_of_the_message_is_worked_on() -> None:
    place = FakePlace(make_job("a"), b=[ShareEnd.MORE])
    assert make_shift(place).serve("a") is ShareEnd.MORE
    assert place.worked == place.fake.answered == ["a"]


def test_a_more_urgent_job_goes_first_and_the_bell_is_rung_again_for_the_other() -> None:
    place, bell = FakePlace(make_job("a"), make_job("b", priority=Priority.INTERACTIVE)), FakeBell()
    make_shift(place, bell).serve("a")
    assert place.worked == ["b"]
    assert bell.rung == [
        "a",
        "b",
    ]  # for the one that it was woken for, and because there is more of the other


def test_of_equal_jobs_that_of_the_owner_who_had_no_turn_for_longest_goes_first() -> None:
    place = FakePlace(make_job("a", owner="ada"), make_job("b", owner="bob", queued_at=2.0))
    place.served = {"ada": 100.0, "bob": 50.0}
    make_shift(place).serve("a")
    place.served = {"ada": 100.0, "bob": 150.0}
    make_shift(place).serve("a")
    assert place.worked == ["b", "a"]


def test_of_one_owners_jobs_the_oldest_goes_first() -> None:
    place = FakePlace(make_job("new", queued_at=9.0), make_job("old", queued_at=3.0))
    make_shift(place).serve("new")
    assert place.worked == ["old"]


def test_a_job_that_others_have_in_hand_is_left_for_the_next_one() -> None:
    place = FakePlace(
        make_job("a", priority=Priority.INTERACTIVE), make_job("b"), a=[ShareEnd.NOTHING], b=[ShareEnd.MORE]
    )
    assert make_shift(place).serve("a") is ShareEnd.MORE
    assert place.worked == ["a", "b"]


@pytest.mark.parametrize(("rows", "worked"), [(0, ["b"]), (5, ["a"])])
def test_a_crowded_job_is_joined_only_while_rows_wait_there(rows: int, worked: list[str]) -> None:
    place = FakePlace(make_job("a"), make_job("b", queued_at=2.0))
    place.crowded, place.rows = {"a"}, {"a": rows}
    make_shift(place).serve("a")
    assert place.worked == worked


def test_nobody_waits_at_a_job_that_another_one_plans() -> None:
    place = FakePlace(make_job("a", planned=False, state=JobState.QUEUED))
    place.crowded = {"a"}
    assert make_shift(place).serve("a") is None


def test_quiet_hours_hold_for_workers_too() -> None:
    place = FakePlace(make_job("a"))
    place.quiet_jobs = {"a"}
    assert make_shift(place).serve("a") is None


def test_a_slice_ends_when_quiet_hours_begin() -> None:
    place = FakePlace(make_job("a"))
    told = []

    def night_falls(_job: object, stop: object) -> None:
        assert callable(stop)
        told.append(stop())
        place.quiet_jobs = {"a"}
        told.append(stop())

    place.meanwhile = night_falls
    make_shift(place).serve("a")
    assert told == [False, True]


@pytest.mark.parametrize("change", [{"queued_at": None}, {"state": JobState.CANCELLED}])
def test_a_message_of_a_job_that_is_gone_is_dropped_with_a_line_in_the_log(
    change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    place = FakePlace(replace(make_job("a"), **change))  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO):
        assert make_shift(place).serve("a") is None
    assert place.worked == []
    assert "job a needs no worker any more" in caplog.text


@pytest.mark.parametrize(("in_queue", "rung"), [(0, ["a"]), (1, [])])
def test_a_slice_that_leaves_more_rings_unless_a_message_waits_already(
    in_queue: int, rung: list[str]
) -> None:
    place, bell = FakePlace(make_job("a")), FakeBell()
    bell.in_queue = in_queue
    make_shift(place, bell).serve("a")
    assert bell.rung == rung


def test_messages_do_not_pile_up_while_one_job_goes_before_another() -> None:
    place, bell = FakePlace(make_job("a"), make_job("b", queued_at=2.0)), FakeBell()
    bell.counts = True
    place.rows = {"a": 100, "b": 100}
    bell.in_queue = 2
    shift = make_shift(place, bell)
    for _ in range(50):
        bell.in_queue -= 1
        shift.serve("b")
    assert bell.in_queue <= 2


def test_a_broker_that_is_away_does_not_keep_from_working() -> None:
    place, bell = FakePlace(make_job("a")), FakeBell()
    place.rows, bell.away = {"a": 100}, True
    assert make_shift(place, bell).serve("a") is ShareEnd.MORE
    assert place.fake.ages == {}  # the promise to ring is not made


@pytest.mark.parametrize(("rows", "in_queue", "rung"), [(100, 0, ["a"]), (100, 1, []), (1, 0, [])])
def test_one_more_worker_is_called_where_there_is_more_than_one_has_in_hand(
    rows: int, in_queue: int, rung: list[str]
) -> None:
    place, bell = FakePlace(make_job("a"), a=[ShareEnd.ENDED]), FakeBell()
    place.rows, bell.in_queue = {"a": rows}, in_queue
    make_shift(place, bell).serve("a")
    assert bell.rung == rung


def test_help_is_called_once_a_job_is_planned() -> None:
    place, bell = FakePlace(make_job("a", planned=False, state=JobState.QUEUED)), FakeBell()
    place.rows = {"a": 100}
    shift, called = make_shift(place, bell), []

    def plan(_job: object, _stop: object) -> None:
        called.append(shift.call_for_help())
        place.fake.known[0] = make_job("a")
        called.append(shift.call_for_help())
        called.append(shift.call_for_help())

    place.meanwhile = plan
    shift.serve("a")
    assert called == [False, True, False]


def test_what_follows_a_job_that_has_ended_is_done() -> None:
    place, bell = FakePlace(make_job("a"), a=[ShareEnd.ENDED]), FakeBell()
    assert make_shift(place, bell).serve("a") is ShareEnd.ENDED
    assert place.followed == ["a"]
    assert bell.rung == []


def test_a_job_that_this_process_cannot_do_is_left_to_others_for_a_while() -> None:
    place, bell = FakePlace(make_job("a"), a=[ShareEnd.UNABLE]), FakeBell()
    shift = make_shift(place, bell)
    assert shift.serve("a") is ShareEnd.UNABLE
    assert shift.serve("a") is None
    assert place.worked == bell.rung == ["a"]


def test_a_cancelled_job_whose_runner_died_is_ended_and_not_worked_on() -> None:
    place = FakePlace(make_job("a", control=Control.CANCEL))
    assert make_shift(place).serve("a") is None
    assert place.cancelled == ["a"]


def test_a_worker_that_is_to_end_takes_nothing_and_rings_for_others() -> None:
    place, bell = FakePlace(make_job("a")), FakeBell()
    assert make_shift(place, bell, stop=True).serve("a") is None
    assert place.worked == []
    assert bell.rung == ["a"]


def test_a_catalogue_that_is_away_is_told_and_the_message_comes_again() -> None:
    place = FakePlace(make_job("a"))
    place.failure = AWAY
    shift = make_shift(place)
    assert shift.serve("a") is ShareEnd.AWAY
    assert (shift.tally.error, shift.tally.error_text) == ("catalogue_away", "it restarts")


def test_slices_and_seconds_are_counted_also_those_that_failed() -> None:
    def fail(_job: object, _stop: object) -> None:
        raise CatalogueAway("it restarts")

    place = FakePlace(make_job("a"))
    shift, told = make_shift(place), list[SliceTold]()
    shift.told = told.append
    shift.serve("a")
    place.meanwhile = fail
    assert shift.serve("a") is ShareEnd.AWAY
    assert shift.tally.slices == {ShareEnd.MORE: 1, ShareEnd.AWAY: 1}
    assert [slice_.number for slice_ in told] == [1, 2]
    assert shift.busy_seconds == shift.tally.busy_seconds > 0.0
    assert shift.at is None
    assert not shift.serving
