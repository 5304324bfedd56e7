"""Folders of real audio files with real tags."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.catalog.sqlite import open_sqlite
from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from tests.rename.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE = 8_000  # Hz


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a second of noise in each format, without tags."""
    folder = tmp_path_factory.mktemp("sounds")
    wave = (np.random.default_rng(5).standard_normal(RATE * 3) * 0.1).astype(np.float32)
    found = {}
    for suffix in (".mp3", ".flac", ".m4a", ".ogg", ".opus", ".wav"):
        rate = 48_000 if suffix == ".opus" else 44_100
        found[suffix] = write_audio(folder / f"noise{suffix}", wave, rate, tags=Tags()).read_bytes()
    return found


@pytest.fixture(scope="session")
def track(sounds: dict[str, bytes]) -> Callable[..., Path]:
    """``track(path, artist="A", title="B", bpm="120", …)`` writes a file with those tags by mutagen."""

    def write(path: Path, **tags: Any) -> Path:
        import mutagen

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sounds[path.suffix.lower()])
        if not tags:
            return path
        if path.suffix.lower() in (".mp3", ".wav"):
            _write_id3(path, tags)
            return path
        file = mutagen.File(path, easy=path.suffix.lower() == ".m4a")
        for name, text in tags.items():
            file[_NAMES.get(name, name)] = [str(text)]
        file.save()
        return path

    return write


_NAMES = {
    "track": "tracknumber",
    "disc": "discnumber",
    "year": "date",
    "key": "initialkey",
    "label": "organization",
}
_FRAMES = {
    "artist": "TPE1", "title": "TIT2", "album": "TALB", "album_artist": "TPE2", "track": "TRCK", "disc": "TPOS",
    "bpm": "TBPM", "key": "TKEY", "year": "TDRC", "label": "TPUB", "genre": "TCON",
}  # fmt: skip


def _write_id3(path: Path, tags: dict[str, Any]) -> None:
    id3: Any = import_module("mutagen.id3")
    file: Any = import_module("mutagen.wave").WAVE(path) if path.suffix.lower() == ".wav" else id3.ID3()
    if path.suffix.lower() == ".wav":
        file.add_tags()
    frames = getattr(file, "tags", file)
    for name, text in tags.items():
        frames.add(getattr(id3, _FRAMES[name])(encoding=3, text=[str(text)]))
    file.save(path)


@pytest.fixture(scope="session")
def blank_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty catalogue, made once. Copy, do not change."""
    path = tmp_path_factory.mktemp("blank") / "catalogue.sqlite"
    open_sqlite(path, create=True).close()
    return path


@pytest.fixture
def stage(tmp_path: Path, blank_catalogue: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, blank=blank_catalogue)
    yield made
    made.close()
