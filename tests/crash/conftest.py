"""What the work needs that is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crash.works import Site
from tests.moving.filled import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with rows in every table. Copy, do not change."""
    home = tmp_path_factory.mktemp("filled") / "home"
    fill(home, rows=10, vectors=60)
    return home


@pytest.fixture
def site(tmp_path: Path, plugin_models: dict[str, str], filled: Path) -> Site:
    """A place without servers."""
    return Site(tmp_path, plugin_models, filled)
