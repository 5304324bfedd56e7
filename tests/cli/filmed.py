"""Films, and an installation that has taken them in, for the tests of videos and of reprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.projector import Projector, write_picture
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

SUBTITLES = "1\n00:00:00,200 --> 00:00:00,900\nThe red boat sails.\n\n2\n00:00:01,200 --> 00:00:01,900\nRain in Seoul.\n"
SCENES = {"boat.mp4": 3, "rain.mp4": 2}
OWNERS = ("default", "eve")


def write_films(folder: Path) -> Path:
    """Two films, one with subtitles beside it."""
    write_film(folder / "boat.mp4", shots(1.2, 1.2, 1.2), sound=3.6)
    write_film(folder / "rain.mp4", shots(1.4, 1.4)[::-1])
    (folder / "boat.srt").write_text(SUBTITLES)
    return folder


def taken_in(folder: Path, films: Path) -> Projector:
    """The films of two owners, and one person of each."""
    projector = Projector.made(folder)
    for seed, owner in enumerate(OWNERS):
        projector("videos", "add", films, "--owner", owner)
        photo = write_picture(folder / f"{owner}.png", seed)
        projector("persons", "add", f"Ada of {owner}", photo, "--owner", owner)
    return projector
