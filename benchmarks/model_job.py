"""Jobs with neural models, run as people run them, with the time of each event and the memory of all processes.

As a program it runs one job inside itself and says what memory that left: ``python -m benchmarks.model_job FOLDER
MODEL …``. Settings come from the environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.measure import PYTHON, ROOT
from benchmarks.peer import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Bench:
    """One set-up for all measurements of a run: where things lie and how models run.

    ``coverage`` is what the product would choose on this machine.
    """

    folder: Path
    weights: Path
    precision: str = "auto"
    device: str = "auto"
    coverage: str = "sampled"

    def settings(self, home: str, **changed: str) -> dict[str, str]:
        """For the environment of a job with a state folder of its own; weights and what is remembered are shared."""
        chosen = {
            "weights": str(self.weights),
            "cache": str(self.folder / "cache"),
            "precision": self.precision,
            "device": self.device,
            "coverage": self.coverage,
            "offline": "yes",
            **changed,
        }
        variables = {f"REPRISE_{name.upper()}": value for name, value in chosen.items()}
        return {**variables, "REPRISE_HOME": str(self.folder / "homes" / home)}

    def work(
        self, model: str, track: Path, copies: int = 1, *, most_windows: int = 0, **changed: Any
    ) -> Work:
        """The same for a peer; ``changed`` replaces choices, and ``window`` and ``hop`` of who cuts by itself."""
        from reprise.core.choices import ModelChoices

        own = {name: changed.pop(name) for name in ("window", "hop") if name in changed}
        chosen = asdict(
            ModelChoices(
                weights=str(self.weights),
                cache=str(self.folder / "cache"),
                precision=self.precision,
                device=self.device,
                offline=True,
            )
        )
        chosen |= {"coverage": self.coverage} | changed
        output = self.folder / "peers" / f"{model}-{'-'.join(map(str, [*own.values(), *changed.values()]))}"
        return Work(model, chosen, str(track), copies, str(output), most_windows, **own)


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of a job, and when it was read, in seconds of one clock."""

    at: float
    event: dict[str, Any]

    def is_(self, name: str, model: str = "") -> bool:
        return bool(self.event["event"] == name and model in {"", self.event.get("model")})


@dataclass(slots=True)
class Told:
    """All that a job told. ``memory`` samples, each with its time, are MB of the job's process and all below it."""

    heard: list[Heard] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)

    @property
    def most_memory(self) -> float:
        """MB of all processes together."""
        return max(megabytes for _, megabytes in self.memory)

    def at(self, name: str, model: str = "") -> float:
        """When the last event of that name came. Raises ``StopIteration`` when none did."""
        return next(heard.at for heard in reversed(self.heard) if heard.is_(name, model))

    def event(self, name: str, model: str = "") -> dict[str, Any]:
        return next(heard.event for heard in reversed(self.heard) if heard.is_(name, model))

    def working_seconds(self, model: str) -> float:
        """From the model's being loaded to its turn's end: decoded, encoded, stored, checked, switched to."""
        return self.at("model_finished", model) - self.at("model_loaded", model)


def embed(library: Path, models: Sequence[str], settings: dict[str, str]) -> Told:
    """``reprise embed`` to its end. Raises ``RuntimeError`` when anything failed."""
    chosen = [word for model in models for word in ("--model", model)]
    return _followed([PYTHON, "-m", "reprise", "embed", str(library), *chosen, "--json"], settings)


def embed_watched(library: Path, models: Sequence[str], settings: dict[str, str]) -> Told:
    """The same inside one process of this module, memory watched; its last event is ``memory``."""
    command = [PYTHON, "-m", "benchmarks.model_job", str(library), *models]
    return _followed(command, settings, watched=True)


def _followed(command: list[str], settings: dict[str, str], *, watched: bool = False) -> Told:
    told, ended = Told(), threading.Event()
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, told.memory, ended))
        if watched:
            watcher.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                told.heard.append(Heard(time.perf_counter(), json.loads(line)))
        finally:
            ended.set()
            if watched:
                watcher.join()
    finished = next((heard.event for heard in told.heard if heard.is_("job_finished")), None)
    if process.returncode or finished is None or finished["state"] != "completed":
        raise RuntimeError(f"the job did not complete: exit code {process.returncode}, {finished}")
    return told


def _watch(pid: int, samples: list[tuple[float, float]], ended: threading.Event) -> None:
    while not ended.wait(SAMPLE_SECONDS):
        samples.append((time.perf_counter(), sum(tree_memory(pid).values())))


def tree_memory(pid: int) -> dict[int, float]:
    """MB of a process and all below it, by process: what several share is divided among them where Linux says how."""
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    return {process.pid: megabytes for process in family if (megabytes := _own_memory(process))}


def _own_memory(process: psutil.Process) -> float:
    try:
        facts = process.memory_full_info()
    except psutil.Error:  # it ended meanwhile
        return 0.0
    return float(getattr(facts, "pss", facts.rss)) / 2**20


def make_songs(folder: Path, songs: int, seconds: float) -> Path:
    """A folder with one MP3 of that length under many names; each is decoded and embedded like any other."""
    from reprise.demo.compose import render
    from reprise.demo.encode import write_audio
    from reprise.demo.styles import style_named

    folder.mkdir(parents=True)
    piece = render(style_named("rock"), 1, seconds)
    first = write_audio(folder / "0.mp3", piece.samples, piece.sample_rate, kbps=192)
    for number in range(1, songs):
        os.link(first, folder / f"{number}.mp3")
    return folder


def main(arguments: Sequence[str]) -> int:
    """Scan, then one job in this process, its events and at last its memory before and after, as JSON lines."""
    from reprise.app import App
    from reprise.core.plan import Selection
    from reprise.settings import load_settings

    with App(load_settings({})) as app:
        library, inside = app.library_of(Path(arguments[0]))
        app.scan(library, lambda _: None)  # whatever that needs is loaded before memory is looked at
        before = psutil.Process().memory_info().rss
        selection = Selection(app.owner, library.id, folder=inside)
        app.embed(selection, arguments[1:], lambda event: _print(event.as_dict()), told=_print_note)
        after = psutil.Process().memory_info().rss
    _print({"event": "memory", "before_mb": before / 2**20, "after_mb": after / 2**20})
    return 0


def _print(event: dict[str, Any]) -> None:
    print(json.dumps(event, default=str), flush=True)


def _print_note(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
