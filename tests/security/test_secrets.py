"""Secrets of settings: each is a canary, everything that can fail does, and nothing anywhere sings.

What the log masks in general is in ``tests/cli/test_log_records.py``; files of secrets in ``tests/test_settings.py``.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psutil
import pytest

from reprise.known_settings import SETTINGS
from tests.harness import wait_for
from tests.server.running import PASSWORD, administrator, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Home

BIRD = "tweety-canary-0123456789-abcdefghij"


@pytest.fixture
def nowhere() -> Iterator[int]:
    """A port that refuses everybody: it is taken, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


AT_ONCE = ("REPRISE_JWT_SECRET", "REPRISE_ADMIN_PASSWORD", "REPRISE_NOTIFY", "REPRISE_CATALOGUE_URL")
"""What is refused as soon as settings are read, whatever the command."""


def canaries(port: int) -> dict[str, str]:
    """Every secret setting, so that its server is not there or refuses."""
    host = f"u:{BIRD}@127.0.0.1:{port}"
    known = {
        "acoustid_key": BIRD, "endpoint_key": BIRD, "subsonic_password": BIRD, "admin_password": BIRD, "jwt_secret": BIRD,
        "catalogue_url": f"postgresql://{host}/x", "store_url": f"http://{host}", "lexical_url": f"http://{host}",
        "broker_url": f"redis://{host}/0", "notify": f"json://{host}/{BIRD}",
    }  # fmt: skip
    assert set(known) == {one.name for one in SETTINGS if one.secret}, "a new secret is tried here too"
    return {f"REPRISE_{name.upper()}": value for name, value in known.items()}


def birds_in(home: Home, told: dict[str, str]) -> list[str]:
    """Where the canary sang: in what was told, or in a file of the state folder that is no file of settings."""
    sung = [name for name, text in told.items() if BIRD in text]
    return sung + [
        str(path.relative_to(home.state))
        for path in home.state.rglob("*")
        if path.is_file() and path.name != "config.toml" and BIRD.encode() in path.read_bytes()
    ]


def test_no_command_sings_when_a_server_is_away(home: Home, nowhere: int) -> None:
    """Database, store and broker in turn, each of them away: what commands say, in JSON, in words and in the log."""
    home.add("one")
    assert home.embed("--model", "null").code == 0
    known, told = canaries(nowhere), dict[str, str]()
    plain = {name: value for name, value in known.items() if not name.endswith("_URL")}
    impatient = {
        "REPRISE_SERVER_TIMEOUT": "0.2",
        "REPRISE_SERVER_PATIENCE": "0",
        "REPRISE_LOG_LEVEL": "debug",
    }
    for words in ("doctor", "settings"):
        told[f"{words} with keys"] = said_by(home, words, **plain, **impatient)
    away: tuple[tuple[str, dict[str, str]], ...] = (
        ("REPRISE_CATALOGUE_URL", {}), ("REPRISE_STORE_URL", {"REPRISE_STORE": "opensearch"}),
        ("REPRISE_LEXICAL_URL", {"REPRISE_LEXICAL_STORE": "opensearch"}),
    )  # fmt: skip
    for name, besides in away:
        for words in ("doctor", f"embed {home.music} --model null"):
            variables = {**plain, **impatient, **besides, name: known[name]}
            told[f"{words} with {name}"] = said_by(home, *words.split(), **variables)
    assert birds_in(home, told) == []
    assert all(told.values())


def said_by(home: Home, *command: str, **variables: str) -> str:
    outcome = home.run(*command, **variables)
    return f"{outcome.events}{outcome.stderr}"


def test_no_setting_that_is_wrong_sings(home: Home) -> None:
    """A secret that is refused is refused without being told: too short, of a cloud, in a broken file, in two places."""
    told = {}
    bad = {
        "REPRISE_CATALOGUE_URL": f"postgresql://u:{BIRD}@169.254.169.254/x", "REPRISE_STORE_URL": f"odd-{BIRD}://[",
        "REPRISE_BROKER_URL": f"odd://{BIRD}", "REPRISE_JWT_SECRET": BIRD[:9], "REPRISE_NOTIFY": f"odd://{BIRD}",
        "REPRISE_LEXICAL_URL": f"http://u:{BIRD}@[::1", "REPRISE_ADMIN_PASSWORD": BIRD[:7],
    }  # fmt: skip
    for name, value in bad.items():
        besides = {"REPRISE_STORE": "opensearch"} if "STORE" in name else {}
        besides |= {"REPRISE_LEXICAL_STORE": "opensearch"} if "LEXICAL" in name else {}
        words = {"REPRISE_BROKER_URL": "worker --once", **dict.fromkeys(AT_ONCE, "settings")}.get(
            name, "doctor"
        )
        told[name] = said_by(home, *words.split(), **{name: value}, **besides)
    home.state.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(
        (f'endpoint_key = "{BIRD}', f"endpoint_key = {BIRD}", f'endpoint_key = ["{BIRD}"]')
    ):
        home.state.joinpath("config.toml").write_text(line)
        told[f"line {number}"] = said_by(home, "settings")
    sung = [name for name, text in told.items() if BIRD[:7] in text]
    assert sung == []


def test_no_answer_log_or_process_of_a_server_sings(home: Home, nowhere: int) -> None:
    """A server with every key, everything that they are for away; its answers, events, log and all its processes."""
    home.add("one", "two")
    known = {name: value for name, value in canaries(nowhere).items() if not name.endswith("_URL")}
    known |= {"REPRISE_ADMIN_PASSWORD": PASSWORD, "REPRISE_NOTIFY_MINUTES": "0", "REPRISE_LOG_LEVEL": "debug"}
    known |= {"REPRISE_SUBSONIC_URL": f"http://127.0.0.1:{nowhere}", "REPRISE_SUBSONIC_USER": "ada"}
    known |= {"REPRISE_ENDPOINT": f"http://127.0.0.1:{nowhere}", "REPRISE_ENDPOINT_MODEL": "m"}
    told = dict[str, str]()
    with running(home, port=None, **known) as server:
        with administrator(server) as web:
            library = web.post("/libraries", json={"path": str(home.music)}).json()["id"]
            job = web.post("/jobs", json={"library_id": library, "models": ["null"]}).json()["id"]
            lines = set[str]()

            def ended() -> bool:
                for process in [
                    psutil.Process(server.process.pid),
                    *psutil.Process(server.process.pid).children(recursive=True),
                ]:
                    try:
                        lines.add(" ".join(process.cmdline()))
                    except psutil.NoSuchProcess:
                        continue
                return web.get(f"/jobs/{job}").json()["state"] in {
                    "completed",
                    "failed",
                    "completed_with_errors",
                }

            wait_for(ended)
            for path in ("/settings", "/doctor", "/health/ready", "/models", "/following", "/events/recent", f"/jobs/{job}",
                         f"/jobs/{job}/events", "/failures/recent", "/openapi.json", "/search?q=x"):  # fmt: skip
                told[path] = web.get(path).text
            items = [item["id"] for item in web.get("/items").json()["items"]]
            told["send"] = web.post("/playlists/send", json={"name": "x", "item_ids": items}).text
            bad = {"Authorization": f"Bearer {BIRD}"}
            told["bad token"] = web.get("/auth/me", headers=bad).text
            told["bad setting"] = web.patch(
                "/settings", json={"jwt_secret": BIRD[:9], "notify": f"x://{BIRD}"}
            ).text
            told["bad login"] = web.post("/auth/login", json={"name": BIRD, "password": BIRD}).text
            told["metrics"] = web.get(f"{server.url}/metrics").text
        told["command lines"] = "\n".join(lines)
        code, told["log"] = server.end(15)
    assert code == 0
    assert birds_in(home, told) == []
    assert len(lines) > 1, "a job is a process of its own"
    assert "debug" in told["log"], "the log told everything"
