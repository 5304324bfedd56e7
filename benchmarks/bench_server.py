"""What the server costs: its start, its pages, its answers to many at once beside a running job, a new file's way."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from benchmarks.big_library import fill_catalogue, fill_space
from benchmarks.free_models import NAMES, install
from benchmarks.measure import ROOT, Row, make_library, report
from benchmarks.served import served
from reprise.app import App
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.served import Served

READERS = 200
QUERIES = 100
ARRIVALS = 5
THINK_SECONDS = 10.0
"""A person who reads a page looks at it for so long."""

SORTS = ("artist", "title", "album", "genre", "year", "bpm", "key", "duration", "updated_at", "path")
FILTERS: tuple[dict[str, str], ...] = ({"q": "title 77"}, {"genre": "Jazz"}, {"artist": "Artist 77"})


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000, help="tracks of the largest catalogue")
    parser.add_argument("--files", type=int, default=30_000, help="files of the job that runs beside readers")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for part in (
        _large(options.tracks),
        _pages_of(options.many),
        _beside_a_job(options.tracks, options.files),
        _arrival(),
    ):
        found = list(part)
        report(found, arguments)
        rows += found
    return rows


def _large(tracks: int) -> Iterator[Row]:
    """Start, memory, pages and similar over a library of ``tracks``."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        home = _library(Path(folder), tracks, vectors=True)
        starts = []
        for _ in range(3):
            with served(home, REPRISE_WATCH="no") as server:
                starts.append(server.ready_seconds)
        ready = statistics.median(starts)
        yield Row(f"serve: ready with {tracks:,} tracks", f"{ready:.2f} s", "", None, "< 2 s", ready < 2)
        with served(home, REPRISE_WATCH="no") as server:
            time.sleep(5)
            memory = server.memory_mb
            yield Row("serve: idle memory", f"{memory:.0f} MB", "", None, "< 200 MB", memory < 200)
            yield from _pages(server, tracks)
            yield _similar(server, home, tracks)


def _pages_of(tracks: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        home = _library(Path(folder), tracks, vectors=False)
        with served(home, REPRISE_WATCH="no") as server:
            yield from _pages(server, tracks)


def _library(folder: Path, tracks: int, *, vectors: bool) -> Path:
    home = folder / "home"
    with App(load_settings({}, home=home)) as app:
        fill_catalogue(app, folder / "music", tracks)
        if vectors:
            fill_space(app, tracks)
    return home


def _pages(server: Served, tracks: int) -> Iterator[Row]:
    """The slowest sort, the slowest filter, and the page in the middle; each a median of several."""
    sorts = {sort: _page_ms(server, {"sort": sort}) for sort in SORTS}
    yield _page_row(f"first page of {tracks:,}, slowest sort", sorts)
    filters = {next(iter(query)): _page_ms(server, query) for query in FILTERS}
    yield _page_row(f"first page of {tracks:,}, slowest filter", filters)
    middle = {"the middle": _page_ms(server, {"sort": "artist", "offset": str(tracks // 2)})}
    yield _page_row(f"page in the middle of {tracks:,}", middle)


def _page_row(promise: str, times: dict[str, float]) -> Row:
    slowest = max(times, key=times.__getitem__)
    took = times[slowest]
    return Row(promise, f"{took:.0f} ms", slowest, None, "< 100 ms", took < 100)


def _page_ms(server: Served, query: dict[str, str]) -> float:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        server.get("/items", limit=200, **query)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def _similar(server: Served, home: Path, tracks: int) -> Row:
    """The server's own time for a question beside what the store alone takes for it, in a process of its own."""
    inside, whole = [], []
    for key in range(1, tracks, max(1, tracks // QUERIES)):
        began = time.perf_counter()
        found = server.get("/similar", item_id=key, limit=10)
        whole.append(time.perf_counter() - began)
        inside.append(found["seconds"])
    with App(load_settings({}, home=home)) as app:
        pointer = app.catalogue().spaces.pointer(app.owner, "acoustic")
        assert pointer is not None
        alone = []
        for key in range(1, tracks, max(1, tracks // QUERIES)):
            vector = app.store.get(app.owner, pointer.space.name, [key])[key]
            began = time.perf_counter()
            app.store.search(app.owner, pointer.space.name, vector, 10, exclude=[key])
            alone.append(time.perf_counter() - began)
    ours, store = statistics.median(inside[5:]) * 1000, statistics.median(alone[5:]) * 1000
    text = f"{ours:.1f} ms ({statistics.median(whole[5:]) * 1000:.1f} ms with HTTP)"
    ratio = ours / store
    return Row(f"/similar over {tracks:,}: server", text, f"store {store:.1f} ms", ratio, "≤ 3", ratio <= 3)


def _beside_a_job(tracks: int, files: int) -> Iterator[Row]:
    """200 readers at once while a job runs, and what they cost it."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        home = _library(Path(folder), tracks, vectors=True)
        music = make_library(Path(folder) / "job", files)
        plugins = os.pathsep.join((str(ROOT), str(install(Path(folder) / "plugins"))))
        with served(home, REPRISE_WATCH="no", PYTHONPATH=plugins) as server:
            library = server.post("/libraries", {"path": str(music)})["id"]
            _job_seconds(server, library)  # the first one scans, and makes the spaces
            alone = statistics.median(_job_seconds(server, library) for _ in range(2))
            job = _start(server, library)
            times, errors = asyncio.run(_read_until_done(server, job, tracks))
            beside = _seconds_of(server, job)
    middle, slow = statistics.median(times), statistics.quantiles(times, n=100)[98]
    text = f"p50 {middle * 1000:.0f} ms, p99 {slow * 1000:.0f} ms"
    yield Row(
        f"{READERS} readers beside a job: errors",
        f"{errors}",
        f"{len(times):,} answers",
        None,
        "0",
        not errors,
    )
    ratio = slow / middle
    yield Row(f"{READERS} readers beside a job: p99", text, "p50", ratio, "< 10", ratio < 10)
    slowed = beside / alone
    text = f"{beside:.1f} s"
    yield Row("the job beside them", text, f"alone {alone:.1f} s", slowed, "< 1.11", slowed < 1 / 0.9)


def _start(server: Served, library: int) -> str:
    started = server.post("/jobs", {"library_id": library, "models": list(NAMES), "wanted": "all"})
    return str(started["id"])


def _job_seconds(server: Served, library: int) -> float:
    job = _start(server, library)
    while server.get(f"/jobs/{job}")["finished_at"] is None:
        time.sleep(0.1)
    return _seconds_of(server, job)


def _seconds_of(server: Served, job: str) -> float:
    facts = server.get(f"/jobs/{job}")
    assert facts["state"] == "completed", facts
    return float(facts["finished_at"] - facts["started_at"])


async def _read_until_done(server: Served, job: str, tracks: int) -> tuple[list[float], int]:
    """Readers who each ask, think a little, and ask again, until the job is done: seconds of each answer, and errors."""
    times: list[float] = []
    errors = 0
    done = asyncio.Event()
    limits = httpx2.Limits(max_connections=READERS + 1)
    async with httpx2.AsyncClient(
        base_url=f"{server.url}/api/v1", headers=server.headers, limits=limits, timeout=60.0
    ) as client:

        async def read(reader: int) -> None:
            nonlocal errors
            asked = reader
            await asyncio.sleep(THINK_SECONDS * reader / READERS)
            while not done.is_set():
                asked += READERS
                began = time.perf_counter()
                answer = await client.get("/items", params={"limit": 50, "offset": asked * 50 % tracks})
                times.append(time.perf_counter() - began)
                errors += answer.status_code != httpx2.codes.OK
                await asyncio.sleep(THINK_SECONDS)

        async def watch() -> None:
            while not done.is_set():
                await asyncio.sleep(0.5)
                if (await client.get(f"/jobs/{job}")).json()["finished_at"] is not None:
                    done.set()

        await asyncio.gather(watch(), *(read(reader) for reader in range(READERS)))
    return times, errors


def _arrival() -> Iterator[Row]:
    """From closing a new file in a watched folder until it is found."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        songs = sorted(make_library(Path(folder) / "songs", ARRIVALS + 1).rglob("*.mp3"))
        music = Path(folder) / "music"
        music.mkdir()
        shutil.copy(songs.pop(), music / "first.mp3")
        with served(Path(folder) / "home") as server:
            server.post("/libraries", {"path": str(music)})
            _until_found(server, "first.mp3", time.perf_counter())
            times = []
            for number, song in enumerate(songs):
                shutil.copy(song, music / f"new{number}.mp3")
                times.append(_until_found(server, f"new{number}.mp3", time.perf_counter()))
    took = statistics.median(times)
    yield Row(
        "a new file until it is found",
        f"{took:.1f} s",
        f"slowest {max(times):.1f} s",
        None,
        "< 5 s",
        took < 5,
    )


def _until_found(server: Served, name: str, began: float) -> float:
    while time.perf_counter() - began < 120:
        items = server.get("/items", q=name.removesuffix(".mp3"), limit=10)["items"]
        keys = [item["id"] for item in items if item["path"] == name]
        if keys and server.client.get("/similar", params={"item_id": keys[0]}).status_code == httpx2.codes.OK:
            return time.perf_counter() - began
        time.sleep(0.05)
    raise TimeoutError(f"{name} is not found")


if __name__ == "__main__":
    main(sys.argv[1:])
