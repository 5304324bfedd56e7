"""Fixtures of the tests of search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.search.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.app.close()
