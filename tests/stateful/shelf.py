"""The files: tiny WAV files, each with a sound of its own and a title, under a clock of its own."""

from __future__ import annotations

import itertools
import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("", "x/", "x/y/", "Z/")
ALWAYS = "always.wav"
"""A file that nobody deletes: an empty folder is taken for a disk that is not mounted."""


@dataclass
class Track:
    """What one file is. ``title`` is what it says of itself."""

    sound: str
    title: str


@dataclass
class Shelf:
    """A folder of tracks by their relative paths, and those that were deleted and may come back."""

    folder: Path
    tracks: dict[str, Track] = field(default_factory=dict)
    deleted: list[tuple[str, Track]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _clock: itertools.count[int] = field(default_factory=lambda: itertools.count(1_600_000_000))

    def sounds(self) -> dict[str, str]:
        return {path: track.sound for path, track in self.tracks.items()}

    def new_sound(self, *, bad: bool) -> str:
        return f"{'bad' if bad else 'sound'} {next(self._numbers)}"

    def new_title(self) -> str:
        return f"T{next(self._numbers):03}"

    def write(self, path: str, track: Track) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(wav(track))
        self.tracks[path] = track
        self.touch(path)

    def touch(self, path: str) -> None:
        os.utime(self.folder / path, (next(self._clock),) * 2)

    def move(self, path: str, to: str) -> None:
        (self.folder / to).parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.folder / path, self.folder / to)
        self.tracks[to] = self.tracks.pop(path)

    def swap(self, path: str, other: str) -> None:
        aside = self.folder / "aside"
        os.rename(self.folder / path, aside)
        os.rename(self.folder / other, self.folder / path)
        os.rename(aside, self.folder / other)
        self.tracks[path], self.tracks[other] = self.tracks[other], self.tracks[path]

    def delete(self, path: str) -> None:
        (self.folder / path).unlink()
        self.deleted.append((path, self.tracks.pop(path)))

    def on_disk(self) -> dict[str, Track]:
        """What really lies there."""
        return {
            os.path.relpath(os.path.join(folder, name), self.folder): track_of(
                open_and_read(os.path.join(folder, name))
            )
            for folder, _, names in os.walk(self.folder)
            for name in names
        }

    def check_is(self, tracks: dict[str, Track]) -> None:
        """These tracks lie there, under these names, and nothing else."""
        found = self.on_disk()
        assert found == tracks, f"there is {found}, expected {tracks}"


def open_and_read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) & 1)


def wav(track: Track) -> bytes:
    """The sound as text where samples would be, the title in a chunk of its own."""
    sound = track.sound.encode().ljust(64)
    title = _chunk(b"INAM", track.title.encode() + b"\0")
    chunks = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)) + _chunk(b"data", sound)
    chunks += _chunk(b"LIST", b"INFO" + title)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def track_of(content: bytes) -> Track:
    """What ``wav`` made it of."""
    at = content.index(b"data") + 8
    title = content[content.index(b"INAM") + 8 :].split(b"\0", 1)[0]
    return Track(content[at : at + 64].decode().strip(), title.decode())
