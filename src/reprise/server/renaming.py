"""Renaming in the background: plans are made and carried out whoever waits for them, and whether anybody does."""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reprise.core.events import RenameFinished, RenameProgress, RenameStarted
from reprise.core.listing import Filters
from reprise.engine.scan import ScanStopped
from reprise.errors import NotFound, RenameConflict, RepriseError, UsageError
from reprise.rename.template import Template
from reprise.renaming import Renaming
from reprise.server.folder_paths import read_folder
from reprise.server.rename_shelf import Kept, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.app import App
    from reprise.core.events import Emit, Event
    from reprise.core.rename_journal import Session
    from reprise.server.house import House

    Run = Callable[[Emit, Callable[[], bool]], Session]

BEGIN_SECONDS = 25.0
"""How long a request waits for the journal of what it starts; a request that nobody answers is worse."""

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class _StoppedError(Exception):
    """Nobody wants the plan any more."""


@dataclass(slots=True)
class Planning:
    """A plan that is being made."""

    plan: Kept
    total: int | None
    done: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def told(self, done: int) -> None:
        self.done = done
        if self.stop.is_set():
            raise _StoppedError


class Working:
    """Files that are being renamed, forth or back, in a thread of its own. ``ear`` hears every event before it goes on."""

    def __init__(self, run: Run, ear: Callable[[Event, threading.Event], None] | None = None) -> None:
        self._run = run
        self._ear = ear
        self.stopping = threading.Event()
        self.session_id = ""
        self.back = False
        self.now: RenameProgress | None = None
        self.error: BaseException | None = None
        self._begun = threading.Event()
        self.thread = threading.Thread(target=self._work, name="renaming")

    def begin(self) -> None:
        """Start, and return when it is known which session it is. Raises what was in the way."""
        self.thread.start()
        if not self._begun.wait(BEGIN_SECONDS):
            self.stop()
            raise RenameConflict(
                "a scan of the library is in the way, or the journal takes long; nothing is renamed",
                cure="try again in a moment",
            )
        if self.error is not None and not self.session_id:
            raise self.error

    def stop(self) -> None:
        """End after the file in hand."""
        self.stopping.set()

    @property
    def alive(self) -> bool:
        return self.thread.is_alive()

    def _work(self) -> None:
        try:
            self._run(self._emit, self.stopping.is_set)
        except (RepriseError, ScanStopped) as error:
            self.error = error
        except Exception as error:
            log.exception("renaming failed")
            self.error = error
        finally:
            self._begun.set()

    def _emit(self, event: Event) -> None:
        if isinstance(event, RenameStarted):
            self.session_id, self.back = event.session_id, event.undo
            self._begun.set()
        elif isinstance(event, RenameProgress):
            self.now = event
        if self._ear is not None and isinstance(event, RenameStarted | RenameProgress | RenameFinished):
            self._ear(event, self.stopping)


class Renamings:
    """A ``Service``: plans one after another for each owner, and any number of sessions at once."""

    name = "renaming"

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._plannings: dict[str, Planning] = {}
        self._workings: list[Working] = []
        self.shelf = Shelf(house.app.home / "plans")

    def start(self) -> None:
        """Nothing: what a killed server left is said to be interrupted, and waits for somebody's word."""

    def stop(self) -> None:
        with self._lock:
            plannings, workings = list(self._plannings.values()), list(self._workings)
        for planning in plannings:
            planning.stop.set()
        for working in workings:
            working.stop()
        for thread in [planning.thread for planning in plannings] + [working.thread for working in workings]:
            if thread is not None:
                thread.join()
        self.shelf.close()

    def trouble(self) -> str:
        return ""

    # plans

    def plan(self, app: App, wanted: Kept) -> Planning:
        """Begin to make a plan. Raises ``BadTemplate``, ``NotFound``, ``RenameConflict`` while another is made."""
        Template.parse(wanted.template)
        library = app.catalogue().libraries.get(app.owner, wanted.library_id)
        inside = read_folder(wanted.folder)
        app.source(library).folders(inside)  # is there, in the library, and may be read
        with self._lock:
            if any(one.plan.owner == app.owner for one in self._plannings.values()):
                raise RenameConflict("a plan is being made already", cure="wait for it, or cancel it")
            planning = Planning(self.shelf.new(wanted), self._expected(app, wanted, inside))
            planning.thread = threading.Thread(target=self._plan, args=(app, planning), name="plan")
            self._plannings[planning.plan.id] = planning
            planning.thread.start()
        self.shelf.make_room(app.owner, [planning.plan.id])
        return planning

    def planning(self, plan_id: str) -> Planning | None:
        """The plan when it is being made now."""
        with self._lock:
            return self._plannings.get(plan_id)

    def now(self, plan: Kept) -> tuple[Kept, Planning | None]:
        """The plan as it is this moment, however long ago it was read: while it is being made with how far that is."""
        if (planning := self.planning(plan.id)) is not None:
            return plan, planning
        with suppress(NotFound):  # it was removed since
            return self.shelf.get(plan.owner, plan.id), None
        return plan, None

    def drop(self, owner: str, plan_id: str) -> None:
        """Forget a plan; one that is being made goes as soon as it is left. Raises ``NotFound``."""
        plan = self.shelf.get(owner, plan_id)
        if (planning := self.planning(plan_id)) is not None:
            planning.stop.set()
        self.shelf.remove(plan)

    @staticmethod
    def _expected(app: App, wanted: Kept, inside: bytes) -> int | None:
        """How many tracks the catalogue knows there."""
        if not wanted.recursive:
            return None
        filters = Filters(library_id=wanted.library_id, folder=inside)
        return app.catalogue().listing.count(app.owner, filters) or None

    def _plan(self, app: App, planning: Planning) -> None:
        plan = planning.plan
        library = app.catalogue().libraries.get(app.owner, plan.library_id)
        folder = Path(os.fsdecode(os.path.join(library.root, read_folder(plan.folder))))
        try:
            made = Renaming(app).plan(
                folder,
                plan.template,
                self.shelf.plan_file(plan),
                recursive=plan.recursive,
                audio=plan.audio,
                sidecars=plan.sidecars,
                told=planning.told,
            )
            counts = {status.value: count for status, count in made.counts.items()}
            self._keep(planning, replace(plan, counts=counts))
        except _StoppedError:
            self.shelf.remove(plan)
        except RepriseError as error:
            self._keep(planning, replace(plan, error=error.message))
        except Exception:
            log.exception("the plan %s failed", plan.id)
            self._keep(planning, replace(plan, error="the server made a mistake: see its log"))
        finally:
            with self._lock:
                self._plannings.pop(plan.id, None)

    def _keep(self, planning: Planning, plan: Kept) -> None:
        if planning.stop.is_set():
            self.shelf.remove(plan)
            return
        try:
            self.shelf.write(plan)
        except RepriseError as error:
            log.warning("the plan %s is lost: %s", plan.id, error.message)

    # sessions

    def work(self, run: Run, ear: Callable[[Event, threading.Event], None] | None = None) -> Working:
        """Carry out a plan, or take it back; returns when its session is known. Raises what is in its way."""
        working = Working(run, ear)
        with self._lock:
            self._workings = [one for one in self._workings if one.alive or not one.thread.ident]
            self._workings.append(working)
        working.begin()
        return working

    def at_work(self, session_id: str) -> Working | None:
        """Who carries out the session in this server now."""
        with self._lock:
            return next((one for one in self._workings if one.session_id == session_id and one.alive), None)

    def apply(
        self,
        app: App,
        plan: Kept,
        *,
        only: set[int] | None,
        leave: set[int],
        sidecars: bool,
        references: list[str],
        ear: Callable[[Event, threading.Event], None] | None = None,
    ) -> Working:
        """Carry out a plan that is made. Raises ``BadPlan``, ``RenameConflict``, ``LibraryError``."""
        path = self.shelf.plan_file(plan)
        if plan.counts is None or not path.exists():
            raise NotFound(f"the plan {plan.id} is not made", cure="wait for it, or make a new one")
        chosen = self._chosen(plan, only, leave)

        def run(emit: Emit, stop: Callable[[], bool]) -> Session:
            return Renaming(app, each=ear is not None).apply(
                path, emit, stop, only=chosen, sidecars=sidecars, references=[Path(one) for one in references]
            )

        working = self.work(run, ear)
        self.shelf.write(replace(plan, session_id=working.session_id))
        return working

    def _chosen(self, plan: Kept, only: set[int] | None, leave: set[int]) -> set[int] | None:
        if not leave:
            return only
        return (set(range(plan.total)) if only is None else only) - leave


def new_plan(
    app: App, library_id: int, folder: str, template: str, *, recursive: bool, audio: bool, sidecars: bool
) -> Kept:
    """What is asked for, before it has an id."""
    return Kept("", app.owner, library_id, folder, template, recursive, audio, sidecars, time.time())


def within_seconds(work: Callable[[], Answer], seconds: float) -> Answer:
    """What ``work`` gives. Raises ``UsageError`` when it takes longer; it comes to its own end then, unheard."""
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except Exception as error:  # noqa: BLE001 - who waits gets it
            answer.set_exception(error)

    threading.Thread(target=run, name="bounded work", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise UsageError(
            f"there is too much in it to say within {seconds:.0f} seconds", cure="take a folder below it"
        ) from None
