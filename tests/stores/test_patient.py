"""A job's store waits for its server, as long as it may and no longer than it must."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.errors import StoreAway, StoreRefused
from reprise.stores.memory import MemoryStore
from reprise.stores.patient import PatientStore
from tests.servers.postgres import running_postgres
from tests.stores.kinds.pgvector import server
from tests.stores.samples import DIMENSION, OWNER, SPACE, oracle, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reprise.core.ports import Vectors


class Clock:
    """Time that passes when somebody sleeps; nobody may sleep for long at a stretch."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 0.5
        self.now += seconds


class Fickle(MemoryStore):
    """Is away from ``since`` until ``until``, in seconds of the clock; a scan breaks after the page that ends with
    one of ``breaks``, once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.since = self.until = 0.0
        self.tries: list[float] = []
        self.breaks: set[int] = set()

    def _space(self, owner: str, space: str) -> Any:
        self.tries.append(self.clock.now)
        if self.since <= self.clock.now < self.until:
            raise StoreAway("gone for lunch")
        return super()._space(owner, space)

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        for page in super().scan(owner, space, batch):
            self._space(owner, space)
            yield page
            if page[0][-1] in self.breaks:
                self.breaks.remove(page[0][-1])
                self.since, self.until = self.clock.now, self.clock.now + 3


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fickle(clock: Clock) -> Fickle:
    store = Fickle(clock)
    store.create(OWNER, SPACE, DIMENSION)
    store.upsert(OWNER, SPACE, range(30), unit(30))
    store.tries.clear()
    return store


def patient(store: Fickle, patience: float = 3600, stop: Any = lambda: False, **options: Any) -> PatientStore:
    return PatientStore(store, patience, stop, clock=lambda: store.clock.now,
                        sleep=store.clock.sleep, **options)  # fmt: skip


def test_an_absence_of_a_minute_is_waited_out_with_growing_waits(fickle: Fickle) -> None:
    fickle.since, fickle.until = 100, 160
    heard: list[float] = []
    store = patient(fickle, waiting=lambda error, seconds: heard.append(seconds))
    store.upsert(OWNER, SPACE, [1], unit(1, seed=5))
    assert np.array_equal(store.get(OWNER, SPACE, [1])[1], unit(1, seed=5)[0])
    assert heard == [0.5, 1, 2, 4, 8, 10, 10, 10, 10, 10]
    assert 160 <= fickle.clock.now <= 170


def test_patience_ends_and_says_why(fickle: Fickle) -> None:
    fickle.since, fickle.until = 100, 1e9
    with pytest.raises(StoreAway, match="lunch"):
        patient(fickle, patience=25).count(OWNER, SPACE)
    assert fickle.clock.now == pytest.approx(125)
    fickle.tries.clear()
    with pytest.raises(StoreAway):
        patient(fickle, patience=0).count(OWNER, SPACE)
    assert len(fickle.tries) == 1


def test_who_is_to_stop_waits_no_longer(fickle: Fickle) -> None:
    fickle.since, fickle.until = 100, 1e9
    store = patient(fickle, stop=lambda: fickle.clock.now >= 117.3)
    with pytest.raises(StoreAway):
        store.search(OWNER, SPACE, unit(1)[0], 3)
    assert fickle.clock.now < 118.5


def test_every_call_waits(fickle: Fickle, tmp_path: Any) -> None:
    store = patient(fickle)
    calls: list[Callable[[], object]] = [
        lambda: store.upsert(OWNER, SPACE, [1], unit(1)),
        lambda: store.delete(OWNER, SPACE, [1]),
        lambda: store.get(OWNER, SPACE, [1]),
        lambda: store.count(OWNER, SPACE),
        lambda: store.search(OWNER, SPACE, unit(1)[0], 1),
        lambda: store.flush(OWNER, SPACE),
        lambda: store.verify(OWNER, SPACE),
        lambda: store.snapshot(OWNER, SPACE, tmp_path / "copy.snapshot"),
    ]
    for call in calls:
        fickle.since, fickle.until = fickle.clock.now, fickle.clock.now + 5
        call()
        assert fickle.clock.now >= fickle.until
    store.restore(OWNER, SPACE, tmp_path / "copy.snapshot")
    assert store.count(OWNER, SPACE) == 29


def test_a_scan_that_breaks_off_goes_on_where_it_was(fickle: Fickle) -> None:
    fickle.breaks = {6, 13, 27}
    pages = list(patient(fickle).scan(OWNER, SPACE, 7))
    assert [key for keys, _ in pages for key in keys] == list(range(30))
    assert np.array_equal(np.concatenate([rows for _, rows in pages]), unit(30))
    assert fickle.clock.now >= 100 + 3 * 3


def test_what_waiting_cannot_cure_is_not_waited_for(fickle: Fickle, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreRefused("no entry")

    monkeypatch.setattr(fickle, "_space", refuse)
    with pytest.raises(StoreRefused):
        patient(fickle).count(OWNER, SPACE)
    assert fickle.clock.now == 100


def test_a_real_server_that_restarts_costs_no_batch() -> None:
    server()  # says why when there is none
    from reprise.stores.pgvector import PgvectorStore

    with running_postgres() as own, closing(PgvectorStore(own.database(), timeout=5)) as inner:
        store = PatientStore(inner, 60, lambda: False)
        store.create(OWNER, SPACE, DIMENSION)
        rows = unit(300)

        def restarts() -> None:
            for how in ("immediate", "fast"):
                time.sleep(0.2)
                own.stop(how)
                time.sleep(0.7)
                own.start()

        restarting = threading.Thread(target=restarts)
        restarting.start()
        written = 0
        while restarting.is_alive() or written < 3:
            for start in range(0, 300, 10):
                store.upsert(OWNER, SPACE, range(start, start + 10), rows[start : start + 10])
            written += 1
        restarting.join()
        assert store.count(OWNER, SPACE) == 300
        for query in unit(5, seed=7):
            assert store.search(OWNER, SPACE, query, 12) == oracle().search(OWNER, SPACE, query, 12)
