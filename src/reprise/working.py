"""Composition root of workers: jobs of all owners, worked on by processes that share the catalogue."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise import __version__
from reprise.core.health import DEGRADED, OK, Component
from reprise.core.job import Control, ModelState
from reprise.core.sharing import WorkerFacts
from reprise.core.spec import PIPELINE_VERSION
from reprise.engine.quiet import QuietGate
from reprise.engine.slices import uncounted
from reprise.engine.start import HOST
from reprise.errors import BadSetting, BrokerAway, JobConflict, RepriseError
from reprise.runners.dramatiq.bell import Bell
from reprise.runners.dramatiq.brokers import AMQP_SCHEMES, parsed
from reprise.runners.dramatiq.reconciling import Reconciler, Ticking
from reprise.runners.dramatiq.shift import WORTH_SHARING, Shift, SliceTold
from reprise.runners.health import Answer, answering, as_json, readiness
from reprise.runners.supervisor import Post, Supervisor, signals_counted, start_worker
from reprise.runners.worker_figures import KIND, WorkerFigures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reprise.app import App
    from reprise.core.events import Emit
    from reprise.core.job import Job
    from reprise.core.records import Jobs
    from reprise.engine.crew import ShareEnd
    from reprise.engine.slices import Committed

BEAT_SECONDS = 10.0
"""How often a worker says in the catalogue that it is there."""
SILENT_SECONDS = 4 * BEAT_SECONDS
"""One that was not heard of for so long is not there any more."""
LOOK_SECONDS = 2.0
"""How often a worker looks whether help is wanted, and tells its supervisor how it is."""
ORDERLY_SECONDS = 20.0
"""How long the slice in hand may take to let go when the process is to end; then it is interrupted."""
LONGEST_AMQP_SLICE = 1200.0
"""Seconds. RabbitMQ takes a message that is worked on for 30 minutes for lost, and hands it out once more."""
LOOKOUT_SECONDS = 5.0
STALE_SECONDS = 60.0
"""What was looked at so long ago is not known any more."""
RECENT_JOBS = 20
"""Of so many of an owner's newest jobs is known when the owner had the last turn."""

log = logging.getLogger(__name__)


def refuse_unshared(app: App) -> None:
    """Raises ``BadSetting`` where workers could not see each other's work."""
    if not app.storage.shared:
        raise BadSetting(
            "workers need a catalogue that all of them reach, and catalogue_url is not set",
            cure="set catalogue_url and broker_url, see docs/workers.md",
        )


def bell_of(app: App) -> Bell:
    """Raises ``BadSetting`` when no broker is named, or the address names none."""
    url = app.settings.text("broker_url")
    if not url:
        raise BadSetting(
            "workers are woken by a broker, and broker_url is not set",
            cure="set broker_url, as redis://:PASSWORD@HOST:6379/0, see docs/workers.md",
        )
    parsed(url)
    return Bell(url, app.settings.number("server_timeout"))


def reconciler_of(app: App) -> Reconciler:
    """What rings for jobs that nobody is at. Raises ``BadSetting``."""
    refuse_unshared(app)
    return Reconciler(SharedWork(app), bell_of(app))


def ticking_of(app: App) -> Ticking:
    """A thread that reconciles, not started yet. Raises ``BadSetting``."""
    return Ticking(reconciler_of(app))


@contextmanager
def hosting(app: App) -> Iterator[None]:
    """Inside the block jobs in the queue are for workers, so no command takes one over. Raises ``JobConflict``."""
    with app.storage.shared_locks.share(HOST) as there:
        if not there:
            raise JobConflict(
                "a server without broker_url runs the jobs of this installation",
                cure="give it the setting broker_url as well, or stop it",
            )
        yield


@dataclass(slots=True)
class SharedWork:
    """Implements ``runners.dramatiq.shift.Workplace`` for all owners of an installation. ``emit`` hears of the work,
    ``committed`` of each commit as ``engine.job_work.Workshop`` says."""

    app: App
    emit: Emit = lambda _event: None
    committed: Committed = uncounted
    _views: dict[str, App] = field(default_factory=dict)

    @property
    def jobs(self) -> Jobs:
        return self.app.catalogue().jobs

    def of(self, owner: str) -> App:
        """The installation as the owner sees it, kept for the next time."""
        return self._views.setdefault(owner, self.app.of(owner))

    def alive(self, job: Job) -> bool:
        return self.app.job_alive(job.id)

    def pending(self, job: Job) -> int:
        ended = {ModelState.FINISHED, ModelState.FAILED}
        for result in job.models:
            if result.state not in ended and result.space_id is not None:
                ledger = self.app.catalogue().ledger
                return ledger.waiting(job.owner, job.id, result.space_id, WORTH_SHARING)
        return 0

    def quiet(self, job: Job) -> bool:
        return self._gate.quiet_until(job) is not None

    @property
    def _gate(self) -> QuietGate:
        return QuietGate(lambda: self.app.settings.text("quiet_hours"))

    def last_served(self, owner: str) -> float:
        return max((job.served_at for job in self.jobs.all(owner, RECENT_JOBS)), default=0.0)

    def work(self, job: Job, seconds: float, stop: Callable[[], bool]) -> ShareEnd:
        return self.of(job.owner).work_on(job, seconds, stop, self.emit, self.committed)

    def follow(self, job: Job) -> None:
        """The next stage of taking videos in, the record of a reprocessing."""
        from reprise.filming import Filming
        from reprise.reprocessing import Reprocessor

        view = self.of(job.owner)
        if job.request.run:
            Reprocessor(view).settle(job.request.run)
        Filming(view).go_on(self.jobs.get(job.owner, job.id))

    def cancel(self, job: Job) -> None:
        try:
            self.of(job.owner).stop_job(job, Control.CANCEL)
        except JobConflict:
            log.info("job %s has ended by itself", job.id)


class WorkerProcess:
    """One worker: one device, one slice at a time. ``told`` hears facts for whoever watches over it, ``emit`` of the
    work."""

    def __init__(
        self, app: App, stop: Callable[[], bool], told: Callable[[Mapping[str, Any]], None], emit: Emit
    ) -> None:
        refuse_unshared(app)
        self._app = app
        self._told = told
        self._stop = stop
        self._operations: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._work = SharedWork(app, emit, self._count)
        self._beat_at = 0.0
        self._over = threading.Event()
        settings = app.settings
        url, seconds = settings.text("broker_url"), settings.number("slice_seconds")
        if url and parsed(url).scheme in AMQP_SCHEMES:
            seconds = min(seconds, LONGEST_AMQP_SLICE)
        self.shift = Shift(self._work, bell_of(app) if url else None, seconds, stop, self._tell_slice)

    def _count(self, model: str, done: int, failed: int) -> None:
        counts = self._operations[model]
        counts[0] += done
        counts[1] += failed

    def until_told(self) -> None:
        """Work whenever somebody rings, until told to stop; then let go of what is in hand, in order."""
        from reprise.engine.crew import ShareEnd
        from reprise.runners.dramatiq.consuming import consuming

        settings = self._app.settings
        url = bell_of(self._app).url

        def serve(job_id: str) -> bool:
            return self.shift.serve(job_id) is not ShareEnd.AWAY

        with self._there(), consuming(url, settings.number("server_timeout"), serve):
            while not self._stop():
                time.sleep(0.1)
            deadline = time.monotonic() + ORDERLY_SECONDS
            while self.shift.serving and time.monotonic() < deadline:
                time.sleep(0.05)

    def once(self) -> bool:
        """Work until nothing is left for this process, woken by nobody; whether all servers were there."""
        from reprise.engine.crew import ShareEnd

        end: ShareEnd | None = None
        with self._there():
            while not self._stop():
                end = self.shift.serve()
                if end in {None, ShareEnd.NOTHING, ShareEnd.AWAY}:
                    break
        return end is not ShareEnd.AWAY

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Inside the block others see that this worker is there, and what it is at."""
        with hosting(self._app):
            thread = threading.Thread(target=self._look_around, name="beat", daemon=True)
            thread.start()
            try:
                yield
            finally:
                self._over.set()
                thread.join()
                self._tell()
                with suppress(RepriseError):  # it is forgotten by itself
                    self._app.catalogue().workers.leave(self._app.storage.holder)

    def _look_around(self) -> None:
        while True:
            self._beat()
            self.shift.call_for_help()
            self._tell()
            if self._over.wait(LOOK_SECONDS):
                return

    def _beat(self) -> None:
        now = time.monotonic()
        if self._beat_at and now - self._beat_at < BEAT_SECONDS:
            return
        self._beat_at = now
        try:
            self._app.catalogue().workers.beat(self._facts())
        except RepriseError as error:
            self.shift.tally.fault(error)
            log.warning("the worker cannot say that it is there: %s", error.message)

    def _facts(self) -> WorkerFacts:
        job = self.shift.at
        return WorkerFacts(
            id=self._app.storage.holder,
            host=socket.gethostname(),
            pid=os.getpid(),
            device=self._app.settings.text("device"),
            release=__version__,
            spec_version=PIPELINE_VERSION,
            job_id=job.id if job else None,
            started_at=0.0,
            seen_at=0.0,
        )

    def _tell(self) -> None:
        job, tally = self.shift.at, self.shift.tally
        self._told(
            {
                "event": "worker_beat",
                "job_id": job.id if job else None,
                "slices": {str(end): count for end, count in tally.slices.items()},
                "busy_seconds": round(self.shift.busy_seconds, 3),
                "operations": {model: list(counts) for model, counts in self._operations.items()},
                "error": tally.error,
                "error_text": tally.error_text,
                "error_at": tally.error_at,
            }
        )

    def _tell_slice(self, told: SliceTold) -> None:
        self._told(
            {
                "event": "slice_finished",
                "job_id": told.job.id,
                "owner": told.job.owner,
                "spec_version": told.job.spec_version,
                "slice": told.number,
                "end": str(told.end),
                "seconds": round(told.seconds, 3),
            }
        )


def work_supervised(app: App, told: Callable[[Mapping[str, Any]], None], emit: Emit, *, once: bool) -> int:
    """As the process of a supervisor, which holds the other end of standard input; returns the exit code.

    ``told`` hears what the supervisor is to know, ``emit`` of the work.
    """
    from reprise.runners.hosted import follow_parent
    from reprise.runners.signals import interruptible

    with interruptible() as interruption:
        follow_parent()
        process = WorkerProcess(app, interruption.stops, told, emit)
        if once:
            return 0 if process.once() else 1
        process.until_told()
    return 0


class Lookout:
    """Looks every few seconds whether what workers need is there, and rings for jobs that nobody is at."""

    def __init__(self, app: App, supervisor: Supervisor, bell: Bell | None) -> None:
        self._app = app
        self._supervisor = supervisor
        self._bell = bell
        self._ticking = Ticking(Reconciler(SharedWork(app), bell)) if bell else None
        self._checks: dict[str, Callable[[], str]] = {"catalogue": self._catalogue, "store": self._store}
        if bell is not None:
            self._checks["broker"] = self._broker
        self._found: dict[str, Component] = {}
        self._over = threading.Event()
        self._queue: int | None = None
        self._looked_at = 0.0
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def __enter__(self) -> Lookout:
        self._thread.start()
        if self._ticking is not None:
            self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._ticking is not None:
            self._ticking.stop()
        self._thread.join()

    def components(self) -> list[Component]:
        """What is known; nothing is looked at for the answer."""
        unknown = "has not been looked at yet"
        found = [self._found.get(name, Component(name, DEGRADED, unknown)) for name in self._checks]
        if self._looked_at and time.monotonic() - self._looked_at > STALE_SECONDS:
            found.append(Component("lookout", DEGRADED, "a server takes long to answer"))
        up = sum(worker.up for worker in self._supervisor.workers)
        text = f"{up} of {len(self._supervisor.workers)} run"
        return [*found, Component("workers", OK if up else DEGRADED, text, "" if up else "see what they log")]

    def pages(self) -> dict[str, Callable[[], Answer]]:
        """What is answered over HTTP."""
        figures = WorkerFigures(self._supervisor.workers, lambda: self._queue, self._waiting)
        return {
            "/health/live": lambda: as_json({"status": OK, "version": __version__}),
            "/health/ready": lambda: readiness(self.components()),
            "/metrics": lambda: Answer(200, figures.text(), KIND),
        }

    def _waiting(self) -> int | None:
        return self._ticking.reconciler.waiting if self._ticking else None

    def _run(self) -> None:
        while True:
            for name, check in self._checks.items():
                self._found[name] = self._checked(name, check)
            self._looked_at = time.monotonic()
            if self._over.wait(LOOKOUT_SECONDS):
                return

    def _checked(self, name: str, check: Callable[[], str]) -> Component:
        try:
            return Component(name, OK, check())
        except RepriseError as error:
            return Component(name, DEGRADED, error.message, error.cure)
        except OSError as error:
            return Component(name, DEGRADED, str(error))

    def _catalogue(self) -> str:
        self._app.catalogue().feed.newest()
        return "answers"

    def _store(self) -> str:
        """Asks a space of each model that answers searches; before there is one, whether the store opens."""
        store, owner = self._app.store, self._app.owner
        pointers = self._app.catalogue().spaces.pointers(owner)
        spaces = [pointer.space for pointer in pointers if pointer.space.dimension]
        count = sum(store.count(owner, space.name) for space in spaces)
        return f"{count:,} vectors answer searches"

    def _broker(self) -> str:
        self._queue = None
        if self._bell is not None:
            self._queue = self._bell.waiting()
        return f"{self._queue or 0} messages wait"


def supervise(
    app: App,
    devices: Sequence[str],
    told: Callable[[Mapping[str, Any]], None],
    *,
    once: bool = False,
    health: tuple[str, int] | None = None,
) -> int:
    """Run a worker process per device until told to stop; returns the exit code. ``health``: host and port of its pages.

    Raises ``BadSetting``, ``CatalogueError`` kinds, ``BrokerRefused``, and ``JobConflict`` when a server runs jobs itself.
    A broker that is away is waited for.
    """
    refuse_unshared(app)
    named = bool(app.settings.text("broker_url"))
    bell = bell_of(app) if named or not once else None
    app.catalogue(create=True)
    if bell is not None:
        _warn_of_absence(bell)
    variables = app.settings.variables()
    posts = [Post(number, device) for number, device in enumerate(devices, 1)]
    supervisor = Supervisor(
        posts, lambda post: start_worker(post, app.home, variables, once=once), told, once=once
    )
    with ExitStack() as stack:
        asked = stack.enter_context(signals_counted())
        stack.enter_context(hosting(app))
        lookout = stack.enter_context(Lookout(app, supervisor, bell))
        if health is not None:
            url = stack.enter_context(answering(*health, lookout.pages()))
            told({"event": "health", "url": url})
        return supervisor.run(asked)


def _warn_of_absence(bell: Bell) -> None:
    try:
        bell.waiting()
    except BrokerAway as error:
        log.warning("%s; workers go on calling it", error.message)


def devices_of(app: App, chosen: Sequence[str], processes: int | None) -> list[str]:
    """One device per worker process: those chosen; else every graphics card; else what the settings say.

    With ``processes`` so many workers share them in turn.
    """
    device = app.settings.text("device")
    cards = [f"cuda:{number}" for number in range(graphics_cards())] if device == "auto" else []
    devices = list(chosen) or (cards if len(cards) > 1 else [device])
    return [devices[number % len(devices)] for number in range(processes or len(devices))]


def graphics_cards(folder: Path = Path("/dev")) -> int:
    """NVIDIA cards that this process may use, counted without loading what uses them."""
    there = len(list(folder.glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (
        there if visible is None else min(there, len([name for name in visible.split(",") if name.strip()]))
    )


def workers_there(app: App) -> list[WorkerFacts]:
    """The workers of all machines that were heard of lately, the longest there first."""
    return list(app.catalogue().workers.all(SILENT_SECONDS))
