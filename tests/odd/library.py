"""A library of odd files with a few healthy ones among them, written from what the other modules here make."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.items import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from tests.odd.damage import Odd, damaged, sample
from tests.odd.headers import absurd
from tests.odd.sounds import healthy_audio, healthy_videos
from tests.odd.strangers import odd_names, special_entries, strangers
from tests.odd.tagged import LONG, SHORT, tagged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path


GOOD = b"healthy/"
VIDEO_MARK = "films"


class Scale(NamedTuple):
    """How much of it: seeds of flipped bits for each format; of everything so many (0: all); whether giants are long."""

    flips: int
    music: int
    films: int
    long: bool


QUICK = Scale(4, 110, 40, long=False)
WHOLE = Scale(80, 0, 0, long=True)


class OddLibrary(NamedTuple):
    """``music`` and ``films`` are folders. Of their files so many count; ``problems``: entries that are no files."""

    music: Path
    films: Path
    music_files: int
    film_files: int
    problems: int


@contextmanager
def odd_library(folder: Path, scale: Scale, seed: int = 8) -> Iterator[OddLibrary]:
    """Write it below ``folder``; a socket among it lives until the end."""
    drafts = folder / "drafts"
    drafts.mkdir(parents=True)
    sounds, videos = healthy_audio(drafts), healthy_videos(drafts)
    music, films = folder / "music", folder / VIDEO_MARK
    odd_music = _chosen([*damaged(sounds, scale.flips), *_music(sounds, scale)], scale.music, seed)
    odd_films = _chosen([*damaged(videos, scale.flips), *strangers()], scale.films, seed)
    music_files = _taken(_write(music, odd_music + _healthy(sounds)), AUDIO_SUFFIXES)
    film_files = _taken(_write(films, odd_films + _healthy(videos)), VIDEO_SUFFIXES)
    with special_entries(music / "special") as problems:
        yield OddLibrary(music, films, music_files, film_files, problems)


def _music(sounds: Mapping[str, bytes], scale: Scale) -> Iterator[Odd]:
    yield from absurd(sounds)
    yield from tagged(sounds, LONG if scale.long else SHORT)
    yield from strangers()
    yield from odd_names(sounds[".mp3"])


def _chosen(odd: list[Odd], count: int, seed: int) -> list[Odd]:
    return sample(odd, count, seed) if count else odd


def _write(root: Path, odd: list[Odd]) -> list[bytes]:
    """Returns their paths; of two that are called alike there is one."""
    paths = {os.path.join(os.fsencode(root), one.name): one.content for one in odd}
    for path, content in paths.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return list(paths)


def _healthy(files: Mapping[str, bytes]) -> list[Odd]:
    return [Odd(GOOD + f"a file{suffix}".encode(), "healthy", content) for suffix, content in files.items()]


def _taken(paths: Iterable[bytes], suffixes: Collection[str]) -> int:
    """How many of them a library looks at that takes these suffixes; the others lie there all the same."""
    return sum("." + os.fsdecode(path).rpartition(".")[2] in suffixes for path in paths)
