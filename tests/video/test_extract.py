"""Videos taken apart: where scenes begin and end, what is known of a file, and the pictures that are kept."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reprise.core.video import FrameKind
from reprise.media.video.extract import extract
from reprise.media.video.frames import Candidate, Candidates
from reprise.media.video.quality import quality_of
from reprise.media.video.scenes import DETECTORS, LONGEST_SECONDS, SceneRule
from tests.video.films import Shot, pattern, shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.video import Extract, SavedFrame

FRAME = 1 / 25
"""Seconds."""


def taken_apart(film: Path, rule: SceneRule = SceneRule(), **options: float) -> Extract:  # noqa: B008
    """With its pictures in ``media`` beside the film."""
    return extract(os.fsencode(film), film.parent / "media", rule, threads=2, **options)


def bounds(found: Extract) -> list[tuple[float, float]]:
    return [(round(scene.start, 3), round(scene.end, 3)) for scene in found.scenes]


def picture(film: Path, frame: SavedFrame) -> NDArray[np.uint8]:
    with Image.open(film.parent / "media" / os.fsdecode(frame.file)) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mpeg4"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9"), ("a.mov", "libx265")],
)
def test_scenes_begin_where_shots_do_and_cover_the_video(tmp_path: Path, name: str, codec: str) -> None:
    found = taken_apart(write_film(tmp_path / name, shots(2, 1.52, 3), codec=codec))

    assert bounds(found) == [(0.0, 2.0), (2.0, 3.52), (3.52, 6.52)]
    assert [scene.index for scene in found.scenes] == [0, 1, 2]
    facts = found.facts
    assert (facts.width, facts.height, facts.has_video, facts.has_audio) == (160, 120, True, False)
    assert facts.duration == pytest.approx(6.52, abs=0.001)
    assert facts.fps == pytest.approx(25, rel=0.001)


@pytest.fixture(scope="module")
def ten_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some too short to be scenes; wider than what pictures are compared at."""
    lengths = (2, 1.4, 0.4, 3, 1.04, 2.6, 0.2, 0.2, 2, 5)
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    return write_film(path, shots(*lengths), size=(400, 224), codec="libx264")


@pytest.mark.parametrize("detector", DETECTORS)
def test_cuts_are_those_of_pyscenedetects_own_command(ten_shots: Path, tmp_path: Path, detector: str) -> None:
    film = ten_shots
    command = [
        "-i",
        str(film),
        "-m",
        "1s",
        "-q",
        f"detect-{detector}",
        "list-scenes",
        "-s",
        "-o",
        str(tmp_path),
    ]
    subprocess.run([sys.executable, "-m", "scenedetect", *command], check=True)
    with (tmp_path / "a-Scenes.csv").open(newline="") as file:
        theirs = [float(row["Start Time (seconds)"]) for row in csv.DictReader(file)]

    ours = [scene.start for scene in taken_apart(film, SceneRule(detector)).scenes]

    assert len(ours) > 5
    assert ours == pytest.approx(theirs, abs=FRAME)


def test_a_video_without_a_cut_is_one_scene(tmp_path: Path) -> None:
    assert bounds(taken_apart(write_film(tmp_path / "a.mp4", shots(3)))) == [(0.0, 3.0)]


@pytest.mark.parametrize("pictures", [1, 2, 3])
def test_so_is_one_of_hardly_any_pictures(tmp_path: Path, pictures: int) -> None:
    found = taken_apart(write_film(tmp_path / "a.mp4", shots(pictures * FRAME)))

    assert bounds(found) == [(0.0, round(pictures * FRAME, 3))]
    assert [frame.kind for frame in found.scenes[0].frames] == [FrameKind.THUMBNAIL, FrameKind.KEYFRAME]


def test_no_scene_is_shorter_than_the_rule_says_not_even_the_last(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(3, 3, 0.6))

    assert bounds(taken_apart(film)) == [(0.0, 3.0), (3.0, 6.6)]
    assert bounds(taken_apart(film, SceneRule(min_seconds=0.4))) == [(0.0, 3.0), (3.0, 6.0), (6.0, 6.6)]
    assert bounds(taken_apart(film, SceneRule(min_seconds=4))) == [(0.0, 6.6)]


def test_a_higher_threshold_finds_fewer_cuts(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(2, 2))

    assert len(taken_apart(film, SceneRule("content")).scenes) == 2
    assert len(taken_apart(film, SceneRule("content", threshold=250)).scenes) == 1


def test_a_detector_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no detector 'hash'; there are: adaptive, content"):
        SceneRule("hash")


def test_times_are_those_of_the_pictures_where_their_rate_changes(tmp_path: Path) -> None:
    times = [n / 50 for n in range(100)] + [2 + n / 8 for n in range(16)] + [4 + n / 25 for n in range(75)]
    found = taken_apart(write_film(tmp_path / "a.mkv", shots(2, 2, 3), times=times))

    assert bounds(found) == [(0.0, 2.0), (2.0, 4.0), (4.0, 7.0)]
    assert found.facts.fps == pytest.approx(len(times) / 7, rel=0.01)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path: Path, rotation: int) -> None:
    film = write_film(tmp_path / "a.mp4", [Shot(0.04)], rotation=rotation)
    found = taken_apart(film)

    upright = np.rot90(pattern(Shot(0.04), (160, 120), 0), -rotation // 90)
    assert found.facts.rotation == rotation
    assert (found.facts.height, found.facts.width) == upright.shape[:2]
    for frame in found.scenes[0].frames:
        shown = picture(film, frame).astype(int)
        assert shown.shape == upright.shape == (frame.height, frame.width, 3)
        assert np.abs(shown - upright).mean() < 25  # turned another way it would be 50


def test_pictures_with_pixels_that_are_no_squares_are_shown_as_they_should_be(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(1), aspect=Fraction(3, 2))
    frames = taken_apart(film).scenes[0].frames

    assert {(frame.width, frame.height) for frame in frames} == {(240, 120)}


@pytest.mark.parametrize(
    ("codec", "layout", "colours"),
    [
        ("libx265", "yuv420p10le", {"color_trc": 16, "color_primaries": 9, "colorspace": 9}),  # HDR 10
        ("libx264", "yuv444p", {}),
        ("ffv1", "gray16le", {}),
        ("ffv1", "bgr0", {}),
        ("ffv1", "yuva420p", {}),
    ],
)  # fmt: skip
def test_pictures_of_any_layout(tmp_path: Path, codec: str, layout: str, colours: dict[str, int]) -> None:
    film = write_film(
        tmp_path / "a.mkv", shots(2, 2), size=(162, 122), codec=codec, layout=layout, colours=colours
    )
    found = taken_apart(film)

    assert bounds(found) == [(0.0, 2.0), (2.0, 4.0)]
    shown = quality_of(picture(film, found.scenes[0].frames[1]))
    assert shown.brightness == pytest.approx(quality_of(pattern(Shot(2.0), (162, 122), 0)).brightness, abs=12)


def test_sound_that_begins_later_and_ends_later_is_part_of_the_video(tmp_path: Path) -> None:
    found = taken_apart(write_film(tmp_path / "a.mp4", shots(2, 2), sound=3, sound_from=2.5))

    assert found.facts.has_audio
    assert found.facts.duration == pytest.approx(5.5, abs=0.15)  # a packet of sound is 0.13 s long
    assert bounds(found)[0] == (0.0, 2.0)
    assert found.scenes[1].end == found.facts.duration


def test_pictures_that_begin_after_the_sound_belong_to_a_scene_that_begins_with_it(tmp_path: Path) -> None:
    times = [1 + n * FRAME for n in range(100)]
    found = taken_apart(write_film(tmp_path / "a.mkv", shots(3, 2), times=times, sound=5))

    assert found.scenes[0].start == 0.0
    assert found.scenes[1].start == pytest.approx(3.0, abs=0.15)


def test_eight_hours_without_a_cut_are_parted_and_hold_few_pictures(tmp_path: Path) -> None:
    times = [10.0 * n for n in range(2880)]
    found = taken_apart(write_film(tmp_path / "a.mkv", [Shot(8 * 3600, 1, "soft")], times=times))

    assert found.facts.duration == pytest.approx(8 * 3600, abs=11)
    assert len(found.scenes) == 8 * 3600 / LONGEST_SECONDS
    assert all(one.end == two.start for one, two in zip(found.scenes, found.scenes[1:], strict=False))
    assert {scene.end - scene.start for scene in found.scenes[:-1]} == {LONGEST_SECONDS}
    assert all(1 <= len(scene.frames) <= 4 for scene in found.scenes)


def test_a_cut_soon_after_a_long_scene_was_parted_moves_the_boundary(tmp_path: Path) -> None:
    times = [n / 4 for n in range(4 * 303)]
    film = write_film(tmp_path / "a.mkv", shots(300.5, 2.5), times=times, size=(64, 48))

    assert bounds(taken_apart(film)) == [(0.0, 300.5), (300.5, pytest.approx(303, abs=0.26))]


def test_candidates_stay_few_and_spread_however_long_a_scene_is() -> None:
    candidates = Candidates(1.0)
    empty = np.zeros((1, 1, 3), np.uint8)
    most = 0
    for number in range(100_000):
        at = number / 25
        if candidates.is_due(at):
            candidates.keep(Candidate(at, empty))
            most = max(most, len(candidates._kept))
    kept = [candidate.at for candidate in candidates.take(3990.0)]

    assert most <= 15
    assert max(np.diff([0.0, *kept])) <= 1100.0
    assert [candidate.at >= 3990.0 for candidate in candidates.take(5000.0)].count(False) == 0


def test_keyframes_are_few_spread_and_the_best_is_the_first(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(9, 1.5), size=(1280, 720), fps=10)
    long, short = taken_apart(film).scenes
    keyframes = [frame for frame in long.frames if frame.kind is FrameKind.KEYFRAME]
    thumbnail = long.frames[0]

    assert sorted(int(frame.at // 3) for frame in keyframes) == [0, 1, 2]
    assert [frame.ordinal for frame in keyframes] == [0, 1, 2]
    ranks = [quality_of(picture(film, frame)).rank for frame in keyframes]
    assert ranks[0] == pytest.approx(max(ranks), rel=0.05)
    assert {(frame.width, frame.height) for frame in keyframes} == {(640, 360)}
    assert (thumbnail.kind, thumbnail.width, thumbnail.height) == (FrameKind.THUMBNAIL, 320, 180)
    assert thumbnail.at == keyframes[0].at
    assert [frame.kind for frame in short.frames] == [FrameKind.THUMBNAIL, FrameKind.KEYFRAME]


@pytest.mark.parametrize("look", ["dark", "soft"])
def test_a_scene_that_shows_nothing_has_a_thumbnail_only(tmp_path: Path, look: str) -> None:
    film = write_film(tmp_path / "a.mp4", [Shot(2, 1), Shot(2, 2, look), Shot(2, 3)])
    scenes = taken_apart(film).scenes

    assert [[frame.kind.value for frame in scene.frames] for scene in scenes] == [
        ["thumbnail", "keyframe"], ["thumbnail"], ["thumbnail", "keyframe"]
    ]  # fmt: skip
    shown = quality_of(picture(film, scenes[1].frames[0]))
    assert not shown.passes
    assert (shown.brightness < 15) is (look == "dark")


def test_where_a_picture_fails_the_next_best_is_taken(tmp_path: Path) -> None:
    """The scene is black but for its last second: that is where the keyframe comes from."""
    film = write_film(tmp_path / "a.mp4", [Shot(2.4, 1, "dark"), Shot(0.6, 2)])
    scenes = taken_apart(film, SceneRule(min_seconds=5)).scenes

    assert len(scenes) == 1
    assert [frame.kind for frame in scenes[0].frames] == [FrameKind.THUMBNAIL, FrameKind.KEYFRAME]
    assert all(frame.at >= 2.4 for frame in scenes[0].frames)


def test_pictures_lie_under_their_digest_for_the_owner_alone_and_twice_the_same(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", shots(2, 2))
    first = taken_apart(film)
    media = tmp_path / "media"
    before = {path: path.read_bytes() for path in media.rglob("*") if path.is_file()}

    again = extract(os.fsencode(film), tmp_path / "elsewhere", SceneRule(), threads=1)

    assert again == first
    frames = [frame for scene in first.scenes for frame in scene.frames]
    assert set(before) == {media / os.fsdecode(frame.file) for frame in frames}
    for frame in frames:
        path = tmp_path / "elsewhere" / os.fsdecode(frame.file)
        assert path.read_bytes() == before[media / os.fsdecode(frame.file)]
        assert sha256(path.read_bytes()).digest() == frame.digest
        assert path.name == f"{frame.digest.hex()}.jpg"
        assert path.parent.name == path.name[:2]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with Image.open(path) as image:
            assert image.size == (frame.width, frame.height)


def test_quality_is_what_opencv_says() -> None:
    import cv2

    shown = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
    grey = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)
    found = quality_of(shown)

    assert found.brightness == pytest.approx(float(grey.mean()), rel=0.001)
    assert found.sharpness == pytest.approx(float(cv2.Laplacian(grey, cv2.CV_64F).var()), rel=0.01)


def test_the_score_is_pyscenedetects_own() -> None:
    from scenedetect.detectors import ContentDetector

    from reprise.media.video.detectors import Content

    random = np.random.default_rng(1)
    ours, theirs = Content(27.0, 1.0), ContentDetector(27.0, 1.0)
    for _ in range(5):
        shown = random.integers(0, 256, (144, 256, 3), np.uint8)
        score = theirs._calculate_frame_score(None, shown)
        assert ours._calculate_frame_score(None, shown) == pytest.approx(score, rel=1e-9)
