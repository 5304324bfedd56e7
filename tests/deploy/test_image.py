"""The image's recipe: what goes in, who it runs as, and that its first stage builds what it promises.

No engine builds it here. The second stage, a package of Debian's and a copy, is read and not run.
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from reprise import __version__
from tests.deploy.dockerfile import Bench, stages_of
from tests.harness import wait_for
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
BUILD, FINAL = stages_of((ROOT / "Dockerfile").read_text())
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split("\n")


def copied() -> list[str]:
    return [word for one in BUILD.all("COPY") for word in one.words.split()[:-1]]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_gets_into_the_context(source: str) -> None:
    assert (ROOT / source).exists()
    if any(TRACKED):
        assert any(name == source or name.startswith(f"{source}/") for name in TRACKED), (
            "git does not have it"
        )
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_nothing_else_gets_into_the_context() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_all_that_building_the_package_reads_is_copied() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    for name in re.findall(r'(?:readme = "|license-files = \[")([^"]+)"', project):
        assert name in copied()


def test_packages_come_from_the_lock_with_their_hashes() -> None:
    installs = re.findall(r"pip [^&;]*install[^&;]*", " ; ".join(one.words for one in BUILD.all("RUN")))
    assert len(installs) == 5
    for command in installs:
        if "-r requirements/" in command:
            assert "--require-hashes" in command
            assert (ROOT / re.findall(r"-r (\S+)", command)[0]).is_file()
        elif "torch==" not in command:
            assert command.strip().endswith("--no-deps --no-build-isolation .")
    assert not any("pip" in one.words for one in FINAL.all("RUN"))


def test_pytorch_is_the_version_of_the_setup_script() -> None:
    found = {re.findall(r"torch==[\d.]+", text)[0] for text in
             ((ROOT / "Dockerfile").read_text(), (ROOT / "scripts" / "setup").read_text())}  # fmt: skip
    assert len(found) == 1


def test_the_two_locks_of_an_image_with_models_agree() -> None:
    servers, models = (
        dict(
            re.findall(
                r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE
            )
        )
        for name in ("servers", "models")
    )
    both = servers.keys() & models.keys()
    assert len(both) > 50
    assert {name: servers[name] for name in both} == {name: models[name] for name in both}


def test_it_runs_as_nobody_in_particular_and_ends_in_order() -> None:
    assert FINAL.last("USER").words == "1000:1000"
    keywords = [one.keyword for one in FINAL.instructions]
    assert "RUN" not in keywords[keywords.index("USER") :]
    assert FINAL.last("STOPSIGNAL").words == "SIGTERM"
    assert FINAL.last("ENTRYPOINT").listed == ["/usr/bin/tini", "--"]
    assert FINAL.last("CMD").listed == ["reprise", "serve"]
    assert FINAL.last("HEALTHCHECK").words
    assert "ADD" not in {one.keyword for stage in (BUILD, FINAL) for one in stage.instructions}


def test_both_stages_stand_on_the_same_named_release() -> None:
    assert BUILD.base == FINAL.base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", BUILD.base)
    assert f'base.name="docker.io/library/{FINAL.base}"' in FINAL.last("LABEL").words


def test_no_secret_is_baked_in() -> None:
    for stage in (BUILD, FINAL):
        for one in (*stage.all("ENV"), *stage.all("ARG")):
            assert not re.search("PASSWORD|SECRET|TOKEN|KEY", one.words)


@pytest.mark.long
def test_the_first_stage_builds_a_reprise_that_serves_its_panel(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ROOT, ("/build", "/venv", "/node"), {"MODELS": "no"})
    bench.carry_out(BUILD)
    reprise = tmp_path / "venv" / "bin" / "reprise"
    home = {
        "REPRISE_HOME": str(tmp_path / "state"),
        "PATH": "/usr/bin:/bin",
        "REPRISE_PORT": str(free_port()),
    }
    told = subprocess.run([reprise, "--version"], env=home, capture_output=True, text=True, check=True).stdout
    assert told == f"reprise, version {__version__}\n"
    assert not (tmp_path / "venv" / "bin" / "pip").exists()
    for package in ("psycopg", "dramatiq", "redis", "pika", "pymilvus", "opensearchpy"):
        subprocess.run([reprise.with_name("python"), "-c", f"import {package}"], env=home, check=True)

    with subprocess.Popen([reprise, "serve"], env=home, stderr=subprocess.PIPE) as server:
        try:
            address = f"http://127.0.0.1:{home['REPRISE_PORT']}"
            live = json.loads(wait_for(lambda: asked(f"{address}/api/v1/health/live")))
            assert live["version"] == __version__
            assert b'<script type="module"' in asked(f"{address}/")
        finally:
            server.terminate()
            server.wait(30)
            assert server.stderr is not None
            server.stderr.close()


def asked(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return b""
