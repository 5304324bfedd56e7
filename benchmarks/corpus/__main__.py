"""``python -m benchmarks.corpus FOLDER [--seconds 75] [--tracks 168] [--long 12] [--seed 1]``.

Writes the tracks and ``truth.csv`` beside them: path, bpm (empty: there is none), key, style, group, split, metre,
drift (share), swing, cents (of the tuning), first_beat, lead and tail (seconds of silence), seconds. What is there
already is kept; the same arguments give the same files.
"""

from __future__ import annotations

import argparse
import csv
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.corpus.render import RATE, play
from benchmarks.corpus.song import Song, choose
from benchmarks.corpus.styles import STYLES, styles_for_testing
from reprise.core.items import Tags
from reprise.core.musical_key import MusicalKey
from reprise.demo.encode import write_audio

TRUTH = "truth.csv"
SUFFIXES = (".flac", ".mp3", ".flac", ".wav", ".mp3", ".flac")
KBPS = (128, 192, 320)
LONG_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Truth:
    """One line of the table."""

    path: str
    bpm: float | None
    key: str
    style: str
    group: str
    split: str
    metre: str
    drift: float
    swing: float
    cents: float
    first_beat: float | None
    lead: float
    tail: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    """Which track to render."""

    number: int
    tonic: int
    minor: bool
    seconds: float
    seed: int


def wishes(tracks: int, seconds: float, every: int, seed: int) -> list[Wish]:
    """Styles in turn; all 24 keys before any comes again, in an order of its own for each round."""
    rng = np.random.default_rng(seed)
    keys = np.concatenate([rng.permutation(24) for _ in range(tracks // 24 + 1)])
    return [
        Wish(
            number,
            int(keys[number] % 12),
            bool(keys[number] >= 12),
            LONG_SECONDS if every and number % every == every - 1 else seconds,
            seed,
        )
        for number in range(tracks)
    ]


def make(wish: Wish, folder: Path) -> Truth:
    """Render one track, unless it is there, and say what is true of it."""
    style = STYLES[wish.number % len(STYLES)]
    rng = np.random.default_rng([wish.seed, wish.number])
    song = choose(style, rng, wish.tonic, minor=wish.minor, seconds=wish.seconds)
    tail = float(rng.uniform(0.3, 6.0)) if rng.random() < 0.35 else 0.0
    suffix = SUFFIXES[int(rng.integers(len(SUFFIXES)))]
    kbps = int(rng.choice(KBPS)) if suffix == ".mp3" else None
    path = folder / style.name.replace(" ", "_") / f"{wish.number:04}{suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        tags = Tags(title=f"Track {wish.number}", artist="Reprise corpus", genre=style.name)
        write_audio(path, play(song, tail), RATE, tags=tags, kbps=kbps)
    return truth(song, str(path.relative_to(folder)), tail)


def truth(song: Song, path: str, tail: float) -> Truth:
    style = song.style
    return Truth(
        path,
        song.bpm,
        MusicalKey(song.tonic, minor=song.minor).name,
        style.name,
        style.group,
        "test" if style.name in styles_for_testing() else "train",
        style.metre,
        round(song.drift, 4),
        round(song.swing, 3),
        round(1200 * float(np.log2(song.tuning)), 1),
        None if song.bpm is None else round(song.start, 4),
        round(song.start, 3),
        round(tail, 3),
        round(song.start + song.seconds + tail, 3),
    )


def make_corpus(folder: Path, tracks: int, seconds: float, *, every: int, seed: int, processes: int) -> Path:
    """All tracks and the table; the path of the table."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes) as pool:
        rows = list(pool.map(partial(make, folder=folder), wishes(tracks, seconds, every, seed)))
    table = folder / TRUTH
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Truth)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.corpus", description="Render the synthetic corpus."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tracks", type=int, default=168, help="21 styles in turn")
    parser.add_argument("--seconds", type=float, default=75.0, help="of music in each track")
    parser.add_argument(
        "--long", type=int, default=12, help="every so-many-th track lasts four minutes; 0: none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    table = make_corpus(
        asked.folder,
        asked.tracks,
        asked.seconds,
        every=asked.long,
        seed=asked.seed,
        processes=asked.processes,
    )
    print(table)


if __name__ == "__main__":
    main()
