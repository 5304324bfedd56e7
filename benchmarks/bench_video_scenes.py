"""Taking a video apart, scenes and keyframes in one pass, beside PySceneDetect's own command, which finds scenes only."""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.measure import PYTHON, Cost, Row, cost_of, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SECONDS = 180
SHOT_SECONDS = 3
FPS = 30
WIDTH, HEIGHT = 1280, 720
RUNS = 5
DETECTORS = ("adaptive", "content")

OURS = """
import sys, csv
from pathlib import Path
from reprise.media.video.extract import extract
from reprise.media.video.scenes import SceneRule
film, folder, detector = sys.argv[1:]
found = extract(film.encode(), Path(folder) / "media", SceneRule(detector))
Path(folder, "ours.csv").write_text("\\n".join(str(scene.start) for scene in found.scenes))
"""
OUR_START = """
import PIL.JpegImagePlugin, scenedetect.detectors
from reprise.media.video.extract import extract
"""


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Whole processes, in turns; medians. Start-up is part of both, and stated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--film-seconds", type=int, default=SECONDS)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = list(_measure(Path(folder), options.film_seconds))
    report(rows, arguments)
    return rows


def _measure(folder: Path, seconds: int) -> Iterator[Row]:
    film = make_film(folder / "film.mp4", seconds)
    yield _start_up()
    for detector in DETECTORS:
        turns = [
            (_ours(film, folder, detector, turn), _theirs(film, folder, detector)) for turn in range(RUNS)
        ]
        promise = f"{detector}: {seconds / 60:g} min of 720p"
        yield _beside(f"{promise}, wall", [(ours.wall, theirs.wall) for ours, theirs in turns])
        yield _beside(f"{promise}, CPU", [(ours.cpu, theirs.cpu) for ours, theirs in turns])
        yield _same_cuts(promise, folder)


def _beside(promise: str, turns: Sequence[tuple[float, float]]) -> Row:
    ratio = statistics.median(theirs / ours for ours, theirs in turns)
    ours, theirs = (statistics.median(side) for side in zip(*turns, strict=True))
    return Row(
        promise,
        f"{ours:.1f} s, keyframes too",
        f"scenedetect {theirs:.1f} s",
        ratio,
        "≥ 1 × as fast",
        ratio >= 1,
    )


def _same_cuts(promise: str, folder: Path) -> Row:
    ours = [float(line) for line in (folder / "ours.csv").read_text().split()]
    with (folder / "film-Scenes.csv").open(newline="") as file:
        theirs = [float(row["Start Time (seconds)"]) for row in csv.DictReader(file)]
    same = len(ours) == len(theirs) and np.allclose(ours, theirs, atol=1.01 / FPS)
    return Row(f"{promise}: cuts", str(len(ours) - 1), f"{len(theirs) - 1}", None, "the same", bool(same))


def _start_up() -> Row:
    """What both take before their first picture."""
    ours = statistics.median(cost_of([PYTHON, "-c", OUR_START]).wall for _ in range(RUNS))
    theirs = statistics.median(cost_of([PYTHON, "-m", "scenedetect", "version"]).wall for _ in range(RUNS))
    return Row(
        "start-up, part of what follows", f"{ours:.2f} s", f"scenedetect {theirs:.2f} s", None, "", None
    )


def _ours(film: Path, folder: Path, detector: str, turn: int) -> Cost:
    """Each time into a folder of its own, for a picture that is there already is not written again."""
    target = folder / f"{detector}-{turn}"
    target.mkdir()
    cost = cost_of([PYTHON, "-c", OURS, str(film), str(target), detector])
    (target / "ours.csv").replace(folder / "ours.csv")
    return cost


def _theirs(film: Path, folder: Path, detector: str) -> Cost:
    options = [
        "-i",
        str(film),
        "-m",
        "1s",
        "-q",
        f"detect-{detector}",
        "list-scenes",
        "-s",
        "-o",
        str(folder),
    ]
    return cost_of([PYTHON, "-m", "scenedetect", *options])


def make_film(path: Path, seconds: int) -> Path:
    """Shots of panning textures with a little grain, H.264 as cameras and programs write it."""
    import av

    count = seconds * FPS
    with av.open(str(path), "w") as film:
        stream = cast("Any", film.add_stream("libx264", rate=FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast"}
        for number, planes in enumerate(_pictures(count, SHOT_SECONDS * FPS)):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return path


def _pictures(count: int, length: int) -> Iterator[NDArray[np.uint8]]:
    """Planes of YUV 4:2:0 below each other, shape (1080, 1280): of each shot a window that moves over its texture."""
    texture = _texture(0)
    for number in range(count):
        shot, step = divmod(number, length)
        if step == 0:
            texture = _texture(shot)
        luma = texture[step % HEIGHT : step % HEIGHT + HEIGHT, step * 2 % WIDTH : step * 2 % WIDTH + WIDTH]
        chroma = np.full((HEIGHT // 2, WIDTH), 60 + shot * 67 % 140, np.uint8)
        yield np.concatenate([luma, chroma])


def _texture(shot: int) -> NDArray[np.uint8]:
    """Twice as large as a picture both ways: blotches of several sizes."""
    random = np.random.default_rng(shot)
    whole = np.zeros((2 * HEIGHT, 2 * WIDTH), np.float32)
    for size in (4, 20, 80):
        tiles = random.standard_normal((2 * HEIGHT // size, 2 * WIDTH // size)).astype(np.float32)
        whole += tiles.repeat(size, 0).repeat(size, 1) * 20
    texture: NDArray[np.uint8] = np.clip(whole + random.integers(70, 190), 0, 255).astype(np.uint8)
    return texture


if __name__ == "__main__":
    main(sys.argv[1:])
