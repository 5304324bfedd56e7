"""One laboratory for all tests of a process: its disk, its compiled library, its prepared installations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.lab import laboratory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with laboratory(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(autouse=True)
def _models_installed(plugin_models: dict[str, str]) -> None:
    """Checks read stores and ledgers in this process, with the models of the package."""
