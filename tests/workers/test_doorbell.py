"""A server whose jobs workers run: it rings for them, and sees that none is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reprise.core.job import Purpose
from reprise.engine.start import HOST
from reprise.errors import BadSetting, JobConflict
from reprise.server.doorbell import Doorbell
from reprise.server.house import House
from reprise.server.job_host import JobHost, ring, runner_of_jobs
from reprise.working import SharedWork, bell_of, reconciler_of
from tests.harness import wait_for
from tests.server.running import administrator, running

if TYPE_CHECKING:
    from tests.harness import Home
    from tests.servers.redis import Redis
    from tests.workers.site import Site


def test_a_job_that_somebody_starts_in_the_panel_is_run_by_a_worker(site: Site) -> None:
    site.home.add_many(20)
    with running(site.home) as server, administrator(server) as client, site.workers() as workers:
        library = client.post("/libraries", json={"path": str(site.home.music), "watch": False}).json()
        started = client.post("/jobs", json={"library_id": library["id"], "models": ["null"]})
        assert started.status_code < 300, started.text
        job = started.json()["id"]
        wait_for(lambda: client.get(f"/jobs/{job}").json()["state"] == "completed")
        wait_for(lambda: {line["job_id"] for line in workers.named("slice_finished")} == {job})
        parts = client.get("/health/ready").json()["components"]
        assert [part["status"] for part in parts if part["name"] == "jobs"] == ["ok"]


def test_the_doorbell_rings_for_what_was_put_into_the_queue_while_no_server_lived(
    site: Site, redis: Redis
) -> None:
    job = site.enqueue("null")
    redis.flush()
    with site.app() as app:
        jobs = app.catalogue().jobs
        jobs.answer(job.owner, job.id)  # so that nobody has rung for it
        house = House(app)
        doorbell = runner_of_jobs(house, lambda _: None)
        assert isinstance(doorbell, Doorbell)
        house.start([doorbell])
        try:
            bell = bell_of(app)
            wait_for(lambda: bell.waiting() == 1)
            assert app.locks.held(HOST)
            redis.flush()
            jobs.answer(job.owner, job.id)
            ring(house)
            wait_for(lambda: bell.waiting() == 1, 5.0)
            redis.kill()
            ring(house)
            wait_for(lambda: "does not answer" in doorbell.trouble())
            redis.start()
            ring(house)
            wait_for(lambda: not doorbell.trouble())
        finally:
            house.stop()
        assert not app.locks.held(HOST)


def test_without_a_broker_the_server_runs_jobs_itself(home: Home) -> None:
    with home.app() as app:
        app.catalogue(create=True)
        assert isinstance(runner_of_jobs(House(app), lambda _: None), JobHost)


def test_a_broker_without_a_shared_catalogue_is_refused_at_the_start(home: Home) -> None:
    with home.app(broker_url="redis://127.0.0.1:1") as app:
        app.catalogue(create=True)
        with pytest.raises(BadSetting, match="catalogue_url is not set"):
            House(app).start([runner_of_jobs(House(app), lambda _: None)])


def test_workers_and_a_server_that_runs_jobs_itself_keep_out_of_each_others_way(site: Site) -> None:
    with site.app() as alone, site.app() as other, alone.locks.try_lock(HOST) as ours:
        assert ours
        doorbell = Doorbell(House(other))
        with pytest.raises(JobConflict, match="without broker_url"):
            doorbell.start()


def test_nothing_is_rung_for_in_quiet_hours_but_what_just_came(site: Site) -> None:
    job = site.enqueue("null")
    with site.app(quiet_hours="00:00-24:00") as app:
        work = SharedWork(app)
        assert work.quiet(job)
        assert not work.quiet(replace(job, request=replace(job.request, purpose=Purpose.ARRIVALS)))
        assert reconciler_of(app).look() == 0
