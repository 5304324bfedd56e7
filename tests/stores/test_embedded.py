"""What only the embedded store promises: crashes, damage, several processes, full disks, foreign files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.errors import DiskFull, StoreError
from reprise.stores.embedded import EmbeddedStore
from reprise.stores.memory import MemoryStore
from tests.stores.samples import DIMENSION, OWNER, SPACE, agree, oracle, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


# several processes, crashes

WRITER = """
import sys
from pathlib import Path
import numpy as np
from reprise.stores.embedded import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
store.create("ada", "acoustic-0123456789ab", 24)
rows = np.zeros((64, 24), dtype=np.float32)
batch = int(sys.argv[2])
while True:
    rows[:] = 0
    rows[:, batch % 24] = 1
    store.upsert("ada", "acoustic-0123456789ab", range(64 * batch, 64 * batch + 64), rows)
    print(batch, flush=True)
    batch += 1
"""


def spawn(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed_after(folder: Path, first: int, seconds: float) -> int:
    """Runs the writer from the batch ``first`` on and kills it; returns the last batch it had acknowledged."""
    with spawn(WRITER, folder, first) as writer:
        assert writer.stdout is not None
        last = int(writer.stdout.readline())
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        return max([last, *map(int, writer.stdout.read().split())])


def test_kill_9_loses_no_acknowledged_row_and_leaves_no_part_of_a_batch(folder: Path) -> None:
    dice = random.Random(20261120)
    begin = 0
    for _ in range(6):
        last = killed_after(folder, begin, dice.uniform(0, 0.15))
        with closing(EmbeddedStore(folder)) as store:
            keys = [key for page, _ in store.scan(OWNER, SPACE) for key in page]
            assert keys == list(range(len(keys)))
            assert len(keys) % 64 == 0
            assert len(keys) // 64 in (last + 1, last + 2)  # written, and killed before it could say so
            report = store.verify(OWNER, SPACE)
            assert (report.count, report.damaged, report.problem) == (len(keys), (), "")
        begin = last + 1


def test_a_reader_sees_another_process_write(folder: Path) -> None:
    with spawn(WRITER, folder, 0) as writer, closing(EmbeddedStore(folder)) as store:
        assert writer.stdout is not None
        for _ in range(20):
            batch = int(writer.stdout.readline())
            query = np.eye(24, dtype=np.float32)[batch % 24]
            assert store.get(OWNER, SPACE, [64 * batch])[64 * batch] @ query == 1
            assert store.search(OWNER, SPACE, query, 1)[0].score == 1
            assert store.count(OWNER, SPACE) >= 64 * (batch + 1)
        writer.kill()


def test_two_stores_write_in_turn(folder: Path, store: EmbeddedStore) -> None:
    memory = oracle()
    with closing(EmbeddedStore(folder)) as other:
        for turn in range(20):
            rows = unit(5, seed=100 + turn)
            for each in (store, other)[turn % 2], memory:
                each.upsert(OWNER, SPACE, range(turn, turn + 5), rows)
            assert agree(store, memory)
            assert agree(other, memory)


def test_threads_search_while_one_writes(indexed: EmbeddedStore) -> None:
    stop = threading.Event()
    wrong: list[object] = []

    def look() -> None:
        while not stop.is_set():
            hits = indexed.search(OWNER, SPACE, unit(300)[299], 5)
            if hits[0].key != 299 or hits[0].score != pytest.approx(1, abs=1e-6) or len(hits) != 5:
                wrong.append(hits)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(60):
        indexed.upsert(OWNER, SPACE, range(turn, turn + 50), unit(50, seed=turn))
        if turn % 20 == 0:
            indexed.delete(OWNER, SPACE, [turn])
            indexed.flush(OWNER, SPACE)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []


# damage


def harm_row(folder: Path, key: int, sql: str = "UPDATE vector SET data = ? WHERE key = ?") -> None:
    path = folder / f"{SPACE}.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (data,) = connection.execute("SELECT data FROM vector WHERE key = ?", (key,)).fetchone()
        flipped = bytearray(data)
        flipped[10] ^= 64
        connection.execute(sql, (bytes(flipped), key))


@pytest.mark.parametrize("index_from", [10**6, 100])
def test_a_damaged_row_is_named_and_never_scored(folder: Path, store: EmbeddedStore, index_from: int) -> None:
    with closing(EmbeddedStore(folder, index_from=index_from)) as other:
        other.flush(OWNER, SPACE)
    harm_row(folder, 7)
    memory = oracle()
    memory.delete(OWNER, SPACE, [7])
    with closing(EmbeddedStore(folder, index_from=index_from)) as other:
        report = other.verify(OWNER, SPACE)
        assert (report.count, report.damaged) == (300, (7,))
        assert "1 vectors fail" in report.problem
        assert agree(other, memory)
        for call in (
            lambda: other.get(OWNER, SPACE, [6, 7]),
            lambda: list(other.scan(OWNER, SPACE)),
            lambda: other.snapshot(OWNER, SPACE, folder / "x.snapshot"),
        ):
            with pytest.raises(StoreError, match="keys 7"):
                call()
        assert not (folder / "x.snapshot").exists()
        other.upsert(OWNER, SPACE, [7], unit(300)[7:8])
        assert agree(other, oracle())
        assert other.verify(OWNER, SPACE).problem == ""


def test_a_row_under_another_key_is_damaged(folder: Path, store: EmbeddedStore) -> None:
    with closing(sqlite3.connect(folder / f"{SPACE}.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE vector SET key = 1000 WHERE key = 7")
    assert store.verify(OWNER, SPACE).damaged == (1000,)


def test_a_damaged_file_says_so_and_can_be_dropped(folder: Path, store: EmbeddedStore) -> None:
    path = folder / f"{SPACE}.sqlite"
    store.snapshot(OWNER, SPACE, folder / "copy.snapshot")
    store.close()
    held = bytearray(path.read_bytes())
    for start in range(8192, len(held), 8192):
        held[start : start + 64] = b"\xff" * 64
    path.write_bytes(bytes(held))
    with closing(EmbeddedStore(folder)) as store:
        with pytest.raises(StoreError, match=path.name) as told:
            store.search(OWNER, SPACE, unit(1)[0], 3)
        assert "drop the space" in told.value.cure
        assert store.verify(OWNER, SPACE).problem
        assert path.read_bytes() == bytes(held)
        store.drop(OWNER, SPACE)
        assert (folder / f"{path.name}.damaged").read_bytes() == bytes(held)
        store.restore(OWNER, SPACE, folder / "copy.snapshot")
        assert agree(store, oracle())


def _another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE song (id INTEGER)")


def _newer(path: Path) -> None:
    with closing(EmbeddedStore(path.parent)) as store:
        store.create(OWNER, SPACE, 4)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "make",
    [
        _another_database,
        _newer,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"ID3\x04" + bytes(5000)),
    ],
    ids=["another database", "from a newer version", "empty", "an mp3"],
)
def test_a_foreign_file_is_refused_and_unchanged(folder: Path, make: Callable[[Path], None]) -> None:
    folder.mkdir()
    path = folder / f"{SPACE}.sqlite"
    make(path)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    with closing(EmbeddedStore(folder)) as store:
        for call in (
            lambda: store.create(OWNER, SPACE, 4),
            lambda: store.drop(OWNER, SPACE),
            lambda: store.upsert(OWNER, SPACE, [1], unit(1, dimension=4)),
            lambda: store.search(OWNER, SPACE, unit(1, dimension=4)[0], 1),
        ):
            with pytest.raises(StoreError, match=path.name) as told:
                call()
            assert told.value.cure
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_nothing_is_made_before_it_is_needed(folder: Path) -> None:
    with closing(EmbeddedStore(folder)) as store:
        with pytest.raises(StoreError, match=SPACE):
            store.search(OWNER, SPACE, unit(1)[0], 1)
        store.drop(OWNER, SPACE)
    assert not folder.exists()


def test_a_locked_file_is_told(folder: Path, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprise.stores.embedded.files.SpaceFile.__init__.__defaults__", (0.05,))
    with (
        closing(EmbeddedStore(folder)) as other,
        closing(sqlite3.connect(folder / f"{SPACE}.sqlite")) as holder,
    ):
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            other.upsert(OWNER, SPACE, [1], unit(1))
        assert other.count(OWNER, SPACE) == 300
        holder.rollback()
        other.upsert(OWNER, SPACE, [1], unit(1))


# room


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk needs the right to mount one")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(store: EmbeddedStore, space: str) -> int:
    """Upserts until the disk is full; returns how many vectors were acknowledged."""
    for written in range(0, 100_000, 500):
        try:
            store.upsert(OWNER, space, range(written, written + 500), unit(500, seed=written))
        except DiskFull:
            return written
    pytest.fail("the disk took all of it")


def test_a_full_disk_is_told_and_loses_nothing(small_disk: Path) -> None:
    with closing(EmbeddedStore(small_disk, index_from=100)) as store:
        store.create(OWNER, SPACE, DIMENSION)
        written = fill(store, SPACE)
        assert written > 1000
        assert store.count(OWNER, SPACE) == written
        store.flush(OWNER, SPACE)  # there is no room for an index
        assert store.verify(OWNER, SPACE).problem == ""
        assert store.search(OWNER, SPACE, unit(500)[7], 1)[0].key == 7
        with pytest.raises(DiskFull):
            store.snapshot(OWNER, SPACE, small_disk / "copy.snapshot")
        with pytest.raises(DiskFull) as told:
            store.create(OWNER, "another-space", DIMENSION)
        assert "free some space" in told.value.cure
        assert not list(small_disk.glob(".*"))


def test_sqlite_says_full(folder: Path, store: EmbeddedStore) -> None:
    with store._file(OWNER, SPACE).writing() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    assert store._file(OWNER, SPACE)._writer is not None
    store._file(OWNER, SPACE)._writer.execute(f"PRAGMA max_page_count = {pages + 2}")  # type: ignore[union-attr]
    with pytest.raises(DiskFull):
        store.upsert(OWNER, SPACE, range(1000, 3000), unit(2000))
    assert store.count(OWNER, SPACE) == 300
    store.upsert(OWNER, SPACE, [1], unit(1))


def test_a_dropped_space_gives_its_room_back(folder: Path, store: EmbeddedStore) -> None:
    path = folder / f"{SPACE}.sqlite"
    store.create("bob", SPACE, DIMENSION)
    store.upsert("bob", SPACE, range(20_000), unit(20_000))
    store.drop("bob", SPACE)
    assert path.stat().st_size < 500_000
    store.drop(OWNER, SPACE)
    assert path.stat().st_size < 100_000


# the rest of life


def open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts handles through /proc")
def test_fifty_times_open_and_closed(folder: Path, indexed: EmbeddedStore) -> None:
    counts = []
    for _ in range(50):
        with closing(EmbeddedStore(folder, index_from=100)) as store:
            store.upsert(OWNER, SPACE, [5], unit(300)[5:6])
            assert agree(store, oracle())
        counts.append(open_handles())
    assert max(counts[1:]) == min(counts[1:])


def test_a_closed_store_opens_again(store: EmbeddedStore) -> None:
    store.close()
    assert store.count(OWNER, SPACE) == 300
    store.close()


def test_the_cache_catches_up_and_is_bounded(folder: Path, store: EmbeddedStore) -> None:
    with closing(EmbeddedStore(folder, cache_mb=1)) as small:
        memory = oracle()
        for turn in range(30):
            keys, rows = range(100 * turn, 100 * turn + 500), unit(500, seed=turn)
            for each in small, memory:
                each.upsert(OWNER, SPACE, keys, rows)
            assert agree(small, memory)
            for number in range(3):
                small.create(f"owner {number}", SPACE, DIMENSION)
                small.upsert(f"owner {number}", SPACE, keys, rows)
                small.search(f"owner {number}", SPACE, rows[0], 1)
        cache = small._searcher._cache
        assert len(cache._kept) == 1 or cache._bytes <= 1 << 20


class Life:
    """Two stores on one folder and the oracle; every act is done to the oracle and to one of the stores."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.folder, self.dice = folder, dice
        self.memory = MemoryStore()
        self.stores = [EmbeddedStore(folder, index_from=60) for _ in range(2)]
        self.begin(self.stores[0])

    def begin(self, store: EmbeddedStore) -> None:
        for each in self.memory, store:
            each.create(OWNER, SPACE, DIMENSION)

    def keys(self) -> list[int]:
        return sorted({self.dice.randrange(200) for _ in range(self.dice.randrange(1, 40))})

    def upsert(self, store: EmbeddedStore) -> None:
        keys, seed = self.keys(), self.dice.randrange(10**6)
        for each in self.memory, store:
            each.upsert(OWNER, SPACE, keys, unit(len(keys), seed))

    def delete(self, store: EmbeddedStore) -> None:
        keys = self.keys()
        assert self.memory.delete(OWNER, SPACE, keys) == store.delete(OWNER, SPACE, keys)

    def flush(self, store: EmbeddedStore) -> None:
        store.flush(OWNER, SPACE)

    def reopen(self, store: EmbeddedStore) -> None:
        store.close()

    def copy(self, store: EmbeddedStore) -> None:
        copy = self.folder / f"{self.dice.randrange(10**9)}.snapshot"
        store.snapshot(OWNER, SPACE, copy)
        store.upsert(OWNER, SPACE, [1], unit(1))
        self.dice.choice(self.stores).restore(OWNER, SPACE, copy)

    def drop(self, store: EmbeddedStore) -> None:
        for each in self.memory, store:
            each.drop(OWNER, SPACE)
        self.begin(store)

    def look(self) -> None:
        query, k, exclude = unit(1, self.dice.randrange(10**6))[0], self.dice.randrange(1, 30), self.keys()
        truth = self.memory.search(OWNER, SPACE, query, k, exclude=exclude)
        for store in self.stores:
            assert store.search(OWNER, SPACE, query, k, exclude=exclude) == truth
            assert store.count(OWNER, SPACE) == self.memory.count(OWNER, SPACE)


def test_what_does_not_fit_the_cache_is_not_kept(folder: Path, store: EmbeddedStore) -> None:
    with closing(EmbeddedStore(folder, cache_mb=0)) as small:
        assert agree(small, oracle())
        assert not small._searcher._cache._kept


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_life_equals_the_oracle(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    life = Life(folder, dice)
    acts = [life.upsert] * 12 + [life.delete] * 4 + [life.flush] * 2 + [life.reopen, life.copy, life.drop]
    for _ in range(150):
        dice.choice(acts)(dice.choice(life.stores))
        life.look()
    for store in life.stores:
        assert store.verify(OWNER, SPACE).problem == ""
        store.close()


def test_reading_all_takes_constant_memory(folder: Path) -> None:
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom reprise.stores.embedded import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1]), cache_mb=1)\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"row = next(store.scan({OWNER!r}, {SPACE!r}, 10))[1][0]\n"
        "before = peak()\n"
        f"assert sum(len(k) for k, _ in store.scan({OWNER!r}, {SPACE!r})) == 30_000\n"
        f"store.verify({OWNER!r}, {SPACE!r})\n"
        f"store.snapshot({OWNER!r}, {SPACE!r}, Path(sys.argv[1]) / 'x.snapshot')\n"
        f"store.search({OWNER!r}, {SPACE!r}, row, 5)\n"
        "print((peak() - before) // 1024)\nstore.close()"
    )
    with closing(EmbeddedStore(folder)) as store:
        store.create(OWNER, SPACE, 512)
        for start in range(0, 30_000, 1000):
            store.upsert(OWNER, SPACE, range(start, start + 1000), unit(1000, seed=start, dimension=512))
    with spawn(code, folder) as reader:
        told, _ = reader.communicate()
    assert int(told) < 40  # MiB; all rows are 59


def test_importing_the_store_loads_neither_numpy_nor_zvec() -> None:
    code = (
        "import sys, reprise.stores.embedded, reprise.stores.memory\n"
        "sys.exit(any(m in sys.modules for m in ('numpy', 'zvec')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
