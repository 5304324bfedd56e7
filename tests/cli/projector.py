"""``reprise`` with videos and persons: real small films, and models that take down what they look at."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.cli.conftest import Reprise
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNTED = Path(__file__).parent.parent / "counted_models"


def install_counted(folder: Path) -> list[str]:
    """What pip leaves behind. Returns what belongs first on the import path."""
    sys.path.insert(0, str(COUNTED))
    try:
        from reprise_counted import MODELS
    finally:
        sys.path.remove(str(COUNTED))
    info = folder / "reprise_counted-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: reprise-counted\nVersion: 1.0\n")
    lines = [f"{name} = reprise_counted:{kind.__name__}" for name, kind in MODELS.items()]
    info.joinpath("entry_points.txt").write_text("\n".join(["[reprise.models]", *lines]) + "\n")
    return [str(folder), str(COUNTED)]


def write_picture(path: Path, seed: int, size: tuple[int, int] = (96, 128)) -> Path:
    """Noise that no other seed gives; ``size``: width and height."""
    from PIL import Image

    points = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    Image.fromarray(points.repeat(8, 0).repeat(8, 1)).save(path)
    return path


@dataclass
class Projector(Reprise):
    """Also counts what the models looked at."""

    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "COUNTED_LOG": str(self.log), **self.variables}

    @property
    def log(self) -> Path:
        return self.home.parent / "counted.log"

    @classmethod
    def made(cls, folder: Path) -> Projector:
        path = os.pathsep.join(install_counted(folder / "packages"))
        projector = cls(folder / "home", variables={"PYTHONPATH": path})
        projector.log.touch()
        return projector

    def copied(self, folder: Path) -> Projector:
        """The same installation in another folder; the films stay where they are."""
        shutil.copytree(self.home, folder / "home")
        return Projector.made(folder)

    def looked(self) -> Counter[str]:
        """How many items each model looked at since this was asked last."""
        found = Counter(line.split()[0] for line in self.log.read_text().splitlines())
        self.log.write_text("")
        return found

    def started(self, *arguments: object, **variables: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.command, *map(str, arguments)],
            env={**self.environment(), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def killed(self, *arguments: object, when: Callable[[], Any]) -> None:
        """Run slowly, and kill everything that was started at once, as the kernel does, when that holds."""
        process = self.started(*arguments, COUNTED_SECONDS="0.4")
        try:
            wait_for(when)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def noted(self, model: str) -> int:
        """How many items the model has looked at so far."""
        return sum(line.startswith(f"{model} ") for line in self.log.read_text().splitlines())

    def videos(self, owner: str = "default") -> dict[str, int]:
        """Ids by path."""
        rows = self.read("SELECT path, id FROM items WHERE kind = 'video' AND owner = ?", owner)
        return {os.fsdecode(path): video_id for path, video_id in rows}

    def rows_of(self, owner: str) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the catalogue holds of an owner, by table."""
        tables = [row[0] for row in self.read("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in sorted(tables):
            columns = [row[1] for row in self.read(f"SELECT * FROM pragma_table_info('{table}')")]
            if "owner" in columns and table not in {"jobs", "feed", "reprocessings"}:
                found[table] = sorted(self.read(f"SELECT * FROM {table} WHERE owner = ?", owner), key=repr)
        return found

    def vectors_of(self, owner: str) -> dict[str, dict[int, bytes]]:
        """Every vector of an owner by model and item, and every entry of the lexical index."""
        from reprise.app import App
        from reprise.settings import load_settings

        found: dict[str, dict[int, bytes]] = {}
        with App(load_settings({"owner": owner}, {"REPRISE_HOME": str(self.home)})) as app:
            for space in app.living_spaces():
                if space.dimension:
                    rows = _rows(app.store.scan(owner, space.name))
                else:
                    rows = dict.fromkeys(app.keeping.keys(space) or (), b"")
                found.setdefault(space.model, {}).update(rows)
        return found

    def resumed_as_hosted(self, job_id: str, owner: str = "default") -> int:
        """Run a job as a server does; returns the exit code."""
        process = self.started("jobs", "resume", job_id, "--hosted", "--json", "--owner", owner)
        try:
            return process.wait(300)
        finally:
            process.communicate()

    def hosted(self) -> list[tuple[str, str, list[str]]]:
        """Jobs that wait for a server: (id, owner, models)."""
        rows = self.read(
            "SELECT id, owner, request FROM jobs WHERE queued_at IS NOT NULL AND active = 1 ORDER BY created_at"
        )
        return [(job_id, owner, json.loads(request)["models"]) for job_id, owner, request in rows]


def _rows(batches: Iterator[Any]) -> dict[int, bytes]:
    return {
        key: bytes(vector.tobytes())
        for keys, vectors in batches
        for key, vector in zip(keys, vectors, strict=True)
    }
