"""The paths and the socket of earlier embedding services, with their clients' own words, over real jobs."""

from __future__ import annotations

import base64
import json
import os
import socket
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from reprise.server.api import create_api
from reprise.server.house import House
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Home


@pytest.fixture
def served(home: Home, tmp_path: Path) -> Iterator[House]:
    """A house whose programs need no token, and that embeds what is new with the cheapest model."""
    home.add_many(3)
    flags = {
        "allowed_hosts": "testserver",
        "compat_owner": "default",
        "scan_models": "null",
        "embed_socket": str(tmp_path / "embed.sock"),
        "watch": True,
        "watch_delay": 0.05,
    }
    with home.app(**flags) as app:
        app.catalogue(create=True)
        app.library_of(home.music)
        yield House(app)


@pytest.fixture
def program(served: House) -> Iterator[TestClient]:
    """A program of this machine."""
    with TestClient(create_api(served), client=("127.0.0.1", 50_000)) as opened:
        yield opened


def ask(path: str, line: bytes) -> dict[str, Any]:
    """One line to the socket, one line back."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            found: dict[str, Any] = json.loads(answer.readline())
        return found


def test_a_file_of_a_library_is_embedded_while_its_asker_waits(program: TestClient, home: Home) -> None:
    path = home.add("fresh")[0]
    answer = program.post("/embed/audio", json={"music_file": str(path), "name": "fresh"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "ok"
    assert answer.json()["models"] == {"null": "done"}
    again = program.post("/embed/audio", json={"music_file": str(path), "name": "fresh"}).json()
    assert again["allDuplicates"]
    assert home.computed()["fresh.mp3"] == 1
    assert program.get("/embed/status", params={"name": "fresh.mp3"}).json()["embedded"]
    assert not program.post("/embed/status", json={"name": "nobody - knows"}).json()["embedded"]


def test_data_that_comes_along_is_kept_and_embedded(program: TestClient, served: House) -> None:
    data = base64.b64encode(b"sound that nobody has").decode()
    asked = {"music_file": "/elsewhere/../song.mp3", "name": "song", "music_data_b64": data}
    answer = program.post("/embed/audio", json=asked)
    assert answer.status_code == 200, answer.text
    kept = list((served.app.home / "received").rglob("song.mp3"))
    assert [path.read_bytes() for path in kept] == [b"sound that nobody has"]


def test_a_bad_file_is_answered_with_its_reason_and_costs_nothing_else(
    program: TestClient, home: Home
) -> None:
    path = home.add("odd", content="raise")[0]
    answer = program.post("/embed/audio", json={"music_file": str(path)})
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "asked",
    [
        {"music_file": "/nowhere/at/all.mp3"},
        {"music_file": ""},
        {"music_file": "a\0b", "music_data_b64": "c291bmQ="},
        {"music_file": "\ud800.mp3"},
        {"music_file": "x.mp3", "music_data_b64": "!!!"},
        {"music_file": "x.mp3", "music_data_b64": "===="},
        {"music_file": "/etc/passwd"},
    ],
)
def test_what_is_no_file_of_ours_is_400_with_a_cure(program: TestClient, asked: dict[str, str]) -> None:
    answer = program.post(
        "/embed/audio", content=json.dumps(asked), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.json()["message"]
    assert answer.json()["cure"]


def test_a_received_name_cannot_leave_its_folder(program: TestClient, served: House) -> None:
    data = base64.b64encode(b"sound").decode()
    asked = {
        "music_file": "/x/..\\..\\..\\evil.mp3",
        "music_data_b64": data,
        "cue_file": "../../up.cue",
        "cue_data_b64": data,
    }
    program.post("/embed/audio", json=asked)
    outside = [path for path in served.app.home.rglob("*") if path.name in {"evil.mp3", "up.cue"}]
    assert all(path.is_relative_to(served.app.home / "received") for path in outside)
    assert len(outside) == 2


def test_a_batch_in_their_words_runs_to_its_end(program: TestClient) -> None:
    assert program.get("/batch/progress").json()["status"] in {"idle", "completed", "running", "initialized"}
    started = program.post("/batch/start", json={"models": ["null", "slow-load"], "clearExisting": False})
    assert started.status_code == 202, started.text
    assert program.post("/batch/start", json={"models": ["null"]}).status_code == 409
    end = wait_for(
        lambda: (found := program.get("/batch/progress").json())["status"] == "completed" and found
    )
    assert (end["total_tracks"], end["total_operations"]) == (3, 6)
    assert (end["processed_tracks"], end["processed_operations"]) == (3, 6)
    assert end["progress_percent"] == 100
    assert program.post("/batch/cancel").status_code == 409


def test_a_batch_is_cancelled(program: TestClient, served: House) -> None:
    started = program.post("/batch/start", json={"models": ["null"], "clearExisting": True}).json()
    assert program.post("/batch/cancel").json()["job_ids"] == started["job_ids"]
    jobs = served.app.catalogue().jobs
    wait_for(lambda: jobs.get("default", started["job_ids"][0]).state.ended)


@pytest.mark.parametrize("models", [["x"], [], ["null", "null"]])
def test_models_that_make_no_sense_start_nothing(
    program: TestClient, served: House, models: list[str]
) -> None:
    answer = program.post("/batch/start", json={"models": models})
    assert answer.status_code == 422
    assert "muq" in answer.text
    asked = [job for job in served.app.catalogue().jobs.all("default", 10) if job.asked_by == "batch"]
    assert asked == []


def test_who_is_not_of_this_machine_needs_a_token(served: House) -> None:
    with TestClient(create_api(served), client=("203.0.113.7", 50_000)) as foreign:
        assert foreign.get("/embed/health").status_code == 401
        assert foreign.post("/batch/start", json={"models": ["null"]}).status_code == 401
    with TestClient(create_api(served), client=("127.0.0.1", 50_000)) as behind_a_proxy:
        headers = {"X-Forwarded-For": "203.0.113.7"}
        assert behind_a_proxy.get("/embed/health", headers=headers).status_code == 401


def test_without_the_setting_everybody_needs_a_token(home: Home) -> None:
    with home.app(allowed_hosts="testserver") as app:
        app.catalogue(create=True)
        with TestClient(create_api(House(app)), client=("127.0.0.1", 1)) as program:
            assert program.get("/embed/health").status_code == 401


def test_health_and_text(program: TestClient) -> None:
    assert program.get("/embed/health").json()["status"] in {"ok", "degraded"}
    answer = program.post("/embed_text", json={"text": "slow piano"})
    assert answer.status_code == 422
    assert "embedded by a model that reads text" in answer.text


def test_the_socket_speaks_one_line(program: TestClient, home: Home, tmp_path: Path) -> None:
    path = str(tmp_path / "embed.sock")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    song = home.add("by-socket")[0]
    asked = {"music_file": str(song), "name": "by-socket", "request_id": "r7"}
    answer = ask(path, json.dumps(asked).encode() + b"\n")
    assert (answer["status"], answer["request_id"]) == ("ok", "r7")
    assert ask(path, b'{"action": "status", "name": "by-socket"}\n')["embedded"]
    assert ask(path, b'{"action": "health", "request_id": 5}')["request_id"] == 5
    assert ask(path, b'{"action": "flush"}\n')["status"] == "ok"


@pytest.mark.parametrize(
    "line",
    [b"nonsense\n", b"[1]\n", b'{"action": "dance"}\n', b'{"action": 7}\n', b"{}\n", b'{"music_file": 5}\n', b"\xff\xfe\n",
     b'{"music_file": "/nowhere"}\n'],
)  # fmt: skip
def test_a_bad_line_is_an_error_and_the_next_client_is_served(
    program: TestClient, tmp_path: Path, line: bytes
) -> None:
    path = str(tmp_path / "embed.sock")
    answer = ask(path, line)
    assert answer["status"] == "error"
    assert answer["message"]
    assert ask(path, b'{"action": "health"}\n')["status"] in {"ok", "degraded"}


def test_many_clients_are_served_together(program: TestClient, home: Home, tmp_path: Path) -> None:
    """Their server handled one connection at a time, so that each waited for those before."""
    songs = home.add(*(f"many{n}" for n in range(6)))
    answers: list[dict[str, Any]] = []

    def client(song: Path) -> None:
        answers.append(
            ask(str(tmp_path / "embed.sock"), json.dumps({"music_file": str(song)}).encode() + b"\n")
        )

    threads = [threading.Thread(target=client, args=(song,)) for song in songs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["status"] for answer in answers] == ["ok"] * 6


def test_the_socket_goes_with_the_server_and_a_dead_ones_file_is_replaced(
    served: House, tmp_path: Path
) -> None:
    path = tmp_path / "embed.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with TestClient(create_api(served)):
        assert ask(str(path), b'{"action": "health"}\n')["status"] in {"ok", "degraded"}
    assert not path.exists()
