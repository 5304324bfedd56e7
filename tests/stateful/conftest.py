"""Fixtures of the stateful test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stateful.house import House, blank_catalogue
from tests.stateful.installing import installed
from tests.stateful.shelf import Track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty catalogue, to be copied."""
    return blank_catalogue(tmp_path_factory.mktemp("blank"))


@pytest.fixture
def stateful_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The models of this folder are installed, for this process."""
    with installed(tmp_path_factory.mktemp("site")) as path:
        yield path


@pytest.fixture
def house(tmp_path: Path, blank: Path, stateful_models: list[str]) -> Iterator[House]:
    """Two owners of four files."""
    made = House(tmp_path / "house", blank)
    for path in ("a.wav", "x/b.wav", "x/c.wav"):
        made.shelf.write(path, Track(made.shelf.new_sound(bad=False), made.shelf.new_title()))
    yield made
    made.close()
