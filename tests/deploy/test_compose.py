"""The compose file: every profile is a whole installation, nothing runs that need not, no secret stands in it."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from reprise.settings import BY_NAME
from tests.deploy.reading import ROOT, assert_parses, assert_settings, documents, filled, variables_of

PATH = ROOT / "compose.yaml"
GPU = ROOT / "deploy" / "compose.gpu.yaml"
COMPOSE: dict[str, Any] = filled(documents(PATH)[0], {})
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROFILES = {"all-in-one", "distributed", "milvus", "opensearch", "manual"}
SERVERS = {name for name, service in SERVICES.items() if service.get("ports")}
OURS = {name for name, service in SERVICES.items() if service["image"].startswith("reprise:")}
RUNS_AS_ROOT = {"milvus"}
"""As its makers ship it."""
WRITES_EVERYWHERE = {"milvus", "opensearch"}
"""What they write beside their volumes their makers do not say."""


def members(profile: str) -> set[str]:
    return {name for name, service in SERVICES.items() if profile in service["profiles"]}


def words(service: dict[str, Any], *more: str) -> list[str]:
    """What the container runs, without the init process."""
    entry = service.get("entrypoint", ["/usr/bin/tini", "--"])
    command = list(more) or service.get("command", ["reprise", "serve"])
    assert entry[:2] == ["/usr/bin/tini", "--"]
    return [*entry[2:], *command]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made as an operator makes them."""
    folder = tmp_path_factory.mktemp("deploy")
    script = folder / "secrets.sh"
    script.write_bytes((ROOT / "deploy" / "secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    return folder / "secrets"


def test_every_profile_has_what_it_promises() -> None:
    assert {profile for service in SERVICES.values() for profile in service["profiles"]} == PROFILES
    assert members("all-in-one") == {"reprise"}
    basics = {"postgres", "redis"}
    assert members("distributed") == basics | {"api", "worker"}
    for store in ("milvus", "opensearch"):
        assert members(store) == basics | {store, f"api-{store}", f"worker-{store}"}
    assert members("manual") == {"reprocess", "reprocess-alone", "reprocess-milvus", "reprocess-opensearch"}


@pytest.mark.parametrize("profile", sorted(PROFILES - {"manual"}))
def test_one_server_of_a_profile_publishes_a_port_and_to_this_machine_alone(profile: str) -> None:
    published = {name: SERVICES[name]["ports"] for name in members(profile) if SERVICES[name].get("ports")}
    assert list(published.values()) == [["127.0.0.1:7744:7744"]]
    assert not any("network_mode" in service or service.get("privileged") for service in SERVICES.values())


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_watched_bounded_and_held_back(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r":[\w-]*\d+\.\d+|:local$", service["image"]), "pinned by its version"
    assert ":latest" not in service["image"]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert limits["pids"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["logging"]["options"]["max-size"]
    assert service.get("user", "root") != "root" or name in RUNS_AS_ROOT
    assert service.get("read_only") or name in WRITES_EVERYWHERE
    once = "manual" in service["profiles"]
    assert service["restart"] == ("no" if once else "unless-stopped")
    assert service["healthcheck"] == {"disable": True} if once else service["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_refers_to_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert source in COMPOSE["volumes"] or source == "./music" or (ROOT / source).is_file(), source
    for other, how in service.get("depends_on", {}).items():
        assert set(service["profiles"]) <= set(SERVICES[other]["profiles"]), "it would not be started"
        assert how == {"condition": "service_healthy"}
    given = {
        value for key, value in service.get("environment", {}).items() if key.endswith("_FILE") and value
    }
    assert {path.rpartition("/")[2] for path in given} <= set(service.get("secrets", ()))


def test_what_keeps_data_is_reached_by_server_and_workers_alone() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    keepers = set(SERVICES) - OURS
    assert {name for name in keepers if SERVICES[name]["networks"] == ["inside"]} == keepers
    assert SERVICES["opensearch"]["environment"]["DISABLE_SECURITY_PLUGIN"] == "true"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_are_set_up_with_settings_that_there_are(name: str, secrets: Path) -> None:
    assert_settings(SERVICES[name]["environment"], secrets)


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_run_commands_that_there_are(name: str) -> None:
    assert_parses(words(SERVICES[name]))


@pytest.mark.parametrize("name", sorted(members("manual")))
def test_a_single_run_takes_the_arguments_of_reprocess(name: str) -> None:
    assert_parses(words(SERVICES[name], "--scope", "video", "--video-id", "1"))
    assert words(SERVICES[name])[:2] == ["reprise", "reprocess"]


@pytest.mark.parametrize(("server", "worker"), [("api", "worker"), ("api-milvus", "worker-milvus"),
                                                ("api-opensearch", "worker-opensearch")])  # fmt: skip
def test_server_workers_and_single_runs_of_a_profile_are_set_up_alike(server: str, worker: str) -> None:
    once = server.replace("api", "reprocess")
    assert SERVICES[worker]["environment"] == SERVICES[once]["environment"]
    assert SERVICES[worker]["environment"].items() <= SERVICES[server]["environment"].items()
    assert SERVICES[worker]["secrets"] == SERVICES[once]["secrets"] == SERVICES[server]["secrets"]
    assert SERVICES[worker]["volumes"] == SERVICES[once]["volumes"] == SERVICES[server]["volumes"]


def test_music_is_only_read() -> None:
    for name in OURS:
        assert [volume for volume in SERVICES[name]["volumes"] if ":/music" in volume] == [
            "./music:/music:ro"
        ]


def test_no_secret_stands_in_the_file_and_none_has_a_default() -> None:
    for path in (PATH, GPU):
        text = path.read_text()
        assert not re.search(r"://[^\s/]*:[^\s/]*@", text)
        for line in text.splitlines():
            if re.search(r"PASSWORD|SECRET_KEY|TOKEN|API_KEY", line) and not line.lstrip().startswith("#"):
                assert re.search(r"_FILE: (/run/secrets/|\$\{\w+:-\}$)", line), line
    assert {name: secret["file"] for name, secret in COMPOSE["secrets"].items()} == {
        name: f"./deploy/secrets/{name}" for name in COMPOSE["secrets"]
    }


def test_the_script_makes_every_secret_that_is_asked_for(secrets: Path) -> None:
    asked = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    asked |= {Path(path).name for service in SERVICES.values() for path in service.get("env_file", ())}
    made = {path.name for path in secrets.iterdir()}
    assert asked <= made
    assert made - asked == {".gitignore", "milvus_password"}


def test_health_is_asked_where_it_is_told() -> None:
    for name in OURS - members("manual"):
        asked = re.findall(r"127\.0\.0\.1:(\d+)(/[\w/]+)", SERVICES[name]["healthcheck"]["test"][-1])[0]
        if name in SERVERS:
            assert asked == (str(BY_NAME["port"].default), "/api/v1/health/live")
        else:
            command = SERVICES[name]["command"]
            assert asked == (command[command.index("--health-port") + 1], "/health/live")


def test_the_variables_an_operator_may_set_are_told_in_the_documents() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    asked = variables_of(PATH.read_text()) | variables_of(GPU.read_text())
    assert [name for name in sorted(asked) if f"`{name}`" not in page] == []


def test_the_graphics_card_goes_to_those_who_compute() -> None:
    services = filled(documents(GPU)[0], {})["services"]
    assert set(services) == {"reprise", *(name for name in SERVICES if name.startswith("worker"))}
    for name, service in services.items():
        assert name in SERVICES
        device = service["deploy"]["resources"]["reservations"]["devices"][0]
        assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
        assert service["build"]["args"]["MODELS"] == "yes"


@pytest.mark.parametrize("path", [PATH, GPU], ids=lambda path: str(path.name))
def test_it_is_valid_by_the_schema_of_the_compose_specification(path: Path) -> None:
    found = find_spec("check_jsonschema")
    if found is None or found.origin is None:
        pytest.skip("the package check-jsonschema, which brings that schema, is not installed")
    import jsonschema_rs

    schema = Path(found.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text(encoding="utf-8")))
    validator.validate(documents(path)[0])
    wrong = {"services": {"a": {"image": "a:1", "helthcheck": {}}}}
    assert not validator.is_valid(wrong), "it would find nothing"
