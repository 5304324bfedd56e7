"""An installation on real servers whose jobs worker processes run: what the benchmarks of workers share."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.postgres import Postgres, running_postgres
from tests.servers.redis import Redis, running_redis

from benchmarks.measure import PYTHON
from reprise.app import App
from reprise.core.job import JobRequest, Priority
from reprise.core.plan import Selection
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.job import Job

PACKAGE = Path(__file__).parent / "fixed_cost"
MODEL = "fixed-cost"
LOOK_SECONDS = 0.05


@dataclass
class Workers:
    """A running ``reprise worker``, and what it has told."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def pids(self) -> list[int]:
        """The worker processes, each as it was last started."""
        started = [line for line in list(self.lines) if line["event"] == "worker_started"]
        return list({line["worker"]: line["pid"] for line in started}.values())


@dataclass
class CrewSite:
    """Catalogue and vectors lie in PostgreSQL, each in a server of its own; Redis wakes workers."""

    folder: Path
    catalogue: Postgres
    store: Postgres
    redis: Redis
    item_seconds: float = 0.02
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def music(self) -> Path:
        return self.folder / "music"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.folder / "packages"), str(PACKAGE)]),
            "FIXED_COST_SECONDS": str(self.item_seconds),
            "FIXED_COST_LOG": str(self.log),
            "REPRISE_HOME": str(self.folder / "home"),
            "REPRISE_WORKERS": "1",
            **self.settings,
        }

    def fill(self, items: int) -> None:
        """Files of a few bytes, and the model's package as pip leaves it."""
        info = self.folder / "packages" / "reprise_fixed_cost-1.0.dist-info"
        info.mkdir(parents=True)
        info.joinpath("METADATA").write_text(
            "Metadata-Version: 2.1\nName: reprise-fixed-cost\nVersion: 1.0\n"
        )
        info.joinpath("entry_points.txt").write_text(
            f"[reprise.models]\n{MODEL} = reprise_fixed_cost:FixedCost\n"
        )
        sys.path[:0] = [str(info.parent), str(PACKAGE)]  # whoever asks for the job looks the model up, too
        self.log.mkdir()
        for number in range(items):
            file = self.music / f"{number // 1000:03}" / f"{number:06}.mp3"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"sound {number}")

    def renew(self) -> None:
        """Empty databases; nothing is taken down yet."""
        self.settings |= {
            "REPRISE_CATALOGUE_URL": self.catalogue.database(),
            "REPRISE_STORE": "pgvector",
            "REPRISE_STORE_URL": self.store.database(),
            "REPRISE_BROKER_URL": self.redis.url(),
        }
        self.redis.flush()
        for file in self.log.iterdir():
            file.unlink()

    def app(self) -> App:
        return App(load_settings({}, self.environment))

    def enqueue(self, app: App) -> Job:
        """Scan, so that the time of a job is that of its work, then put the job into the queue."""
        from reprise.core.job import never

        library, _ = app.library_of(self.music)
        app.scan(library, lambda _event: None, never)
        request = JobRequest(Selection(app.owner, library.id), (MODEL,))
        return app.enqueue(request, priority=Priority.BACKFILL, asked_by="benchmarks")

    @contextmanager
    def workers(self, count: int) -> Iterator[Workers]:
        """So many worker processes under one supervisor, all of them started."""
        process = subprocess.Popen(
            [PYTHON, "-m", "reprise", "worker", "--processes", str(count), "--json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "workers.log").open("a"),
            text=True,
        )
        workers = Workers(process)
        reader = threading.Thread(target=_read, args=(process, workers.lines), daemon=True)
        reader.start()
        try:
            with self.app() as app:
                until(lambda: len(app.catalogue().workers.all(60.0)) >= count, 120.0)
            yield workers
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reader.join()

    def computed(self) -> Counter[str]:
        """How often each file was computed."""
        return Counter(words[0] for words in self._logged())

    def model_cpu(self) -> float:
        """Seconds that the model itself took."""
        return sum(float(words[1]) for words in self._logged())

    def _logged(self) -> list[list[str]]:
        """Names and seconds; a line that its process was killed at is left out."""
        lines = [line.split() for file in self.log.iterdir() for line in file.read_text().splitlines()]
        return [words for words in lines if len(words) == 2]


def _read(process: subprocess.Popen[str], lines: list[dict[str, Any]]) -> None:
    assert process.stdout is not None
    lines.extend(json.loads(line) for line in process.stdout)


def until(condition: Any, seconds: float) -> None:
    """Poll until the condition holds. Raises ``TimeoutError``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class CrewRun:
    """One job by so many workers. ``cpu``: of all worker processes, their start and end included; ``model_cpu``: that part
    of it which is the model's own."""

    seconds: float
    cpu: float
    model_cpu: float
    most_computed: int
    computed_again: int
    done: int
    stored: int


def run_job(site: CrewSite, count: int, meanwhile: Any = None) -> CrewRun:
    """Time from the ring to the end of the job. ``meanwhile``: called with the workers once the job is in the queue."""
    site.renew()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with site.app() as app:
        app.catalogue(create=True)
        with site.workers(count) as workers:
            job = site.enqueue(app)
            began = time.monotonic()
            if meanwhile is not None:
                meanwhile(app, job, workers)
            until(lambda: ended(app, job), 3600.0)
            seconds = time.monotonic() - began
        finished = app.catalogue().jobs.get(job.owner, job.id)
        space = app.catalogue().spaces.all(job.owner)[-1]
        stored = sum(len(keys) for keys, _ in app.store.scan(job.owner, space.name))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    times = site.computed()
    again = sum(number - 1 for number in times.values())
    return CrewRun(seconds, cpu, site.model_cpu(), max(times.values()), again, finished.counters.done, stored)


def ended(app: App, job: Job) -> bool:
    """Whether the job has, as far as its database answers."""
    from reprise.errors import CatalogueError

    try:
        return app.catalogue().jobs.get(job.owner, job.id).state.ended
    except CatalogueError:
        return False


@contextmanager
def crew_site(folder: Path, items: int, item_seconds: float) -> Iterator[CrewSite]:
    """Three servers and a library of so many files."""
    with ExitStack() as stack:
        site = CrewSite(
            folder,
            stack.enter_context(running_postgres()),
            stack.enter_context(running_postgres()),
            stack.enter_context(running_redis()),
            item_seconds,
        )
        site.fill(items)
        yield site
