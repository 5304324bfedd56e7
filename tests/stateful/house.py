"""One installation in this process: what can be done to it, each with what the oracle makes of it."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import shutil
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from reprise.app import App
from reprise.catalog.sqlite import open_sqlite
from reprise.core.events import Event, JobFinished, Progress
from reprise.core.job import Clear, Control
from reprise.core.plan import Selection, Wanted
from reprise.settings import load_settings
from tests.stateful.death import Death, Died, MortalStore
from tests.stateful.inside import ROOM, encodings
from tests.stateful.oracle import COVERAGE, Ask, Oracle, Room
from tests.stateful.settling import settle
from tests.stateful.shelf import ALWAYS, Shelf, Track

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.events import Emit
    from reprise.core.items import Library
    from reprise.core.job import Job

OWNERS = ("ann", "bob")
COMMIT_ROWS = 2
MOST_IN_HAND = ROOM + COMMIT_ROWS
"""Of what was computed a death costs at most so much."""


_entry_points = importlib.metadata.entry_points


@functools.cache
def _installed_once(**selected: str) -> Any:
    """What is installed, read once: nothing is installed meanwhile, and each look reads every package's files."""
    return _entry_points(**selected)


def blank_catalogue(folder: Path) -> Path:
    """An empty catalogue, made once: making one takes longer than a whole sequence. Copy, do not change."""
    path = folder / "blank.sqlite"
    open_sqlite(path, create=True).close()
    return path


@dataclass(frozen=True)
class Stop:
    """How a job is interrupted: ``pause`` or ``cancel`` at an event, ``die`` at a step, by their number."""

    how: str
    at: int


@dataclass
class Told:
    """What a run said, and how it ended: ``finished`` is ``None`` when it died."""

    events: list[Event] = field(default_factory=list)
    finished: JobFinished | None = None

    def has(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    def percents(self) -> list[float]:
        return [event.percent for event in self.events if isinstance(event, Progress)]


class House:
    """Two owners of one folder. Whatever does not agree raises ``AssertionError``."""

    def __init__(self, folder: Path, blank: Path, *, inside: bool = True) -> None:
        self.folder = folder
        self.shelf = Shelf(folder / "music")
        self.death = Death()
        self.oracles = {owner: Oracle({"steady": 1, "epochal": 1}) for owner in OWNERS}
        self.counts: Counter[str] = Counter()
        """Steps that were really carried out, and how jobs ended."""
        self.percent: dict[str, float] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        """Of the job at hand: how often each model was given each path."""
        self.scanned = dict.fromkeys(OWNERS, False)
        """Whether the owner's catalogue is as the last quiet scan left it."""
        self.planned = False
        """Whether the run at hand has committed its plan."""
        self.at_work = ""
        """Which job it works on."""
        self._in_plan = False
        self.loose: dict[str, set[str]] = {owner: set() for owner in OWNERS}
        """Models of which a death may have left vectors that no row knows, until the next run of them."""
        self.died = dict.fromkeys(OWNERS, False)
        """Whether a job of the owner's ever died: rows that wait may have a vector already since."""
        self.most_lost = MOST_IN_HAND
        self._stack = ExitStack()
        self._inside = inside
        self._environment(epoch=1, sick=True)
        self._patches()
        (folder / "state").mkdir(parents=True)
        shutil.copyfile(blank, folder / "state" / "catalogue.sqlite")
        self.app = self._opened()
        self.shelf.write(ALWAYS, Track(self.shelf.new_sound(bad=False), self.shelf.new_title()))

    def close(self) -> None:
        self.app.close()
        self._stack.close()

    # the machine

    def _environment(self, *, epoch: int, sick: bool) -> None:
        said = {"PLUGIN_MODELS_EPOCH": str(epoch), "PLUGIN_MODELS_SICK": "1" if sick else ""}
        self._stack.enter_context(mock.patch.dict(os.environ, said))

    def _patches(self) -> None:
        """Wishes to stop are heard at once, and models work in this process."""
        swap = self._stack.enter_context
        swap(mock.patch("reprise.engine.slices.CONTROL_SECONDS", 0.0))
        work = App._run

        def noted(app: App, job: Job, *arguments: Any, **named: Any) -> JobFinished:
            self.at_work = job.id
            return work(app, job, *arguments, **named)

        swap(mock.patch.object(App, "_run", noted))
        swap(mock.patch("importlib.metadata.entry_points", _installed_once))
        if self._inside:
            swap(mock.patch("reprise.engine.turn.make_encoding", encodings(self._called)))

    def _called(self, model: str, path: str) -> None:
        self.calls[model, os.path.relpath(path, self.shelf.folder)] += 1

    def _opened(self) -> App:
        said = {"commit_rows": COMMIT_ROWS, "commit_seconds": 3600.0, "cutover_coverage": COVERAGE}
        app = App(load_settings(said, {"REPRISE_HOME": str(self.folder / "state")}))
        catalogue: Any = app.catalogue()
        database = catalogue._database
        database.transaction = self.death.transactions(database.transaction, self._on_commit)
        catalogue.ledger.plan = self._planning(catalogue.ledger.plan)
        app.storage._store = MortalStore(app.store, self.death)
        return app

    def _on_commit(self) -> None:
        """Heard also when that was the last thing that the process did."""
        self.planned = self.planned or self._in_plan

    def _planning(self, plan: Callable[..., Any]) -> Callable[..., Any]:
        def planning(*arguments: Any, **named: Any) -> Any:
            self._in_plan = True
            try:
                return plan(*arguments, **named)
            finally:
                self._in_plan = False

        return planning

    def reopen(self) -> None:
        """The process ends, and another one begins."""
        self.app.close()
        self.death.threaten(0)
        self.app = self._opened()

    def of(self, owner: str) -> App:
        return self.app.of(owner)

    def library(self, owner: str) -> Library:
        return self.of(owner).library_of(self.shelf.folder)[0]

    # what people do

    def scan(self, owner: str, *, forget: bool = False) -> None:
        """``forget``: what was gone before is not kept any longer."""
        app = self.of(owner)
        library = self.library(owner)
        days = 0.0 if forget else 30.0
        with mock.patch.dict(app.settings.values, {"keep_missing_days": days}):
            app.scan(library, lambda _event: None)
        self.after_scan(owner, forget=forget)

    def after_scan(self, owner: str, *, forget: bool = False) -> None:
        catalogue, library = self.app.catalogue(), self.library(owner)
        ids = catalogue.libraries.item_ids(owner, library.id)
        items = catalogue.items.get(owner, ids).values()
        found = {os.fsdecode(item.path): item.id for item in items if item.missing_since is None}
        missing = {item.id: os.fsdecode(item.path) for item in items if item.missing_since is not None}
        self.oracles[owner].scanned(
            self.shelf.sounds(), found, missing, forget=forget, after_death=self.died[owner]
        )
        self.scanned[owner] = True

    def embed(self, owner: str, ask: Ask, stop: Stop | None = None) -> Told:
        """Start a job, or go on with the one that waits for the same."""
        app, library = self.of(owner), self.library(owner)
        selection = Selection(
            owner,
            library.id,
            os.fsencode(ask.folder.rstrip("/")),
            wanted=Wanted(ask.wanted),
            error_code=ask.code,
        )
        told = Told()

        def run() -> JobFinished:
            emit = self.emit(owner, told, stop)
            return app.embed(selection, ask.models, emit, told=lambda _text: None, clear=Clear(ask.clear))

        self._run(owner, ask, told, run, stop)
        return told

    def resume(self, owner: str, stop: Stop | None = None) -> Told | None:
        """Go on with the job that waits, whatever it is."""
        waiting = self.oracles[owner].job
        if waiting is None or waiting.ended:
            return None
        job = self.app.catalogue().jobs.get(owner, waiting.id)
        told = Told()
        app = self.of(owner)
        run = lambda: app.resume(job, self.emit(owner, told, stop))  # noqa: E731
        self._run(owner, waiting.ask, told, run, stop)
        return told

    def stop_waiting(self, owner: str) -> bool:
        """Cancel the job that waits."""
        waiting = self.oracles[owner].job
        if waiting is None or waiting.ended:
            return False
        job = self.app.catalogue().jobs.get(owner, waiting.id)
        assert not self.of(owner).stop_job(job, Control.CANCEL), "nobody runs it"
        waiting.ended = True
        return True

    def dismiss(self, owner: str) -> bool:
        count = self.app.catalogue().ledger.dismiss(owner)
        assert count == self.oracles[owner].dismiss()
        return count > 0

    def bump(self, epoch: int) -> None:
        """The next release of the model is installed, or an earlier one."""
        self._environment(epoch=epoch, sick=self.oracles[OWNERS[0]].sick)
        for oracle in self.oracles.values():
            oracle.epochs["epochal"] = epoch
        self.reopen()

    def set_sick(self, *, sick: bool) -> None:
        self._environment(epoch=self.oracles[OWNERS[0]].epochs["epochal"], sick=sick)
        for oracle in self.oracles.values():
            oracle.sick = sick

    # what comes of it

    def emit(self, owner: str, told: Told, stop: Stop | None) -> Emit:
        def emit(event: Event) -> None:
            told.events.append(event)
            if stop and stop.how != "die" and len(told.events) == stop.at:
                jobs = self.app.catalogue().jobs
                if not jobs.get(owner, self.at_work).state.ended:
                    jobs.ask(owner, self.at_work, Control(stop.how))

        return emit

    def _run(
        self, owner: str, ask: Ask, told: Told, run: Callable[[], JobFinished], stop: Stop | None
    ) -> None:
        self.calls.clear()
        self.planned, self.at_work = False, ""
        self.death.threaten(stop.at if stop and stop.how == "die" else 0)
        try:
            told.finished = run()
        except Died:
            self.counts["deaths"] += 1
            self.died[owner] = True
            self.reopen()
        else:
            self.death.threaten(0)
            self.counts[f"jobs {told.finished.state}"] += 1
        settle(self, owner, ask, told)

    # what the checks ask

    def vector(self, sound: str, room: Room) -> NDArray[np.float32]:
        models: Any = importlib.import_module("reprise_stateful_models")  # only inside ``installed``
        found: NDArray[np.float32] = models.vector_of(sound, room.model, room.epoch)
        return found

    def empty_room(self, owner: str, model: str) -> Room:
        """The space that the model would fill, were it asked for the first time in this epoch."""
        return Room(model, self.oracles[owner].epochs[model])
