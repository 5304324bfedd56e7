"""Reprocessing 10,000 scenes: with nothing stale, and after each of the six steps was raised by one version."""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import PYTHON, Cost, Row, cost_of, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCENES = 10_000
SCENES_PER_VIDEO = 100
PERSONS, PHOTOS_EACH = 20, 3
RUNS = 5
RAISES = 3
MOST_SECONDS = 3.0
MOST_MILLISECONDS = 0.3
"""Of CPU, its processes included once they run: what the engine may cost per operation on SQLite, beside a model that
costs nothing."""
PACKAGE = Path(__file__).parent / "free_pipeline"
STEPS = {
    "person_photos": ("person-photo", "person"),
    "person_vector": ("person",),
    "scene_text": ("scene-transcript", "scene-visual", "scene-summary"),
    "scene_image": ("scene-image",),
    "scene_persons": ("scene-persons",),
    "lexical_index": ("lexical",),
}
"""The models of each step, with those that follow them: a person's vector is the mean of the photos'. The photos come
first: they are so few that their cost is what starting a model's processes takes."""
NO_PROCESS = frozenset({"person", "lexical"})
"""The job's own process does these."""


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows. Whole commands, start-up included."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = list(_measure(_Installation(Path(folder), options.scenes)))
    report(rows, arguments)
    return rows


@dataclass(slots=True)
class _Installation:
    """A state folder whose models cost nothing. ``versions``: of the steps that were raised."""

    folder: Path
    scenes: int
    versions: str = ""

    @property
    def log(self) -> Path:
        return self.folder / "calls.log"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": os.pathsep.join([str(self.folder / "packages"), str(PACKAGE)]),
            "FREE_PIPELINE_LOG": str(self.log),
            "REPRISE_HOME": str(self.folder / "home"),
            "REPRISE_TEXT_MODEL": "endpoint",  # which nobody asks: the models that would are replaced
            "REPRISE_TEXT_ENDPOINT_MODEL": "free",
            "REPRISE_ENDPOINT": "http://127.0.0.1:9/v1",
            "REPRISE_DESCRIPTION_ENDPOINT_MODEL": "free",
            "REPRISE_STEP_VERSIONS": self.versions,
        }

    @property
    def rows(self) -> dict[str, int]:
        """How many items each model has to look at."""
        photos = PERSONS * PHOTOS_EACH
        text = dict.fromkeys(STEPS["scene_text"], self.scenes)
        pictures = dict.fromkeys(("scene-image", "scene-persons", "lexical"), self.scenes)
        return {**text, **pictures, "person-photo": photos, "person": PERSONS}

    def run(self, *arguments: str) -> Cost:
        """What a whole command takes."""
        return cost_of([PYTHON, "-m", "reprise", *arguments], self.environment)

    def calls(self) -> dict[str, int]:
        """How many items each model was given since this was asked last."""
        calls: Counter[str] = Counter()
        for line in self.log.read_text().splitlines():
            model, count = line.split()
            calls[model] += int(count)
        self.log.write_text("")
        return dict(calls)

    def fill(self) -> None:
        """Videos whose scenes are told, not decoded, and persons; all of it embedded."""
        self._install()
        films = self.folder / "films"
        films.mkdir()
        for number in range(self.scenes // SCENES_PER_VIDEO):
            (films / f"film {number}.mp4").write_text(f"{SCENES_PER_VIDEO} scenes of film {number}")
        self.run("videos", "add", str(films))
        self._add_persons()
        self.run("reprocess", "--scope", "all")
        self.calls()

    def _install(self) -> None:
        """What pip leaves behind."""
        sys.path.insert(0, str(PACKAGE))
        try:
            from reprise_free_pipeline import NAMES
        finally:
            sys.path.remove(str(PACKAGE))
        info = self.folder / "packages" / "reprise_free_pipeline-1.0.dist-info"
        info.mkdir(parents=True)
        info.joinpath("METADATA").write_text(
            "Metadata-Version: 2.1\nName: reprise-free-pipeline\nVersion: 1.0\n"
        )
        lines = [f"{model} = reprise_free_pipeline:{name}" for model, name in NAMES.items()]
        info.joinpath("entry_points.txt").write_text("\n".join(["[reprise.models]", *lines]) + "\n")
        self.log.touch()

    def _add_persons(self) -> None:
        from reprise.app import App
        from reprise.settings import load_settings

        with App(load_settings({}, self.environment)) as app:
            persons, now = app.catalogue().persons, time.time()
            for number in range(PERSONS):
                person = persons.add(app.owner, f"Person {number}", now)
                for photo in range(PHOTOS_EACH):
                    digest = hashlib.sha256(f"{number} {photo}".encode()).digest()
                    name = f"{digest.hex()[:2]}/{digest.hex()}.jpg"
                    file = app.home / "media" / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(f"photo {photo} of {number}")
                    persons.add_photo(app.owner, person.id, name.encode(), digest, now)


def _measure(installation: _Installation) -> Iterator[Row]:
    installation.fill()
    everything = ("reprocess", "--scope", "all")
    runs = [installation.run(*everything) for _ in range(RUNS)]
    idle, idle_cpu = (
        statistics.median(side) for side in zip(*((run.wall, run.cpu) for run in runs), strict=True)
    )
    scenes = f"{installation.scenes:,} scenes"
    yield Row(
        f"reprocess {scenes}, nothing stale",
        f"{idle:.2f} s, {idle_cpu:.2f} s of CPU",
        f"{sum(installation.rows.values()):,} operations up to date",
        idle,
        f"< {MOST_SECONDS:g} s",
        idle < MOST_SECONDS,
    )
    calls = sum(installation.calls().values())
    yield Row("model calls in it", f"{calls}", f"{RUNS} runs", None, "0", calls == 0)
    starting = 0.0
    for step, models in STEPS.items():
        seconds, calls_made = _raise(installation, step, everything)
        seconds -= idle_cpu
        if step == "person_photos":
            starting = seconds
            yield Row("CPU for starting the processes of a model", f"{starting:.2f} s", "", None, "", None)
        seconds -= starting * len(set(models) - NO_PROCESS)
        yield from _raised(installation, step, models, calls_made, seconds)


def _raise(
    installation: _Installation, step: str, command: Sequence[str]
) -> tuple[float, list[dict[str, int]]]:
    """Raise the step's version a few times: seconds of CPU, the median; and the calls of each time."""
    before, seconds, calls = installation.versions, [], []
    for version in range(2, 2 + RAISES):
        installation.versions = ", ".join(filter(None, [before, f"{step}={version}"]))
        seconds.append(installation.run(*command).cpu)
        calls.append(installation.calls())
    return statistics.median(seconds), calls


def _raised(
    installation: _Installation,
    step: str,
    models: Sequence[str],
    calls: Sequence[dict[str, int]],
    seconds: float,
) -> Iterator[Row]:
    """``seconds`` of CPU, without what the command takes when there is nothing to do, and what processes take to start."""
    affected = {model: installation.rows[model] for model in models}
    wanted = sum(affected.values())
    yield Row(
        f"model calls after raising {step}, each of {RAISES} times",
        f"{max(sum(one.values()) for one in calls):,}",
        f"{wanted:,} rows affected",
        None,
        "equal",
        all(one == affected for one in calls),
    )
    if wanted < installation.scenes:
        return
    each = seconds / wanted * 1000
    counts = step != "lexical_index"  # it fills an index, which is its work
    yield Row(
        f"CPU for one operation of {step}",
        f"{each:.3f} ms",
        "a model that costs nothing" if counts else "the lexical index is filled",
        each,
        f"< {MOST_MILLISECONDS:g} ms" if counts else "",
        each < MOST_MILLISECONDS if counts else None,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
