"""``reprise doctor`` beside servers: which of them answer, and what to do about those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.harness import wait_for

if TYPE_CHECKING:
    from tests.servers.redis import Redis
    from tests.workers.site import Site


def findings(site: Site) -> dict[str, dict[str, Any]]:
    ran = site.home.run("doctor")
    return {event["check"]: event for event in ran.events if "check" in event}


def test_servers_that_answer_are_named_without_their_passwords(site: Site) -> None:
    with site.workers(), site.app() as app:
        wait_for(lambda: app.catalogue().workers.all(60.0))
        found = findings(site)
    assert found["catalogue"]["fact"].startswith("PostgreSQL, reprise_")
    assert "wider" not in str(found), "that is a part of the password"
    assert found["broker"]["good"]
    assert found["workers"]["fact"] == "1 there"


def test_a_broker_that_is_away_is_said_with_its_cure(site: Site, redis: Redis) -> None:
    with site.app():
        redis.kill()
    found = findings(site)
    assert found["catalogue"]["good"]
    assert not found["broker"]["good"]
    assert "start the broker" in found["broker"]["cure"]
