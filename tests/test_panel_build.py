"""Building the panel into the package: when it is done, and what happens where it cannot be."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "hatch_build.py").is_file(), reason="an installed package builds nothing"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source that the panel is made of, not of what was fetched or built."""
    unwanted = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(ROOT / "ui", tmp_path / "ui", ignore=unwanted)
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    (tmp_path / "src" / "reprise" / "server").mkdir(parents=True)
    return tmp_path


def _hook(tree: Path) -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build_of_copy", tree / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _build(tree: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As scripts/setup calls it, on a machine without Node."""
    empty = tree / "empty"
    empty.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, tree / "hatch_build.py", *flags],
        env={"PATH": str(empty), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _as_if_built(tree: Path) -> Path:
    hook = _hook(tree)
    dist = tree / "src" / "reprise" / "server" / "dist"
    dist.mkdir()
    (dist / ".source").write_text(hook.digest())
    return dist


def test_without_node_the_rest_is_installed_and_told_why(tree: Path) -> None:
    done = _build(tree)
    assert "only the API will be there" in done.stderr
    assert "Node 20.19" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tree / "src" / "reprise" / "server" / "dist").exists()
    assert _build(tree, "--needs-node").returncode == 0


def test_where_the_panel_is_required_its_lack_is_a_failure(tree: Path) -> None:
    done = _build(tree, REPRISE_UI="require")
    assert done.returncode == 1
    assert "was not built" in done.stderr


def test_where_it_is_skipped_nothing_is_asked_for(tree: Path) -> None:
    assert _build(tree, REPRISE_UI="skip").returncode == 0
    assert _build(tree, "--needs-node", REPRISE_UI="skip").returncode == 1


def test_a_panel_that_is_current_needs_no_node(tree: Path) -> None:
    _as_if_built(tree)
    done = _build(tree, REPRISE_UI="require")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_older_panel_is_kept_rather_than_none(tree: Path) -> None:
    dist = _as_if_built(tree)
    (tree / "ui" / "src" / "app.css").write_text("body { color: red }")
    done = _build(tree)
    assert "it stays as it was" in done.stderr
    assert (dist / ".source").exists()


def test_a_source_without_ui_uses_what_is_there(tree: Path) -> None:
    shutil.rmtree(tree / "ui")
    assert _build(tree, REPRISE_UI="require").returncode == 0


@pytest.mark.parametrize(
    "name", ["src/App.svelte", "src/lib/i18n/de.json", "package-lock.json", "index.html"]
)
def test_what_the_panel_is_made_of_makes_it_stale(tree: Path, name: str) -> None:
    hook = _hook(tree)
    before = hook.digest()
    path = tree / "ui" / name
    path.write_text(path.read_text() + "\n")
    assert hook.digest() != before


def test_its_tests_do_not(tree: Path) -> None:
    hook = _hook(tree)
    before = hook.digest()
    (tree / "ui" / "tests" / "more.test.ts").write_text("")
    (tree / "ui" / "node_modules").mkdir()
    (tree / "ui" / "node_modules" / "x.json").write_text("{}")
    assert hook.digest() == before


def test_the_lock_names_no_address_to_fetch_from() -> None:
    lock = (ROOT / "ui" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


@pytest.mark.skipif(not shutil.which("npm"), reason="builds with the Node of this machine")
@pytest.mark.skipif(not (ROOT / "ui" / "node_modules").is_dir(), reason="nothing was fetched to build with")
def test_it_builds(tree: Path) -> None:
    (tree / "ui" / "node_modules").symlink_to(ROOT / "ui" / "node_modules")
    hook = _hook(tree)
    hook.build(*hook.find_node())
    dist = tree / "src" / "reprise" / "server" / "dist"
    assert hook.is_current()
    assert "/assets/" in (dist / "index.html").read_text()
    assert "svelte" in (dist / "licences.md").read_text().lower()
    assert not (tree / "src" / "reprise" / "server" / "dist.new").exists()
