"""Notices: told once, of what is worth telling, to whoever the setting names. The receiver is a real HTTP server."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.job import Counters, JobRequest, JobState
from reprise.core.plan import Selection
from reprise.server.house import House
from reprise.server.notices import Notices, notice
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.job import Job
    from tests.harness import Home


class Receiver:
    """Takes what Apprise sends as JSON; answers 500 as often as it is told to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refusals = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.refusals:
                    receiver.refusals -= 1
                    self.send_response(500)
                else:
                    receiver.got.append(json.loads(body))
                    self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/"

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def told(home: Home, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house whose notices go to the receiver; a try comes soon after a failed one."""
    monkeypatch.setattr("reprise.server.notices.TRY_SECONDS", 0.05)
    monkeypatch.setattr("reprise.server.notices.LOOK_SECONDS", 0.05)
    with home.app(notify=receiver.address, notify_minutes=0) as app:
        app.catalogue(create=True)
        yield House(app)


def end_of_job(house: House, home: Home, state: JobState, *, ago: float = 0.0) -> Job:
    library, _ = house.app.library_of(home.music)
    jobs = house.app.catalogue().jobs
    job = jobs.create(JobRequest(Selection("default", library.id), ("null",)), "test", time.time())
    jobs.set_state("default", job.id, state, time.time())
    facts = json.dumps({"event": "job_finished", "job_id": job.id, "state": state, "seconds": 90.0})
    house.app.catalogue().feed.add("default", job.id, "job_finished", facts, time.time() - ago)
    return jobs.get("default", job.id)


def run_until(house: House, condition: Any) -> None:
    notices = Notices(house)
    notices.start()
    try:
        wait_for(condition)
    finally:
        notices.stop()


def settled(house: House) -> bool:
    return not house.app.catalogue().feed.untold("job_finished", "job_told")


def test_an_end_is_told_once_over_restarts(told: House, home: Home, receiver: Receiver) -> None:
    job = end_of_job(told, home, JobState.COMPLETED)
    run_until(told, lambda: settled(told))
    run_until(told, lambda: True)
    assert len(receiver.got) == 1
    assert job.id in receiver.got[0]["title"]
    assert "1.5 minutes" in receiver.got[0]["message"]


def test_a_service_that_is_away_for_a_moment_is_tried_again(
    told: House, home: Home, receiver: Receiver
) -> None:
    receiver.refusals = 2
    end_of_job(told, home, JobState.FAILED)
    run_until(told, lambda: settled(told))
    assert len(receiver.got) == 1


def test_a_pause_is_no_end_and_old_news_is_none(told: House, home: Home, receiver: Receiver) -> None:
    end_of_job(told, home, JobState.PAUSED)
    run_until(told, lambda: settled(told))
    told.app.catalogue().jobs.set_state("default", told.app.catalogue().jobs.all("default", 1)[0].id,
                                        JobState.CANCELLED, time.time())  # fmt: skip
    end_of_job(told, home, JobState.COMPLETED, ago=7200)
    run_until(told, lambda: settled(told))
    assert receiver.got == []


def test_short_jobs_are_told_only_when_they_went_wrong(home: Home, receiver: Receiver) -> None:
    with home.app(notify=receiver.address, notify_minutes=60) as app:
        app.catalogue(create=True)
        house = House(app)
        end_of_job(house, home, JobState.COMPLETED)
        end_of_job(house, home, JobState.COMPLETED_WITH_ERRORS)
        run_until(house, lambda: settled(house))
    assert [got["title"].split(" ", 3)[-1] for got in receiver.got] == ["is done, with errors"]


def test_the_text_has_the_counts_and_what_to_do() -> None:
    from dataclasses import replace

    request = JobRequest(Selection("default", 1), ("muq", "mert"))
    from reprise.core.job import Control, Job, ModelResult, ModelState

    result = ModelResult("muq", 1, ModelState.FINISHED, Counters(1000, 900, 70, 30))
    job = Job(id="j1", request=request, state=JobState.COMPLETED_WITH_ERRORS, control=Control.NONE, spec_version="v",
              items=1000, percent=100.0, created_at=0.0, started_at=0.0, finished_at=1.0, planned=True, error="mert: gone",
              models=(result,))  # fmt: skip
    title, body = notice(job, {"seconds": 600.0})
    assert title == "Reprise: job j1 is done, with errors"
    assert "Of 1,000 operations 900 done, 70 skipped, 30 failed" in body
    assert "Why: mert: gone" in body
    assert "reprise errors" in body
    assert "reprise errors" not in notice(replace(job, models=()), {"seconds": 1.0})[1]
