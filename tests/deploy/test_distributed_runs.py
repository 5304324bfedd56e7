"""The profile ``distributed`` as processes instead of containers: the compose file's own commands, settings and health checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psutil
import pytest

from reprise.core.spec import PIPELINE_VERSION
from tests.deploy.test_compose import SERVICES, words
from tests.harness import wait_for
from tests.servers import postgres, redis
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_SECONDS = 120.0


@dataclass
class Stack:
    """Servers run; ``secrets`` holds their addresses, as the engine would mount it."""

    folder: Path
    secrets: Path
    logs: dict[str, Path] = field(default_factory=dict)

    def environment(self, name: str) -> dict[str, str]:
        given = {
            key: value.replace("/run/secrets", str(self.secrets))
            for key, value in SERVICES[name]["environment"].items()
        }
        return {"PATH": os.environ["PATH"], **given, "REPRISE_HOME": str(self.folder / "state")}

    @contextmanager
    def running(self, name: str, command: list[str], **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        self.logs[name] = self.folder / f"{name}.log"
        with (
            self.logs[name].open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-m", *command], env={**self.environment(name), **variables},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            ) as process,
        ):  # fmt: skip
            try:
                yield process
            finally:
                process.terminate()
                process.wait(60)

    def healthy(self, name: str, port: int) -> bool:
        """By the service's own check, asked at another port."""
        check = [word for word in SERVICES[name]["healthcheck"]["test"] if word != "CMD"]
        known = "7744" if name == "api" else "9464"
        check = [sys.executable, *(word.replace(f":{known}/", f":{port}/") for word in check[1:])]
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """As the service ``reprocess`` would."""
        done = subprocess.run(
            [sys.executable, "-m", "reprise", *arguments, "--json"], env=self.environment("reprocess"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with postgres.running_postgres() as database, redis.running_redis() as broker:
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        (secrets / "catalogue_url").write_text(f"{database.database()}\n")
        (secrets / "broker_url").write_text(f"{broker.url()}\n")
        yield Stack(tmp_path, secrets)


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_server_and_workers_find_each_other_and_no_password_leaves_its_file(stack: Stack) -> None:
    port, health = free_port(), free_port()
    worker = SERVICES["worker"]["command"]
    worker = [*worker[: worker.index("--health-port") + 1], str(health), "--health-host", "127.0.0.1"]
    with ExitStack() as running:
        listening = {"REPRISE_PORT": str(port), "REPRISE_HOST": "127.0.0.1"}
        started = [running.enter_context(stack.running("api", words(SERVICES["api"]), **listening))]
        wait_for(lambda: stack.healthy("api", port), PATIENCE_SECONDS)
        started.append(running.enter_context(stack.running("worker", worker)))
        wait_for(lambda: stack.healthy("worker", health), PATIENCE_SECONDS)

        wait_for(lambda: ready(f"http://127.0.0.1:{health}/health/ready"), PATIENCE_SECONDS)
        assert len(wait_for(lambda: stack.run("worker", "--list"), PATIENCE_SECONDS)) == 1
        assert "reprise_worker_up{" in page(f"http://127.0.0.1:{health}/metrics")
        assert stack.run("reprocess", "--list") == []
        family = [
            one for process in started for one in (psutil.Process(process.pid), *_children(process.pid))
        ]
        assert len(family) >= 3, "a server, a supervisor, a worker"
        for one in family:
            for secret in passwords():
                assert secret not in " ".join(one.cmdline())
                assert not [name for name, value in one.environ().items() if secret in value]

    assert [process.returncode for process in started] == [0, 0]
    told = stack.logs["api"].read_text() + stack.logs["worker"].read_text()
    assert not [secret for secret in passwords() if secret in told]
    records = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert records
    assert {record["spec_version"] for record in records} == {PIPELINE_VERSION}


def passwords() -> list[str]:
    """Each as it is and as it stands in an address."""
    return [text for given in (postgres.PASSWORD, redis.PASSWORD) for text in (given, quote(given, safe=""))]


def ready(url: str) -> bool:
    try:
        return '"status": "ok"' in page(url)
    except OSError:
        return False


def _children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)
