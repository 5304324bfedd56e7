"""Messages on a broker that is none: what the actor makes of them."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reprise.errors import BadSetting
from reprise.runners.dramatiq.bell import ACTOR, VERSION
from reprise.runners.dramatiq.brokers import QUEUE, broker_for, middleware, parsed, place
from reprise.runners.dramatiq.reprocess import declare
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def stub_worker(serve: Callable[[str], bool]) -> Iterator[tuple[Any, Any]]:
    """A broker in this process with one worker thread, and the actor."""
    from dramatiq import Worker
    from dramatiq.brokers.stub import StubBroker

    broker = StubBroker(middleware=middleware())
    actor = declare(broker, serve)
    worker = Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        yield broker, actor
    finally:
        worker.stop(timeout=5000)
        broker.close()


def test_a_message_holds_the_jobs_id_and_nothing_else() -> None:
    heard: list[str] = []

    def serve(job_id: str) -> bool:
        heard.append(job_id)
        return True

    with stub_worker(serve) as (broker, actor):
        message = actor.message("1f7eeed7", version=VERSION)
        facts = json.loads(message.encode())
        assert (facts["queue_name"], facts["actor_name"]) == ("reprocessing", "reprocess") == (QUEUE, ACTOR)
        assert (facts["args"], facts["kwargs"]) == (["1f7eeed7"], {"version": 1})
        broker.enqueue(message)
        broker.join(QUEUE, timeout=5000)
    assert heard == ["1f7eeed7"]


def test_limits_and_retries_are_those_that_were_agreed() -> None:
    with stub_worker(lambda _: True) as (_, actor):
        options = {
            name: actor.options[name] for name in ("time_limit", "max_retries", "min_backoff", "max_backoff")
        }
    assert options == {
        "time_limit": 7_200_000,
        "max_retries": 3,
        "min_backoff": 30_000,
        "max_backoff": 600_000,
    }


@pytest.fixture(autouse=True)
def _said_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged is heard here, whatever libraries of earlier tests have silenced in this process."""
    monkeypatch.setattr(logging.root.manager, "disable", 0)
    for name in ("reprise", "reprise.runners.dramatiq.reprocess"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "propagate", True)
        monkeypatch.setattr(logger, "disabled", False)
        monkeypatch.setattr(logger, "level", logging.NOTSET)
        monkeypatch.setattr(logger, "_cache", {})


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [(("a",), {"version": 2}), (("a", "b"), {}), ((), {}), ((7,), {}), (({"job": "a"},), {"version": 1})],
)
def test_a_message_of_another_release_is_dropped_with_a_line_in_the_log(
    arguments: tuple[object, ...], facts: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def serve(job_id: str) -> bool:
        heard.append(job_id)
        return True

    with stub_worker(serve) as (broker, actor):
        broker.enqueue(actor.message(*arguments, **facts))
        broker.join(QUEUE, timeout=5000)
        assert broker.dead_letters == []
    assert heard == []
    assert "a message is dropped that this release does not understand" in caplog.text


def test_while_a_server_is_away_the_message_comes_again_after_thirty_seconds() -> None:
    from dramatiq import Middleware

    delays: list[int] = []

    class Hearing(Middleware):  # type: ignore[misc,unused-ignore]
        def before_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:
            if delay is not None:
                delays.append(delay)

    with stub_worker(lambda _: False) as (broker, actor):
        broker.add_middleware(Hearing())
        broker.enqueue(actor.message("a", version=VERSION))
        wait_for(lambda: delays, 5.0)
    assert 30_000 <= delays[0] <= 60_000  # up to twice the time, by chance, so that not all come at once


def test_an_interruption_at_the_end_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    at_it, ended = threading.Event(), threading.Event()

    def serve(_job_id: str) -> bool:
        at_it.set()
        try:
            while True:
                ended.wait(0.01)
        finally:
            ended.set()

    with stub_worker(serve) as (broker, actor):
        broker.enqueue(actor.message("a", version=VERSION))
        assert at_it.wait(5.0)
    assert ended.is_set()
    assert broker.dead_letters == []
    assert "did not let go in time" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_only_the_middleware_that_is_named_is_used() -> None:
    broker = broker_for("redis://127.0.0.1:1", 1.0)
    kinds = [type(one).__name__ for one in broker.middleware]
    assert kinds == ["TimeLimit", "ShutdownNotifications", "Retries"]
    broker.client.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://:secret@h",
        "redis://",
        "redis://:secret@h:70000",
        "redis://:se/cret@h:1",
        "amqp://:0",
    ],
)
def test_an_address_that_names_no_broker_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting) as refused:
        parsed(url)
    assert "secret" not in f"{refused.value.message}{refused.value.cure}"


def test_people_see_the_address_without_user_and_password() -> None:
    assert place("rediss://ada:secret@bells.example/3") == "rediss://bells.example:6379"
    assert place("amqps://ada:secret@bells.example/%2f") == "amqps://bells.example:5671"
