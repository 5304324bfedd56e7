"""The manifests: what they refer to is there, and they hold our processes back as they should. No cluster runs them here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reprise.known_settings import SETTINGS
from reprise.settings import BY_NAME
from tests.deploy.reading import ROOT, assert_parses, assert_settings, documents

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "deploy" / "kubernetes"
ALL = [found for path in sorted(FOLDER.glob("*.yaml")) for found in documents(path)]


def one(kind: str, name: str) -> dict[str, Any]:
    found = [each for each in ALL if each["kind"] == kind and each["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind}/{name}"
    return found[0]


PODS = {
    each["metadata"]["name"]: each["spec"]["template"]
    for each in ALL
    if each["kind"] in {"Deployment", "Job"}
}
CONTAINERS: dict[str, dict[str, Any]] = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}
SECRETS: dict[str, str] = one("Secret", "reprise")["stringData"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
    return tmp_path


def test_there_is_what_an_installation_takes() -> None:
    kinds = {(each["kind"], each["metadata"]["name"]) for each in ALL}
    assert len(kinds) == len(ALL)
    assert set(PODS) == {"reprise-api", "reprise-worker", "reprise-reprocess"}
    assert {("Service", "reprise-api"), ("ConfigMap", "reprise"), ("ScaledObject", "reprise-worker")} <= kinds


@pytest.mark.parametrize("name", sorted(PODS))
def test_nothing_runs_as_root_or_writes_where_it_need_not(name: str) -> None:
    pod, container = PODS[name]["spec"], CONTAINERS[name]
    assert len(pod["containers"]) == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"]["memory"]
    assert container["resources"]["limits"]["memory"]
    assert not container["image"].endswith(":latest")


@pytest.mark.parametrize("name", sorted(PODS))
def test_commands_parse_and_variables_are_settings(name: str, secrets: Path) -> None:
    container = CONTAINERS[name]
    assert_parses(container["args"])
    assert "command" not in container, "the image's tini begins"
    given = dict(one("ConfigMap", container["envFrom"][0]["configMapRef"]["name"])["data"])
    given |= {row["name"]: row["value"] for row in container.get("env", ())}
    assert_settings(given, secrets)
    files = {value for key, value in given.items() if key.endswith("_FILE")}
    mount = next(each["mountPath"] for each in container["volumeMounts"] if each["name"] == "secrets")
    volume = next(each["secret"] for each in PODS[name]["spec"]["volumes"] if each["name"] == "secrets")
    assert files == {f"{mount}/{item['path']}" for item in volume["items"]}
    assert {item["key"] for item in volume["items"]} <= SECRETS.keys()
    assert volume["secretName"] == "reprise"
    assert volume["defaultMode"] == 0o440


@pytest.mark.parametrize("name", sorted(PODS))
def test_volumes_are_declared_and_used(name: str) -> None:
    pod = PODS[name]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = CONTAINERS[name]["volumeMounts"]
    assert {mount["name"] for mount in mounts} == volumes.keys()
    for volume in volumes.values():
        if "persistentVolumeClaim" in volume:
            claim = one("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            shared = claim["spec"]["accessModes"][0] in {"ReadWriteMany", "ReadOnlyMany"}
            assert shared or name == "reprise-api", "several pods cannot mount it"
    for mount in mounts:
        if mount["name"] == "media":
            assert mount["readOnly"]


def test_the_state_folder_of_a_worker_is_its_own_and_pictures_and_weights_are_everybodys() -> None:
    shared = {"/state/media", "/state/weights"}
    for name in PODS:
        found = {each["mountPath"] for each in CONTAINERS[name]["volumeMounts"] if each["name"] == "shared"}
        assert found == shared
    volumes = {volume["name"]: volume for volume in PODS["reprise-worker"]["spec"]["volumes"]}
    assert "emptyDir" in volumes["state"]


@pytest.mark.parametrize(("name", "live", "ready"), [
    ("reprise-api", "/api/v1/health/live", "/api/v1/health/ready"), ("reprise-worker", "/health/live", "/health/ready"),
])  # fmt: skip
def test_probes_ask_the_port_that_is_told(name: str, live: str, ready: str) -> None:
    container = CONTAINERS[name]
    port = container["ports"][0]
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {kind: get["path"] for kind, get in probes.items()} == {
        "startup": live, "liveness": live, "readiness": ready,
    }  # fmt: skip
    assert {get["port"] for get in probes.values()} == {port["name"]}
    arguments = container["args"]
    if "--health-port" in arguments:
        assert port["containerPort"] == int(arguments[arguments.index("--health-port") + 1])
        assert arguments[arguments.index("--health-host") + 1] == "0.0.0.0"
    else:
        assert port["containerPort"] == BY_NAME["port"].default


@pytest.mark.parametrize("name", ["reprise-api", "reprise-worker"])
def test_services_find_their_pods_and_ports(name: str) -> None:
    service, labels = one("Service", name)["spec"], PODS[name]["metadata"]["labels"]
    assert service["selector"] == labels == one("Deployment", name)["spec"]["selector"]["matchLabels"]
    assert service["ports"][0]["targetPort"] == CONTAINERS[name]["ports"][0]["name"]


def test_only_prometheus_gets_to_a_worker() -> None:
    policy = one("NetworkPolicy", "reprise-worker")["spec"]
    assert policy["podSelector"]["matchLabels"] == PODS["reprise-worker"]["metadata"]["labels"]
    assert policy["ingress"][0]["ports"] == [{"port": CONTAINERS["reprise-worker"]["ports"][0]["name"]}]


def test_a_worker_takes_one_graphics_card_and_computes_on_nothing_else() -> None:
    pod, container = PODS["reprise-worker"]["spec"], CONTAINERS["reprise-worker"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container["resources"]["requests"]["nvidia.com/gpu"] == 1
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert {"name": "REPRISE_DEVICE", "value": "cuda"} in container["env"]
    arguments = container["args"]
    assert arguments[arguments.index("--processes") + 1] == "1"
    assert one("PodDisruptionBudget", "reprise-worker")["spec"]["maxUnavailable"] == 1


def test_what_scales_scales_the_workers_and_has_the_password() -> None:
    scaled = one("ScaledObject", "reprise-worker")["spec"]
    assert scaled["scaleTargetRef"]["name"] == one("Deployment", "reprise-worker")["metadata"]["name"]
    assert "replicas" not in one("Deployment", "reprise-worker")["spec"], "each would undo the other's number"
    assert scaled["minReplicaCount"] < scaled["maxReplicaCount"]
    redis = next(trigger for trigger in scaled["triggers"] if trigger["type"] == "redis")
    asked = one("TriggerAuthentication", redis["authenticationRef"]["name"])["spec"]["secretTargetRef"][0]
    assert asked["name"] == "reprise"
    assert asked["key"] in SECRETS
    assert redis["metadata"]["address"] in SECRETS["broker_url"]


def test_a_single_run_has_the_two_hours_of_a_job_and_is_not_repeated_blindly() -> None:
    job = one("Job", "reprise-reprocess")["spec"]
    assert job["activeDeadlineSeconds"] == 7200
    assert job["backoffLimit"] == 0
    assert PODS["reprise-reprocess"]["spec"]["restartPolicy"] == "Never"


def test_no_secret_stands_in_a_manifest() -> None:
    for path in FOLDER.glob("*.yaml"):
        for line in path.read_text().splitlines():
            if "@" in line:
                assert ":" not in line.partition("://")[2].partition("@")[0] or "FILL-IN" in line, line
    assert all("FILL-IN" in value for value in SECRETS.values())
    given = one("ConfigMap", "reprise")["data"]
    assert not [row.name for row in SETTINGS if row.secret and row.variable in given]
