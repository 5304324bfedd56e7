"""Fixtures of the tests that run the pipeline of videos."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.harness import plugin_environment
from tests.video_home import VideoHome, install_plugin_steps

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def steps_path(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Import path of an installed package of steps."""
    return install_plugin_steps(tmp_path_factory.mktemp("steps"))


@pytest.fixture
def plugin_steps(steps_path: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The package is installed, for this process and those it starts; returns the environment for them."""
    for folder in reversed(steps_path):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(steps_path))
    return plugin_environment(steps_path)


@pytest.fixture
def video_home(tmp_path: Path, plugin_steps: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> VideoHome:
    """An empty installation with the package's steps."""
    made = VideoHome(tmp_path / "home", plugin_steps)
    for name in ("PLUGIN_MODELS_LOG", "PLUGIN_STEPS_FOLDER"):
        monkeypatch.setenv(name, made.environment[name])
    return made
