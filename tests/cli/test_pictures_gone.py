"""Who removes a person, a library or a video finds no picture of it on the disk, also after ``kill -9``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.filmed import OWNERS
from tests.cli.projector import Projector, write_picture
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, signal, sys
from reprise.cli.main import main
from reprise.media.picture_files import PictureFiles

remove = PictureFiles._remove

def killed(*arguments):
    if sys.argv.pop(1) == "after":
        remove(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

PictureFiles._remove = killed
main(sys.argv[2:])
"""
"""The command line, which dies when it is to delete a picture: before it does, or after that."""


def pictures(home: Path) -> set[str]:
    return {str(path.relative_to(home / "media")) for path in (home / "media").rglob("*.jpg")}


def named(projector: Projector) -> set[str]:
    tables = ("frames", "photos")
    return {os.fsdecode(row[0]) for table in tables for row in projector.read(f"SELECT file FROM {table}")}


def test_a_person_takes_their_photos_along(taken: Projector, tmp_path: Path) -> None:
    before = pictures(taken.home)
    first, second = (write_picture(tmp_path / f"{seed}.png", seed) for seed in (11, 12))
    taken("persons", "add", "Eve", first, second)
    taken("persons", "add", "Eve", first, "--owner", OWNERS[1])
    assert len(pictures(taken.home) - before) == 2
    photo = taken.read("SELECT item_id FROM photos WHERE owner = 'default' ORDER BY item_id DESC LIMIT 1")[0][
        0
    ]
    taken("persons", "photo", "remove", photo)
    assert len(pictures(taken.home) - before) == 1
    taken("persons", "remove", "Eve", "--yes")
    assert len(pictures(taken.home) - before) == 1, "the other owner has that photo too"
    taken("persons", "remove", "Eve", "--yes", "--owner", OWNERS[1])
    assert pictures(taken.home) == before


def test_a_library_takes_its_pictures_along_when_it_is_the_last_one(taken: Projector) -> None:
    photos = {os.fsdecode(row[0]) for row in taken.read("SELECT file FROM photos")}
    before = pictures(taken.home)
    assert before == named(taken)
    rows = taken.read("SELECT owner, id FROM libraries WHERE kind = 'video' ORDER BY id")
    for (owner, library), left in zip(rows, (before, photos), strict=True):
        taken("libraries", "remove", library, "--yes", "--owner", owner)
        assert pictures(taken.home) == left


def test_taken_apart_anew_in_another_way_leaves_no_picture_of_before(taken: Projector) -> None:
    taken("libraries", "remove", taken.read("SELECT id FROM libraries WHERE kind = 'video' AND owner = 'eve'")[0][0],
          "--yes", "--owner", "eve")  # fmt: skip
    before = pictures(taken.home)
    taken.settings["scene_min_seconds"] = "3"
    taken("videos", "ingest")
    after = pictures(taken.home)
    assert after == named(taken)
    assert before - after, "there are fewer scenes now"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_between_row_and_file_the_next_one_deletes_it(
    taken: Projector, tmp_path: Path, moment: str
) -> None:
    before = pictures(taken.home)
    taken("persons", "add", "Eve", write_picture(tmp_path / "eve.png", 11))
    (file,) = pictures(taken.home) - before
    done = subprocess.run(
        [sys.executable, "-c", KILLED, moment, "persons", "remove", "Eve", "--yes"],
        env=taken.environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (taken.home / "media" / file).exists() is (moment == "before")
    assert taken.read("SELECT COUNT(*) FROM persons WHERE name = 'Eve'") == [(0,)]
    assert taken.read("SELECT COUNT(*) FROM released_files") == [(1,)]
    said = {line["check"]: line for line in taken("doctor", "--json", code=None).lines}
    assert "1 released" in said["pictures"]["fact"]
    taken("videos", "ingest")
    assert pictures(taken.home) == before
    assert taken.read("SELECT COUNT(*) FROM released_files") == [(0,)]


def test_the_doctor_counts_orphans_and_the_next_job_sweeps_them(taken: Projector) -> None:
    before = pictures(taken.home)
    orphan = taken.home / "media" / "ab" / f"{'a' * 64}.jpg"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x" * 2_000_000)
    os.utime(orphan, (1, 1))
    said = {line["check"]: line for line in taken("doctor", "--json", code=None).lines}
    assert said["pictures"]["fact"].startswith("1 files of no video or person (2.0 MB)")
    assert said["pictures"]["good"] is None
    os.utime(taken.home / "media" / ".swept", (1, 1))
    taken("videos", "ingest")
    assert pictures(taken.home) == before
    said = {line["check"]: line for line in taken("doctor", "--json", code=None).lines}
    assert said["pictures"]["good"] is True


def test_videos_that_are_forgotten_or_taken_apart_anew_leave_none(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    write_film(folder / "stays.mp4", shots(1.2, 1.2))
    write_film(folder / "goes.mp4", shots(1.4, 1.4)[::-1])
    projector = Projector.made(tmp_path)
    projector("videos", "add", folder)
    both = pictures(projector.home)
    assert both == named(projector)
    projector("videos", "redo", folder, "--confirm")
    assert pictures(projector.home) == both
    (folder / "goes.mp4").unlink()
    projector("scan", folder)
    assert pictures(projector.home) == both, "the disk may only be unplugged"
    projector.settings["keep_missing_days"] = "0"
    projector("scan", folder)
    assert set(projector.videos()) == {"stays.mp4"}
    assert pictures(projector.home) == named(projector) < both
