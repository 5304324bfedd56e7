"""A server beneath which something gives way answers with errors of ours, stays, and answers as before afterwards."""

from __future__ import annotations

import errno
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from tests.faults import means
from tests.faults.below import Rule, failing
from tests.faults.workloads import EMBED
from tests.harness import wait_for
from tests.server.running import administrator, running

if TYPE_CHECKING:
    from tests.faults.lab import Lab

READ = ("/libraries", "/jobs", "/items", "/health/ready")


def test_a_server_that_can_open_no_more_files_lives_on(lab: Lab) -> None:
    """Whoever comes then is refused or waits; who comes later is served."""
    lab.put_back(EMBED)
    limits = ("open", "create", "pipe")
    with (
        lab.board(*(failing(call, Path("/"), errno.EMFILE) for call in limits)) as board,
        running(lab.home, port=None, **board.environment) as server,
        administrator(server) as client,
    ):
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        means.use_up_descriptors(server.process.pid)
        _knock(server.url, 3)
        wait_for(lambda: board.struck)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        wait_for(lambda: _serves(server.url))
        assert [client.get(path).status_code for path in READ] == [200] * len(READ)
        code, _ = server.end(signal.SIGTERM)
    assert code == 0
    assert lab.losses(EMBED) == []


def test_a_server_whose_catalogue_fails_says_so_and_goes_on(lab: Lab) -> None:
    lab.put_back(EMBED)
    rule = Rule("read", lab.home.state / "catalogue.sqlite", errno.EIO, armed=False)
    closed = Rule("open", lab.home.state / "catalogue.sqlite", errno.EIO, armed=False)
    full = Rule("write", lab.home.state, errno.ENOSPC, armed=False)
    with (
        lab.board(rule, closed, full) as board,
        running(lab.home, port=None, **board.environment) as server,
        administrator(server) as client,
    ):
        for number in range(3):
            board.arm(number)
        answer = client.post("/users", json={"name": "one", "role": "user"})
        assert answer.status_code in (503, 507), answer.text
        assert answer.json()["code"]
        assert answer.json()["cure"]
        assert board.struck > 0
        board.disarm()
        assert client.post("/users", json={"name": "two", "role": "user"}).status_code == 201
        code, errors = server.end(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in errors
    assert lab.losses(EMBED) == []


def _knock(url: str, times: int) -> None:
    for _ in range(times):
        try:
            httpx2.get(f"{url}/api/v1/health/live", timeout=1.0)
        except httpx2.HTTPError:
            continue


def _serves(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/api/v1/health/live", timeout=5.0).status_code == 200
    except httpx2.HTTPError:
        return False
