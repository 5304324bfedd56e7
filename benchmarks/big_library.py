"""A large library as finished jobs leave it: tags, vectors in clusters, a ledger, without a single file of sound."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.items import InputState, Tags
from reprise.core.ports import FoundFile
from reprise.core.records import Completed, ScanBatch
from reprise.core.space import SpaceState
from reprise.engine.job_work import nobody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.app import App
    from reprise.core.space import Space

ARTISTS = 900
CLUSTERS = 500
GENRES = (
    "Rock",
    "Jazz",
    "Techno",
    "House",
    "Ambient",
    "Folk",
    "Metal",
    "Soul",
    "Hip-Hop",
    "Classical",
    "Dub",
    "Pop",
)
KEYS = ("C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F", "Am", "Em", "Bm", "F#m", "Cm", "Gm")
PART = 10_000
DIGEST = bytes(32)


def fill_catalogue(app: App, folder: Path, tracks: int) -> int:
    """A library of so many tracks in ``folder`` (made, and left empty); returns its id."""
    folder.mkdir(parents=True)
    library, _ = app.library_of(folder)
    for start in range(0, tracks, PART):
        found = [_found(n) for n in range(start, min(start + PART, tracks))]
        app.catalogue().items.apply(app.owner, library.id, ScanBatch(added=found), time.time())
    while app.catalogue().listing.take_over(PART):  # what a server does in small steps
        pass
    return library.id


def fill_space(app: App, tracks: int, model: str = "acoustic") -> Space:
    """Vectors of the items 1 to ``tracks`` in the space that answers searches with the model."""
    spec = replace(app.installed.card("acoustic").spec, model=model)
    spaces = app.catalogue().spaces
    space = spaces.ensure(app.owner, spec)
    app.store.create(app.owner, space.name, spec.dimension)
    for start, vectors in clustered(tracks, spec.dimension, seed=len(model)):
        keys = range(start + 1, start + len(vectors) + 1)
        app.store.upsert(app.owner, space.name, keys, vectors)
    app.store.flush(app.owner, space.name)
    for state in (SpaceState.FILLING, SpaceState.VERIFYING):
        spaces.set_state(app.owner, space.id, state)
    spaces.switch(app.owner, model, space.id, time.time())
    return space


def fill_ledger(app: App, library_id: int, space: Space, tracks: int) -> None:
    """Every row done, through the ledger's own door: planned, leased, committed by a job that is over."""
    from reprise.core.job import JobRequest, JobState
    from reprise.core.plan import Selection

    catalogue = app.catalogue()
    selection = Selection(app.owner, library_id)
    job = catalogue.jobs.create(JobRequest(selection, (space.model,)), "benchmark", time.time())
    catalogue.ledger.plan(selection, job.id, [space], time.time(), resumed=False, alive=nobody)
    while rows := catalogue.ledger.lease(app.owner, job.id, space.id, 500, 3600.0, 3):
        done = [
            Completed(row.item_id, InputState(row.size, row.mtime_ns, DIGEST), learned=True) for row in rows
        ]
        catalogue.ledger.commit(app.owner, job.id, space.id, done, [], time.time())
    assert catalogue.ledger.counts(app.owner, space.id)["done"] == tracks
    catalogue.jobs.set_state(app.owner, job.id, JobState.COMPLETED, time.time())


def clustered(
    tracks: int, dimension: int, seed: int
) -> Iterator[tuple[int, np.ndarray[tuple[int, int], np.dtype[np.float32]]]]:
    """Unit vectors around ``CLUSTERS`` centres, a thousand at a time, each part with the place where it begins."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CLUSTERS, dimension))
    for start in range(0, tracks, 1000):
        count = min(1000, tracks - start)
        noise = random.standard_normal((count, dimension))
        vectors = centres[random.integers(0, CLUSTERS, count)] + 0.6 * noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield start, vectors.astype(np.float32)


def _found(number: int) -> tuple[FoundFile, Tags]:
    artist = f"Artist {number % ARTISTS}"
    album = f"Album {number // 12 % 5000}"
    tags = Tags(
        title=f"Title {number * 7919 % 1_000_003}",
        artist=artist,
        album=album,
        album_artist=artist,
        genre=GENRES[number % len(GENRES)],
        year=1960 + number % 65,
        track=number % 12 + 1,
        bpm=80.0 + number % 90,
        key=KEYS[number % len(KEYS)],
        duration=120.0 + number % 300,
    )
    path = f"{artist}/{album}/{number % 12 + 1:02} - {tags.title}.mp3".encode()
    return FoundFile(path, 4_000_000 + number, 1_700_000_000_000_000_000 + number), tags
