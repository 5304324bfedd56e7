"""Several at work on one job: each row is in one hand, what is lost is taken up again, and the counters are exact."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reprise.catalog.catalogue import SqlCatalogue
from reprise.core.job import JobRequest
from reprise.core.plan import Selection
from reprise.core.sharing import WorkerFacts
from reprise.errors import JobConflict
from tests.catalog.work import ME, Work

if TYPE_CHECKING:
    from reprise.catalog.database import Database

WORKERS = 8


def test_eight_that_lease_at_once_get_each_row_exactly_once(database: Database) -> None:
    work = Work(database, 2000)
    start = threading.Barrier(WORKERS)

    def all_it_can(number: int) -> list[int]:
        worker, found = work.worker(f"worker {number}"), list[int]()
        start.wait()
        while ids := worker.lease(16):
            found += ids
        return found

    with ThreadPoolExecutor(WORKERS) as pool:
        shares = list(pool.map(all_it_can, range(WORKERS)))
    assert Counter(item_id for share in shares for item_id in share) == Counter(range(1, 2001))
    assert work.states() == {"leased": 2000}


def test_counters_are_exact_when_eight_lease_and_commit_at_once(database: Database) -> None:
    work = Work(database, 600)

    def work_it_off(number: int) -> int:
        worker, done = work.worker(f"worker {number}"), 0
        while ids := worker.lease(7):
            worker.catalogue.ledger.renew(60.0)
            worker.commit(reversed(ids))
            done += len(ids)
        return done

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(work_it_off, range(WORKERS))) == 600
    assert work.counters() == (600, 600, 0, 0)
    assert work.states() == {"done": 600}


def test_planning_again_while_others_commit_counts_nothing_twice(database: Database) -> None:
    work = Work(database, 200)

    def plan_again() -> None:
        for _ in range(5):
            work.catalogue.ledger.plan_again(
                work.selection, work.job, work.space, 2.0, lambda job: job == work.job
            )
            time.sleep(0.02)

    planner = threading.Thread(target=plan_again)
    planner.start()
    worker = work.worker("one")
    # Planning takes back what is in hand, so some of it is leased again: only what is committed counts.
    while work.states() != {"done": 200}:
        worker.commit(worker.lease(5, attempts=1000))
    planner.join()
    assert work.counters() == (200, 200, 0, 0)


def test_what_was_in_a_dead_hand_is_taken_up_when_its_lease_has_lapsed(database: Database) -> None:
    work = Work(database, 10)
    dead, living = work.worker("dead"), work.worker("living")
    lost = dead.lease(4, seconds=0.2)
    assert living.reclaim() == 0
    assert living.lease(10) == [item for item in range(1, 11) if item not in lost]
    time.sleep(0.3)
    assert living.reclaim() == 4
    (first, *_) = again = living.operations(10, 60.0, 3)
    assert [operation.item_id for operation in again] == lost
    assert first.attempts == 2  # the try of the dead one stays counted
    living.commit(range(1, 11))
    assert work.counters() == (10, 10, 0, 0)


def test_lapsed_rows_are_taken_over_while_others_are_still_pending(database: Database) -> None:
    work = Work(database, 10)
    dead, living = work.worker("dead"), work.worker("living")
    lost = dead.lease(4, seconds=0.2)
    taken = partial(living.catalogue.ledger.take_over, ME, work.job, work.space.id)
    assert taken(10, 60.0, 3) == [], "its lease still holds"
    time.sleep(0.3)
    assert [(row.item_id, row.attempts) for row in taken(3, 0.2, 3)] == [(item, 2) for item in lost[:3]]
    time.sleep(0.3)
    assert [row.item_id for row in taken(10, 60.0, 2)] == lost[3:], (
        "who cost two runners is suspect, and waits"
    )
    assert work.states() == {"leased": 4, "pending": 6}


def test_a_lease_that_is_renewed_does_not_lapse(database: Database) -> None:
    work = Work(database, 3)
    slow, other = work.worker("slow"), work.worker("other")
    ids = slow.lease(3, seconds=0.2)
    assert slow.catalogue.ledger.renew(60.0) == 3
    assert other.catalogue.ledger.renew(60.0) == 0
    time.sleep(0.3)
    assert other.reclaim() == 0
    slow.commit(ids)
    assert work.states() == {"done": 3}


def test_who_lost_a_lease_commits_nothing_and_gives_nothing_of_anothers_back(database: Database) -> None:
    work = Work(database, 5)
    late, next_one = work.worker("late"), work.worker("next")
    ids = late.lease(5, seconds=0.05)
    time.sleep(0.1)
    next_one.reclaim()
    assert next_one.lease(5) == ids
    late.commit(ids)
    assert work.counters() == (5, 0, 0, 0)
    late.release(ids)
    assert work.states() == {"leased": 5}
    assert next_one.catalogue.ledger.renew(60.0) == 5
    next_one.commit(ids)
    late.commit(ids)
    assert work.counters() == (5, 5, 0, 0)


def test_what_is_given_back_is_untouched(database: Database) -> None:
    work = Work(database, 4)
    one = work.worker("one")
    one.release(one.lease(4))
    assert [operation.attempts for operation in work.worker("two").operations(4, 60.0, 3)] == [1] * 4


def test_a_row_that_costs_runners_is_in_one_hand_and_alone(database: Database) -> None:
    """Otherwise nobody could tell which of several rows it was that a runner died with."""
    work = Work(database, 3)
    for _ in range(2):
        work.worker("dead").lease(3, seconds=-1.0, attempts=2)
        work.worker("living").reclaim()
    start = threading.Barrier(WORKERS)

    def ask(number: int) -> list[int]:
        worker = work.worker(f"worker {number}")
        start.wait()
        return worker.lease(3, attempts=2)

    with ThreadPoolExecutor(WORKERS) as pool:
        found = [ids for ids in pool.map(ask, range(WORKERS)) if ids]
    assert len(found) == 1
    assert len(found[0]) == 1


def test_of_fifty_starts_of_the_same_work_one_is_let_in(database: Database) -> None:
    catalogue = SqlCatalogue(database)
    library = catalogue.libraries.add(ME, "folder", "m", b"/m", ())
    start = threading.Barrier(50)

    def begin(_: int) -> str:
        start.wait()
        try:
            return catalogue.jobs.create(JobRequest(Selection(ME, library.id), ("null",)), "1", 1.0).id
        except JobConflict:
            return ""

    with ThreadPoolExecutor(50) as pool:
        made = [job_id for job_id in pool.map(begin, range(50)) if job_id]
    assert [job.id for job in catalogue.jobs.all(ME, 100)] == made
    assert len(made) == 1


def test_the_feed_shows_rows_in_their_order_while_many_write(database: Database) -> None:
    """Who has read up to a number must never find a row below it later."""
    feed = SqlCatalogue(database).feed
    writing = [threading.Thread(target=add_forty, args=(database,)) for _ in range(6)]
    for thread in writing:
        thread.start()
    seen = list[int]()
    while any(thread.is_alive() for thread in writing):
        seen += [row.seq for row in feed.after(ME, seen[-1] if seen else 0, 1000)]
    seen += [row.seq for row in feed.after(ME, seen[-1] if seen else 0, 1000)]
    for thread in writing:
        thread.join()
    everything = [row.seq for row in feed.after(ME, 0, 1000)]
    assert len(everything) == 240
    assert seen == everything


def add_forty(database: Database) -> None:
    feed = SqlCatalogue(database).feed
    for _ in range(40):
        feed.add(ME, None, "note", "{}", 1.0)


def test_a_bell_is_rung_once_until_it_is_answered_or_patience_ends(database: Database) -> None:
    work = Work(database, 1)
    jobs = work.catalogue.jobs
    with ThreadPoolExecutor(WORKERS) as pool:
        rung = list(pool.map(lambda _: jobs.ring(ME, work.job, 60.0), range(WORKERS)))
    assert sum(rung) == 1
    assert jobs.ring(ME, work.job, -1.0)  # nobody came within the time
    before = database.now()
    jobs.answer(ME, work.job)
    assert jobs.get(ME, work.job).served_at == pytest.approx(before, abs=5.0)
    assert jobs.ring(ME, work.job, 60.0)
    assert not jobs.ring("you", work.job, -1.0)


def test_a_lock_is_one_holders_until_it_lapses(database: Database) -> None:
    locks = SqlCatalogue(database).locks
    start = threading.Barrier(WORKERS)

    def take(number: int) -> bool:
        start.wait()
        return locks.take("job", f"holder {number}", 60.0, shared=False)

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(take, range(WORKERS))) == 1
    [holder] = locks.holders("job")
    assert locks.take("job", holder, 0.2, shared=False)  # again, and for less
    assert not locks.take("job", "late", 60.0, shared=False)
    time.sleep(0.3)
    assert locks.holders("job") == []
    assert locks.take("job", "late", 60.0, shared=False)
    locks.release("job", holder)  # of the lapsed one
    assert locks.holders("job") == ["late"]


def test_those_who_share_a_lock_keep_out_who_wants_it_alone(database: Database) -> None:
    locks = SqlCatalogue(database).locks
    assert locks.take("space", "a", 60.0, shared=True)
    assert locks.take("space", "b", 0.1, shared=True)
    assert not locks.take("space", "c", 60.0, shared=False)
    assert locks.renew("b", 60.0) == ["space"]
    time.sleep(0.2)
    assert locks.holders("space") == ["a", "b"]
    locks.release("space", "a")
    locks.release("space", "b")
    assert locks.take("space", "c", 60.0, shared=False)
    assert not locks.take("space", "a", 60.0, shared=True)


def test_workers_are_there_as_long_as_they_are_heard_of(database: Database) -> None:
    workers = SqlCatalogue(database).workers
    first, second = (
        WorkerFacts(name, "host", 7, "cpu", "1.0", "2", None, 0.0, 0.0) for name in ("first", "second")
    )
    workers.beat(first)
    time.sleep(0.02)
    workers.beat(second)
    [one, two] = workers.all(60.0)
    assert (one.id, two.id) == ("first", "second")
    assert one.started_at == pytest.approx(
        database.now(), abs=10.0
    )  # by the catalogue's clock, not by its own
    workers.beat(WorkerFacts("first", "host", 7, "cpu", "1.0", "2", "job", 0.0, 0.0))
    [again, _] = workers.all(60.0)
    assert (again.job_id, again.started_at) == ("job", one.started_at)
    assert again.seen_at > one.seen_at
    workers.leave("first")
    assert [worker.id for worker in workers.all(60.0)] == ["second"]
    time.sleep(0.1)
    assert workers.all(0.05) == []
