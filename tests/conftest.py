"""Fixtures that several folders of tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.harness import Home, install_plugin_models, plugin_environment

if TYPE_CHECKING:
    from pathlib import Path

settings.register_profile("shared machine", deadline=None)  # how long a case takes says nothing here
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def plugin_path(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Import path of an installed package of test models."""
    return install_plugin_models(tmp_path_factory.mktemp("site"))


@pytest.fixture
def plugin_models(plugin_path: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The test models are installed, for this process and those it starts; returns the environment for them."""
    environment = plugin_environment(plugin_path)
    for folder in reversed(plugin_path):
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    return environment


@pytest.fixture
def home(tmp_path: Path, plugin_models: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty installation with the test models."""
    made = Home(tmp_path / "home", plugin_models)
    monkeypatch.setenv("PLUGIN_MODELS_LOG", str(made.log))
    return made
