"""A library of invented music as finished jobs leave it, large enough to look real, with sound that plays."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.big_library import fill_ledger

from reprise.core.items import Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.core.space import SpaceState
from reprise.demo.encode import write_audio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.app import App
    from reprise.core.space import Space

MODEL = "acoustic"
TRACKS_PER_ALBUM = 8
ALBUMS_PER_ARTIST = 2
SOUND_SECONDS = 20.0
SAMPLE_RATE = 22_050
PART = 1000
TRAITS = 9
"""Music differs in so few ways here; the vectors are longer."""


@dataclass(frozen=True, slots=True)
class Style:
    """What the artists of a genre have in common."""

    genre: str
    bpm: tuple[float, float]
    years: tuple[int, int]
    keys: tuple[str, ...]


STYLES = (
    Style("Techno", (124, 138), (1994, 2023), ("Am", "Fm", "Gm")),
    Style("House", (118, 126), (1988, 2023), ("Cm", "Fm", "Am")),
    Style("Ambient", (60, 90), (1978, 2022), ("D", "G", "Bm")),
    Style("Jazz", (90, 180), (1956, 2019), ("Bb", "Eb", "F")),
    Style("Folk", (80, 130), (1966, 2021), ("G", "D", "C")),
    Style("Rock", (100, 150), (1969, 2020), ("E", "A", "D")),
    Style("Metal", (110, 200), (1982, 2021), ("Em", "Dm", "Am")),
    Style("Hip-Hop", (82, 100), (1989, 2022), ("Gm", "Cm", "Dm")),
    Style("Soul", (70, 115), (1964, 2018), ("Ab", "Db", "F")),
    Style("Classical", (50, 140), (1958, 2016), ("C", "D", "Cm")),
    Style("Dub", (70, 80), (1975, 2015), ("Am", "Dm", "Em")),
    Style("Bossa nova", (110, 135), (1961, 2009), ("F", "Am", "C")),
)


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Velvet Copper Northern Paper Silent Golden Electric Hollow Crimson Static Marble Winter Tidal Broken Amber Quiet "
    "Lunar Iron Salt Neon Distant Cobalt Wooden Little Second Blind Solar Hidden Glass Western"
)
LAST = _words(
    "Harbour Engine Lanterns Orchard Satellites Foxes Parade Theory Avenue Machine Sisters Quartet Assembly Rivers "
    "Cassette Library Kites Horizon Signal Society Gardens Motel Almanac Choir Compass Weather Union Station"
)
THINGS = _words(
    "Rain River Window Signal Morning Bridge Letter Fire Summer Mirror Road Garden Ocean Shadow Train Island Clock "
    "Mountain Silver Winter Harbour Ghost Stranger Ember Meadow Tower Feather Lantern Echo Thunder"
)
PATTERNS = (
    "{0}",
    "{0} and {1}",
    "After the {0}",
    "{0} Song",
    "Slow {0}",
    "The Last {0}",
    "{0} in {1}",
    "No More {0}",
    "Under the {0}",
    "{0}, {1}",
    "Every {0}",
    "Without {0}",
)


def fill(app: App, folder: Path, tracks: int) -> int:
    """A library of so many tracks in ``folder``, each playable, with vectors that search and the map can use."""
    sound = write_audio(folder / "sound.mp3", _melody(), SAMPLE_RATE)
    library, _ = app.library_of(folder)
    found = list(_found(folder, sound, tracks))
    for start in range(0, tracks, PART):
        batch = ScanBatch(added=found[start : start + PART])
        app.catalogue().items.apply(app.owner, library.id, batch, time.time())
    fill_ledger(app, library.id, _space(app, [tags for _, tags in found]), tracks)
    return library.id


def _found(folder: Path, sound: Path, tracks: int) -> Iterator[tuple[FoundFile, Tags]]:
    for tags in _tags(tracks):
        inside = f"{tags.artist}/{tags.album}/{tags.track:02} {tags.title}.mp3"
        path = folder / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(sound, path)
        facts = path.stat()
        yield FoundFile(inside.encode(), facts.st_size, facts.st_mtime_ns), tags


def _tags(tracks: int) -> Iterator[Tags]:
    chance = random.Random(4)
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    chance.shuffle(names)
    for number in range(tracks):
        album, track = divmod(number, TRACKS_PER_ALBUM)
        artist = album // ALBUMS_PER_ARTIST
        style = STYLES[artist % len(STYLES)]
        own = random.Random(album)
        title = chance.choice(PATTERNS).format(*chance.sample(THINGS, 2))
        yield Tags(
            title=title,
            artist=names[artist % len(names)],
            album=f"{own.choice(THINGS)} {own.choice(LAST)}",
            genre=style.genre,
            year=own.randint(*style.years),
            track=track + 1,
            bpm=round(chance.uniform(*style.bpm), 1),
            key=chance.choice(style.keys),
            duration=round(chance.uniform(140, 420), 1),
        )


def _space(app: App, tags: Sequence[Tags]) -> Space:
    """Vectors near those of the same genre, nearer to those of the same artist."""
    spec = app.installed.card(MODEL).spec
    space = app.catalogue().spaces.ensure(app.owner, spec)
    app.store.create(app.owner, space.name, spec.dimension)
    for start in range(0, len(tags), PART):
        part = np.stack(
            [
                _vector(one, start + place, spec.dimension)
                for place, one in enumerate(tags[start : start + PART])
            ]
        )
        app.store.upsert(app.owner, space.name, range(start + 1, start + len(part) + 1), part)
    app.store.flush(app.owner, space.name)
    for state in (SpaceState.FILLING, SpaceState.VERIFYING):
        app.catalogue().spaces.set_state(app.owner, space.id, state)
    app.catalogue().spaces.switch(app.owner, MODEL, space.id, time.time())
    return space


def _vector(tags: Tags, seed: int, dimension: int) -> NDArray[np.float32]:
    parts = ((f"{tags.genre}", 1.0), (f"{tags.artist}", 0.5), (str(seed), 0.6))
    mixed = np.sum([weight * _drawn(word, TRAITS) for word, weight in parts], axis=0)
    spread = np.stack([_drawn(f"trait {n}", dimension) for n in range(TRAITS)])
    heard = mixed @ spread
    vector: NDArray[np.float32] = (heard / np.linalg.norm(heard)).astype(np.float32)
    return vector


@cache
def _drawn(word: str, count: int) -> NDArray[np.float64]:
    """Random numbers of its own for each word."""
    return np.random.default_rng(list(word.encode())).standard_normal(count)


def _melody() -> NDArray[np.float32]:
    """Something to hear: a slow scale, in one channel."""
    time_ = np.arange(int(SOUND_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 220.0 * 2 ** (np.array([0, 3, 5, 7, 10, 12])[(time_ // 0.5).astype(int) % 6] / 12)
    tone = 0.2 * np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    samples: NDArray[np.float32] = tone.astype(np.float32)[:, None]
    return samples
