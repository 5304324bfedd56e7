"""The script that makes the secrets of the compose file, and the server that takes them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.deploy.reading import ROOT, documents, filled
from tests.harness import wait_for
from tests.servers.ports import free_port
from tests.servers.wanted import missing

if TYPE_CHECKING:
    from pathlib import Path

PASSWORDS = ("milvus", "postgres", "redis")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.sh"
    path.write_bytes((ROOT / "deploy" / "secrets.sh").read_bytes())
    return path


def run(script: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False, cwd="/")


def contents(script: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (script.parent / "secrets").iterdir()}


def test_passwords_are_long_and_each_another(script: Path) -> None:
    assert run(script).returncode == 0
    made = [contents(script)[f"{name}_password"] for name in PASSWORDS]
    assert all(len(password) == 48 for password in made)
    assert len(set(made)) == 3


def test_addresses_hold_the_passwords(script: Path) -> None:
    run(script)
    made = contents(script)
    owners = {"catalogue_url": "postgres", "broker_url": "redis", "milvus_url": "milvus"}
    for name, owner in owners.items():
        assert unquote(urlsplit(made[name].strip()).password or "") == made[f"{owner}_password"]
        assert urlsplit(made[name].strip()).hostname == owner
    assert f"COMMON_SECURITY_DEFAULTROOTPASSWORD={made['milvus_password']}\n" in made["milvus.env"]
    assert made["redis_password"] not in made["redis_users"]


def test_our_own_readers_take_the_addresses(script: Path) -> None:
    from reprise.catalog.postgres_errors import read_address
    from reprise.runners.dramatiq import brokers
    from reprise.stores.milvus import address as milvus

    run(script)
    made = {name: text.strip() for name, text in contents(script).items()}
    database = read_address(made["catalogue_url"])
    assert database.database == "reprise"
    assert made["postgres_password"] not in database.shown
    assert brokers.place(made["broker_url"]) == "redis://redis:6379"
    store = milvus.parsed(made["milvus_url"])
    assert (store.uri, store.token) == ("http://milvus:19530", f"root:{made['milvus_password']}")


def test_nobody_else_gets_to_the_files_and_nothing_is_told(script: Path) -> None:
    done = run(script)
    folder = script.parent / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    for name, text in contents(script).items():
        if name != ".gitignore":
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o444
            assert text.strip() not in done.stdout + done.stderr


def test_what_is_there_stays(script: Path) -> None:
    run(script)
    before = contents(script)
    assert run(script).returncode == 0
    assert contents(script) == before


def test_a_password_of_ones_own_goes_into_the_addresses(script: Path) -> None:
    run(script)
    own = script.parent / "secrets" / "postgres_password"
    own.unlink()
    own.write_text("Sesame-1.open\n")
    assert run(script).returncode == 0
    assert contents(script)["catalogue_url"] == "postgresql://reprise:Sesame-1.open@postgres:5432/reprise\n"


@pytest.mark.parametrize("password", ["sesame street", "s@same", "s/same", "100%", "lönger", "a\nb"])
def test_a_password_that_an_address_cannot_hold_is_refused(script: Path, password: str) -> None:
    folder = script.parent / "secrets"
    folder.mkdir()
    (folder / "postgres_password").write_text(password)
    done = run(script)
    assert done.returncode == 2
    assert "deploy/secrets/postgres_password: letters, digits" in done.stderr
    assert password not in done.stderr
    assert not (folder / "catalogue_url").exists()


def test_redis_takes_the_password_and_the_health_check_tells_whether_it_serves(script: Path) -> None:
    if shutil.which("redis-server") is None:
        missing("redis-server is not installed")
    run(script)
    service = filled(documents(ROOT / "compose.yaml")[0], {})["services"]["redis"]
    secrets, port = str(script.parent / "secrets"), free_port()
    command = [word.replace("/run/secrets", secrets) for word in service["command"]]
    command[command.index("/data")] = str(script.parent)
    check = service["healthcheck"]["test"][1].replace("/run/secrets", secrets)
    check = check.replace("redis-cli", f"redis-cli -p {port}")

    def healthy(checked: str = check) -> bool:
        return subprocess.run(["sh", "-c", checked], capture_output=True, check=False).returncode == 0

    assert not healthy()
    place = ["--port", str(port), "--bind", "127.0.0.1", "--logfile", str(script.parent / "log")]
    with subprocess.Popen([*command, *place]) as server:
        try:
            wait_for(healthy)
            assert not healthy(check.replace("redis_password", "postgres_password"))
            assert not healthy(f"redis-cli -p {port} ping | grep -q PONG")
            import redis

            url = contents(script)["broker_url"].strip().replace("redis:6379", f"127.0.0.1:{port}")
            with redis.Redis.from_url(url) as client:
                client.lpush("queue", "message")
                assert client.llen("queue") == 1
        finally:
            server.terminate()
            server.wait(30)
    assert os.listdir(script.parent / "appendonlydir")
