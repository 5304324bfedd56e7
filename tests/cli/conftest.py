"""The command line as a user has it: a process of its own, a state folder, real files."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.items import Tags
from reprise.demo.encode import write_audio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.cli.projector import Projector

RATE = 22_050  # Hz
SECONDS = 2.0
PATIENCE_SECONDS = 300.0
TRACKS = (
    "Amber/one.mp3",
    "Amber/two.flac",
    "Amber/three.m4a",
    "Blue/four.ogg",
    "Blue/five.opus",
    "Blue/six.wav",
)


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON objects, one per line: anything else in it is an error here."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(one, dict) for one in found)
        return found

    def event(self, name: str) -> dict[str, Any]:
        return [line for line in self.lines if line.get("event") == name][-1]

    @property
    def scan(self) -> dict[str, int]:
        """What the scan found, without what is zero."""
        words = (
            "new",
            "changed",
            "retagged",
            "touched",
            "moved",
            "returned",
            "missing",
            "removed",
            "problems",
        )
        event = self.event("scan_finished")
        return {word: event[word] for word in words if event[word]}

    @property
    def done(self) -> int:
        """How many operations this run computed."""
        count: int = self.event("job_finished")["operations"]["done"]
        return count


@dataclass
class Reprise:
    """Runs ``reprise`` with one state folder."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    prefix: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REPRISE_")}
        own = {"REPRISE_HOME": str(self.home), "REPRISE_WORKERS": "1", "HOME": str(self.home.parent)}
        return clean | own | {f"REPRISE_{name.upper()}": value for name, value in self.settings.items()}

    @property
    def command(self) -> list[str]:
        return [*self.prefix, sys.executable, "-m", "reprise"]

    def __call__(self, *arguments: object, code: int | None = 0) -> Result:
        """Run to the end; ``code`` is the exit code to insist on."""
        done = subprocess.run(
            [*self.command, *map(_argument, arguments)],
            env=self.environment(),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        out = done.stdout.decode("utf-8", "surrogateescape")
        result = Result(done.returncode, out, done.stderr.decode("utf-8", "replace"))
        assert "Traceback" not in result.err, result.err
        if code is not None:
            assert result.code == code, (result.code, result.out[-3000:], result.err)
        return result

    def embed(self, folder: Path, *arguments: object, code: int = 0) -> Result:
        return self("embed", folder, "--json", *arguments, code=code)

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the catalogue without any code of ours."""
        database = self.home / "catalogue.sqlite"
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    @property
    def ids(self) -> dict[str, int]:
        """Present items by path."""
        rows = self.read("SELECT path, id FROM items WHERE missing_since IS NULL")
        return {os.fsdecode(path): item_id for path, item_id in rows}

    @property
    def missing(self) -> set[int]:
        return {row[0] for row in self.read("SELECT id FROM items WHERE missing_since IS NOT NULL")}


def _argument(value: object) -> bytes:
    return value if isinstance(value, bytes) else os.fsencode(str(value))


def tune(seed: int, seconds: float = SECONDS, rate: int = RATE) -> NDArray[np.float32]:
    """Some chords and noise that sound like no other seed's."""
    chance = np.random.default_rng(seed)
    at = np.arange(round(seconds * rate)) / rate
    wave = sum(
        chance.uniform(0.05, 0.2) * np.sin(2 * np.pi * pitch * at + chance.uniform(0, 6))
        for pitch in chance.uniform(80, 2000, 4)
    )
    pulse = 0.5 + 0.5 * np.sin(2 * np.pi * chance.uniform(1, 6) * at)
    noise = chance.uniform(0.005, 0.1) * chance.standard_normal(len(at))
    return np.asarray(wave * pulse + noise, np.float32)


@pytest.fixture(scope="session")
def render() -> Callable[..., Path]:
    """``render(path, seed, seconds=2, **tags)`` writes a short track of its own."""

    def write(path: Path, seed: int, seconds: float = SECONDS, **tags: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_audio(path, tune(seed, seconds), RATE, tags=Tags(**tags))

    return write


@pytest.fixture
def reprise(tmp_path: Path) -> Reprise:
    return Reprise(tmp_path / "home")


@dataclass(frozen=True)
class Studio:
    """A folder of six tracks in six formats, and a state folder that knows them."""

    music: Path
    reprise: Reprise

    def embed(self, *arguments: object, code: int = 0) -> Result:
        return self.reprise.embed(self.music, *arguments, code=code)


@pytest.fixture(scope="session")
def tracks(tmp_path_factory: pytest.TempPathFactory, render: Callable[..., Path]) -> Path:
    """Six tracks, rendered once. Copy, do not change."""
    folder = tmp_path_factory.mktemp("tracks") / "music"
    for seed, name in enumerate(TRACKS):
        word = name.rpartition("/")[2].partition(".")[0].title()
        tags = {"title": word, "artist": name.partition("/")[0], "album": "Colours"}
        render(folder / name, seed, **({} if name.endswith(".wav") else tags))
    return folder


@pytest.fixture(scope="session")
def embedded_once(tracks: Path, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Six tracks, embedded once. Copy, do not change."""
    folder = tmp_path_factory.mktemp("embedded")
    shutil.copytree(tracks, folder / "music")
    studio = Studio(folder / "music", Reprise(folder / "home"))
    assert studio.embed().done == len(TRACKS)
    return studio


@pytest.fixture
def studio(embedded_once: Studio, tmp_path: Path) -> Studio:
    """A copy of the embedded tracks for one test, with the same times; the catalogue is told its new place."""
    shutil.copytree(embedded_once.music, tmp_path / "music")
    shutil.copytree(embedded_once.reprise.home, tmp_path / "home")
    with closing(sqlite3.connect(tmp_path / "home" / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE libraries SET root = ?", (os.fsencode(tmp_path / "music"),))
        connection.commit()
    return Studio(tmp_path / "music", Reprise(tmp_path / "home"))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films, one with subtitles beside it, written once. Copy, do not change."""
    from tests.cli.filmed import write_films

    return write_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="session")
def taken_once(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Projector:
    """The films of two owners, and one person of each, taken in once. Copy, do not change."""
    from tests.cli.filmed import taken_in

    return taken_in(tmp_path_factory.mktemp("taken"), films)


@pytest.fixture
def taken(taken_once: Projector, tmp_path: Path) -> Projector:
    """A copy of that installation for one test; the films stay where they are."""
    return taken_once.copied(tmp_path)
