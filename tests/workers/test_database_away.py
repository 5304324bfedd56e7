"""A database that restarts under running workers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.servers.postgres import running_postgres
from tests.workers.site import Site, settings_of

if TYPE_CHECKING:
    from tests.harness import Home
    from tests.servers.redis import Redis


def test_workers_come_back_to_a_job_whose_database_was_away(home: Home, redis: Redis) -> None:
    home.add_many(200)
    with running_postgres() as server:
        site = Site(home, dict(settings_of(server.database(), redis.url(), REPRISE_SERVER_TIMEOUT="2")))
        with site.workers(count=2, PLUGIN_MODELS_SECONDS="0.05") as workers:
            job = site.enqueue("null")
            site.wait_for_done(job, 20)
            pids = workers.pids()
            server.stop("immediate")
            time.sleep(3.0)
            server.start()
            site.wait_until_ended(job, 120.0)
            assert workers.pids() == pids  # nobody died of it
        site.assert_whole(job, 200)
