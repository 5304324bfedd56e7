"""The supervisor, over processes of a few lines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from reprise.runners import supervisor as supervising
from reprise.runners.supervisor import Post, Supervisor, signals_counted
from reprise.runners.worker_figures import WorkerFigures
from reprise.working import graphics_cards
from tests.harness import is_running, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

BEAT = {
    "event": "worker_beat",
    "job_id": "a",
    "slices": {"more": 2},
    "busy_seconds": 1.5,
    "operations": {"null": [3, 1]},
    "error": "store_away",
    "error_at": 5.0,
}
WAITING = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); "


def start(code: str) -> Callable[[Post], subprocess.Popen[str]]:
    """Processes that tell one beat, then do what the code says."""

    def launch(_post: Post) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", f"{WAITING}print({json.dumps(json.dumps(BEAT))}, flush=True); {code}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return launch


class Running:
    """A supervisor at work in a thread. ``asked`` is how often somebody asked for the end."""

    def __init__(self, code: str, count: int = 1, *, once: bool = False) -> None:
        self.told: list[Mapping[str, Any]] = []
        self.asked = 0
        self.code: int | None = None
        posts = [Post(number, "cpu") for number in range(1, count + 1)]
        self.supervisor = Supervisor(posts, start(code), self.told.append, once=once)
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = self.supervisor.run(lambda: self.asked)

    def __enter__(self) -> Running:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.asked = max(self.asked, 2)
        self.thread.join(30.0)
        assert not self.thread.is_alive()

    def pid(self, number: int = 1) -> int:
        """Of the process that holds the post now, once it has told its beat."""
        worker = self.supervisor.workers[number - 1]
        wait_for(lambda: worker.up and worker.totals.beat.get("job_id"))
        assert worker.process is not None
        return worker.process.pid

    def named(self, event: str) -> list[Mapping[str, Any]]:
        return [facts for facts in self.told if facts["event"] == event]


def test_a_worker_that_dies_is_started_anew_and_its_sibling_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervising, "FIRST_WAIT", 0.05)
    with Running("time.sleep(600)", count=2) as running:
        first, sibling = running.pid(1), running.pid(2)
        psutil.Process(first).kill()
        wait_for(lambda: len(running.named("worker_started")) == 3)
        assert running.pid(1) != first
        assert running.pid(2) == sibling
        assert [(one["worker"], one["how"]) for one in running.named("worker_ended")] == [(1, "signal 9")]


def test_waits_grow_with_every_death_in_a_row_and_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(supervising, "LONGEST_WAIT", 0.03)
    with Running("sys.exit(3)") as running:
        wait_for(lambda: len(running.named("worker_ended")) >= 4)
    waits = [ended["again_in"] for ended in running.named("worker_ended")]
    assert waits[:4] == [0.01, 0.02, 0.03, 0.03]


def test_one_that_was_well_for_long_is_started_at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(supervising, "SOUND_SECONDS", 0.0)
    with Running("sys.exit(3)") as running:
        wait_for(lambda: len(running.named("worker_ended")) >= 3)
    assert {ended["again_in"] for ended in running.named("worker_ended")} == {0.01}


def test_asked_once_workers_end_in_order() -> None:
    with Running("time.sleep(600)", count=2) as running:
        pids = [running.pid(1), running.pid(2)]
        running.asked = 1
        running.thread.join(10.0)
    assert running.code == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_asked_twice_they_are_killed_with_all_that_they_have_started() -> None:
    stubborn = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); import subprocess;"
        " subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
    )
    with Running(stubborn) as running:
        process = psutil.Process(running.pid())
        child = wait_for(process.children)[0]
        running.asked = 1
        time.sleep(0.5)
        assert is_running(process)
        running.asked = 2
        running.thread.join(10.0)
        wait_for(lambda: not is_running(child))
    assert running.code == 0


def test_those_that_are_to_end_by_themselves_are_not_started_again() -> None:
    with Running("sys.exit(1)", count=2, once=True) as running:
        running.thread.join(10.0)
        assert not running.thread.is_alive()
    assert running.code == 1
    assert len(running.named("worker_started")) == 2


def test_unless_they_die_which_is_given_up_after_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_WAIT", 0.01)
    with Running("import os; os.kill(os.getpid(), 9)", once=True) as running:
        running.thread.join(20.0)
        assert not running.thread.is_alive()
    assert running.code == 2
    assert len(running.named("worker_started")) == 3


def test_figures_add_up_over_processes_that_have_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_WAIT", 0.01)
    with Running("time.sleep(600)") as running:
        figures = WorkerFigures(running.supervisor.workers, lambda: 4, lambda: None)
        psutil.Process(running.pid()).kill()
        wait_for(lambda: len(running.named("worker_started")) == 2)
        running.pid()
        text = figures.text().decode()
    for line in (
        'reprise_worker_slices_total{device="cpu",end="more",worker="1"} 4.0',
        'reprise_worker_operations_total{device="cpu",model="null",outcome="done",worker="1"} 6.0',
        'reprise_worker_operations_total{device="cpu",model="null",outcome="failed",worker="1"} 2.0',
        'reprise_worker_busy_seconds_total{device="cpu",worker="1"} 3.0',
        'reprise_worker_restarts_total{device="cpu",worker="1"} 1.0',
        'reprise_worker_up{device="cpu",worker="1"} 1.0',
        'reprise_worker_busy{device="cpu",worker="1"} 1.0',
        'reprise_worker_last_error_timestamp_seconds{code="store_away",device="cpu",worker="1"} 5.0',
        "reprise_queue_messages 4.0",
    ):
        assert line in text
    assert "reprise_jobs_waiting" not in text  # it is not known


def test_signals_are_counted_and_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with signals_counted() as count:
        assert count() == 0
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert count() == 2
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("visible", "count"), [(None, 2), ("", 0), ("1", 1), ("0,1,2", 2)])
def test_graphics_cards_are_counted_without_loading_what_uses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int
) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert graphics_cards(tmp_path) == count
