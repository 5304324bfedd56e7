"""The dashboard, the alerts and what scales workers ask for nothing that is not told."""

from __future__ import annotations

import json
import re
import urllib.request
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.deploy.reading import ROOT, documents
from tests.harness import wait_for
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Home

DEPLOY = ROOT / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "reprise.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
KEDA = documents(DEPLOY / "kubernetes" / "keda.yaml")[0]
SCRAPED = documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["scrape_configs"]


def expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for group in documents(DEPLOY / "prometheus" / "alerts.yml")[0]["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    yield from (one["metadata"]["query"] for one in KEDA["spec"]["triggers"] if one["type"] == "prometheus")


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:reprise|process)_\w+", expression))


def labels_in(expression: str) -> set[str]:
    found = set(re.findall(r"[{,]\s*(\w+)\s*[=!]", expression))
    for names in re.findall(r"\bby \(([^)]*)\)", expression):
        found |= {name.strip() for name in names.split(",")}
    return found - {"job", "instance", "le"}  # said by Prometheus itself


def told_in(text: str) -> set[str]:
    """Names of series by a page's ``TYPE`` lines."""
    found: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE):
        found |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return found


def by_workers() -> set[str]:
    from reprise.runners.worker_figures import WorkerFigures

    return told_in(WorkerFigures([], lambda: 0, lambda: 0).text().decode())


def by_server(home: Home) -> set[str]:
    """Of a server that runs."""
    url = f"http://127.0.0.1:{(port := free_port())}/metrics"
    with home.start("serve", "--port", str(port)) as server:
        try:
            return told_in(wait_for(lambda: page(url)))
        finally:
            server.terminate()
            server.communicate(timeout=60)


def page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_every_figure_that_is_asked_for_is_told_and_every_one_that_is_told_is_shown(home: Home) -> None:
    told = by_workers() | by_server(home)
    asked = {name for expression in expressions() for name in metrics_in(expression)}
    assert len(asked) > 20
    assert sorted(asked - told) == []
    shown = {name for panel in PANELS for one in panel.get("targets", ()) for name in metrics_in(one["expr"])}
    ours = {name for name in families(told) if name.startswith("reprise_")}
    assert sorted(ours - families(shown)) == []


def families(names: set[str]) -> set[str]:
    return {re.sub("_(bucket|sum|count)$", "", name) for name in names}


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_label_that_is_asked_for_is_one_of_ours(expression: str) -> None:
    source = ""
    for path in ("server/figures.py", "runners/worker_figures.py"):
        source += (ROOT / "src" / "reprise" / path).read_text(encoding="utf-8")
    assert [name for name in labels_in(expression) if f'"{name}"' not in source] == []


def test_panels_are_whole_and_do_not_lie_on_each_other() -> None:
    assert [panel["id"] for panel in PANELS] == list(range(1, len(PANELS) + 1))
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    for panel in PANELS:
        if panel["type"] != "row":
            assert panel["targets"]
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
            assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource"]


def test_prometheus_asks_servers_and_workers_where_they_tell() -> None:
    compose = documents(ROOT / "compose.yaml")[0]["services"]
    server, workers = SCRAPED
    name, port = server["static_configs"][0]["targets"][0].split(":")
    assert compose[name]["healthcheck"]["test"][-1].count(f":{port}/")
    assert server["authorization"]["credentials_file"]
    look_up = workers["dns_sd_configs"][0]
    assert f":{look_up['port']}/" in compose[look_up["names"][0]]["healthcheck"]["test"][-1]
    assert {one["job_name"] for one in SCRAPED} >= set(
        re.findall(r'job="([\w-]+)"', "\n".join(expressions()))
    )
    assert documents(DEPLOY / "prometheus" / "prometheus.yml")[0]["rule_files"] == ["alerts.yml"]


def test_keda_looks_at_the_list_that_workers_are_woken_by() -> None:
    from reprise.runners.dramatiq.brokers import NAMESPACE, QUEUE

    redis = next(one["metadata"] for one in KEDA["spec"]["triggers"] if one["type"] == "redis")
    assert redis["listName"] == f"{NAMESPACE}:{QUEUE}"
