"""Listening and ending: TCP, the Unix socket, signals, and who was there first."""

from __future__ import annotations

import signal
import socket
import stat
from typing import TYPE_CHECKING

import httpx2
import psutil
import pytest

from reprise.errors import BadSetting
from reprise.server.listening import listening
from tests.harness import PATIENCE_SECONDS
from tests.server.running import administrator, free_port, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home

LIVE = "/api/v1/health/live"


def ask_over(path: str) -> int:
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=path), timeout=PATIENCE_SECONDS) as client:
        return client.get(f"http://localhost{LIVE}").status_code


def test_one_server_answers_on_both_sockets_and_removes_its_file(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with running(home, "--uds", str(place)) as server:
        assert server.told == {"event": "listening", "url": server.url, "uds": str(place)}
        assert httpx2.get(server.url + LIVE, timeout=PATIENCE_SECONDS).status_code == 200
        assert ask_over(str(place)) == 200
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        code, errors = server.end(signal.SIGTERM)
    assert code == 0
    assert f"listening on {server.url}" in errors
    assert f"listening on {place}" in errors
    assert not place.exists()


def test_ctrl_c_is_a_good_end_too(home: Home) -> None:
    with running(home) as server:
        code, errors = server.end(signal.SIGINT)
    assert code == 0
    assert "Traceback" not in errors


def test_a_server_without_tcp(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with running(home, "--uds", str(place), port=0) as server:
        assert server.told["url"] is None
        assert ask_over(str(place)) == 200
        listened = [
            c for c in psutil.Process(server.process.pid).net_connections("tcp") if c.status == "LISTEN"
        ]
        assert listened == []


def test_the_socket_that_a_killed_server_left_is_replaced(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with running(home, "--uds", str(place)) as server:
        server.end(signal.SIGKILL)
    assert place.is_socket()
    with running(home, "--uds", str(place)) as server:
        assert ask_over(str(place)) == 200
        assert server.end(signal.SIGTERM)[0] == 0
    assert not place.exists()


def test_a_state_folder_has_one_server(home: Home, tmp_path: Path) -> None:
    with running(home) as server:
        second = home.run("serve", "--port", str(free_port()))
        assert second.code == 2
        assert second.last["code"] == "job_conflict"
        assert "is running already" in second.stderr
        doctor = home.run("doctor")
        assert {
            "event": "finding",
            "check": "server",
            "good": True,
            "fact": "runs",
            "cure": "",
        } in doctor.events
        assert server.end(signal.SIGTERM)[0] == 0


def test_a_port_in_use_is_a_clear_error(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = home.run("serve", "--port", str(port))
    assert outcome.code == 2
    assert outcome.last["message"] == f"port {port} of 127.0.0.1 is in use"
    assert "--port" in outcome.last["cure"]
    assert "Traceback" not in outcome.stderr


def test_listening_nowhere_is_refused(home: Home) -> None:
    outcome = home.run("serve", "--port", "0")
    assert outcome.code == 2
    assert "nowhere" in outcome.last["message"]


def test_it_ends_within_seconds_although_streams_are_open(home: Home) -> None:
    with running(home) as server, administrator(server) as client, client.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        code, errors = server.end(signal.SIGTERM)
        assert code == 0
        assert list(lines)[-1] == ""  # the stream has its end, it was not cut
    assert errors.splitlines() == [f"listening on {server.url}"]


def test_a_normal_day_leaves_nothing_in_the_log(home: Home) -> None:
    """Only the line that says where it listens: no debug noise, no access log."""
    with running(home) as server, administrator(server) as client:
        for path in ("/models", "/settings", "/health/ready", "/jobs", "/nothing", "/events/recent"):
            client.get(path)
        _, errors = server.end(signal.SIGTERM)
    assert errors.splitlines() == [f"listening on {server.url}"]


# sockets, without a server behind them


def test_a_living_socket_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with listening("127.0.0.1", 0, str(place)) as first:
        before = place.stat().st_ino
        with pytest.raises(BadSetting, match="another server listens"), listening("", 0, str(place)):
            pass
        assert place.stat().st_ino == before
        assert first.uds == str(place)
    assert not place.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_is_never_removed(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "s.sock"
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadSetting, match="is no socket"), listening("", 0, str(place)):
        pass
    assert place.is_symlink() or place.exists()


@pytest.mark.parametrize("place", ["missing/s.sock", "x" * 200])
def test_a_socket_that_cannot_be_made_is_told_with_its_path(tmp_path: Path, place: str) -> None:
    with pytest.raises(BadSetting) as error, listening("", 0, str(tmp_path / place)):
        pass
    assert place in error.value.message
    assert error.value.cure


def test_a_socket_that_somebody_put_in_our_place_is_not_ours_to_remove(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as other:
        with listening("", 0, str(place)):
            place.unlink()
            other.bind(str(place))
        assert place.is_socket()


def test_the_first_socket_goes_when_the_second_cannot_be_had(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(BadSetting), listening("127.0.0.1", port, str(tmp_path / "missing" / "s.sock")):
        pass
    with listening("127.0.0.1", port, "") as again:
        assert again.url == f"http://127.0.0.1:{port}"


def test_a_host_of_the_newer_kind(tmp_path: Path) -> None:
    port = free_port()
    try:
        with listening("[::1]", port, "") as places:
            assert places.url == f"http://[::1]:{port}"
            with socket.create_connection(("::1", port), timeout=PATIENCE_SECONDS):
                pass
    except BadSetting:
        pytest.skip("this machine does not speak IPv6")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a\u00fc..b"])
def test_a_host_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(BadSetting, match="cannot listen on"), listening(host, free_port(), ""):
        pass
