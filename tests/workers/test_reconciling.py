"""Jobs that nobody is at are rung for, whatever became of the messages."""

from __future__ import annotations

from reprise.core.job import Control
from reprise.runners.dramatiq.reconciling import Reconciler, Ticking
from tests.harness import wait_for
from tests.workers.fakes import AWAY, FakeBell, FakePlace, make_job


def make_reconciler(place: FakePlace, bell: FakeBell) -> Reconciler:
    return Reconciler(place, bell.as_bell)


def test_a_job_that_nobody_is_at_is_rung_for() -> None:
    place, bell = FakePlace(make_job("a"), make_job("b"), make_job("c")), FakeBell()
    place.crowded, place.quiet_jobs = {"b"}, {"c"}
    reconciler = make_reconciler(place, bell)
    assert reconciler.look() == reconciler.waiting == 1
    assert bell.rung == ["a"]


def test_it_is_not_rung_for_twice_in_thirty_seconds_while_messages_wait() -> None:
    place, bell = FakePlace(make_job("a"), make_job("b")), FakeBell()
    reconciler = make_reconciler(place, bell)
    bell.in_queue = 1
    place.fake.ages = {"a": 29.0, "b": 31.0}
    assert reconciler.look() == 1
    assert bell.rung == ["b"]


def test_where_no_message_waits_it_was_lost_unless_it_was_taken_this_moment() -> None:
    place, bell = FakePlace(make_job("a"), make_job("b")), FakeBell()
    place.fake.ages = {"a": 1.0, "b": 10.0}
    assert make_reconciler(place, bell).look() == 1
    assert bell.rung == ["b"]


def test_as_many_messages_as_jobs_are_enough() -> None:
    place, bell = FakePlace(make_job("a"), make_job("b")), FakeBell()
    bell.in_queue = 2
    assert make_reconciler(place, bell).look() == 0


def test_what_was_asked_of_a_worker_that_died_is_done() -> None:
    place, bell = FakePlace(make_job("a", control=Control.CANCEL)), FakeBell()
    assert make_reconciler(place, bell).look() == 0
    assert place.cancelled == ["a"]


def test_the_tick_goes_on_after_a_server_was_away_and_says_so_meanwhile() -> None:
    place, bell = FakePlace(make_job("a")), FakeBell()
    place.failure = AWAY
    ticking = Ticking(make_reconciler(place, bell), seconds=3600.0)
    ticking.start()
    try:
        wait_for(lambda: ticking.trouble == "it restarts")
        place.failure = None
        ticking.at_once()
        wait_for(lambda: bell.rung == ["a"])
        wait_for(lambda: not ticking.trouble)
        assert ticking.alive()
    finally:
        ticking.stop()
    assert not ticking.alive()
