"""One installation of Reprise in a temporary folder, with music, and ways to run it as its users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from reprise.app import App
from reprise.core.job import Clear
from reprise.core.plan import Selection, Wanted
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reprise.core.events import Event, JobFinished
    from reprise.core.space import Space

PATIENCE_SECONDS = 60.0
"""How long a test waits for what must happen; a noisy machine is no failure."""

PLUGIN_FOLDER = Path(__file__).parent / "plugin_models"


def install_plugin_models(folder: Path) -> list[str]:
    """What pip leaves behind: a dist-info that names the entry points. Returns what belongs on the import path."""
    sys.path.insert(0, str(PLUGIN_FOLDER))
    try:
        from reprise_plugin_models import MODELS
    finally:
        sys.path.remove(str(PLUGIN_FOLDER))
    info = folder / "reprise_plugin_models-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: reprise-plugin-models\nVersion: 1.0\n")
    lines = [f"{kind.name} = reprise_plugin_models:{kind.__name__}" for kind in MODELS]
    info.joinpath("entry_points.txt").write_text("\n".join(["[reprise.models]", *lines]) + "\n")
    return [str(folder), str(PLUGIN_FOLDER)]


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Poll until the condition holds; returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds:.0f} s: {condition}")


@dataclass
class Outcome:
    """What a command left behind."""

    code: int
    events: list[dict[str, Any]]
    stderr: str

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


@dataclass
class Ran:
    """What a run in this process did."""

    finished: JobFinished
    events: list[Event] = field(default_factory=list)

    def named(self, name: str) -> list[Any]:
        return [event for event in self.events if event.name == name]


class Home:
    """A state folder, a music folder and the environment in which commands run."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.music = folder / "music"
        self.music.mkdir(parents=True)
        self.state = folder / "state"
        self.log = folder / "models.log"
        self.log.touch()
        self.environment = {
            **environment,
            "REPRISE_HOME": str(self.state),
            "PLUGIN_MODELS_LOG": str(self.log),
        }

    def add(self, *names: str, content: str = "", folder: Path | None = None) -> list[Path]:
        """Files of a few bytes, each of its own content unless the content is given."""
        paths = [(folder or self.music) / f"{name}.mp3" for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content or 'sound'} of {path.stem}")
        return paths

    def add_many(self, count: int, prefix: str = "t") -> list[Path]:
        return self.add(*(f"{prefix}{n:04d}" for n in range(count)))

    # commands, as processes of their own

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "reprise", *arguments, "--json"],
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> Outcome:
        return outcome_of(self.start(*arguments, **variables))

    def embed(self, *arguments: str, **variables: str) -> Outcome:
        return self.run("embed", str(self.music), *arguments, **variables)

    # the same in this process

    def app(self, **flags: object) -> App:
        return App(load_settings(flags, self.environment))

    def run_here(
        self,
        *models: str,
        told: Callable[[str], None] = lambda _: None,
        on_event: Callable[[Event], None] = lambda _: None,
        app: App | None = None,
        music: Path | None = None,
        flags: Mapping[str, object] | None = None,
        wanted: Wanted = Wanted.MISSING,
        clear: Clear = Clear.NOTHING,
        **chosen: Any,
    ) -> Ran:
        """Scan and embed in this process; ``chosen`` narrows the selection."""
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            on_event(event)

        with app or self.app(**(flags or {})) as opened:
            library, inside = opened.library_of(music or self.music)
            chosen.setdefault("folder", inside)
            selection = Selection(opened.owner, library.id, wanted=wanted, **chosen)
            finished = opened.embed(selection, models or ("null",), emit, told=told, clear=clear)
        return Ran(finished, events)

    # what is to be seen afterwards

    def notes(self, kind: str) -> list[list[str]]:
        """The lines of one kind that the models logged."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [words[1:] for words in lines if words and words[0] == kind]

    def computed(self, model: str = "null") -> Counter[str]:
        """How often each file was computed."""
        return Counter(name for by, name in self.notes("item") if by == model)

    def space(self, model: str = "null", owner: str = "default") -> Space:
        """The newest space of the model."""
        with self.app() as app:
            return [space for space in app.catalogue().spaces.all(owner) if space.model == model][-1]

    def stored(self, model: str = "null", owner: str = "default") -> list[int]:
        """Keys in the store, ascending."""
        space = self.space(model, owner)
        with self.app() as app:
            return [key for keys, _ in app.store.scan(owner, space.name) for key in keys]

    def rows(self, model: str = "null", owner: str = "default") -> dict[str, int]:
        """Ledger rows of the model's newest space by state, and vectors."""
        space = self.space(model, owner)
        with self.app() as app:
            return app.catalogue().ledger.counts(owner, space.id)

    def failures(self) -> dict[str, str]:
        """Code by the file's name without its suffix."""
        with self.app() as app:
            return {Path(f.path).stem: f.code for f in app.catalogue().ledger.failures(app.owner)}

    def assert_sound(self, models: tuple[str, ...] = ("null",), owner: str = "default") -> None:
        """Store, ledger and the newest job's counters tell the same, and nothing is open."""
        with self.app() as app:
            catalogue = app.catalogue()
            job = catalogue.jobs.all(owner, 1)[0]
            for result in job.models:
                if result.model not in models:
                    continue
                space = catalogue.spaces.get(owner, result.space_id or 0)
                counts = catalogue.ledger.counts(owner, space.id)
                assert not counts.get("pending")
                assert not counts.get("leased")
                expected = list(catalogue.ledger.with_vector(owner, space.id))
                stored = [key for keys, _ in app.store.scan(owner, space.name) for key in keys]
                assert stored == expected
                assert result.counters.finished == result.counters.total
                assert result.counters.failed == counts.get("failed", 0)


def is_running(process: psutil.Process) -> bool:
    """Whether the process is there and not only waiting to be buried."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def outcome_of(process: subprocess.Popen[str]) -> Outcome:
    """Wait for a command's end."""
    with process:
        stdout, stderr = process.communicate(timeout=2 * PATIENCE_SECONDS)
    return Outcome(process.returncode, [json.loads(line) for line in stdout.splitlines() if line], stderr)


def read_until(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    """Read a command's lines up to the first event of that name."""
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == name:
            return event
    raise AssertionError(f"the command ended before {name}")


def plugin_environment(path: list[str]) -> dict[str, str]:
    """This process's environment, without its own Reprise settings, with the plug-in on the import path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REPRISE_", "PLUGIN_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(path), "REPRISE_WORKERS": "2", "REPRISE_WATCH": "no"}
