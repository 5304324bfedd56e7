"""The same workers, woken by RabbitMQ: its address is all that differs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reprise.errors import BrokerRefused
from reprise.runners.dramatiq.bell import Bell
from tests.servers.rabbitmq import running_rabbitmq

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.rabbitmq import RabbitMq
    from tests.workers.site import Site


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMq]:
    with running_rabbitmq() as server:
        yield server


def test_two_workers_do_a_job_from_its_start_to_its_end(site: Site, rabbitmq: RabbitMq) -> None:
    site.home.add_many(120)
    site.home.environment["REPRISE_BROKER_URL"] = rabbitmq.url()
    with site.workers(count=2, PLUGIN_MODELS_SECONDS="0.05", REPRISE_SLICE_SECONDS="2") as workers:
        job = site.enqueue("null")
        site.wait_until_ended(job)
        assert workers.end() == 0
    site.assert_whole(job, 120)
    assert set(site.computed().values()) == {1}
    assert {line["worker"] for line in workers.named("slice_finished")} == {1, 2}
    assert Bell(rabbitmq.url()).waiting() == 0


@pytest.mark.parametrize("change", [{"password": "sesame"}, {"virtual_host": "elsewhere"}])
def test_whoever_is_not_let_in_is_told_so_without_the_password(
    rabbitmq: RabbitMq, change: dict[str, str]
) -> None:
    with pytest.raises(BrokerRefused) as refused:
        Bell(rabbitmq.url(**change)).ring("1f7eeed7")
    told = json.dumps([refused.value.message, refused.value.cure])
    assert "sesame" not in told
    assert "broker_url" in told
