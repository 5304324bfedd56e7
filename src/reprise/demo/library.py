"""The demo library: invented artists, real audio files in every common format."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.items import Tags

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = (20.0, 26.0)
"""Shortest and longest demo track."""

TRACKS_PER_ALBUM = 2


@dataclass(frozen=True, slots=True)
class Album:
    """One album of the library: two tracks of one style."""

    style: str
    artist: str
    title: str
    year: int
    suffix: str
    tracks: tuple[str, str]


ALBUMS = (
    Album("techno", "Kessel 9", "Pressure Vessel", 2019, ".mp3", ("Gauge", "Relief Valve")),
    Album("house", "Marisol Vega", "Late Ferry", 2021, ".m4a", ("Upper Deck", "Harbour Lights")),
    Album("drum and bass", "Undertow Unit", "Fathoms", 2016, ".ogg", ("Cold Current", "Shelf")),
    Album("hip hop", "Paper Lanterns", "Corner Store Tapes", 2014, ".mp3", ("Loose Change", "Two Bus Stops")),
    Album("ambient", "Sólrún Ýr", "Þögn", 2020, ".flac", ("Jökulá", "Norðurljós")),
    Album("folk waltz", "The Tinder Sisters", "Orchard Year", 1998, ".opus", ("Windfall", "Cider Press")),
    Album("rock", "Copper Mile", "Rust Belt Saints", 1994, ".mp3", ("Overpass", "Nine Volt")),
    Album("piano ballad", "Étienne Aubry", "Chambre bleue", 2008, ".flac", ("Février", "La dernière lettre")),
    Album("reggae", "Prince Almond", "Trenchtown Sunday", 1977, ".m4a", ("Slow Boat", "Give Thanks")),
    Album("bossa nova", "Lívia Prado", "Água Clara", 1965, ".opus", ("Calçada", "Depois da Chuva")),
    Album("trance", "Aurora Drive", "Meridian", 2001, ".ogg", ("First Light", "Cassiopeia")),
    Album(
        "swing", "The Alder Street Five", "Live at the Lantern", 1959, ".wav", ("Five to Five", "Alley Cat")
    ),
    Album("chiptune", "ピクセル・キッド", "ステージ２", 2012, ".mp3", ("ボス戦", "エンディング")),
)

COMPILATION = ("Various Artists", "Night Bus Vol. 1", 2022, (("techno", ".m4a"), ("piano ballad", ".mp3")))
"""The first track of two albums once more in another format: the same recording should be found."""


@dataclass(frozen=True, slots=True)
class DemoTrack:
    """One file to be: its path inside the library, what to render and its tags."""

    path: str
    style: str
    seed: int
    seconds: float
    tags: Tags


def demo_tracks() -> list[DemoTrack]:
    """The whole library as data, 28 tracks, in a fixed order."""
    return [
        _album_track(album, number) for album in ALBUMS for number in range(TRACKS_PER_ALBUM)
    ] + _compiled()


def make_demo_library(
    folder: Path, *, progress: Callable[[Path, int, int], None] | None = None
) -> list[Path]:
    """Render the demo library; files that are there already are kept as they are.

    About ten CPU seconds, spread over the cores; a file appears under its name only when it is complete.

    Args:
        folder: made if it is missing.
        progress: called after each file with its path, how many are done and how many there are.

    Returns:
        The paths of all tracks, in the library's order.

    Raises:
        OSError: the folder cannot be written.
    """
    tracks = demo_tracks()
    paths = [folder / track.path for track in tracks]
    todo = [(track, path) for track, path in zip(tracks, paths, strict=True) if not path.exists()]
    done = len(paths) - len(todo)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        # Threads are enough: numpy and the encoders let go of the interpreter's lock while they work.
        futures = [pool.submit(_write_track, track, path) for track, path in todo]
        for future in as_completed(futures):
            done += 1
            if progress is not None:
                progress(future.result(), done, len(paths))
            future.result()
    return paths


def _write_track(track: DemoTrack, path: Path) -> Path:
    from reprise.demo.compose import render
    from reprise.demo.encode import write_audio
    from reprise.demo.styles import style_named

    piece = render(style_named(track.style), track.seed, track.seconds)
    known = Tags(
        title=track.tags.title,
        artist=track.tags.artist,
        album=track.tags.album,
        album_artist=track.tags.album_artist,
        genre=track.tags.genre,
        year=track.tags.year,
        track=track.tags.track,
        bpm=piece.tempo,
        key=piece.key,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_audio(path, piece.samples, piece.sample_rate, tags=known)


def _album_track(album: Album, number: int) -> DemoTrack:
    position = ALBUMS.index(album)
    seconds = SECONDS[0] + (position * TRACKS_PER_ALBUM + number) % 7 * (SECONDS[1] - SECONDS[0]) / 6
    tags = Tags(
        title=album.tracks[number],
        artist=album.artist,
        album=album.title,
        genre=_genre(album.style),
        year=album.year,
        track=number + 1,
    )
    path = f"{album.artist}/{album.title}/{number + 1:02d} {album.tracks[number]}{album.suffix}"
    return DemoTrack(path, album.style, number, seconds, tags)


def _compiled() -> list[DemoTrack]:
    artist, title, year, chosen = COMPILATION
    out = []
    for number, (style, suffix) in enumerate(chosen, start=1):
        first = next(_album_track(album, 0) for album in ALBUMS if album.style == style)
        tags = Tags(
            title=first.tags.title,
            artist=first.tags.artist,
            album=title,
            album_artist=artist,
            genre=first.tags.genre,
            year=year,
            track=number,
        )
        path = f"{artist}/{title}/{number:02d} {first.tags.artist} - {first.tags.title}{suffix}"
        out.append(DemoTrack(path, style, first.seed, first.seconds, tags))
    return out


def _genre(style: str) -> str:
    from reprise.demo.styles import style_named

    return style_named(style).genre
