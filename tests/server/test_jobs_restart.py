"""Servers as processes: killed in the middle of a job and started again, the same job goes on; two start one job."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.harness import PATIENCE_SECONDS, is_running, wait_for
from tests.server.job_steps import enqueue, library_of

if TYPE_CHECKING:
    from tests.harness import Home


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return {"PLUGIN_MODELS_SECONDS": "0.2", "REPRISE_COMMIT_SECONDS": "0.1"}


def serve(home: Home, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "reprise", "serve", "--port", str(port), "--home", str(home.state)]
    environment = {**home.environment, "REPRISE_ADMIN_PASSWORD": "correct horse battery", **variables}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def runner_of(server: subprocess.Popen[bytes]) -> psutil.Process | None:
    for child in psutil.Process(server.pid).children():
        if "resume" in child.cmdline():
            return child
    return None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_same_job_goes_on_after_a_restart(
    home: Home, slow: dict[str, str], number: signal.Signals
) -> None:
    home.add_many(60)
    with home.app() as app:
        app.catalogue(create=True)
        job = enqueue(app, home.music)

        def now() -> Any:
            return app.catalogue().jobs.get("default", job.id)

        with serve(home, slow) as server:
            wait_for(lambda: now().counters.done >= 10)
            runner = runner_of(server)
            assert runner is not None
            server.send_signal(number)
            server.wait(PATIENCE_SECONDS)
        wait_for(lambda: not is_running(runner))
        stopped = now()
        assert stopped.counters.done < 60
        assert stopped.standing == "queued"
        with serve(home, {}) as server:
            percents = [stopped.percent]
            while not (seen := now()).state.ended:
                percents.append(seen.percent)
                assert server.poll() is None
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE_SECONDS) == 0
        assert seen.state == "completed"
        assert percents == sorted(percents)
        assert [found.id for found in app.catalogue().jobs.all("default", 10)] == [job.id]
    assert sum(home.computed().values()) <= 60 + 4  # a batch of what two workers had in hand
    home.assert_sound()


def test_a_job_that_somebody_paused_stays_paused(home: Home, slow: dict[str, str]) -> None:
    home.add_many(60)
    with home.app() as app:
        app.catalogue(create=True)
        job = enqueue(app, home.music)
        with serve(home, slow) as server:
            wait_for(lambda: app.catalogue().jobs.get("default", job.id).counters.done)
            assert home.run("jobs", "pause", job.id).last["running"]
            wait_for(lambda: app.catalogue().jobs.get("default", job.id).state == "paused")
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE_SECONDS)
        with serve(home, slow) as server:
            other = home.folder / "other"
            home.add("o", folder=other)
            second = enqueue(app, other)
            wait_for(lambda: app.catalogue().jobs.get("default", second.id).state == "completed")
            assert app.catalogue().jobs.get("default", job.id).state == "paused"
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE_SECONDS)


def test_when_both_the_server_and_its_job_are_killed_the_job_goes_on(
    home: Home, slow: dict[str, str]
) -> None:
    home.add_many(40)
    with home.app() as app:
        app.catalogue(create=True)
        job = enqueue(app, home.music)
        with serve(home, slow) as server:
            wait_for(lambda: app.catalogue().jobs.get("default", job.id).counters.done)
            runner = runner_of(server)
            assert runner is not None
            server.kill()
            runner.kill()
        # Its lock is let go when its last thread has ended, which may be after it has become a zombie.
        wait_for(lambda: app.state_of(app.catalogue().jobs.get("default", job.id)) == "interrupted")
        with serve(home, {}) as server:
            wait_for(lambda: app.catalogue().jobs.get("default", job.id).state == "completed")
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE_SECONDS)
    home.assert_sound()


def test_of_fifty_starts_in_two_servers_at_once_one_is_taken(home: Home) -> None:
    home.add("h", content="hang")
    with home.app() as app:
        app.catalogue(create=True)
        library = library_of(app, home.music)
    go = home.folder / "go"
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, home.environment["PYTHONPATH"]])
    command = [sys.executable, "-m", "tests.server.start_at_once"]
    servers = [
        subprocess.Popen(
            [*command, str(home.state), str(library), "25", str(go)],
            env={**home.environment, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for server in servers:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
    go.touch()
    answers: list[tuple[int, dict[str, Any]]] = []
    for server in servers:
        assert server.stdout is not None
        answers += json.loads(server.stdout.readline())
    taken = [body for status, body in answers if status == 202]
    refused = [body for status, body in answers if status == 409]
    assert (len(taken), len(refused)) == (1, 49)
    assert all(taken[0]["id"] in body["message"] for body in refused)
    wait_for(lambda: len(home.notes("load")) == 2)  # the two processes of the one run
    assert home.run("jobs", "cancel", taken[0]["id"]).last["running"]
    with home.app() as app:  # a server that ended before would hand the job over to the other one
        wait_for(lambda: app.catalogue().jobs.get("default", taken[0]["id"]).state.ended)
    for server in servers:
        with server:
            server.communicate(timeout=PATIENCE_SECONDS)
        assert server.returncode == 0
    assert len(home.notes("load")) == 2
