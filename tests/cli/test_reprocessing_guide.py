"""``docs/reprocessing.md`` is a guide that can be followed: each of its commands, in its order, on a real library."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.guides import steps
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home


@pytest.fixture
def videos(home: Home) -> Path:
    folder = home.folder / "Videos"
    folder.mkdir()
    write_film(folder / "first.mp4", shots(2, 2))
    write_film(folder / "second.mp4", shots(2))
    (folder / "first.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nA lighthouse above the harbour.\n")
    return folder


def test_every_command_of_the_guide_does_what_it_says(home: Home, videos: Path) -> None:
    pictures: dict[str, str] = {}
    versions: list[str] = []
    for kind, text in steps("reprocessing.md"):
        if kind == "toml":
            (home.state / "config.toml").write_text(text)
            continue
        program, *words = shlex.split(text.replace("~/Videos", str(videos)))
        assert program == "reprise"
        ran = home.run(*words)
        assert ran.code == 0, (text, ran.stderr, ran.events)
        versions += [event["spec_version"] for event in ran.events if "spec_version" in event]
        for event in ran.events:
            if event.get("event") == "space_switched":
                pictures.setdefault(event["space"], text)
    assert {"2026-11-21", "2026-11-21+scene_image.2"} <= set(versions)
    switched = [text for space, text in pictures.items() if space.startswith("scene-image")]
    # The old space serves until everything has been redone, not after one video.
    assert switched == ["reprise videos add ~/Videos", "reprise reprocess --scope all"]


def serving(home: Home) -> str:
    """The space that answers searches by picture."""
    with home.app() as app:
        pointer = app.catalogue().spaces.pointer("default", "scene-image")
        assert pointer is not None
        return pointer.space.name


def test_one_video_goes_first_and_search_stays_where_it_was(home: Home, videos: Path) -> None:
    assert home.run("videos", "add", str(videos)).code == 0
    before = serving(home)
    bumped = {"REPRISE_STEP_VERSIONS": "scene_image=2"}
    one = home.run("reprocess", "--scope", "video", "--video-id", "1", **bumped)
    assert one.last["operations"]["done"] == 2  # the scenes of that video, and of that step
    assert serving(home) == before
    rest = home.run("reprocess", "--scope", "all", **bumped)
    assert rest.last["operations"]["done"] == 1
    assert serving(home) != before
    assert home.run("spaces", "rollback", "scene-image").code == 0
    assert serving(home) == before
