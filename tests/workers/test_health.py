"""Health over HTTP."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request

import pytest

from reprise.core.health import DEGRADED, OK, Component
from reprise.errors import BadSetting
from reprise.runners.health import Answer, answering, as_json, readiness


def read(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_pages_are_answered_and_others_are_not() -> None:
    pages = {
        "/health/live": lambda: as_json({"status": OK}),
        "/metrics": lambda: Answer(200, b"a 1\n", "text/plain"),
    }
    with answering("127.0.0.1", 0, pages) as url:
        assert read(f"{url}/health/live") == (200, "application/json", '{"status": "ok"}')
        assert read(f"{url}/metrics?x=1") == (200, "text/plain", "a 1\n")
        assert read(f"{url}/")[0] == 404


@pytest.mark.parametrize(
    ("statuses", "code", "whole"), [((OK, OK), 200, OK), ((OK, DEGRADED), 503, DEGRADED)]
)
def test_it_is_ready_when_every_part_is(statuses: tuple[str, ...], code: int, whole: str) -> None:
    answer = readiness([Component(str(n), status) for n, status in enumerate(statuses)])
    assert answer.status == code
    assert json.loads(answer.body)["status"] == whole


def test_a_port_that_is_taken_is_refused_with_a_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting, match=str(port)) as refused, answering("127.0.0.1", port, {}):
            pass
    assert "--health-port" in refused.value.cure
