"""The shape of the house: nothing happens at import, heavy things come late, arrows point one way."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprise.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "reprise"
FILES = sorted(SOURCE.rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = sorted(module_of(path) for path in FILES)
RUN_BY_OTHERS = {"reprise.__main__", "reprise.catalog.migrations.env"}
"""Scripts: one is run by Python, one by Alembic inside a migration."""

HEAVY = {
    "alembic", "apprise", "apscheduler", "argon2", "av", "fastapi", "limits", "numpy", "pathspec", "prometheus_client", "pydantic",
    "rich", "scipy", "sqlalchemy", "structlog", "tinytag", "torch", "uvicorn", "watchfiles", "zvec",
}  # fmt: skip
TAKEN_BY_UVICORN = {"httptools", "uvloop"}
"""Where they are installed it uses them, by itself."""
LARGEST_FILE = 600
LARGEST_CORE_MB = 400

WATCH = """
    import os, socket, sys
    touched = []

    def audit(event, arguments):
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            touched.append(f"writes {arguments[0]}")
        made = {"os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.putenv", "sqlite3.connect"}
        ran = {"subprocess.Popen", "os.fork", "os.exec", "os.posix_spawn", "os.system"}
        if event in made | ran or event.startswith("socket."):
            touched.append(f"{event} {arguments}")
"""


def clean_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter with nothing in its environment, in an empty folder."""
    return subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", textwrap.dedent(code)],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def imports_of(path: Path, *, everywhere: bool) -> set[str]:
    """Modules that a file imports when it is run; at module level only, unless ``everywhere``."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not everywhere:
            waiting += node.orelse
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not everywhere:
            continue
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def test_importing_any_module_touches_no_file_no_network_and_no_environment(tmp_path: Path) -> None:
    names = [name for name in MODULES if name not in RUN_BY_OTHERS]
    foreign = sorted(
        {
            name
            for path in FILES
            for name in imports_of(path, everywhere=True)
            if not name.startswith("reprise")
        }
    )
    code = textwrap.dedent(WATCH) + textwrap.dedent(f"""
        import contextlib, importlib
        for name in {foreign!r}:  # what others do at import is not ours to judge
            with contextlib.suppress(ImportError):  # a name inside a module is none
                importlib.import_module(name)
        environment = dict(os.environ)
        sys.addaudithook(audit)
        for name in {names!r}:
            importlib.import_module(name)
        assert not touched, touched
        assert dict(os.environ) == environment
        assert os.listdir() == []
        print(sum(name.split(".")[0] == "reprise" for name in sys.modules))
    """)
    done = clean_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len(names) > 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["reprise", "reprise.cli.main", "reprise.app", "reprise.core.events"])
def test_the_doors_pull_in_nothing_heavy(module: str, tmp_path: Path) -> None:
    code = f"import {module}, sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = clean_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_help_imports_no_command_and_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
        import sys
        from reprise.cli.main import cli
        cli.main(["--help"], standalone_mode=False)
        print("loaded:", *sorted(name for name in sys.modules if name.split(".")[0] in {HEAVY!r}))
        print("commands:", *sorted({[f"reprise.cli.{name}" for name in COMMANDS]!r} & sys.modules.keys()))
    """.replace("sorted([", "sorted(set([").replace("] & sys", "]) & sys")
    done = clean_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["loaded:", "commands:"]


def test_listing_settings_loads_no_numbers_and_no_media(tmp_path: Path) -> None:
    code = """
        import sys
        from reprise.cli.main import cli
        cli.main(["settings", "--json", "--home", "state"], standalone_mode=False)
        print("loaded:", *sorted({"numpy", "scipy", "av", "zvec", "sqlalchemy", "rich"} & set(sys.modules)))
    """
    done = clean_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_grows_beyond_what_a_person_keeps_in_mind(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LARGEST_FILE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module_of(path): imports_of(path, everywhere=False) for path in FILES}
    # A package is imported before what is in it anyway.
    graph = {
        module: {name for name in needs & graph.keys() if not f"{module}.".startswith(f"{name}.")}
        for module, needs in graph.items()
    }
    while ready := {module for module, needs in graph.items() if not needs}:
        graph = {module: needs - ready for module, needs in graph.items() if module not in ready}
    assert graph == {}, "these import each other"


def test_every_third_party_import_is_declared_and_every_declared_package_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {module(line) for lines in project["optional-dependencies"].values() for line in lines}
    declared = {module(line) for line in project["dependencies"]} - TAKEN_BY_UVICORN
    assert third_party(FILES) == declared | extras
    models = {path for path in FILES if path.is_relative_to(SOURCE / "models")}
    writers = {SOURCE / "media" / "tag_formats.py", SOURCE / "media" / "tag_writing.py"}
    assert third_party(writers) & extras == {"mutagen"}
    viewers = {path for path in FILES if path.is_relative_to(SOURCE / "media" / "video")}
    viewers.add(SOURCE / "media" / "photos.py")
    assert third_party(viewers) & extras == {"PIL", "cv2", "scenedetect"}
    clients = {path for path in FILES if path.is_relative_to(SOURCE / "catalog") and "postgres" in path.name}
    clients |= {path for path in FILES if path.parent in {SOURCE / "stores" / name for name in SERVER_STORES}}
    clients |= {path for path in FILES if path.is_relative_to(SOURCE / "runners" / "dramatiq")}
    assert third_party(clients) & extras == extras & CLIENT_LIBRARIES
    others = set(FILES) - models - writers - viewers - clients - {SOURCE / "catalog" / "migrate.py"}
    assert not third_party(others) & extras, (
        "only models and what speaks with servers need what an extra installs"
    )


SERVER_STORES = ("milvus", "opensearch", "pgvector")
CLIENT_LIBRARIES = {"dramatiq", "grpc", "milvus_lite", "opensearchpy", "pika", "psycopg", "pymilvus", "redis"}


def module(requirement: str) -> str:
    """The name that a requirement is imported by."""
    name = re.split(r"[^A-Za-z0-9_-]", requirement)[0].replace("-", "_")
    given = {
        "argon2_cffi": "argon2",
        "grpcio": "grpc",
        "opencv_python_headless": "cv2",
        "opensearch_py": "opensearchpy",
        "pillow": "PIL",
        "pyjwt": "jwt",
        "scenedetect_headless": "scenedetect",
    }
    return given.get(name, name)


def third_party(paths: Iterable[Path]) -> set[str]:
    tops = {name.split(".")[0] for path in paths for name in imports_of(path, everywhere=True)}
    return tops - set(sys.stdlib_module_names) - {"reprise"}


def test_every_file_of_the_command_line_is_a_command_or_serves_them() -> None:
    files = {path.stem for path in (SOURCE / "cli").glob("[a-z]*")}
    serving = {"main", "common", "since", "finding", "render", "heard", "lazy", "work"}
    assert files - serving == set(COMMANDS)


def test_nothing_asks_whether_a_test_is_running() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "PYTEST" not in text
        assert "pytest" not in text, path


def test_the_arrows_of_the_design_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_installed_core_stays_small() -> None:
    """Everything that installing Reprise brings, byte code left out as ``scripts/setup`` does."""
    sizes: dict[str, float] = {}
    waiting = ["reprise"]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in sizes:
            continue
        distribution = importlib.metadata.distribution(name)
        sizes[name] = megabytes(distribution)
        waiting += required(distribution)
    print({name: round(size, 1) for name, size in sorted(sizes.items(), key=lambda pair: -pair[1])})
    assert {"numpy", "av", "sqlalchemy", "mako"} <= set(sizes)
    assert not {"torch", "transformers", "mutagen", "dramatiq"} & set(sizes)
    assert sum(sizes.values()) < LARGEST_CORE_MB


def megabytes(distribution: importlib.metadata.Distribution) -> float:
    files = [Path(str(file.locate())) for file in distribution.files or [] if file.suffix != ".pyc"]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def required(distribution: importlib.metadata.Distribution) -> list[str]:
    from packaging.requirements import Requirement

    needs = [Requirement(line) for line in distribution.requires or []]
    return [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


@pytest.mark.parametrize("name", ["run", "dev", "bench"])
def test_the_lock_pins_what_the_project_asks_for_with_hashes_and_without_places(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==\S+.*?\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE))
    assert "://" not in text
    locked = {pin for pin, _ in pins}
    assert locked >= wanted_packages(name)


def wanted_packages(lock: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {"run": ("build",), "dev": ("build", "dev"), "bench": ("build", "dev", "bench")}[lock]
    lines = [
        line for group in groups for line in project["dependency-groups"][group] if isinstance(line, str)
    ]
    return {
        re.split(r"[^A-Za-z0-9_-]", line)[0].lower() for line in [*project["project"]["dependencies"], *lines]
    }
