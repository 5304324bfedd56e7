"""The feed: what happens is written, in order, never in a flood; what is old goes."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core import events
from reprise.core.feed import KEPT_ROWS, is_whole_after
from reprise.core.job import Counters
from reprise.engine.feed import Recorder
from reprise.errors import DiskFull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.feed import Feed, FeedRow
    from tests.harness import Home

EVERYTHING = 100_000


@pytest.fixture
def app(home: Home) -> Iterator[App]:
    with home.app() as opened:
        opened.catalogue(create=True)
        yield opened


@pytest.fixture
def feed(app: App) -> Feed:
    return app.catalogue().feed


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def progress(done: int) -> events.Progress:
    counters = Counters(100_000, done)
    return events.Progress(
        job_id="j",
        model="null",
        percent=counters.percent,
        items=100_000,
        operations=counters,
        model_operations=counters,
        current=f"[null] Track {done}",
        eta_seconds=None,
        audio_seconds_per_second=None,
    )


def failure(number: int) -> events.ItemFailed:
    return events.ItemFailed(
        job_id="j",
        model="null",
        item_id=number,
        path="p",
        code="silent",
        reason="r",
        cure="c",
        will_retry=False,
    )


def model_finished() -> events.ModelFinished:
    return events.ModelFinished(
        job_id="j", model="null", state="finished", done=1, failed=0, skipped=0, seconds=1.0
    )


def data(row: FeedRow) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(row.data)
    return facts


def test_ten_thousand_failures_and_commits_a_second_become_a_few_rows(feed: Feed) -> None:
    clock = Clock()
    record = Recorder(feed, "o", "j", clock)
    for number in range(30_000):  # three seconds
        record(failure(number))
        record(progress(number))
        clock.now += 1 / 10_000
    record(model_finished())
    rows = feed.of_job("o", "j", 0, EVERYTHING)
    failures = [row for row in rows if row.name == "item_failed"]
    moves = [row for row in rows if row.name == "progress"]
    assert len(failures) <= 3 + 2
    assert len(moves) <= 3 * 3 + 2
    assert [row.name for row in rows[-3:]] in (
        ["item_failed", "progress", "model_finished"],
        ["progress", "item_failed", "model_finished"],
    )
    assert data(moves[-1])["operations"]["done"] == 29_999
    assert data(failures[-1])["item_id"] == 29_999
    assert len(failures) + sum(data(row).get("left_out", 0) for row in failures) == 30_000


def test_what_is_rare_is_written_at_once_and_behind_what_came_before_it(feed: Feed) -> None:
    clock = Clock()
    record = Recorder(feed, "o", "j", clock)
    record(progress(1))
    record(progress(2))
    assert [row.name for row in feed.of_job("o", "j", 0, 10)] == ["progress"]
    record(model_finished())
    assert [row.name for row in feed.of_job("o", "j", 0, 10)] == ["progress", "progress", "model_finished"]


def test_a_feed_that_cannot_be_written_stops_nobody(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFull("no space left")

    monkeypatch.setattr(feed, "add", full)
    record = Recorder(feed, "o", "j")
    record(progress(1))
    record(model_finished())
    monkeypatch.undo()
    record(model_finished())
    assert [row.name for row in feed.of_job("o", "j", 0, 10)] == ["model_finished"]


def test_rows_are_read_from_any_point_on_by_their_owner_or_by_who_runs_all(feed: Feed) -> None:
    for number in range(4):
        feed.add("a" if number % 2 else "b", None, "library", json.dumps({"n": number}), 1.0)
    everybody = feed.after(None, 0, 10)
    assert [data(row)["n"] for row in everybody] == [0, 1, 2, 3]
    assert [data(row)["n"] for row in feed.after("a", 0, 10)] == [1, 3]
    assert [data(row)["n"] for row in feed.after(None, everybody[1].seq, 1)] == [2]
    assert feed.after(None, feed.newest(), 10) == []


def test_numbers_ascend_over_threads_and_none_is_seen_late(feed: Feed) -> None:
    """A reader that follows the numbers misses nothing, whoever writes."""
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        while True:
            last = done.is_set()
            seen.extend(row.seq for row in feed.after(None, seen[-1] if seen else 0, 1000))
            if last:
                return

    def write(owner: str) -> None:
        for _ in range(100):
            feed.add(owner, None, "library", "{}", 0.0)

    reader = threading.Thread(target=follow)
    writers = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(seen) == 400


def test_old_rows_go_but_not_the_story_of_a_job_that_goes_on(app: App, home: Home, feed: Feed) -> None:
    from tests.server.job_steps import enqueue

    active = enqueue(app, home.music)
    record = Recorder(feed, "default", active.id)
    record(progress(1))
    record(model_finished())
    feed.add("default", "over", "job_finished", "{}", 0.0)
    feed.add("default", None, "library", "{}", 0.0)
    for _ in range(5):
        feed.add("default", "new", "job_queued", "{}", 0.0)
    newest = feed.newest()
    assert feed.prune(5) == 3
    assert [row.name for row in feed.after(None, 0, 100)] == ["job_queued", "model_finished"] + 5 * [
        "job_queued"
    ]
    feed.add("default", "new", "job_queued", "{}", 0.0)
    assert feed.newest() == newest + 1


def test_who_is_too_far_behind_or_ahead_begins_anew() -> None:
    newest = 3 * KEPT_ROWS
    assert is_whole_after(newest, newest)
    assert is_whole_after(newest - KEPT_ROWS, newest)
    assert not is_whole_after(newest - KEPT_ROWS - 1, newest)
    assert not is_whole_after(newest + 1, newest)


def test_what_has_not_been_told_is_found_once(feed: Feed) -> None:
    feed.add("a", "1", "job_finished", "{}", 0.0)
    feed.add("b", "2", "job_finished", "{}", 0.0)
    feed.add("a", "1", "job_told", "{}", 0.0)
    assert [row.job_id for row in feed.untold("job_finished", "job_told")] == ["2"]
    feed.add("a", "1", "job_finished", "{}", 0.0)
    assert [row.job_id for row in feed.untold("job_finished", "job_told")] == ["2", "1"]


def test_a_run_of_a_command_is_in_the_feed_too(home: Home) -> None:
    home.add_many(3)
    ran = home.embed("--model", "null")
    with home.app() as app:
        rows = app.catalogue().feed.of_job("default", ran.last["job_id"], 0, 1000)
    written = [row.name for row in rows]
    assert written[0] == "scan_started"
    assert written[-1] == "job_finished"
    told = [event["event"] for event in ran.events]
    assert set(written) == set(told)
    assert data(rows[-1]) == ran.last
