"""The house with real processes: commands, killed by the system in the middle of their work."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from reprise.core.events import JobFinished, Progress, ScanFinished
from reprise.core.job import JobState
from tests.stateful.checks import MODELS, check
from tests.stateful.house import COMMIT_ROWS, House, Told
from tests.stateful.oracle import Ask
from tests.stateful.settling import settle
from tests.stateful.shelf import FOLDERS, Track

if TYPE_CHECKING:
    import random
    from pathlib import Path

OWNER = "ann"
MOST_KILLS = 3
EVENTS = {"scan_finished": ScanFinished, "job_finished": JobFinished, "progress": Progress}
ITEM_SECONDS = 0.03
MOST_FILES = 12


class ProcessSite:
    """A house whose jobs are commands. Files change only while no job waits."""

    def __init__(self, folder: Path, blank: Path, path: list[str]) -> None:
        self.house = House(folder, blank, inside=False)
        self.house.most_lost = 2 * MOST_FILES  # how much a process has in hand is its own affair
        self._log = folder / "models.log"
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.house.close()

    def embed(self, ask: Ask, kill_after: float | None) -> bool:
        """Run the command, and kill it so long after its job began; whether it was killed."""
        house, told = self.house, Told()
        self._log.unlink(missing_ok=True)
        process = self._start(ask)
        with process:
            killed = self._listen(process, told, kill_after)
        if told.finished is None:
            assert killed, "the command ended, and nobody killed it"
        house.reopen()
        house.calls.clear()
        for line in self._log.read_text().splitlines() if self._log.exists() else []:
            model, path = line.split(" ", 1)
            house.calls[model, os.path.relpath(path, house.shelf.folder)] += 1
        house.died[OWNER] = house.died[OWNER] or killed
        self._settle(ask, told)
        return killed and told.finished is None

    def _settle(self, ask: Ask, told: Told) -> None:
        """As nothing changes between kills, planning once more plans the same."""
        house = self.house
        jobs = house.app.catalogue().jobs.all(OWNER, 1)
        known = house.oracles[OWNER].job
        is_new = bool(jobs) and (known is None or known.ended or known.id == jobs[0].id)
        house.at_work = jobs[0].id if is_new else ""
        house.planned = is_new and jobs[0].planned
        if told.finished is None and house.at_work and jobs[0].state is JobState.QUEUED:
            house.at_work = ""
        if house.planned and told.finished is None:
            house.after_scan(OWNER)
        settle(house, OWNER, ask, told)

    def _start(self, ask: Ask) -> subprocess.Popen[str]:
        models = [word for model in ask.models for word in ("--model", model)]
        force = ["--force"] if ask.wanted == "all" else []
        said = {
            "REPRISE_HOME": str(self.house.folder / "state"),
            "REPRISE_COMMIT_ROWS": str(COMMIT_ROWS),
            "REPRISE_WORKERS": "2",
            "PLUGIN_MODELS_LOG": str(self._log),
            "PLUGIN_MODELS_SECONDS": str(ITEM_SECONDS),
            "PYTHONPATH": os.pathsep.join(self._path),
        }
        folder = str(self.house.shelf.folder)
        return subprocess.Popen(
            [sys.executable, "-m", "reprise", "embed", folder, *models, *force, "--owner", OWNER, "--json"],
            env={**os.environ, **said},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _listen(self, process: subprocess.Popen[str], told: Told, kill_after: float | None) -> bool:
        """Read what it says; after the job's beginning it has so many seconds left."""
        assert process.stdout is not None
        killed = False
        for line in process.stdout:
            facts = json.loads(line) if line.endswith("\n") else {"event": "cut off"}
            if event := _event(facts):
                told.events.append(event)
                told.finished = event if isinstance(event, JobFinished) else told.finished
            if facts["event"] == "job_started" and kill_after is not None and not killed:
                time.sleep(kill_after)
                process.kill()
                killed = True
        return killed


def _event(facts: dict[str, Any]) -> Any:
    kind = EVENTS.get(facts["event"])
    if kind is None:
        return None
    given = {field.name: facts.get(field.name) for field in dataclasses.fields(kind) if field.init}
    return kind(**given)


def kill_sequence(site: ProcessSite, dice: random.Random) -> int:
    """Some files change, a job is killed up to three times, and then it comes to its end. Returns the kills."""
    house = site.house
    for _ in range(dice.randint(1, 4)):
        _change_something(house, dice)
    if dice.random() < 0.3:
        house.bump(dice.randint(1, 3))
    ask = Ask(MODELS, wanted=dice.choice(["missing", "all"]))
    kills = 0
    for _ in range(dice.randint(1, MOST_KILLS)):
        kills += site.embed(ask, dice.uniform(0.0, 1.5))
        check(house)
    site.embed(ask, None)
    check(house)
    return kills


def _change_something(house: House, dice: random.Random) -> None:
    shelf = house.shelf
    path = dice.choice(sorted(shelf.tracks))
    free = f"{dice.choice(FOLDERS)}{shelf.new_title()}.wav"
    what = dice.choice(["add", "add", "add", "change", "touch", "move", "delete"])
    if what == "add" and len(shelf.tracks) < MOST_FILES:
        shelf.write(free, Track(shelf.new_sound(bad=dice.random() < 0.2), shelf.new_title()))
    elif what == "change":
        shelf.write(path, Track(shelf.new_sound(bad=False), shelf.tracks[path].title))
    elif what == "touch":
        shelf.touch(path)
    elif what == "move":
        shelf.move(path, free)
    elif what == "delete" and len(shelf.tracks) > 1:
        shelf.delete(path)
    house.counts[what] += 1
