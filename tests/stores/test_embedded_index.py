"""The derived index: answers stay right whatever happens to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.stores.embedded import EmbeddedStore
from reprise.stores.embedded import ann as ann_module
from tests.stores.samples import DIMENSION, OWNER, SPACE, agree, oracle, unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reprise.core.ports import Vectors


def spawn(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_processes_share_one_index(folder: Path, indexed: EmbeddedStore) -> None:
    with closing(EmbeddedStore(folder, index_from=100)) as other:
        assert agree(indexed, oracle())
        assert agree(other, oracle())
    code = (
        "import sys\nfrom pathlib import Path\nfrom reprise.stores.embedded import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1]), index_from=100)\n"
        f"print(store.verify({OWNER!r}, {SPACE!r}).index)\nstore.close()"
    )
    with spawn(code, folder) as second:
        told, _ = second.communicate()
    assert told.startswith("zvec: 300 vectors")


BUILDER = """
import sys
from pathlib import Path
from reprise.stores.embedded import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]), index_from=100)
print("begins", flush=True)
store.flush("ada", "acoustic-0123456789ab")
"""


def test_a_build_killed_on_the_way_leaves_nothing_behind_but_time(folder: Path, store: EmbeddedStore) -> None:
    store.upsert(OWNER, SPACE, range(300, 20_300), unit(20_000, seed=4))
    with spawn(BUILDER, folder) as builder:
        assert builder.stdout is not None
        builder.stdout.readline()
        while not list(folder.rglob("*.part")):
            time.sleep(0.01)
        builder.kill()
    assert list(folder.rglob("*.part"))
    assert store.search(OWNER, SPACE, unit(300)[7], 1)[0].key == 7
    store.delete(OWNER, SPACE, range(300, 20_300))
    with closing(EmbeddedStore(folder, index_from=100)) as other:
        other.flush(OWNER, SPACE)
        assert other.verify(OWNER, SPACE).index == "zvec: 300 vectors, 0 changed since"
        assert agree(other, oracle())
    assert not list(folder.rglob("*.part"))


def generations(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.index/*/g*"))


def index_files(folder: Path) -> list[Path]:
    return [path for path in generations(folder)[-1].rglob("*") if path.is_file() and path.stat().st_size]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 4
    path.write_bytes(bytes(held))


def test_the_generation_before_serves_when_the_newest_is_damaged(
    folder: Path, indexed: EmbeddedStore
) -> None:
    indexed.upsert(OWNER, SPACE, range(100), unit(100))
    indexed.flush(OWNER, SPACE)
    assert len(generations(folder)) == 2
    _flip(index_files(folder)[0])
    with closing(EmbeddedStore(folder, index_from=100)) as store:
        assert store.verify(OWNER, SPACE).index == "zvec: 300 vectors, 100 changed since"
        assert agree(store, oracle())


@pytest.mark.parametrize("harm", [_truncate, _flip, os.unlink])
def test_a_damaged_index_costs_no_answer(
    folder: Path, indexed: EmbeddedStore, harm: Callable[[Path], None]
) -> None:
    memory = oracle()
    names = [path.name for path in index_files(folder)]
    assert len(names) > 3
    for name in names:
        victim = next((path for path in index_files(folder) if path.name == name), None)
        if victim is None:
            continue
        for older in generations(folder)[:-1]:
            shutil.rmtree(older)
        harm(victim)
        with closing(EmbeddedStore(folder, index_from=100)) as store:
            assert agree(store, memory)
            assert store.verify(OWNER, SPACE).index.startswith("missing or damaged"), name
            store.flush(OWNER, SPACE)
            assert store.verify(OWNER, SPACE).index.startswith("zvec: 300 vectors, 0 changed")
            assert agree(store, memory)


def test_the_index_folder_taken_away_under_a_reader(folder: Path, indexed: EmbeddedStore) -> None:
    assert agree(indexed, oracle())
    shutil.rmtree(folder / f"{SPACE}.index")
    assert agree(indexed, oracle())


def test_an_index_that_fails_when_asked_is_left_aside(
    indexed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[int]:
        raise ann_module.IndexUnusable("the disk went away")

    monkeypatch.setattr(ann_module.Index, "candidates", fail)
    assert agree(indexed, oracle())
    monkeypatch.undo()
    assert indexed.verify(OWNER, SPACE).index.startswith("missing or damaged")
    indexed.flush(OWNER, SPACE)
    assert indexed.verify(OWNER, SPACE).index.startswith("zvec: 300")


def test_an_index_is_really_asked(indexed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def propose_nothing(_index: object, _query: Vectors, k: int) -> list[int]:
        asked.append(k)
        return []

    monkeypatch.setattr(ann_module.Index, "candidates", propose_nothing)
    assert agree(indexed, oracle())
    assert asked


def test_an_index_never_gives_a_score_of_its_own(
    indexed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann_module.Index, "candidates", lambda *_: list(range(250, 300)))
    rows = unit(300)
    for hit in indexed.search(OWNER, SPACE, rows[7], 5):
        assert hit.score == pytest.approx(float(rows[hit.key] @ rows[7]), abs=1e-6)


def test_neighbours_that_moved_away_do_not_hide_those_behind_them(indexed: EmbeddedStore) -> None:
    memory = oracle()
    for query in unit(5, seed=78):
        near = [hit.key for hit in memory.search(OWNER, SPACE, query, 30)]
        for each in indexed, memory:
            each.upsert(OWNER, SPACE, near, np.tile(-query / np.linalg.norm(query), (30, 1)))
        assert indexed.search(OWNER, SPACE, query, 12) == memory.search(OWNER, SPACE, query, 12)


def test_small_changes_do_not_build_and_large_ones_do(folder: Path, indexed: EmbeddedStore) -> None:
    memory = oracle()
    for keys, seed in ((range(10), 1), (range(290, 310), 2)):
        for each in indexed, memory:
            each.upsert(OWNER, SPACE, keys, unit(len(keys), seed))
    indexed.flush(OWNER, SPACE)
    assert len(generations(folder)) == 1
    assert agree(indexed, memory)
    assert "30 changed" in indexed.verify(OWNER, SPACE).index
    for each in indexed, memory:
        each.delete(OWNER, SPACE, range(100, 180))
    assert agree(indexed, memory, k=100)
    indexed.flush(OWNER, SPACE)
    assert len(generations(folder)) == 2
    assert indexed.verify(OWNER, SPACE).index == "zvec: 230 vectors, 0 changed since"
    assert agree(indexed, memory)


def test_old_generations_leave(folder: Path, indexed: EmbeddedStore) -> None:
    handles = open_handles()
    for turn in range(5):
        indexed.upsert(OWNER, SPACE, range(300), unit(300, seed=turn))
        indexed.flush(OWNER, SPACE)
        assert agree(indexed, oracle(seed=turn))
    assert len(generations(folder)) == 2
    assert open_handles() <= handles + 20
    assert not list(folder.rglob("*.part"))


def test_drop_and_create_never_finds_the_old_index(folder: Path, indexed: EmbeddedStore) -> None:
    indexed.drop(OWNER, SPACE)
    assert generations(folder) == []
    indexed.create(OWNER, SPACE, DIMENSION)
    indexed.upsert(OWNER, SPACE, range(300), unit(300, seed=3))
    assert agree(indexed, oracle(seed=3))


def test_without_zvec_the_rows_answer(
    folder: Path, indexed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zvec", None)
    with closing(EmbeddedStore(folder, index_from=100)) as store:
        assert agree(store, oracle())
        store.flush(OWNER, SPACE)
        assert "not installed" in store.verify(OWNER, SPACE).index


def test_another_process_builds_at_the_moment(folder: Path, indexed: EmbeddedStore) -> None:
    from filelock import FileLock

    indexed.upsert(OWNER, SPACE, range(300), unit(300, seed=1))
    place = generations(folder)[0].parent
    with FileLock(place / "building.lock"):
        indexed.flush(OWNER, SPACE)
    assert len(generations(folder)) == 1
    assert agree(indexed, oracle(seed=1))


def test_an_index_built_by_a_process_of_its_own_answers(folder: Path) -> None:
    with closing(EmbeddedStore(folder, index_from=100, build_apart=True)) as store:
        store.create("ada", "acoustic-0123456789ab", 16)
        vectors = np.random.default_rng(3).standard_normal((400, 16)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        store.upsert("ada", "acoustic-0123456789ab", range(400), vectors)
        store.flush("ada", "acoustic-0123456789ab")
        assert store.verify("ada", "acoustic-0123456789ab").index == "zvec: 400 vectors, 0 changed since"
        assert store.search("ada", "acoustic-0123456789ab", vectors[7], 1)[0].key == 7
