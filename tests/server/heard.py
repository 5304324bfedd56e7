"""A server's library that was listened to, as a job does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.plan import Selection
from reprise.demo.compose import render
from reprise.demo.encode import write_audio
from reprise.demo.styles import style_named

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.items import Library, Tags
    from reprise.demo.compose import Piece


def track(path: Path, seconds: float = 12.0, tags: Tags | None = None, seed: int = 0) -> Piece:
    """Write a piece of techno in the format of the suffix: another one for another seed."""
    piece = render(style_named("techno"), seed, seconds)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, piece.samples, piece.sample_rate, tags=tags)
    return piece


def listen(app: App, library: Library) -> None:
    """Run the job that listens to all of the library."""
    done = app.embed(Selection(app.owner, library.id), ("analysis",), lambda _: None, told=lambda _: None)
    assert done.state == "completed", (done.error, app.catalogue().ledger.failures(app.owner))
