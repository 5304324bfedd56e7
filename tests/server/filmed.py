"""A server's library of videos and persons, as extraction would leave it: no file is decoded."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.core.video import Description
from reprise.core.video_records import ImportedScene
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.core.items import Library

REPROCESS = "/api/v1/admin/reprocess-embeddings"
ALL = {"scope": "all"}


@dataclass(frozen=True)
class Filmed:
    """A library with one video and its scenes."""

    library: Library
    video: int
    scenes: tuple[int, ...]
    file: Path


def ended(client: TestClient, run_id: str) -> dict[str, Any]:
    """The record of a run when all its jobs have ended."""

    def look() -> dict[str, Any] | None:
        answer = client.get(f"{REPROCESS}/{run_id}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told if told["completed_at"] else None

    found: dict[str, Any] = wait_for(look)
    return found


def film(
    app: App, folder: Path, name: str = "party.mp4", words: Sequence[str] = ("Good morning.", "A red boat.")
) -> Filmed:
    """A video with a scene of ten seconds for each of the words, in a library of its folder."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(f"pictures of {name} of {app.owner} ".encode() * 100)
    library, _ = app.library_of(folder, kind="video")
    app.scan(library, lambda _: None)
    videos = app.catalogue().videos
    [video] = [one for one in videos.page(app.owner, library_id=library.id, text="", limit=99, offset=0)[0]
               if one.path == name.encode()]  # fmt: skip
    scenes = [
        ImportedScene(number, 10.0 * number, 10.0 * number + 10.0, text, Description(text, f"In short: {text}", ("sea",)))
        for number, text in enumerate(words)
    ]  # fmt: skip
    made = videos.import_scenes(app.owner, video.id, scenes, time.time())
    return Filmed(library, video.id, tuple(made), file)


def picture(number: int = 0, form: str = "JPEG", size: int = 64) -> bytes:
    """A picture that no other number gives."""
    from PIL import Image

    points = np.random.default_rng(number).integers(0, 255, (size, size, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(points).save(written, form)
    return written.getvalue()


def keep_picture(app: App, content: bytes) -> tuple[bytes, bytes]:
    """Put it into the media folder; its name there and its digest."""
    from reprise.filming import Filming
    from reprise.media.photos import keep

    return keep(Filming(app).media, content)
