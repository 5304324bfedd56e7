"""Workers woken by a real Redis, on a real PostgreSQL."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.core.job import Control, JobState
from reprise.working import reconciler_of, workers_there
from tests.harness import is_running, wait_for

if TYPE_CHECKING:
    from reprise.core.job import Job
    from tests.servers.redis import Redis
    from tests.workers.site import Site


def test_two_workers_share_one_job_and_compute_each_item_once(site: Site) -> None:
    site.home.add_many(400)
    with site.workers(count=2, PLUGIN_MODELS_SECONDS="0.02") as workers:
        job = site.enqueue("null")
        site.wait_until_ended(job)
        assert workers.end() == 0
    site.assert_whole(job, 400)
    assert set(site.computed().values()) == {1}
    assert {line["worker"] for line in workers.named("slice_finished")} == {1, 2}


def test_what_a_killed_worker_had_in_hand_is_taken_up_within_ninety_seconds(site: Site) -> None:
    site.home.add_many(200)
    with site.workers(count=2, PLUGIN_MODELS_SECONDS="0.05") as workers:
        job = site.enqueue("null")
        site.wait_for_done(job, 20)
        killed = time.monotonic()
        psutil.Process(workers.pids()[0]).kill()
        site.wait_until_ended(job, 90.0)
        assert time.monotonic() - killed < 90.0
        assert [line["how"] for line in workers.named("worker_ended")] == ["signal 9"]
        assert len(workers.named("worker_started")) == 3  # its sibling was left alone
    site.assert_whole(job, 200)
    assert sum(site.computed().values()) < 220


def test_a_redis_that_dies_and_comes_back_empty_costs_no_job(site: Site, redis: Redis) -> None:
    site.home.add_many(200)
    with site.workers(count=2, PLUGIN_MODELS_SECONDS="0.05"):
        job = site.enqueue("null")
        site.wait_for_done(job, 20)
        redis.kill()
        time.sleep(1.0)
        redis.start()
        site.wait_until_ended(job, 90.0)
    site.assert_whole(job, 200)


def test_a_message_that_was_lost_is_rung_again(site: Site, redis: Redis) -> None:
    job = site.enqueue("null")
    with site.app() as app:
        reconciler = reconciler_of(app)
        assert reconciler.look() == 0  # one waits
        redis.flush()
        assert reconciler.look() == 0  # it may just have been taken
        reconciler.patience = 0.0
        assert reconciler.look() == 1
        assert reconciler.waiting == 1
        assert reconciler.bell.waiting() == 1
        with app.storage.shared_locks.share(f"job-{job.id}"):
            redis.flush()
            assert reconciler.look() == 0  # somebody is at it


def test_enqueueing_does_not_fail_while_the_broker_is_away(site: Site, redis: Redis) -> None:
    redis.kill()
    job = site.enqueue("null")
    redis.start()
    with site.app() as app:
        reconciler = reconciler_of(app)
        reconciler.patience = 0.0
        assert reconciler.look() == 1
    assert site.job(job).state is JobState.QUEUED


def test_a_worker_that_is_told_to_end_lets_go_of_all_that_it_has_in_hand(site: Site) -> None:
    site.home.add_many(60)
    with site.workers(PLUGIN_MODELS_SECONDS="0.3") as workers:
        job = site.enqueue("null")
        site.wait_for_done(job, 2)
        began = time.monotonic()
        assert workers.end() == 0
        assert time.monotonic() - began < 10.0
    with site.app() as app:
        assert open_rows(site, job)["leased"] == 0
        assert not app.job_alive(job.id)
        assert workers_there(app) == []
    assert site.job(job).state is JobState.RUNNING
    with site.workers(PLUGIN_MODELS_SECONDS="0"):
        site.wait_until_ended(job)
    site.assert_whole(job, 60)


def test_workers_end_when_their_supervisor_is_killed(site: Site) -> None:
    site.home.add_many(60)
    with site.workers(count=2, PLUGIN_MODELS_SECONDS="0.3") as workers:
        job = site.enqueue("null")
        site.wait_for_done(job, 2)
        family = psutil.Process(workers.process.pid).children(recursive=True)
        workers.process.kill()
        wait_for(lambda: not any(map(is_running, family)), 15.0)
    assert open_rows(site, job)["leased"] == 0


def test_a_second_signal_ends_them_at_once(site: Site) -> None:
    site.home.add("hang", content="hang")
    with site.workers(PLUGIN_MODELS_LOAD_SECONDS="30") as workers:
        site.enqueue("slow-load")
        wait_for(lambda: site.home.notes("load"))
        family = psutil.Process(workers.process.pid).children(recursive=True)
        workers.process.send_signal(signal.SIGTERM)
        workers.process.send_signal(signal.SIGINT)
        workers.process.wait(5.0)
        wait_for(lambda: not any(map(is_running, family)), 5.0)


def test_pause_and_cancel_reach_running_workers_within_two_seconds(site: Site) -> None:
    site.home.add_many(400)
    with site.workers("--health-port", "0", count=2, PLUGIN_MODELS_SECONDS="0.1") as workers:
        job = site.enqueue("null")
        site.wait_for_done(job, 10)
        look_at_health(workers.named("health")[0]["url"])
        assert_stops(site, job, "pause", JobState.PAUSED)
        done = site.done(job)
        with site.app() as app:
            app.host_again(site.job(job))
            site.ring(app, job)
        site.wait_for_done(job, done + 10)
        assert {line["job_id"] for line in listed(site)} == {job.id}
        assert_stops(site, job, "cancel", JobState.CANCELLED)
        assert site.done(job) < 400


def assert_stops(site: Site, job: Job, verb: str, state: JobState) -> None:
    """Two seconds after the command no row is committed any more, and soon the job says so."""
    assert site.home.run("jobs", verb, job.id).code == 0
    time.sleep(2.0)
    done = site.done(job)
    time.sleep(1.5)
    assert site.done(job) == done
    wait_for(lambda: site.job(job).state is state, 5.0)


def look_at_health(url: str) -> None:
    def read(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{url}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def counted() -> str:
        figures = read("/metrics")[1]
        names = ('model="null",outcome="done",worker="1"', 'model="null",outcome="done",worker="2"')
        return figures if all(name in figures for name in names) else ""

    assert read("/health/live")[0] == 200
    wait_for(lambda: read("/health/ready")[0] == 200)
    parts: list[dict[str, Any]] = json.loads(read("/health/ready")[1])["components"]
    assert {part["name"]: part["status"] for part in parts} == dict.fromkeys(
        ("catalogue", "store", "broker", "workers"), "ok"
    )
    figures = wait_for(counted)
    assert 'reprise_worker_up{device="auto",worker="1"} 1.0' in figures
    assert "reprise_queue_messages" in figures
    assert "reprise_jobs_waiting" in figures
    assert read("/elsewhere")[0] == 404


def listed(site: Site) -> list[dict[str, Any]]:
    """What ``--list`` shows, once both workers have said what they are at."""

    def both() -> list[dict[str, Any]] | None:
        events = site.home.run("worker", "--list").events
        return events if len(events) == 2 and all(line["job_id"] for line in events) else None

    found: list[dict[str, Any]] = wait_for(both)
    return found


def test_once_works_off_what_waits_and_ends_without_any_broker(site: Site) -> None:
    site.home.add_many(30)
    job = site.enqueue("null", "null-b")
    done = site.home.run("worker", "--once", REPRISE_BROKER_URL="")
    assert done.code == 0, done.stderr
    site.assert_whole_models(job, 30, ("null", "null-b"))


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"REPRISE_BROKER_URL": "redis://:sesame@127.0.0.1:{port}"}, "broker_refused", "let us in"),
        ({"REPRISE_BROKER_URL": ""}, "bad_setting", "broker_url is not set"),
        ({"REPRISE_BROKER_URL": "http://:sesame@127.0.0.1"}, "bad_setting", "names no broker"),
        ({"REPRISE_CATALOGUE_URL": ""}, "bad_setting", "catalogue_url is not set"),
    ],
)
def test_workers_that_cannot_work_say_why_without_the_password(
    site: Site, redis: Redis, variables: dict[str, str], code: str, said: str
) -> None:
    given = {name: value.format(port=redis.port) for name, value in variables.items()}
    done = site.home.run("worker", **given)
    assert done.code == 2
    assert done.last["code"] == code
    assert said in done.last["message"]
    assert done.last["cure"]
    assert "sesame" not in done.stderr + json.dumps(done.events)


def open_rows(site: Site, job: Job) -> dict[str, int]:
    with site.app() as app:
        space = app.catalogue().spaces.all(job.owner)[-1]
        left = app.catalogue().ledger.open_work(job.owner, job.id, space.id)
    return {"pending": left.pending, "leased": left.in_hand}


def test_a_cancelled_job_that_nobody_is_at_ends_when_somebody_looks(site: Site) -> None:
    job = site.enqueue("null")
    with site.app() as app:
        app.catalogue().jobs.ask(job.owner, job.id, Control.CANCEL)
        assert reconciler_of(app).look() == 0
    assert site.job(job).state is JobState.CANCELLED
