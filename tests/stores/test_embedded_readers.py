"""Many threads read the embedded store while another process writes to it and builds its index anew."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.stores.embedded import EmbeddedStore
from tests.harness import wait_for
from tests.search.shelf import clustered_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER, SPACE, DIMENSION = "ada", "one-1", 24
FIRST, ADDED = 600, 300
THREADS = 40

WRITER = """
    import sys
    from pathlib import Path
    from reprise.stores.embedded import EmbeddedStore
    from tests.search.shelf import random_rows
    store = EmbeddedStore(Path(sys.argv[1]), index_from=int(sys.argv[2]))
    for start in range({first}, {first} + {added}, 20):
        store.upsert("{owner}", "{space}", range(start, start + 20), random_rows(20, {dimension}, seed=start))
        if start % 100 == 0:
            store.flush("{owner}", "{space}")
    store.delete("{owner}", "{space}", range(0, 10))
    store.flush("{owner}", "{space}")
    store.close()
"""


@pytest.fixture(params=[10**6, 100], ids=["exact", "index"])
def index_from(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def store(tmp_path: Path, index_from: int) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(tmp_path, index_from=index_from)
    made.create(OWNER, SPACE, DIMENSION)
    made.upsert(OWNER, SPACE, range(FIRST), clustered_rows(20, FIRST // 20, DIMENSION))
    made.flush(OWNER, SPACE)
    yield made
    made.close()


def write_elsewhere(folder: Path, index_from: int) -> subprocess.Popen[bytes]:
    code = WRITER.format(first=FIRST, added=ADDED, owner=OWNER, space=SPACE, dimension=DIMENSION)
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(folder), str(index_from)])


def test_every_answer_is_right_while_another_process_writes(
    store: EmbeddedStore, tmp_path: Path, index_from: int
) -> None:
    rows = clustered_rows(20, FIRST // 20, DIMENSION)
    wrong: list[str] = []
    done = threading.Event()

    def read(number: int) -> None:
        key = 10 + number
        while not done.is_set():
            try:
                hits = store.search(OWNER, SPACE, rows[key], 5)
                scores = [hit.score for hit in hits]
                if hits[0].key != key or scores != sorted(scores, reverse=True) or len(hits) != 5:
                    wrong.append(f"{key}: {hits}")
                stored = store.get(OWNER, SPACE, [key])[key]
                if not np.array_equal(stored, rows[key]):
                    wrong.append(f"{key}: another vector")
            except Exception as error:  # noqa: BLE001 - whatever a reader meets fails the test
                wrong.append(repr(error))

    readers = [threading.Thread(target=read, args=(number,)) for number in range(THREADS)]
    for reader in readers:
        reader.start()
    with write_elsewhere(tmp_path, index_from) as writer:
        code = writer.wait()
    done.set()
    for reader in readers:
        reader.join()
    assert code == 0
    assert wrong == []
    assert store.count(OWNER, SPACE) == FIRST + ADDED - 10
    assert {hit.key for hit in store.search(OWNER, SPACE, rows[3], 50)}.isdisjoint(range(10))


def test_indexes_that_another_process_removed_are_let_go(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, index_from=100)
    store.create(OWNER, SPACE, DIMENSION)
    rows = clustered_rows(20, 30, DIMENSION)
    store.upsert(OWNER, SPACE, range(600), rows)
    store.flush(OWNER, SPACE)
    other = EmbeddedStore(tmp_path, index_from=100)
    for _ in range(4):
        other.build_index(OWNER, SPACE)
        assert store.search(OWNER, SPACE, rows[0], 1)[0].key == 0
    opened = store._searcher._indexes._opened
    assert wait_for(lambda: 1 <= len(opened) <= 2)
    other.close()
    store.close()
