"""A server over a shelf: an installation whose vectors a test writes by hand."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.search.shelf import Shelf
from tests.server.conftest import TEST_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def served_shelf(folder: Path) -> Iterator[Shelf]:
    shelf = Shelf(folder)
    settings = shelf.app.settings
    shelf.app.settings = replace(settings, values={**settings.values, "allowed_hosts": TEST_HOST})
    try:
        yield shelf
    finally:
        shelf.app.close()
