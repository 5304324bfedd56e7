"""An embedded store of 300 vectors, with and without an index."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reprise.stores.embedded import EmbeddedStore
from tests.stores.samples import DIMENSION, OWNER, SPACE, unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(folder)) as made:
        made.create(OWNER, SPACE, DIMENSION)
        made.upsert(OWNER, SPACE, range(300), unit(300))
        yield made


@pytest.fixture
def indexed(folder: Path, store: EmbeddedStore) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(folder, index_from=100)) as made:
        made.flush(OWNER, SPACE)
        assert made.verify(OWNER, SPACE).index.startswith("zvec: 300 vectors, 0 changed")
        yield made
