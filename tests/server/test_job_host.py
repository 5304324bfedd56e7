"""The host of jobs: whose turn it is, one at a time, and what becomes of a job whose process dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil
import pytest

from reprise.core.job import Control, Priority, Purpose
from reprise.server.house import House
from reprise.server.job_host import JobHost, Patience
from tests.harness import wait_for
from tests.server.job_steps import enqueue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.job import Job
    from tests.harness import Home

SHORT = Patience(deaths=3, first_wait=0.05, longest_wait=0.1)


class Quiet:
    """Quiet hours that a test rings in and out."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def until(self, job: Job) -> float | None:
        return time.time() + 3600 if self.quiet else None


@contextmanager
def hosting(house: House, quiet: Quiet | None = None) -> Iterator[JobHost]:
    host = JobHost(house, (quiet or Quiet()).until, SHORT)
    house.start([host])
    try:
        yield host
    finally:
        house.stop()


@pytest.fixture
def app(house: House) -> App:
    return house.app


def current(app: App, job: Job) -> Job:
    return app.catalogue().jobs.get(job.owner, job.id)


def until(app: App, job: Job, *states: str) -> Job:
    found: Job = wait_for(lambda: (now := current(app, job)).state in states and now)
    return found


def until_ended(app: App, job: Job) -> Job:
    found: Job = wait_for(lambda: (now := current(app, job)).state.ended and now)
    return found


def test_the_order_is_priority_then_owners_in_turn_then_age(home: Home, house: House, app: App) -> None:
    quiet = Quiet(quiet=True)
    folders = {}
    for name in ("a1", "a2", "b1", "urgent"):
        folders[name] = home.folder / name
        home.add(name, folder=folders[name])
    with hosting(house, quiet):
        jobs = {name: enqueue(house.of("ann"), folders[name]) for name in ("a1", "a2")}
        jobs["b1"] = enqueue(house.of("bob"), folders["b1"])
        jobs["urgent"] = enqueue(house.of("ann"), folders["urgent"], priority=Priority.INTERACTIVE)
        time.sleep(0.6)
        assert {current(app, job).state for job in jobs.values()} == {"queued"}
        quiet.quiet = False
        ended = {name: until_ended(app, job) for name, job in jobs.items()}
    assert {job.state for job in ended.values()} == {"completed"}
    order = sorted(ended, key=lambda name: ended[name].started_at or 0.0)
    assert order == ["urgent", "b1", "a1", "a2"]
    for earlier, later in pairwise(order):
        assert (ended[earlier].finished_at or 0) <= (ended[later].started_at or 0)


def test_what_is_new_runs_beside_what_somebody_asked_for(home: Home, house: House, app: App) -> None:
    home.add("h", content="hang")
    other = home.folder / "other"
    home.add("n", folder=other)
    with hosting(house):
        asked = enqueue(app, home.music)
        until(app, asked, "running")
        arrivals = enqueue(app, other, purpose=Purpose.ARRIVALS)
        assert until_ended(app, arrivals).state == "completed"
        assert current(app, asked).state == "running"
        app.stop_job(asked, Control.CANCEL)
        until_ended(app, asked)


def test_a_job_whose_process_is_killed_is_started_again(
    home: Home, house: House, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.2")
    monkeypatch.setenv("REPRISE_COMMIT_SECONDS", "0.1")
    home.add_many(30)
    with hosting(house) as host:
        job = enqueue(app, home.music)
        wait_for(lambda: current(app, job).counters.done)
        os.kill(host.pids()[0], signal.SIGKILL)
        assert until_ended(app, job).state == "completed"
    assert current(app, job).counters.done == 30
    assert sum(home.computed().values()) <= 30 + 2 * 2
    home.assert_sound()


def test_a_job_whose_process_dies_again_and_again_is_failed_with_the_reason(
    home: Home, house: House, app: App
) -> None:
    home.add("h", content="hang")
    over = threading.Event()
    with hosting(house) as host:

        def kill_all() -> None:
            while not over.wait(0.01):
                for pid in host.pids():
                    if psutil.pid_exists(pid):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_all)
        killer.start()
        job = enqueue(app, home.music)
        ended = until_ended(app, job)
        over.set()
        killer.join()
        assert host.pids() == []
    assert ended.state == "failed"
    assert "3 times" in ended.error
    assert "signal 9" in ended.error
    last = app.catalogue().feed.of_job(app.owner, job.id, 0, 1000)[-1]
    assert last.name == "job_finished"


def test_a_cancel_that_the_dead_process_never_heard_holds(home: Home, house: House, app: App) -> None:
    home.add("h", content="hang")
    with hosting(house) as host:
        job = enqueue(app, home.music)
        wait_for(lambda: home.notes("item"))
        pid = host.pids()[0]
        os.kill(pid, signal.SIGSTOP)
        assert app.stop_job(current(app, job), Control.CANCEL)
        os.kill(pid, signal.SIGKILL)
        assert until_ended(app, job).state == "cancelled"
    assert len(home.notes("load")) <= 2  # the processes of one run


def test_quiet_hours_pause_what_runs_and_let_it_go_on_after_them(
    home: Home, house: House, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.2")
    home.add_many(20)
    quiet = Quiet()
    with hosting(house, quiet):
        job = enqueue(app, home.music)
        wait_for(lambda: home.notes("item"))
        quiet.quiet = True
        paused = until(app, job, "paused")
        assert paused.standing == "queued"
        quiet.quiet = False
        assert until_ended(app, job).state == "completed"
    home.assert_sound()


def test_of_two_servers_one_hosts_and_the_other_takes_over(home: Home, house: House, app: App) -> None:
    home.add("h", content="hang")
    with home.app() as second_app:
        second = House(second_app)
        with hosting(house) as first_host:
            job = enqueue(app, home.music)
            wait_for(first_host.pids)
            with hosting(second) as second_host:
                time.sleep(1)
                assert second_host.pids() == []
                house.stop()
                wait_for(second_host.pids)
                assert current(app, job).standing in {"queued", "running"}
                second_app.stop_job(current(app, job), Control.CANCEL)
                assert until_ended(app, job).state == "cancelled"


def test_jobs_give_way_to_other_programs(home: Home, house: House, app: App) -> None:
    home.add("h", content="hang")
    with hosting(house) as host:
        job = enqueue(app, home.music)
        wait_for(lambda: home.notes("item"))
        runner = psutil.Process(host.pids()[0])
        mine = psutil.Process().nice()
        nice = {process.nice() for process in (runner, *runner.children(recursive=True))}
        assert nice == {min(19, mine + app.settings.whole("job_niceness"))}
        app.stop_job(current(app, job), Control.CANCEL)
        until_ended(app, job)


@pytest.mark.parametrize("cycles", [4, pytest.param(50, marks=pytest.mark.long)])
def test_handles_and_threads_stay_as_many_however_jobs_end(
    home: Home, house: House, app: App, cycles: int
) -> None:
    """Done, failed and cancelled ones in turn. B3."""
    home.add("a")
    other = home.folder / "other"
    home.add("h", content="hang", folder=other)
    process = psutil.Process()
    counted: list[tuple[int, int]] = []
    with hosting(house):
        for cycle in range(cycles):
            model = "broken-load" if cycle % 3 == 1 else "null"
            job = enqueue(app, other if cycle % 3 == 2 else home.music, model)
            if cycle % 3 == 2:
                until(app, job, "running")
                app.stop_job(current(app, job), Control.CANCEL)
            ended = until_ended(app, job)
            assert ended.state == ("completed", "failed", "cancelled")[cycle % 3]
            wait_for(lambda: not house.service(JobHost).pids())
            counted.append((process.num_fds(), threading.active_count()))
    assert max(counted[1:]) <= max(counted[0], counted[1])
