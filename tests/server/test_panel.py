"""The panel as it is served: its pages, its files, and an installation that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from reprise.server.api import create_api
from reprise.server.problems import handle_problems
from reprise.server.ui import DIST, serve_panel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.server.house import House

PAGE = "<!doctype html><title>Reprise</title>"
PAGES = ["/", "/similar", "/map", "/admin", "/users", "/account", "/login"]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A built panel, as small as one can be."""
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(PAGE)
    (built / "icon.svg").write_text("<svg/>")
    (built / "assets" / "index-abc123.js").write_text("export {};")
    return built


@pytest.fixture
def panel(dist: Path) -> Iterator[TestClient]:
    with TestClient(_served(dist)) as client:
        yield client


def _served(dist: Path) -> FastAPI:
    api = FastAPI()
    handle_problems(api)
    serve_panel(api, dist)
    return api


@pytest.mark.parametrize("path", [*PAGES, "/similar?item=3", "/no/such/page"])
def test_every_page_is_the_panel_and_never_kept(panel: TestClient, path: str) -> None:
    answer = panel.get(path)
    assert answer.status_code == 200
    assert answer.text == PAGE
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


def test_what_is_named_by_its_digest_is_kept_for_good(panel: TestClient) -> None:
    answer = panel.get("/assets/index-abc123.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert panel.get("/icon.svg").headers["cache-control"] == "no-cache"


def test_an_unchanged_page_is_not_sent_again(panel: TestClient) -> None:
    tag = panel.get("/").headers["etag"]
    assert panel.get("/", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/assets/index-old.js", "/favicon.ico", "/..%2f..%2fui.py", "/assets/%2e%2e/%2e%2e/ui.py"]
)
def test_a_file_that_is_not_there_is_a_404_with_a_code(panel: TestClient, path: str) -> None:
    answer = panel.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/%00", "/a%00.js", f"/{'x' * 5000}", f"/{'x' * 5000}.js", "/%ff.js", "/a%2f%00%2fb.js"]
)
def test_no_path_is_an_error_of_ours(panel: TestClient, path: str) -> None:
    assert panel.get(path).status_code in {200, 400, 404}


def test_only_reading(panel: TestClient) -> None:
    answer = panel.post("/similar", json={})
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_api_is_not_swallowed_by_the_panel(panel: TestClient, method: str) -> None:
    answer = panel.request(method, "/api/v1/typo", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.json()["message"] == "there is nothing at /api/v1/typo"


def test_an_installation_without_a_panel_says_so(tmp_path: Path) -> None:
    with TestClient(_served(tmp_path / "none")) as client:
        for path in PAGES:
            answer = client.get(path)
            assert "no web panel" in answer.text
            assert "/api/v1/docs" in answer.text
            assert answer.status_code == (200 if path == "/" else 404)
        assert client.get("/api/v1/typo").json()["code"] == "not_found"


@pytest.mark.skipif(not (DIST / "index.html").is_file(), reason="this copy has no built panel")
class TestBuilt:
    """The panel that hatch_build.py made."""

    def test_it_asks_nothing_of_other_hosts_and_runs_nothing_inline(self, house: House) -> None:
        with TestClient(create_api(house)) as client:
            answer = client.get("/")
        assert "//" not in answer.text.replace("<!doctype html>", "")
        assert "<script>" not in answer.text
        assert "<style" not in answer.text
        assert "style=" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy

    def test_all_files_that_it_names_are_there(self) -> None:
        page = (DIST / "index.html").read_text()
        named = [part.split('"')[0] for part in page.split('="/')[1:]]
        assert named
        assert [name for name in named if not (DIST / name).is_file()] == []

    def test_it_is_small(self) -> None:
        whole = sum(path.stat().st_size for path in DIST.rglob("*") if path.is_file())
        assert whole < 1_000_000  # bytes
